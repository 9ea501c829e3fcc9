"""A due time is crawled once, and only under a mandate that covers it that day."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import threading

import pytest
from sqlalchemy import delete, select

from models.accounts import Attribution, suspend_attribution
from models.clock import utc_now
from models.errors import BadInput, IllegalTransition
from models.log import LogEntry, LogWords
from models.mandates import Mandate, MandateState
from models.people import RosterEntry
from models.targets import (
    Run,
    RunOutcome,
    Target,
    add_target,
    begin_run,
    end_run,
    queue_run,
    record_missed,
    set_paused,
    start_run,
)

DUE = dt.datetime(2026, 10, 1, 3, tzinfo=dt.UTC)


def queue(world, due=DUE, at=None):
    with world.database.write() as session:
        return queue_run(session, session.get_one(Target, world.target.id), due_at=due, actor="test", at=at)


def test_a_due_time_is_queued_once_by_any_number_of_schedulers(world):
    gate = threading.Barrier(4)

    def schedule(_):
        gate.wait()
        return queue(world)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = [run for run in pool.map(schedule, range(4)) if run is not None]
    assert len(runs) == 1
    with world.database.read() as session:
        assert session.scalars(select(Run.id)).all() == [runs[0].id]


def test_a_lost_race_for_a_due_time_leaves_the_rest_of_the_transaction_whole(world):
    queue(world)
    with world.database.write() as session:
        target = session.get_one(Target, world.target.id)
        set_paused(session, target, paused=True, actor="test")
        assert queue_run(session, target, due_at=DUE, actor="test") is None
        record_missed(session, target, due_at=DUE, count=2, actor="test")
    with world.database.read() as session:
        assert session.get_one(Target, world.target.id).paused
        assert "target.paused" in session.scalars(select(LogEntry.action)).all()
        assert "run.missed" not in session.scalars(select(LogEntry.action)).all()


def test_of_two_workers_who_begin_the_same_run_one_does(world):
    run_id, gate = queue(world).id, threading.Barrier(2)

    def begin(_):
        try:
            with world.database.write() as session:
                run = session.get_one(Run, run_id)
                if world.database.engine.dialect.name == "postgresql":  # SQLite lets one writer in at a time
                    gate.wait(timeout=30)
                begin_run(session, run, actor="test")
        except IllegalTransition:
            return "late"
        return "begun"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(begin, range(2))) == ["begun", "late"]


def _revoke(session, _world):
    session.scalars(select(Mandate)).one().state = MandateState.REVOKED


def _unapprove(session, _world):
    session.scalars(select(Mandate)).one().state = MandateState.PROPOSED


def _suspend(session, world):
    suspend_attribution(session, session.scalars(select(Attribution)).one(), world.operator, reason="bukan akun saya")


def _strike_off(session, _world):
    session.execute(delete(RosterEntry))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_revoke, "dicabut"),
        (_unapprove, "menunggu persetujuan"),
        (_suspend, "ditangguhkan"),
        (_strike_off, "daftar ASN"),
    ],
)
def test_a_target_without_permission_gets_a_refused_run_that_says_why(sqlite_world, change, said):
    with sqlite_world.database.write() as session:
        change(session, sqlite_world)
    run = queue(sqlite_world)
    assert run.outcome is RunOutcome.REFUSED
    assert said in run.reason
    with sqlite_world.database.read() as session:
        words = (
            select(LogWords.words).join(LogEntry, LogEntry.seq == LogWords.seq).where(LogEntry.action == "run.refused")
        )
        assert session.scalars(words).one() == {"reason": run.reason}


@pytest.mark.parametrize("offset", [420, 480, 540])
@pytest.mark.parametrize(("edge", "allowed_before"), [("first_day", False), ("last_day", True)])
def test_permission_begins_and_ends_at_local_midnight(sqlite_world, offset, edge, allowed_before):
    there = dt.timezone(dt.timedelta(minutes=offset))
    day = utc_now().date() + dt.timedelta(days=3)
    with sqlite_world.database.write() as session:
        mandate = session.scalars(select(Mandate)).one()
        mandate.utc_offset_minutes = offset
        setattr(mandate, edge, day)
    turn = day if edge == "first_day" else day + dt.timedelta(days=1)
    midnight = dt.datetime.combine(turn, dt.time(), tzinfo=there).astimezone(dt.UTC)
    before = queue(sqlite_world, due=DUE, at=midnight - dt.timedelta(microseconds=1))
    after = queue(sqlite_world, due=DUE + dt.timedelta(hours=1), at=midnight)
    assert [run.outcome is RunOutcome.QUEUED for run in (before, after)] == [allowed_before, not allowed_before]


def test_permission_is_asked_again_when_a_queued_run_begins(sqlite_world):
    run_id = queue(sqlite_world).id
    with sqlite_world.database.write() as session:
        _revoke(session, sqlite_world)
        run = session.get_one(Run, run_id)
        begin_run(session, run, actor="test")
        assert (run.outcome, run.started_at) == (RunOutcome.REFUSED, None)


def test_missed_times_are_one_row_that_counts_them(sqlite_world):
    with sqlite_world.database.write() as session:
        record_missed(session, session.get_one(Target, sqlite_world.target.id), due_at=DUE, count=7, actor="test")
    with sqlite_world.database.read() as session:
        (run,) = session.scalars(select(Run)).all()
    assert (run.outcome, run.due_at, run.reason) == (
        RunOutcome.MISSED,
        DUE,
        "7 jadwal terlewat: penjadwal tidak berjalan",
    )


def test_a_run_ends_once(sqlite_world):
    with sqlite_world.database.write() as session:
        run = start_run(session, session.get_one(Target, sqlite_world.target.id), due_at=DUE, actor="test")
        end_run(session, run, RunOutcome.DONE, actor="test")
        with pytest.raises(IllegalTransition):
            end_run(session, run, RunOutcome.FAILED, actor="test")
        with pytest.raises(IllegalTransition):
            begin_run(session, run, actor="test")


def test_adding_a_target_twice_gives_the_first_row_and_one_entry(sqlite_world):
    with sqlite_world.database.write() as session:
        mandate = session.get_one(Mandate, sqlite_world.mandate.id)
        more = {"source": "feed", "address": "https://example.invalid/feed", "account": None, "actor": "test"}
        assert add_target(session, mandate, **more) is add_target(session, mandate, **more)
        with pytest.raises(BadInput, match="interval"):
            add_target(session, mandate, **{**more, "address": "x"}, interval_seconds=59)
    with sqlite_world.database.read() as session:
        assert session.scalars(select(LogEntry.action)).all().count("target.added") == 2
