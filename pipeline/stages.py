"""The stages of a post's way, in order. Each takes rows in one state and leaves them in the next.

A stage may be killed at any instruction and run again: what was committed stays, what was not is done anew.
“Which row is wrong?” — find the stage here, then the one package behind it.

| stage    | takes                     | leaves                      | package    |
|----------|---------------------------|-----------------------------|------------|
| due      | targets past their time   | queued runs                 | pipeline   |
| crawl    | queued runs               | ended runs, posts, sightings| crawler    |
| assess   | new sightings             | assessments, pending flags  | classifier |
| capture  | pending flags             | ready flags with captures   | crawler    |
| seal     | unsealed log entries      | a signed checkpoint         | models     |
| purge    | old posts without a flag  | tombstones: salted hashes   | models     |
| drift    | whole days of assessments | day counts, measurements    | classifier |
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import multiprocessing
import os
import threading
from collections.abc import Callable
from pathlib import Path

import filelock
import structlog
from sqlalchemy import select

from models.clock import utc_now
from models.log import sign_checkpoint
from models.retention import purge
from models.targets import Run, RunOutcome, Target, begin_run, interrupt_open_runs, queue_run, record_missed
from pipeline.application import Application, open_application
from pipeline.settings import Settings

ACTOR = "stage:{}"
DUE_BATCH = 500
CRAWL_BATCH = 200
ASSESS_BATCH = 512
CAPTURE_BATCH = 25

_logger = structlog.get_logger()


@dataclasses.dataclass(frozen=True)
class Stage:
    """A name, how often it looks for work (seconds), and the function that says how many rows it moved."""

    name: str
    every_seconds: float
    advance: Callable[[Application], int]


def queue_due(app: Application, *, now: dt.datetime | None = None) -> int:
    """Queue a run for every target whose time has come; times that passed unused are recorded as missed."""
    moment = now or utc_now()
    with app.database.write() as session:
        due = session.scalars(
            select(Target)
            .where(Target.next_due_at <= moment, Target.paused.is_(False))
            .order_by(Target.next_due_at)
            .limit(DUE_BATCH)
        ).all()
        for target in due:
            first, interval = target.next_due_at, dt.timedelta(seconds=target.interval_seconds)
            passed = (moment - first) // interval
            if passed:
                record_missed(session, target, due_at=first, count=passed, actor=ACTOR.format("due"), at=moment)
            latest = first + passed * interval
            queue_run(session, target, due_at=latest, actor=ACTOR.format("due"), at=moment)
            target.next_due_at = latest + interval
    return len(due)


def crawl_queued(app: Application, *, run_ids: list[str] | None = None) -> int:
    """Crawl the queued runs (or just `run_ids`) in a process of its own: a reactor runs once, and a crawl that
    hangs or eats memory must not take the stage with it.

    The lock makes this the only crawl on the machine, so a run found open belongs to a process that died.
    """
    with filelock.FileLock(app.settings.home / "crawl.lock"):
        started = _begin_queued(app, run_ids)
        if not started:
            return 0
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_crawl_process, args=(str(app.settings.home), started), daemon=True)
        process.start()
        process.join(app.settings.crawl.batch_seconds)
        if process.is_alive():
            _logger.warning("crawl_killed", reason="batch time is over", runs=len(started))
            process.kill()
            process.join()
        with app.database.write() as session:
            interrupt_open_runs(session, actor=ACTOR.format("crawl"))
    return len(started)


def assess_new(app: Application) -> int:
    """Score the posts nobody has scored with the model in use; what passes the threshold becomes a flag.

    Which model is in use is asked each time, so a promotion needs no restart; what was scored stays as it is.
    """
    from classifier.pending import assess_pending  # noqa: PLC0415 - torch is heavy, only this stage needs it
    from pipeline.parts import classifier_model  # noqa: PLC0415

    return assess_pending(app.database, classifier_model(app.settings, app.database), limit=ASSESS_BATCH).posts


def capture_pending_flags(app: Application) -> int:
    """Photograph the pages of pending flags."""
    from crawler.capture import capture_pending  # noqa: PLC0415 - starts a browser, only this stage needs it
    from pipeline.parts import capture_config  # noqa: PLC0415

    return capture_pending(app.database, app.evidence, capture_config(app.settings), limit=CAPTURE_BATCH)


def seal_log(app: Application) -> int:
    """Sign a tree head over the log; returns how many entries it newly covers."""
    with app.database.write() as session:
        checkpoint = sign_checkpoint(session, app.vault.signing_key, origin=app.settings.log_origin)
    return 0 if checkpoint is None else 1


def purge_old(app: Application, *, now: dt.datetime | None = None) -> int:
    """Delete the unflagged posts whose retention time is over."""
    before = (now or utc_now()) - dt.timedelta(days=app.settings.retention_days)
    return purge(app.database, app.evidence, before=before, actor=ACTOR.format("purge")).posts


def watch_drift(app: Application, *, now: dt.datetime | None = None) -> int:
    """Count the days that are over, and measure how far scores and words have moved; returns how many mandates were
    measured anew.
    """
    from pipeline.parts import drift_watcher  # noqa: PLC0415 - reads the model's vocabulary, only this stage needs it

    moment, watcher = now or utc_now(), drift_watcher(app.settings, app.database)
    watcher.count_days(moment, countable(app.settings))
    return watcher.store(moment, ACTOR.format("drift"))


def countable(settings: Settings) -> dt.timedelta:
    """How far back days still have all their posts: retention has begun to delete those before."""
    return dt.timedelta(days=max(1, settings.retention_days - 1))


STAGES = (
    Stage("due", 2, queue_due),
    Stage("crawl", 2, crawl_queued),
    Stage("assess", 2, assess_new),
    Stage("capture", 2, capture_pending_flags),
    Stage("seal", 3600, seal_log),
    Stage("purge", 6 * 3600, purge_old),
    Stage("drift", 6 * 3600, watch_drift),
)


def _begin_queued(app: Application, run_ids: list[str] | None) -> list[str]:
    with app.database.write() as session:
        interrupt_open_runs(session, actor=ACTOR.format("crawl"))
        queued = select(Run).where(Run.outcome == RunOutcome.QUEUED).order_by(Run.due_at).limit(CRAWL_BATCH)
        if run_ids is not None:
            queued = queued.where(Run.id.in_(run_ids))
        runs = session.scalars(queued).all()
        for run in runs:
            begin_run(session, run, actor=ACTOR.format("crawl"))
        return [run.id for run in runs if run.outcome is RunOutcome.RUNNING]


def _crawl_process(home: str, run_ids: list[str]) -> None:
    from crawler.crawl import crawl  # noqa: PLC0415 - Scrapy lives in this process only
    from pipeline.parts import crawl_config  # noqa: PLC0415

    threading.Thread(target=_end_with_parent, daemon=True).start()
    with open_application(Path(home)) as app:
        crawl(app.database, app.evidence, run_ids, crawl_config(app.settings))


def _end_with_parent() -> None:
    """A stage that is killed outright must not leave its crawl running beside the next one."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
