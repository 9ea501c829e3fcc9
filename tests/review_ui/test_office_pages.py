"""Targets, mandates, attributions, officers: each step through its page."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from models.accounts import Account, Attribution, AttributionState, Confidence, claim_attribution, save_account
from models.clock import utc_now
from models.health.counts import LAG, count_runs
from models.mandates import Mandate, MandateState, propose_mandate
from models.officers import Officer, officer_named
from models.people import CivilServant
from models.targets import RunOutcome, Target, add_target, end_run, start_run


@pytest.fixture
def claim(site):
    """An attribution that `operator` asserted."""
    with site.world.database.write() as session:
        account = save_account(session, source="feed", handle="@lain", url="https://lain.invalid/", actor="test")
        person = session.get_one(CivilServant, site.world.person.id)
        return claim_attribution(
            session, account, person, site.world.operator, evidence="tautan", confidence=Confidence.SINGLE_SOURCE
        ).id


def state_of(site, table, row_id):
    """The row's state now."""
    with site.world.database.read() as session:
        return session.get_one(table, row_id).state


def test_a_run_and_its_reason_are_shown(site):
    with site.world.database.write() as session:
        run = start_run(session, session.get_one(Target, site.world.target.id), due_at=utc_now(), actor="test")
        end_run(session, run, RunOutcome.FAILED, actor="test", reason="server menjawab <503>")
    count_runs(site.world.database, now=utc_now() + LAG)
    browser = site.sign_in("operator")
    for path in ("/sasaran", "/sasaran?tab=bermasalah", f"/sasaran/{site.world.target.id}"):
        page = browser.get(path).text
        assert "Gagal" in page
        assert "&lt;503&gt;" in page


def test_an_operator_pauses_resumes_and_runs_a_target_now(site):
    browser, path = site.sign_in("operator"), f"/sasaran/{site.world.target.id}"

    def target():
        with site.world.database.read() as session:
            return session.get_one(Target, site.world.target.id)

    browser.post(f"{path}/jeda")
    assert target().paused
    assert site.world.target.id in browser.get("/sasaran?tab=dijeda").text
    browser.post(f"{path}/lanjut")
    assert not target().paused
    with site.world.database.write() as session:
        session.get_one(Target, site.world.target.id).next_due_at = utc_now() + dt.timedelta(hours=5)
    browser.post(f"{path}/sekarang")
    assert target().next_due_at <= utc_now()
    assert site.sign_in("supervisor1").post(f"{path}/jeda").status_code == 403


def test_a_mandate_is_approved_by_a_second_officer_only(site):
    with site.world.database.write() as session:
        mandate = propose_mandate(
            session, site.world.operator, number="002/ST", legal_basis="surat", agency="Bawaslu",
            contest=site.world.contest, first_day=dt.date(2026, 11, 1), last_day=dt.date(2026, 11, 30),
        ).id  # fmt: skip
    first = site.sign_in("operator")
    assert f"/mandat/{mandate}/setuju" not in first.get("/mandat").text
    assert first.post(f"/mandat/{mandate}/setuju").status_code == 403
    site.sign_in("operator2").post(f"/mandat/{mandate}/setuju")
    assert state_of(site, Mandate, mandate) is MandateState.APPROVED
    assert first.post(f"/mandat/{mandate}/cabut", {"alasan": ""}).status_code == 422
    first.post(f"/mandat/{mandate}/cabut", {"alasan": "keliru"})
    assert state_of(site, Mandate, mandate) is MandateState.REVOKED


def test_an_attribution_is_verified_by_a_second_officer_only(site, claim):
    first = site.sign_in("operator")
    assert first.post(f"/atribusi/{claim}/verifikasi").status_code == 403
    site.sign_in("operator2").post(f"/atribusi/{claim}/verifikasi")
    assert state_of(site, Attribution, claim) is AttributionState.VERIFIED


def test_a_verified_account_is_due_at_once_though_its_schedule_was_refused_before(site, claim):
    with site.world.database.write() as session:
        account = session.get_one(Account, session.get_one(Attribution, claim).account_id)
        mandate = session.get_one(Mandate, site.world.mandate.id)
        later = utc_now() + dt.timedelta(hours=1)
        waiting = add_target(session, mandate, source="feed", address="https://lain.invalid/umpan.xml",
                             account=account, actor="test", first_due_at=later).id  # fmt: skip
        other = session.get_one(Target, site.world.target.id).next_due_at
    site.sign_in("operator2").post(f"/atribusi/{claim}/verifikasi")
    with site.world.database.read() as session:
        assert session.get_one(Target, waiting).next_due_at <= utc_now()
        assert session.get_one(Target, site.world.target.id).next_due_at == other


def test_whoever_verifies_an_attribution_sees_every_address_that_would_be_crawled(site, claim):
    with site.world.database.write() as session:
        account = session.get_one(Account, session.get_one(Attribution, claim).account_id)
        mandate = session.get_one(Mandate, site.world.mandate.id)
        for name in ("a", "b"):
            address = f"https://{name}.invalid/umpan.xml"
            add_target(session, mandate, source="feed", address=address, account=account, actor="test")
    page = site.sign_in("operator2").get("/atribusi").text
    assert "https://a.invalid/umpan.xml" in page
    assert "https://b.invalid/umpan.xml" in page


def test_an_attribution_is_rejected_or_suspended_with_a_reason(site, claim):
    browser = site.sign_in("operator2")
    assert browser.post(f"/atribusi/{claim}/tolak", {"alasan": ""}).status_code == 422
    browser.post(f"/atribusi/{claim}/tolak", {"alasan": "nama sama"})
    assert state_of(site, Attribution, claim) is AttributionState.REJECTED
    with site.world.database.read() as session:
        live = session.scalars(select(Attribution.id).where(Attribution.state == AttributionState.VERIFIED)).one()
    browser.post(f"/atribusi/{live}/tangguhkan", {"alasan": "bukan akun saya"})
    assert state_of(site, Attribution, live) is AttributionState.SUSPENDED


def test_a_suspended_attribution_is_shown_beside_the_post(site):
    flag = site.world.ready_flag()
    with site.world.database.read() as session:
        live = session.scalars(select(Attribution.id)).one()
    site.sign_in("operator").post(f"/atribusi/{live}/tangguhkan", {"alasan": "bukan akun saya"})
    assert "tidak dapat dipastikan" in site.sign_in("supervisor1").get(f"/temuan/{flag.id}").text


def test_an_administrator_adds_an_officer_who_can_sign_in(site):
    admin = site.sign_in("admin")
    fields = {"username": "baru.satu", "nama": "Nur Baru", "jabatan": "Staf", "peran": ["analyst"]}
    assert admin.post("/petugas", {**fields, "password": "pendek"}).status_code == 422
    assert admin.post("/petugas", {**fields, "peran": [], "password": site.PASSWORD}).status_code == 422
    assert admin.post("/petugas", {**fields, "username": "a b", "password": site.PASSWORD}).status_code == 422
    admin.post("/petugas", {**fields, "password": site.PASSWORD})
    assert "Nur Baru" in site.sign_in("baru.satu").get("/").text
    assert admin.post("/petugas", {**fields, "password": site.PASSWORD}).status_code == 422


def test_an_administrator_cannot_lock_themselves_out(site):
    with site.world.database.read() as session:
        own = officer_named(session, "admin").id
    assert site.sign_in("admin").post(f"/petugas/{own}/nonaktif").status_code == 403
    with site.world.database.read() as session:
        assert session.get_one(Officer, own).active


def test_the_trace_tells_the_story_with_hashes(site, verdict):
    flag = site.picture_flag()
    site.sign_in("supervisor1").post(f"/temuan/{flag.id}/putusan", verdict())
    page = site.sign_in("auditor").get(f"/jejak/{flag.id}").text
    for words in ("Mandat disetujui", "Jawaban mentah diterima", "Menjadi temuan awal", "Putusan diberikan"):
        assert words in page
    assert site.evidence.put(site.PNG) in page
    assert "alasan-rahasia-saya" in page
