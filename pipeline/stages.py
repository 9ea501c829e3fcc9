"""The stages of a post's way, in order. Each takes rows in one state and leaves them in the next.

A stage may be killed at any instruction and run again: what was committed stays, what was not is done anew.
“Which row is wrong?” — find the stage here, then the one package behind it.

| stage    | takes                     | leaves                      | package    |
|----------|---------------------------|-----------------------------|------------|
| due      | targets past their time   | queued runs                 | pipeline   |
| calendar | due times too far off     | due times of the calendar   | pipeline   |
| crawl    | queued runs               | ended runs, posts, sightings| crawler    |
| assess   | new sightings             | assessments, pending flags  | classifier |
| cluster  | assessed newest texts     | clusters of posts           | classifier |
| capture  | pending flags             | ready flags with captures   | crawler    |
| health   | ended runs                | counts the operators see    | models     |
| seal     | unsealed log entries      | a signed checkpoint         | models     |
| purge    | old posts without a flag  | tombstones: salted hashes   | models     |
| drift    | whole days of assessments | day counts, measurements    | classifier |
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence

import filelock
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.claims import Due, queue_runs, times_with_runs
from models.clock import utc_now
from models.contest import ContestSpec
from models.log import sign_checkpoint
from models.mandates import Contest, Mandate
from models.retention import purge
from models.targets import Target, refusals
from models.uploads import drop_old_uploads
from pipeline.application import Application
from pipeline.calendar import Rule, rule_of, times_until
from pipeline.counting import count_health
from pipeline.settings import Settings

ACTOR = "stage:{}"
DUE_BATCH = 500
DUE_ROUNDS = 20
REFUSED_AGAIN = dt.timedelta(hours=1)
"""A target that may not be crawled is looked at again this much later."""
ASSESS_BATCH = 512
CLUSTER_BATCH = 500
CAPTURE_BATCH = 25


@dataclasses.dataclass(frozen=True)
class Stage:
    """A name, how often it looks for work (seconds), and the function that says how many rows it moved."""

    name: str
    every_seconds: float
    advance: Callable[[Application], int]


def queue_due(app: Application, *, now: dt.datetime | None = None) -> int:
    """Queue a run for every target whose time has come; times that passed unused are recorded as missed."""
    moment, total = now or utc_now(), 0
    for _ in range(DUE_ROUNDS):
        queued = _queue_batch(app, moment)
        total += queued
        if queued < DUE_BATCH:
            break
    return total


def mend_calendar(app: Application, *, now: dt.datetime | None = None) -> int:
    """Bring forward due times that lie further off than the calendar says: after a clock that ran ahead was set
    right, or when a denser stage of the contest began; returns how many.
    """
    moment, mended, last = now or utc_now(), 0, ""
    while True:
        with app.database.write() as session:
            targets = session.scalars(
                select(Target)
                .where(Target.id > last, Target.paused.is_(False), Target.next_due_at > moment)
                .order_by(Target.id)
                .limit(DUE_BATCH)
            ).all()
            rules, refused = _rules(session, targets), refusals(session, targets, moment)
            for target in targets:
                if target.id in refused:
                    continue
                wanted = rules[target.id].after(rules[target.id].after(moment))
                if target.next_due_at > wanted:
                    target.next_due_at, mended = wanted, mended + 1
        if not targets:
            return mended
        last = targets[-1].id


def crawl_queued(app: Application, *, run_ids: list[str] | None = None) -> int:
    """Crawl the queued runs (or just `run_ids`); returns how many were claimed.

    Raises:
        filelock.Timeout: another process of this home crawls.

    The lock makes this the only crawl of this home, so what a dead one left under its name is taken back at once;
    other machines have names of their own.
    """
    from crawler.crawl import crawl  # noqa: PLC0415 - Scrapy is heavy, only this stage needs it
    from pipeline.parts import crawl_config, worker_name  # noqa: PLC0415

    with filelock.FileLock(app.settings.home / "crawl.lock", timeout=-1 if app.lingers else 0):
        config = crawl_config(app.settings, lingering=run_ids is None and app.lingers)
        return crawl(app.database, config, worker=worker_name(app.settings), only=run_ids, stop=app.stop)


def assess_new(app: Application) -> int:
    """Score the posts nobody has scored with the model in use; what passes the threshold becomes a flag.

    Which model is in use is asked each time, so a promotion needs no restart; what was scored stays as it is.
    """
    from classifier.pending import assess_pending  # noqa: PLC0415 - torch is heavy, only this stage needs it
    from pipeline.parts import classifier_model  # noqa: PLC0415

    return assess_pending(app.database, classifier_model(app.settings, app.database), limit=ASSESS_BATCH).posts


def cluster_new(app: Application) -> int:
    """Put posts whose texts are the same or nearly so into one cluster."""
    from classifier.likeness import cluster_pending  # noqa: PLC0415 - loads the hashing library

    return cluster_pending(app.database, CLUSTER_BATCH)


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
    """Delete the unflagged posts whose retention time is over, and roster files that nobody confirmed."""
    with app.database.write() as session:
        drop_old_uploads(session, at=now or utc_now())
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
    Stage("calendar", 3600, mend_calendar),
    Stage("crawl", 2, crawl_queued),
    Stage("assess", 2, assess_new),
    Stage("cluster", 10, cluster_new),
    Stage("capture", 2, capture_pending_flags),
    Stage("health", 60, count_health),
    Stage("seal", 3600, seal_log),
    Stage("purge", 6 * 3600, purge_old),
    Stage("drift", 6 * 3600, watch_drift),
)


def _queue_batch(app: Application, moment: dt.datetime) -> int:
    """The times are computed before anything is locked: after a long outage there are many of them."""
    wanted = select(Target).where(Target.next_due_at <= moment, Target.paused.is_(False))
    with app.database.read() as session:
        ripe = session.scalars(wanted.order_by(Target.next_due_at).limit(DUE_BATCH)).all()
        rules, done = _rules(session, ripe), times_with_runs(session, ripe, moment)
    since = {target.id: target.next_due_at for target in ripe}
    times = {key: times_until(rules[key], first, moment, done[key]) for key, first in since.items()}
    with app.database.write() as session:
        held = session.scalars(wanted.where(Target.id.in_(times)).with_for_update(skip_locked=True))
        targets = [target for target in held if target.next_due_at == since[target.id]]
        due = [
            Due(target, latest, first, times[target.id].missed, _looks_back_to(target, rules[target.id].spec, moment))
            for target in targets
            if (latest := times[target.id].latest) is not None and (first := times[target.id].first) is not None
        ]
        refused = queue_runs(session, due, actor=ACTOR.format("due"), now=moment)
        for target in targets:
            following = times[target.id].next
            target.next_due_at = max(following, moment + REFUSED_AGAIN) if target.id in refused else following
    return len(targets)


def _rules(session: Session, targets: Sequence[Target]) -> dict[str, Rule]:
    """The calendar's rule of each target, by id."""
    wanted = select(Mandate, Contest).join(Contest, Contest.id == Mandate.contest_id)
    rows = session.execute(wanted.where(Mandate.id.in_({target.mandate_id for target in targets}))).all()
    specs = {contest.id: contest.read_spec() for _, contest in rows}
    mandates = {mandate.id: mandate for mandate, _ in rows}
    return {
        target.id: rule_of(target, mandates[target.mandate_id], specs[mandates[target.mandate_id].contest_id])
        for target in targets
    }


def _looks_back_to(target: Target, spec: ContestSpec, moment: dt.datetime) -> dt.datetime | None:
    """How far back this run goes through known posts again; None when it need not, or when it is the first."""
    plan = spec.schedule
    if not plan.look_back_days or target.account_id is None or not target.watermark:
        return None
    last = target.looked_back_at
    if last is not None and moment - last < dt.timedelta(seconds=plan.look_back_every):
        return None
    return moment - dt.timedelta(days=plan.look_back_days)
