"""Stages take rows in one state and leave them in the next."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from models.clock import utc_now
from models.log import Checkpoint, LogEntry
from models.posts import Post
from models.targets import Run, RunOutcome, Target, set_paused
from pipeline.stages import purge_old, queue_due, seal_log


def _runs(app):
    with app.database.read() as session:
        return session.scalars(select(Run).order_by(Run.due_at)).all()


def _set_due(app, world, moment):
    with app.database.write() as session:
        session.get_one(Target, world.target.id).next_due_at = moment


def test_a_due_target_is_queued_once_and_moves_to_its_next_time(app, world):
    now = utc_now()
    due = now - dt.timedelta(minutes=5)
    _set_due(app, world, due)
    assert queue_due(app, now=now) == 1
    assert queue_due(app, now=now) == 0
    (run,) = _runs(app)
    assert (run.outcome, run.due_at) == (RunOutcome.QUEUED, due)
    with app.database.read() as session:
        following = session.get_one(Target, world.target.id).next_due_at
    assert dt.timedelta(0) < following - due < dt.timedelta(minutes=66)


def test_times_that_passed_while_the_machine_slept_are_shown_and_caught_up_once(app, world):
    now = utc_now()
    first = now - dt.timedelta(hours=5, minutes=10)
    _set_due(app, world, first)
    queue_due(app, now=now)
    missed, caught_up = _runs(app)
    assert (missed.outcome, missed.due_at) == (RunOutcome.MISSED, first)
    assert missed.times in (4, 5, 6)
    assert missed.reason == f"{missed.times} jadwal terlewat: penjadwal tidak berjalan"
    assert caught_up.outcome is RunOutcome.QUEUED
    assert now - dt.timedelta(minutes=70) < caught_up.due_at <= now


def test_a_paused_target_is_never_due(app, world):
    with app.database.write() as session:
        set_paused(session, session.get_one(Target, world.target.id), paused=True, actor="test")
    assert queue_due(app, now=utc_now() + dt.timedelta(days=3)) == 0


def test_after_the_mandates_last_day_the_run_is_refused_and_the_refusal_logged(app, world):
    later = utc_now() + dt.timedelta(days=40)
    _set_due(app, world, later)
    queue_due(app, now=later)
    (run,) = _runs(app)
    assert run.outcome is RunOutcome.REFUSED
    assert "hanya berlaku" in run.reason
    with app.database.read() as session:
        assert session.scalar(select(LogEntry).where(LogEntry.action == "run.refused")) is not None


@pytest.mark.usefixtures("world")
def test_a_checkpoint_covers_the_whole_log_and_is_not_repeated(app):
    assert seal_log(app) == 1
    assert seal_log(app) == 0
    with app.database.read() as session:
        checkpoint = session.scalars(select(Checkpoint)).one()
        assert checkpoint.tree_size == len(session.scalars(select(LogEntry.seq)).all())


def test_old_posts_without_a_flag_are_purged_and_flagged_ones_stay(app, world):
    flag = world.ready_flag()
    (everyday,) = world.store("Hujan lagi, cucian numpuk")
    later = utc_now() + dt.timedelta(days=app.settings.retention_days, minutes=1)
    assert purge_old(app, now=later) == 1
    with app.database.read() as session:
        assert session.get(Post, everyday.id) is None
        assert session.get(Post, flag.post_id) is not None
