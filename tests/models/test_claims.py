"""Due targets become queued runs, and queued runs one worker's work, whoever dies on the way."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from models.claims import (
    INTERRUPTIONS_IN_A_ROW,
    Due,
    claim_runs,
    give_back,
    overspent,
    queue_runs,
    renew_claims,
    take_back,
    waiting_hosts,
)
from models.clock import utc_now
from models.hosts import HostNews, note_news, take_hosts
from models.ids import new_id
from models.log import LogEntry
from models.mandates import Mandate
from models.targets import Run, RunOutcome, Target, add_target, end_run, set_paused

LEASE = dt.timedelta(seconds=60)
NOW = utc_now().replace(microsecond=0)
DUE = NOW - dt.timedelta(seconds=30)
ONE, TWO = new_id(), new_id()
HOST = "example.invalid"


def queue(world, due_at=DUE, *, missed=0, first=None, now=NOW):
    with world.database.write() as session:
        target = session.get_one(Target, world.target.id)
        return queue_runs(session, [Due(target, due_at, first or due_at, missed)], actor="test", now=now)


def claim(world, worker=ONE, count=2, now=NOW, **kwargs):
    with world.database.write() as session:
        found = claim_runs(session, {HOST: count}, worker, actor="test", now=now, lease=LEASE, **kwargs)
        return [run for run, _ in found]


def runs(world):
    with world.database.read() as session:
        return session.scalars(select(Run).order_by(Run.due_at)).all()


def test_a_queued_run_is_claimed_by_one_worker(world):
    queue(world)
    assert [run.worker for run in claim(world)] == [ONE]
    assert claim(world, TWO) == []
    (run,) = runs(world)
    assert (run.outcome, run.held_until, run.late_reason) == (RunOutcome.RUNNING, NOW + LEASE, "")


def test_the_same_due_time_is_queued_once(world):
    queue(world)
    claim(world)
    with world.database.write() as session:
        end_run(session, session.scalars(select(Run)).one(), RunOutcome.DONE, actor="test")
    queue(world)
    assert len(runs(world)) == 1


def test_a_due_time_that_meets_the_run_before_it_is_shown_as_missed(world):
    queue(world)
    queue(world, NOW)
    waiting, missed = runs(world)
    assert waiting.outcome is RunOutcome.QUEUED
    assert (missed.outcome, missed.times) == (RunOutcome.MISSED, 1)
    assert "menunggu giliran" in missed.reason


def test_times_that_passed_unused_are_one_row_that_counts_them(world):
    first = DUE - dt.timedelta(hours=5)
    queue(world, missed=5, first=first)
    missed, queued = runs(world)
    assert (missed.outcome, missed.due_at, missed.times) == (RunOutcome.MISSED, first, 5)
    assert queued.outcome is RunOutcome.QUEUED


def test_a_late_start_says_why(world):
    queue(world)
    late = NOW + dt.timedelta(minutes=30)
    assert [run.late_reason for run in claim(world, now=late)] == ["antrean penuh"]


def test_a_late_schedule_says_so(world):
    queue(world, NOW - dt.timedelta(hours=1))
    assert [run.late_reason for run in claim(world)] == ["penjadwal tidak berjalan"]


def test_a_target_that_lost_its_mandate_is_refused_when_queued_and_when_claimed(world):
    later = NOW + dt.timedelta(days=100)
    assert "hanya berlaku" in queue(world, later, now=later)[world.target.id]
    queue(world)
    assert claim(world, now=later) == []
    assert {run.outcome for run in runs(world)} == {RunOutcome.REFUSED}


def test_what_a_dead_worker_ran_is_interrupted_and_due_again(world):
    queue(world)
    claim(world)
    with world.database.write() as session:
        session.get_one(Target, world.target.id).next_due_at = NOW + dt.timedelta(hours=5)
        renew_claims(session, ONE, now=NOW + LEASE / 2, lease=LEASE)
        assert take_back(session, actor="test", now=NOW + LEASE) == 0
    with world.database.write() as session:
        assert take_back(session, actor="test", now=NOW + 2 * LEASE) == 1
    assert [run.outcome for run in runs(world)] == [RunOutcome.INTERRUPTED]
    with world.database.read() as session:
        assert session.get_one(Target, world.target.id).next_due_at == NOW + 2 * LEASE


def test_a_successor_takes_over_at_once_what_was_left_under_its_name(world):
    queue(world)
    claim(world)
    with world.database.write() as session:
        assert take_back(session, actor="test", now=NOW, worker=TWO) == 0
        assert take_back(session, actor="test", now=NOW, worker=ONE) == 1


def test_a_target_that_keeps_killing_the_crawler_waits_for_its_next_time(world):
    later = NOW + dt.timedelta(hours=5)
    for n in range(INTERRUPTIONS_IN_A_ROW):
        queue(world, DUE + dt.timedelta(seconds=n))
        claim(world)
        with world.database.write() as session:
            session.get_one(Target, world.target.id).next_due_at = later
            take_back(session, actor="test", now=NOW, worker=ONE)
    with world.database.read() as session:
        assert session.get_one(Target, world.target.id).next_due_at == later


def test_a_run_given_back_waits_for_another_turn(world):
    queue(world)
    (run,) = claim(world)
    with world.database.write() as session:
        give_back(session, session.get_one(Run, run.id), actor="test")
    assert [run.worker for run in claim(world, TWO)] == [TWO]
    with world.database.read() as session:
        actions = session.scalars(select(LogEntry.action).order_by(LogEntry.seq)).all()
    assert actions[-3:] == ["run.started", "run.returned", "run.started"]


def test_hosts_that_rest_or_are_held_do_not_wait_for_a_turn(world):
    queue(world)

    def waiting(worker, **kwargs):
        with world.database.read() as session:
            return waiting_hosts(session, worker, besides=[], now=NOW, limit=9, **kwargs)

    assert waiting(ONE) == [HOST]
    assert waiting(ONE, only=[new_id()]) == []
    with world.database.write() as session:
        take_hosts(session, [HOST], TWO, now=NOW, lease=LEASE)
    assert (waiting(ONE), waiting(TWO)) == ([], [HOST])
    with world.database.write() as session:
        note_news(session, [HostNews(HOST, rest_until=NOW + LEASE)], actor="test", now=NOW)
    assert waiting(TWO) == []


def test_the_host_that_waits_longest_comes_first(world):
    queue(world)
    with world.database.write() as session:
        mandate = session.get_one(Mandate, world.mandate.id)
        others = [
            add_target(session, mandate, source="feed", address=f"https://{name}.invalid/feed", account=None, actor="t")
            for name in ("lama", "baru")
        ]
        times = (NOW - dt.timedelta(hours=1), NOW)
        queue_runs(session, [Due(o, at, at) for o, at in zip(others, times, strict=True)], actor="test", now=NOW)
    with world.database.read() as session:
        assert waiting_hosts(session, ONE, besides=[], now=NOW, limit=2) == ["lama.invalid", HOST]


def test_a_source_is_overspent_when_its_posts_of_the_month_reach_the_cap(world):
    queue(world)
    (run,) = claim(world)
    with world.database.write() as session:
        session.get_one(Run, run.id).posts_seen = 40
        assert overspent(session, {"mastodon": 41}, NOW) == set()
        session.flush()
        assert overspent(session, {"mastodon": 40, "x_v2": 1}, NOW) == {"mastodon"}


@pytest.mark.parametrize("paused", [True, False])
def test_a_pause_does_not_stop_what_was_queued_before(world, paused):
    queue(world)
    with world.database.write() as session:
        set_paused(session, session.get_one(Target, world.target.id), paused=paused, actor="test")
    assert len(claim(world)) == 1
