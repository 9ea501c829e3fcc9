"""Nothing is collected without a basis that two officers stand for, on its days, where it holds."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import threading

import pytest
from sqlalchemy import select

from models.clock import utc_now
from models.errors import BadInput, IllegalTransition, NoMandate, NotAllowed
from models.log import LogEntry
from models.mandates import (
    Contest,
    Mandate,
    MandateState,
    approve_mandate,
    propose_mandate,
    require_mandate,
    revoke_mandate,
    save_contest,
)

FIRST, LAST = dt.date(2026, 9, 25), dt.date(2026, 11, 24)


def propose(session, world, number="002/ST/2026", **more):
    contest = session.get_one(Contest, world.contest.id)
    given = {"first_day": FIRST, "last_day": LAST, "legal_basis": "Surat tugas", "agency": "Bawaslu", **more}
    return propose_mandate(session, world.operator, number=number, contest=contest, **given)


def test_whoever_entered_a_mandate_cannot_approve_it(sqlite_world):
    with sqlite_world.database.write() as session:
        mandate = propose(session, sqlite_world)
        with pytest.raises(NotAllowed, match="another officer"):
            approve_mandate(session, mandate, sqlite_world.operator)
        assert not mandate.covers(dt.datetime(2026, 10, 1, tzinfo=dt.UTC))
        approve_mandate(session, mandate, sqlite_world.supervisors[0])
        assert mandate.covers(dt.datetime(2026, 10, 1, tzinfo=dt.UTC))


@pytest.mark.parametrize("role", ["auditor", "analyst"])
def test_auditors_and_analysts_neither_enter_nor_approve(sqlite_world, role):
    officer = getattr(sqlite_world, role)
    with sqlite_world.database.write() as session:
        mandate = propose(session, sqlite_world)
        with pytest.raises(NotAllowed):
            approve_mandate(session, mandate, officer)
        with pytest.raises(NotAllowed):
            revoke_mandate(session, mandate, officer, reason="x")


def test_an_inactive_officer_approves_nothing(sqlite_world):
    with sqlite_world.database.write() as session:
        mandate = propose(session, sqlite_world)
        sqlite_world.second_operator.active = False
        with pytest.raises(NotAllowed):
            approve_mandate(session, mandate, sqlite_world.second_operator)


def test_of_two_officers_who_approve_at_once_one_does(world):
    with world.database.write() as session:
        mandate_id = propose(session, world).id
    gate = threading.Barrier(2)

    def approve(officer):
        try:
            with world.database.write() as session:
                mandate = session.get_one(Mandate, mandate_id)
                if world.database.engine.dialect.name == "postgresql":  # SQLite lets one writer in at a time
                    gate.wait(timeout=30)
                approve_mandate(session, mandate, officer)
        except IllegalTransition:
            return "late"
        return "approved"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(approve, [world.second_operator, world.supervisors[0]]))
    assert sorted(outcomes) == ["approved", "late"]
    with world.database.read() as session:
        about = select(LogEntry).where(
            LogEntry.subject == f"mandates:{mandate_id}", LogEntry.action == "mandate.approved"
        )
        assert len(session.scalars(about).all()) == 1


def test_a_revoked_mandate_ends_at_once_and_for_ever(sqlite_world):
    with sqlite_world.database.write() as session:
        mandate = session.get_one(Mandate, sqlite_world.mandate.id)
        with pytest.raises(BadInput, match="reason"):
            revoke_mandate(session, mandate, sqlite_world.operator, reason=" ")
        revoke_mandate(session, mandate, sqlite_world.operator, reason="salah wilayah")
        with pytest.raises(NoMandate, match="dicabut"):
            require_mandate(mandate, utc_now())
        for again in (lambda: approve_mandate(session, mandate, sqlite_world.second_operator),
                      lambda: revoke_mandate(session, mandate, sqlite_world.operator, reason="lagi")):  # fmt: skip
            with pytest.raises(IllegalTransition):
                again()


@pytest.mark.parametrize(("zone", "offset"), [("WIB", 420), ("WITA", 480), ("WIT", 540)])
def test_a_mandate_holds_from_midnight_to_midnight_where_it_holds(zone, offset):
    mandate = Mandate(number=zone, legal_basis="", agency="", region="", contest_id="", first_day=FIRST, last_day=LAST,
                      utc_offset_minutes=offset, entered_by="", entered_at=utc_now(),
                      state=MandateState.APPROVED)  # fmt: skip
    there, blink = dt.timezone(dt.timedelta(minutes=offset)), dt.timedelta(microseconds=1)
    opens = dt.datetime(2026, 9, 25, tzinfo=there).astimezone(dt.UTC)
    closes = dt.datetime(2026, 11, 25, tzinfo=there).astimezone(dt.UTC)
    covered = [mandate.covers(moment) for moment in (opens - blink, opens, closes - blink, closes)]
    assert covered == [False, True, True, False]
    assert closes.hour == 24 - offset // 60


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"last_day": FIRST - dt.timedelta(days=1)}, "before the first"),
        ({"utc_offset_minutes": 0}, "WIB"),
        ({"utc_offset_minutes": 10**9}, "WIB"),
        ({"number": "001/ST/2026"}, "exists"),
    ],
)
def test_an_impossible_mandate_is_refused(sqlite_world, more, said):
    with sqlite_world.database.write() as session, pytest.raises(BadInput, match=said):
        propose(session, sqlite_world, **more)


def test_no_mandate_is_no_permission():
    with pytest.raises(NoMandate, match="tidak ada mandat"):
        require_mandate(None, utc_now())


def test_a_saved_contest_is_replaced_and_the_log_holds_none_of_its_names(sqlite_world, contest_spec):
    with sqlite_world.database.write() as session:
        save_contest(session, contest_spec.model_copy(update={"region": "Kota Lain"}), actor="test")
    with sqlite_world.database.read() as session:
        assert session.scalars(select(Contest)).one().read_spec().region == "Kota Lain"
        assert not any(b"Wibisana" in entry for entry in session.scalars(select(LogEntry.entry)))
