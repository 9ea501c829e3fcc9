"""What needs a person: a pure function of the state, the most urgent first."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterator, Mapping

from models.health.looking import Health
from models.hosts import Breaker
from models.targets import RunOutcome

COUNTING_STOPPED = dt.timedelta(minutes=5)
WAIT_TOO_LONG = dt.timedelta(hours=1)
CAPTURE_WAIT_TOO_LONG = dt.timedelta(hours=6)
FAILING_SHARE = 0.01
"""Of the active targets; a few accounts always fail for an hour."""
LATE_SHARE = 0.05
UNPARSED_SHARE = 0.05
LEAST_ITEMS = 10
LEAST_POSTS = 20
QUIET_SHARE = 0.3
LEAST_FREE_BYTES = 2 << 30
LEAST_DAYS_LEFT = 14
DIED_LATELY = dt.timedelta(minutes=15)
LOOP_DEATHS = 3
LOOP_SPAN = dt.timedelta(hours=1)


class Level(enum.IntEnum):
    """URGENT: something stands still or is being lost. WARNING: it will not mend itself."""

    URGENT = 2
    WARNING = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Concern:
    """One thing to look at. `kind` names its phrases (what it is, what to do), `facts` fill their places.

    `path` leads to the details on the pages.
    """

    kind: str
    level: Level
    facts: Mapping[str, object]
    path: str = "/operasi"


def concerns(health: Health) -> list[Concern]:
    """Everything that needs somebody, the most urgent first."""
    found = [concern for check in CHECKS for concern in check(health)]
    return sorted(found, key=lambda concern: -concern.level)


def _clock(health: Health) -> Iterator[Concern]:
    if not health.targets:
        return
    counted = health.counted_at
    if counted is None or health.at - counted > COUNTING_STOPPED:
        yield Concern("clock", Level.URGENT, {})
    elif health.overdue:
        yield Concern("overdue", Level.URGENT, {"n": health.overdue})


def _queue(health: Health) -> Iterator[Concern]:
    stuck = [wait for wait in health.waits if not wait.resting and health.at - wait.since > WAIT_TOO_LONG]
    if stuck and not health.running:
        hours = (health.at - stuck[0].since) // dt.timedelta(hours=1)
        yield Concern("stuck", Level.URGENT, {"n": health.queued, "hours": hours}, "#antrean")
    elif stuck:
        hours = (health.at - stuck[0].since) // dt.timedelta(hours=1)
        yield Concern("slow", Level.WARNING, {"n": health.queued, "hours": hours}, "#antrean")


def _failing(health: Health) -> Iterator[Concern]:
    failing = health.total(RunOutcome.FAILED, RunOutcome.INTERRUPTED)
    if failing and failing >= FAILING_SHARE * health.active:
        yield Concern("failing", Level.WARNING, {"n": failing}, "/sasaran?hasil=failed")


def _lost_accounts(health: Health) -> Iterator[Concern]:
    for outcome in (RunOutcome.GONE, RunOutcome.BLOCKED):
        if number := health.total(outcome):
            yield Concern(outcome.value, Level.WARNING, {"n": number}, f"/sasaran?hasil={outcome.value}")


def _refused(health: Health) -> Iterator[Concern]:
    if number := health.total(RunOutcome.REFUSED):
        yield Concern("refused", Level.WARNING, {"n": number}, "/sasaran?hasil=refused")


def _lateness(health: Health) -> Iterator[Concern]:
    late, ran = sum(health.day.late.values()), health.day.due
    if ran and late > LATE_SHARE * ran:
        why = next(iter(health.day.late))
        yield Concern("late", Level.WARNING, {"n": late, "why": why}, "/sasaran?terlambat=ya")


def _missed(health: Health) -> Iterator[Concern]:
    if number := health.day.outcomes.get(RunOutcome.MISSED, 0):
        yield Concern("missed", Level.WARNING, {"n": number}, "#alasan")


def _breakers(health: Health) -> Iterator[Concern]:
    broken = [host for host in health.hosts if host.breaker(health.at) is not Breaker.CLOSED]
    if broken:
        yield Concern("breaker", Level.WARNING, {"n": len(broken), "host": broken[0].name}, "#host")


def _parsers(health: Health) -> Iterator[Concern]:
    for one in health.readings:
        if one.seen + one.unparsed >= LEAST_ITEMS and one.share > UNPARSED_SHARE:
            facts = {"source": one.source, "n": one.unparsed, "share": round(one.share * 100)}
            yield Concern("unparsed", Level.URGENT, facts, "#bentuk")


def _quiet(health: Health) -> Iterator[Concern]:
    for one in health.activity:
        before = sum(one.before or ())
        if before >= LEAST_POSTS and sum(one.now) < QUIET_SHARE * before:
            facts = {"source": one.source, "n": sum(one.now), "before": before}
            yield Concern("quiet", Level.WARNING, facts, f"/sasaran?sumber={one.source}")


def _stages(health: Health) -> Iterator[Concern]:
    for kind, backlog, longest in (
        ("unassessed", health.unassessed, WAIT_TOO_LONG),
        ("uncaptured", health.uncaptured, CAPTURE_WAIT_TOO_LONG),
    ):
        if backlog.since is not None and health.at - backlog.since > longest:
            hours = (health.at - backlog.since) // dt.timedelta(hours=1)
            yield Concern(kind, Level.WARNING, {"n": backlog.rows, "hours": hours}, "#antrean")


def _disk(health: Health) -> Iterator[Concern]:
    free, left = health.storage.free_bytes, health.storage.days_left
    if free < LEAST_FREE_BYTES:
        yield Concern("disk_full", Level.URGENT, {"gib": round(free / (1 << 30), 1)}, "#simpanan")
    elif left is not None and left < LEAST_DAYS_LEFT:
        yield Concern("disk_soon", Level.WARNING, {"days": left}, "#simpanan")


def _parts(health: Health) -> Iterator[Concern]:
    """A part that died once and went on is no concern any more; one that dies again and again is."""
    lately = [part for part, at in health.deaths if health.at - at < DIED_LATELY]
    hour = [part for part, at in health.deaths if health.at - at < LOOP_SPAN]
    looping = sorted({part for part in hour if hour.count(part) >= LOOP_DEATHS})
    if looping:
        yield Concern("part_loops", Level.URGENT, {"part": ", ".join(looping)})
    elif lately:
        yield Concern("part_died", Level.WARNING, {"part": ", ".join(sorted(set(lately)))})


CHECKS = (
    _clock, _queue, _parsers, _disk, _parts, _failing, _lost_accounts, _refused, _missed, _lateness, _breakers, _quiet,
    _stages,
)  # fmt: skip
KINDS = (
    "clock", "overdue", "stuck", "slow", "unparsed", "disk_full", "disk_soon", "part_loops", "part_died", "failing",
    "gone", "blocked", "refused", "missed", "late", "breaker", "quiet", "unassessed", "uncaptured",
)  # fmt: skip
"""Every kind there is, for those who must have words for each."""
