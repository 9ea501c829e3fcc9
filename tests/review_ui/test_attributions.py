"""Attributions on the pages: every source beside the claim, “bukan akun saya” at once, another officer afterwards."""

from __future__ import annotations

from sqlalchemy import select

from models.accounts import Attribution, AttributionState, note_holder
from models.accounts.rows import Account
from models.clock import utc_now
from models.mandates import Mandate
from models.people import Person, StaffStatus, enrol
from models.reviews import Answer
from models.targets import Target


def the_claim(site):
    with site.world.database.read() as session:
        return session.scalars(select(Attribution)).one()


def not_mine(browser, site, **changes):
    fields = {"siapa": "Sari Melur", "jalur": "letter", "kapan": "2026-10-05T09:30", "pernyataan": "<i>Tiruan</i>"}
    return browser.post(f"/atribusi/{the_claim(site).id}/bukan-akun-saya", {**fields, **changes})


def test_whoever_verifies_sees_every_source_and_says_what_tells_namesakes_apart(site):
    with site.world.database.write() as session:
        claim = session.scalars(select(Attribution)).one()
        claim.state, claim.verified_by = AttributionState.CLAIMED, None
        mandate = session.get_one(Mandate, site.world.mandate.id)
        enrol(session, site.world.vault, mandate, Person("Sari Melur Wening, S.Pd.", "197001011995012003",
              StaffStatus.PNS), actor="test")  # fmt: skip
    operator = site.sign_in("operator")
    source = {"jenis": "witness", "rujukan": "Kepala sekolah", "catatan": "<b>kenal</b>", "dilihat": "2026-10-01"}
    assert operator.post(f"/atribusi/{claim.id}/sumber", source).status_code == 303
    supervisor = site.sign_in("supervisor1")
    page = supervisor.get("/atribusi").text
    for told in ("Tautan di halaman resmi sekolah", "Kepala sekolah", "&lt;b&gt;kenal", "1 orang lain", "pembeda"):
        assert told in page
    refused = supervisor.post(f"/atribusi/{claim.id}/verifikasi")
    assert refused.status_code == 422
    assert "membedakan" in refused.text
    answer = supervisor.post(f"/atribusi/{claim.id}/verifikasi", {"pembeda": "Foto di papan nama"})
    assert answer.status_code == 303
    assert the_claim(site).distinction == "Foto di papan nama"


def test_not_my_account_stops_at_once_and_another_officer_resolves_it(any_site):
    site = any_site
    supervisor = site.sign_in("supervisor1")
    assert not_mine(supervisor, site).status_code == 303
    assert the_claim(site).state is AttributionState.SUSPENDED
    page = supervisor.get("/atribusi?tab=ditangguhkan").text
    assert "&lt;i&gt;Tiruan&lt;/i&gt;" in page
    assert "Diminta oleh Sari Melur (surat)" in page
    step = f"/atribusi/{the_claim(site).id}/"
    assert f"{step}pulihkan" not in page
    own = supervisor.post(f"{step}pulihkan", {"alasan": "keliru"})
    assert own.status_code == 403
    assert "petugas lain" in own.text
    other = site.sign_in("operator2")
    assert f"{step}akhiri" in other.get("/atribusi?tab=ditangguhkan").text
    assert other.post(f"{step}pulihkan", {"alasan": "yang meminta orang lain"}).status_code == 303
    assert the_claim(site).state is AttributionState.VERIFIED


def test_an_incomplete_request_stops_nothing(site):
    operator = site.sign_in("operator")
    for wrong in (
        {"siapa": ""},
        {"pernyataan": " "},
        {"jalur": "merpati"},
        {"kapan": "kemarin"},
        {"kapan": "2999-01-01"},
    ):
        assert not_mine(operator, site, **wrong).status_code == 422
    assert the_claim(site).state is AttributionState.VERIFIED


def test_an_auditor_reads_and_decides_nothing(site):
    auditor = site.sign_in("auditor")
    assert "bukan-akun-saya" not in auditor.get("/atribusi?tab=terverifikasi").text
    assert not_mine(auditor, site).status_code == 403


def test_a_confidence_is_lowered_with_a_reason_and_never_raised(site):
    operator = site.sign_in("operator")
    path = f"/atribusi/{the_claim(site).id}/turunkan"
    assert operator.post(path, {"keyakinan": "confirmed_by_holder", "alasan": "x"}).status_code == 422
    assert operator.post(path, {"keyakinan": "single_source", "alasan": "halaman lama"}).status_code == 303
    assert the_claim(site).confidence == "single_source"


def test_the_history_of_a_page_is_shown_and_the_officer_says_which_id_is_the_persons(site):
    with site.world.database.write() as session:
        account, target = session.get_one(Account, site.world.account.id), session.get_one(Target, site.world.target.id)
        for platform_id in ("17", "99"):
            note_holder(session, account, platform_id, "sari", utc_now(), target)
    operator = site.sign_in("operator2")
    page = operator.get("/atribusi?tab=ditangguhkan").text
    assert "Halaman kini milik akun lain" in page
    assert ">17<" in page
    assert '<option value="99">' in page
    operator.post(
        f"/atribusi/{the_claim(site).id}/pulihkan", {"alasan": "akun baru orang yang sama", "id_platform": "99"}
    )
    with site.world.database.read() as session:
        assert session.get_one(Account, site.world.account.id).external_id == "99"


def test_a_reviewer_is_told_that_the_attribution_is_suspended_and_cannot_confirm(site, verdict):
    flag = site.picture_flag()
    not_mine(site.sign_in("operator"), site)
    supervisor = site.sign_in("supervisor2")
    assert "tidak dapat dipastikan" in supervisor.get(f"/temuan/{flag.id}").text
    refused = supervisor.post(f"/temuan/{flag.id}/putusan", verdict())
    assert refused.status_code == 403
    assert "ditangguhkan" in refused.text
    assert supervisor.post(f"/temuan/{flag.id}/putusan", verdict(Answer.NO.value)).status_code == 303
