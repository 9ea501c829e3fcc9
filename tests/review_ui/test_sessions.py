"""Signing in: sessions are ours, short, and die when they should."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlalchemy import select

from models.canonical import sha256_hex
from models.clock import utc_now
from models.errors import BadInput, NotAllowed
from models.officers import LoginSession, Officer, officer_named
from review_ui.passwords import MIN_CHARACTERS, hash_password, password_matches
from review_ui.sessions import FREE_ATTEMPTS, confirm_password


def test_the_right_password_opens_the_front_page(site):
    page = site.sign_in("supervisor1").get("/")
    assert page.status_code == 200
    assert "Selamat bertugas, Supervisor1" in page.text


def test_a_page_leads_a_stranger_to_the_sign_in_and_back_again(site):
    stranger = site.stranger()
    answer = stranger.get("/telaah")
    assert (answer.status_code, answer.headers["location"]) == (303, "/masuk?lanjut=/telaah")
    assert 'name="lanjut" value="/telaah"' in stranger.get(answer.headers["location"]).text
    answer = site.submit_sign_in(stranger, "supervisor1", site.PASSWORD, lanjut="/telaah")
    assert answer.headers["location"] == "/telaah"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil"])
def test_signing_in_never_leads_to_another_site(site, elsewhere):
    answer = site.submit_sign_in(site.stranger(), "supervisor1", site.PASSWORD, lanjut=elsewhere)
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("username", ["supervisor1", "nobody"])
def test_a_wrong_password_and_an_unknown_name_look_the_same(site, username):
    answer = site.submit_sign_in(site.stranger(), username, "bukan-kata-sandinya")
    assert answer.status_code == 403
    assert "Nama pengguna atau kata sandi tidak cocok." in answer.text
    assert "netra_sesi" not in answer.headers.get("set-cookie", "")


def test_a_name_is_locked_after_too_many_failures_and_opens_again(site):
    for _ in range(FREE_ATTEMPTS):
        site.submit_sign_in(site.stranger(), "supervisor1", "bukan-kata-sandinya")
    answer = site.submit_sign_in(site.stranger(), "supervisor1", site.PASSWORD)
    assert answer.status_code == 403
    assert "dikunci" in answer.text
    with site.world.database.write() as session:
        officer_named(session, "supervisor1").locked_until = utc_now() - dt.timedelta(seconds=1)
    assert site.submit_sign_in(site.stranger(), "supervisor1", site.PASSWORD).status_code == 303


def test_a_locked_name_looks_like_an_unknown_one(site):
    def last_answer(username):
        for _ in range(FREE_ATTEMPTS + 1):
            answer = site.submit_sign_in(site.stranger(), username, "bukan-kata-sandinya")
        return answer.status_code, re.sub(r'name="form_token" value="[^"]+"', "", answer.text)

    assert last_answer("supervisor1") == last_answer("nobody")


def test_the_database_knows_only_the_hash_of_the_cookie(site):
    client = site.sign_in("supervisor1").client
    token = client.cookies["netra_sesi"]
    with site.world.database.read() as session:
        row = session.scalars(select(LoginSession)).one()
    assert row.token_hash == sha256_hex(token.encode())
    assert token not in (row.token_hash, row.csrf_token)


def test_signing_in_again_gives_a_fresh_token_and_ends_the_old_session(site):
    client = site.sign_in("supervisor1").client
    old = client.cookies["netra_sesi"]
    site.submit_sign_in(client, "supervisor1", site.PASSWORD)
    assert client.cookies["netra_sesi"] != old
    stale = site.stranger()
    stale.cookies.set("netra_sesi", old)
    assert stale.get("/").status_code == 303


def test_a_session_expires(site):
    browser = site.sign_in("supervisor1")
    with site.world.database.write() as session:
        session.scalars(select(LoginSession)).one().expires_at = utc_now()
    assert browser.get("/").status_code == 303


def test_signing_out_ends_the_session_on_the_server(site):
    browser = site.sign_in("supervisor1")
    token = browser.client.cookies["netra_sesi"]
    answer = browser.post("/keluar")
    assert answer.headers["clear-site-data"] == '"storage"'
    again = site.stranger()
    again.cookies.set("netra_sesi", token)
    assert again.get("/").status_code == 303


def test_a_deactivated_officer_is_out_at_once(site):
    browser, admin = site.sign_in("supervisor1"), site.sign_in("admin")
    with site.world.database.read() as session:
        officer_id = officer_named(session, "supervisor1").id
    admin.post(f"/petugas/{officer_id}/nonaktif")
    assert browser.get("/").status_code == 303
    assert site.submit_sign_in(site.stranger(), "supervisor1", site.PASSWORD).status_code == 403


def test_cookies_are_strict_and_secure_wherever_there_is_tls(site):
    plain = site.submit_sign_in(site.stranger(), "supervisor1", site.PASSWORD).headers["set-cookie"]
    tls = site.submit_sign_in(site.stranger("https://netra.example"), "supervisor1", site.PASSWORD)
    for cookie in (plain, tls.headers["set-cookie"]):
        assert "netra_sesi=" in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
    assert "Secure" in tls.headers["set-cookie"]
    assert "Secure" not in plain.split("netra_sesi=")[1].split(",")[0]


def test_the_sign_in_form_must_be_ours(site):
    client = site.stranger()
    client.get("/masuk")
    data = {"username": "supervisor1", "password": site.PASSWORD, "form_token": "guessed"}
    assert client.post("/masuk", data=data).status_code == 403
    assert "netra_sesi" not in client.cookies


def test_the_language_is_kept_with_the_officer_and_before_signing_in_with_the_browser(site):
    browser = site.sign_in("supervisor1")
    browser.post("/bahasa", {"bahasa": "en", "lanjut": "/"})
    assert "Welcome, Supervisor1" in browser.get("/").text
    with site.world.database.read() as session:
        assert session.get_one(Officer, site.world.supervisors[0].id).language == "en"
    stranger = site.stranger()
    stranger.cookies.set("netra_bahasa", "en")
    assert "Sign in" in stranger.get("/masuk").text


def test_a_short_password_is_refused():
    with pytest.raises(BadInput):
        hash_password("x" * (MIN_CHARACTERS - 1))


def test_hashes_are_salted_argon2id_and_nothing_else_matches():
    first, second = hash_password("kata-sandi-panjang"), hash_password("kata-sandi-panjang")
    assert first.startswith("$argon2id$")
    assert first != second
    assert password_matches(first, "kata-sandi-panjang")
    assert not password_matches(first, "kata-sandi-panjanG")
    assert not password_matches("unusable", "kata-sandi-panjang")
    assert not password_matches(None, "kata-sandi-panjang")


def test_a_wrong_password_at_a_signature_counts_towards_the_lock(site):
    with site.world.database.read() as session:
        officer = officer_named(session, "supervisor1")
    for _ in range(FREE_ATTEMPTS):
        assert not confirm_password(site.world.database, officer, "bukan-kata-sandinya")
    with pytest.raises(NotAllowed):
        confirm_password(site.world.database, officer, site.PASSWORD)
