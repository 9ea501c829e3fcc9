"""A report's life through the pages."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from models.reports import Report, ReportState, signed_content


@pytest.fixture
def confirmed(site, verdict):
    """A flag that two people confirmed."""
    flag = site.world.ready_flag()
    for username in ("supervisor1", "supervisor2"):
        site.sign_in(username).post(f"/temuan/{flag.id}/putusan", verdict())
    return flag


@pytest.fixture
def draft(site, confirmed):
    """The address of a draft report of that flag."""
    answer = site.sign_in("supervisor1").post("/laporan", {"temuan": [confirmed.id], "nomor": "001/LHP/XI/2026"})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


def only_report(site):
    """The one report there is."""
    with site.world.database.read() as session:
        return session.scalars(select(Report)).one()


def sign(site, draft, password=None):
    """Fill in what must be, and sign."""
    browser = site.sign_in("supervisor1")
    browser.post(f"{draft}/isi", {"tempat_kejadian": "Tanjung Seruni"})
    return browser.post(f"{draft}/tanda-tangan", {"password": password or site.PASSWORD})


def test_a_draft_keeps_what_the_officer_fills_in(site, draft):
    browser = site.sign_in("supervisor2")
    browser.post(f"{draft}/isi", {"tempat_kejadian": "Tanjung Seruni", "tanggal_diketahui": "2026-11-21"})
    assert only_report(site).fields == {"tempat_kejadian": "Tanjung Seruni", "tanggal_diketahui": "2026-11-21"}
    page = browser.get(draft).text
    assert 'value="Tanjung Seruni"' in page
    assert 'value="2026-11-21"' in page


def test_a_day_that_is_none_is_refused(site, draft):
    assert site.sign_in("supervisor1").post(f"{draft}/isi", {"tanggal_diketahui": "kemarin"}).status_code == 422
    assert only_report(site).fields == {}


def test_the_preview_shows_every_section_and_what_is_empty(site, draft):
    page = site.sign_in("supervisor1").get(f"{draft}/pratinjau").text
    for letter in "ABCDEFGHIJKLMNO":
        assert f"Bagian {letter}" in page
    assert "belum diisi" in page
    assert "&lt;b&gt;Ayo&lt;/b&gt;" in page


def test_signing_waits_for_what_is_missing(site, draft):
    browser = site.sign_in("supervisor1")
    assert "Bagian F: tempat belum diisi" in browser.get(draft).text
    answer = browser.post(f"{draft}/tanda-tangan", {"password": site.PASSWORD})
    assert answer.status_code == 422
    assert only_report(site).state is ReportState.DRAFT


def test_signing_needs_the_officers_own_password(site, draft):
    answer = sign(site, draft, password="bukan-kata-sandinya")
    assert answer.status_code == 403
    assert "kata sandi tidak cocok" in answer.text.lower()
    assert only_report(site).state is ReportState.DRAFT


def test_a_signed_report_is_locked_and_keeps_the_bytes_that_were_signed(site, draft):
    assert sign(site, draft).status_code == 303
    report = only_report(site)
    content = signed_content(site.world.vault, report)
    assert json.loads(content)["signature"]["name"] == "Supervisor1"
    site.world.vault.signing_key.public_key().verify(report.signature, content)
    browser = site.sign_in("supervisor1")
    assert browser.get(f"{draft}/laporan.json").content == content
    assert browser.post(f"{draft}/isi", {"saksi": "baru"}).status_code == 409
    page = browser.get(draft).text
    assert report.content_sha256 in page
    assert 'action="' + draft + '/isi"' not in page


def test_downloads_are_attachments(site, draft):
    answer = site.sign_in("auditor").get(f"{draft}/laporan.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'attachment; filename="001-LHP-XI-2026.pdf"'
    assert answer.content.startswith(b"%PDF")


def test_a_signed_report_is_handed_over_followed_up_and_closed(site, draft):
    sign(site, draft)
    browser = site.sign_in("supervisor1")
    browser.post(f"{draft}/serah", {"tujuan": "bkn", "dokumen": "SBT-1"})
    step = {"langkah": "keputusan", "tanggal": "2026-12-01", "lembaga": "PPK", "dokumen": "SK-9", "catatan": "selesai"}
    browser.post(f"{draft}/tindak-lanjut", step)
    page = browser.get(draft).text
    for words in ("BKN melalui SBT", "SBT-1", "Keputusan PPK", "1 Desember 2026", "SK-9"):
        assert words in page
    browser.post(f"{draft}/tutup", {"hasil": "diputus"})
    assert only_report(site).state is ReportState.CLOSED


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("serah", {"tujuan": "teman"}),
        ("serah", {"tujuan": "lainnya", "tujuan_lain": ""}),
        ("tindak-lanjut", {"langkah": "entah", "tanggal": "2026-12-01"}),
        ("tindak-lanjut", {"langkah": "kajian", "tanggal": ""}),
        ("tarik", {"alasan": " "}),
    ],
)
def test_incomplete_steps_change_nothing(site, draft, path, data):
    sign(site, draft)
    assert site.sign_in("supervisor1").post(f"{draft}/{path}", data).status_code == 422
    assert only_report(site).state is ReportState.SIGNED


def test_a_withdrawn_report_frees_its_flag(site, draft, confirmed):
    browser = site.sign_in("supervisor1")
    assert f'value="{confirmed.id}"' not in browser.get("/laporan").text
    browser.post(f"{draft}/tarik", {"alasan": "salah nomor"})
    assert only_report(site).state is ReportState.WITHDRAWN
    assert f'value="{confirmed.id}"' in browser.get("/laporan").text


def test_a_flag_that_is_not_confirmed_is_not_reported(site):
    flag = site.world.ready_flag()
    answer = site.sign_in("supervisor1").post("/laporan", {"temuan": [flag.id], "nomor": "1"})
    assert answer.status_code == 409
