"""What holds for every request and every answer."""

from __future__ import annotations

import re

import pytest

from models.errors import BadInput
from review_ui.app import SIGNED_IN_PAGES
from review_ui.config import UiConfig
from review_ui.shield import ANSWER_HEADERS

PAGES = ["/", "/telaah", "/laporan", "/sasaran", "/atribusi", "/mandat", "/tidak-ada", "/petugas"]


def test_another_host_name_is_refused(site):
    assert site.stranger("http://rebound.example").get("/masuk").status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": ""},
    ],
)
def test_a_form_sent_from_another_site_is_refused(site, headers):
    browser = site.sign_in("supervisor1")
    flag = site.world.ready_flag()
    data = {"csrf_token": browser.token(), "alasan": "kenal"}
    answer = browser.client.post(f"/temuan/{flag.id}/mundur", data=data, headers=headers)
    assert answer.status_code == 403


def test_a_form_without_any_sign_of_its_origin_is_refused(site):
    client = site.sign_in("supervisor1").client
    del client.headers["Origin"]
    assert client.post("/keluar").status_code == 403


def test_every_form_of_signed_in_pages_needs_the_session_token(site):
    client = site.sign_in("supervisor1").client
    paths = [
        re.sub(r"\{\w+\}", "01", route.path)
        for page in SIGNED_IN_PAGES
        for route in page.router.routes
        if "POST" in route.methods
    ]
    assert len(paths) > 15
    for path in paths:
        for data in ({}, {"csrf_token": "wrong"}, {"csrf_token": "é"}):
            answer = client.post(path, data=data)
            assert answer.status_code == 403, path
            assert "sudah kedaluwarsa" in answer.text, path


def test_a_body_that_is_too_large_is_refused_with_and_without_its_length(make_site):
    site = make_site(max_body_bytes=2_000)
    client = site.sign_in("supervisor1").client
    assert client.post("/keluar", content=b"x" * 3_000).status_code == 413

    def chunks():
        for _ in range(40):
            yield b"x" * 100

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/keluar", content=chunks(), headers=form).status_code >= 400
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("path", [*PAGES, "/static/netra.css", "/masuk"])
def test_every_answer_carries_the_strict_headers(site, path):
    answer = site.sign_in("supervisor1").get(path)
    for name, value in ANSWER_HEADERS.items():
        assert answer.headers[name] == value
    assert "'unsafe" not in answer.headers["content-security-policy"]


def test_even_a_failure_of_ours_carries_the_headers_and_tells_nothing(site, monkeypatch):
    browser = site.sign_in("supervisor1")
    monkeypatch.setattr("review_ui.pages.queue.verdicts_today", lambda *_: 1 / 0)
    answer = browser.get("/telaah")
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == ANSWER_HEADERS["Content-Security-Policy"]
    assert "ZeroDivision" not in answer.text


@pytest.mark.parametrize("username", ["supervisor1", "operator", "auditor", "admin"])
def test_no_page_needs_inline_script_or_style(site, username):
    site.picture_flag()
    browser = site.sign_in(username)
    for path in [*PAGES, "/pengawasan", "/operasi"]:
        page = browser.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page), path


@pytest.mark.parametrize(
    "origin",
    ["http://netra.example", "https://netra.example/path", "ftp://netra.example", "netra.example", "HTTPS://A"],
)
def test_an_origin_that_cannot_be_safe_is_refused(origin):
    with pytest.raises(BadInput):
        UiConfig(origins=(origin,))


def test_methods_that_no_page_has_are_refused(site):
    assert site.stranger().request("TRACE", "/masuk").status_code == 405
    assert site.stranger().delete("/masuk").status_code == 405
