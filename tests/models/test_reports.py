"""A signed report does not change; a withdrawn one frees its flags."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import threading
import time

import pytest
from sqlalchemy import select

from models.canonical import canonical_json, sha256_hex
from models.errors import BadInput, Conflict, IllegalTransition, NotAllowed
from models.flags import Flag, FlagState
from models.log import LogEntry
from models.mandates import Mandate
from models.reports import (
    Report,
    ReportState,
    close_report,
    draft_report,
    fill_in,
    flag_is_reported,
    follow_up,
    hand_over,
    sign_report,
    signed_content,
    withdraw_report,
)
from models.reviews import Answer, Review, Verdict, give_verdict, undo_review

CONFIRM = Verdict(Answer.YES, Answer.YES, "mengajak", "tidak ditemukan", acts=("ON-4",))
CONTENT = canonical_json({"judul": "Laporan", "nama": "Sari Melur Wening"})


@pytest.fixture
def confirmed(world):
    """The id of a confirmed flag."""
    flag = world.ready_flag()
    with world.database.write() as session:
        flag = session.get_one(Flag, flag.id)
        for officer in world.supervisors[:2]:
            give_verdict(session, flag, officer, CONFIRM)
    return flag.id


def draft(session, world, *flag_ids, number="1/LHP/2026"):
    mandate = session.get_one(Mandate, world.mandate.id)
    return draft_report(
        session, mandate, [session.get_one(Flag, one) for one in flag_ids], world.supervisors[0], number=number
    )


def test_a_signed_report_is_locked_with_hash_signature_and_sealed_content(world, confirmed):
    officer = world.supervisors[0]
    with world.database.write() as session:
        report = draft(session, world, confirmed)
        fill_in(session, report, officer, {"kajian": "1"})
        sign_report(session, world.vault, report, officer, CONTENT)
    with world.database.write() as session:
        report = session.get_one(Report, report.id)
        for change in (
            lambda: fill_in(session, report, officer, {"kajian": "2"}),
            lambda: sign_report(session, world.vault, report, world.supervisors[1], b"{}"),
        ):
            with pytest.raises(IllegalTransition):
                change()
    with world.database.read() as session:
        report = session.get_one(Report, report.id)
        logged = b"".join(session.scalars(select(LogEntry.entry)))
    assert (report.fields, report.signed_by) == ({"kajian": "1"}, officer.id)
    assert signed_content(world.vault, report) == CONTENT
    assert report.content_sha256 == sha256_hex(CONTENT)
    world.vault.signing_key.public_key().verify(report.signature, CONTENT)
    assert b"Melur" not in report.sealed_content + logged


def test_a_reports_steps_come_in_order(world, confirmed):
    officer, today = world.supervisors[0], dt.date(2026, 10, 1)
    with world.database.write() as session:
        report = draft(session, world, confirmed)
        with pytest.raises(IllegalTransition):
            hand_over(session, report, officer, recipient="BKN", document="1")
        with pytest.raises(IllegalTransition):
            follow_up(session, report, officer, step="x", institution="x", on_day=today, document="", note="")
        with pytest.raises(IllegalTransition):
            signed_content(world.vault, report)
        sign_report(session, world.vault, report, officer, CONTENT)
        with pytest.raises(BadInput):
            hand_over(session, report, officer, recipient=" ", document="1")
        hand_over(session, report, officer, recipient="BKN melalui SBT", document="1")
        close_report(session, report, officer, outcome="hukuman disiplin")
        assert report.state is ReportState.CLOSED
        with pytest.raises(IllegalTransition):
            withdraw_report(session, report, officer, reason="terlambat")


def test_words_about_a_hand_over_stay_out_of_the_log(world, confirmed):
    officer = world.supervisors[0]
    with world.database.write() as session:
        report = draft(session, world, confirmed)
        sign_report(session, world.vault, report, officer, CONTENT)
        hand_over(session, report, officer, recipient="Ibu Melati", document="1")
        withdraw_report(session, report, officer, reason="ternyata bukan Ibu Melati")
    with world.database.read() as session:
        assert not any(b"Melati" in entry for entry in session.scalars(select(LogEntry.entry)))


def test_a_flag_is_in_one_report_until_that_is_withdrawn(world, confirmed):
    with world.database.write() as session:
        report = draft(session, world, confirmed)
        with pytest.raises(IllegalTransition, match="another report"):
            draft(session, world, confirmed, number="2")
        with pytest.raises(BadInput, match="reason"):
            withdraw_report(session, report, world.supervisors[0], reason="")
        withdraw_report(session, report, world.supervisors[0], reason="salah pasal")
        assert not flag_is_reported(session, confirmed)
        draft(session, world, confirmed, number="2")
        assert flag_is_reported(session, confirmed)


def test_of_two_officers_who_report_the_same_flag_at_once_one_does(world, confirmed):
    gate = threading.Barrier(2)

    def begin(number):
        gate.wait()
        try:
            with world.database.write() as session:
                draft(session, world, confirmed, number=number)
                time.sleep(0.2)  # the other has begun before this one commits
        except (IllegalTransition, Conflict):
            return "refused"
        return "drafted"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(begin, ["1", "2"])) == ["drafted", "refused"]


def test_a_verdict_that_a_report_rests_on_cannot_be_taken_back(world, confirmed):
    with world.database.write() as session:
        newest = session.scalars(select(Review).order_by(Review.given_at.desc())).first()
        draft(session, world, confirmed)
        with pytest.raises(IllegalTransition, match="rests on"):
            undo_review(session, newest, world.supervisors[1])
        assert session.get_one(Flag, confirmed).state is FlagState.CONFIRMED


def test_only_confirmed_flags_of_one_mandate_are_reported_by_a_supervisor(world, confirmed):
    ready = world.ready_flag("Ayo coblos nomor 1")
    with world.database.write() as session:
        with pytest.raises(IllegalTransition, match="only a confirmed one"):
            draft(session, world, ready.id)
        with pytest.raises(BadInput, match="at least one flag"):
            draft(session, world)
        mandate, flag = session.get_one(Mandate, world.mandate.id), session.get_one(Flag, confirmed)
        with pytest.raises(NotAllowed):
            draft_report(session, mandate, [flag], world.operator, number="3")
        draft(session, world, confirmed)
        with pytest.raises(BadInput, match="taken"):
            draft(session, world, confirmed)
