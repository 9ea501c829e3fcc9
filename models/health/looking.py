"""The state of the crawling at one moment, read from the counts and from what is small by itself."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.flags import Flag, FlagState
from models.health.counts import ENDS, GOOD, RunHour, ended_mandates, hour_of, last_count, states_by_source
from models.health.storage import Storage, storage
from models.hosts import Host
from models.log import LogEntry
from models.observations import Observation, Sight
from models.posts import Post, Sighting, SightingState
from models.targets import Fetch, Run, RunOutcome, Target

DAY = dt.timedelta(days=1)
WEEK = dt.timedelta(days=7)
SAMPLE = 1_000
"""Of each outcome so many of the newest runs are asked for their reasons."""
SHAPES_SHOWN = 20
FETCHES_READ = 200
HOSTS_SHOWN = 50
WAITS_SHOWN = 5
COUNT_LIMIT = 10_000
OVERDUE = dt.timedelta(minutes=15)


@dataclasses.dataclass(frozen=True, slots=True)
class Coverage:
    """Due times since then: `outcomes` how they ended, `late` why those that ran were late (by kind of reason)."""

    since: dt.datetime
    outcomes: Mapping[str, int]
    late: Mapping[str, int]

    @property
    def due(self) -> int:
        """How many due times there were."""
        return sum(self.outcomes.values())

    @property
    def on_time(self) -> int:
        """Those that ran when they should, however that ended."""
        unasked = self.outcomes.get(RunOutcome.MISSED, 0) + self.outcomes.get(RunOutcome.REFUSED, 0)
        return self.due - unasked - sum(self.late.values())


@dataclasses.dataclass(frozen=True, slots=True)
class Reason:
    """Runs of the last day that ended alike; `host` is where most of them were."""

    outcome: RunOutcome
    text: str
    runs: int
    host: str
    hosts: int


@dataclasses.dataclass(frozen=True, slots=True)
class Activity:
    """One source: new posts of this hour and the 23 before, and of the same a week ago (None: not counted then)."""

    source: str
    now: Sequence[int]
    before: Sequence[int] | None


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What a source's parser understood in the last day."""

    source: str
    seen: int
    unparsed: int

    @property
    def share(self) -> float:
        """Not understood, 0 to 1."""
        return self.unparsed / (self.seen + self.unparsed or 1)


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """Items that were not understood in the same way. `locator`: place of the newest, `fetch` its response."""

    source: str
    kind: str
    locator: str
    reason: str
    times: int
    fetch: Fetch


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """Queued runs of one host, the oldest due at `since`."""

    host: str
    runs: int
    since: dt.datetime
    resting: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Backlog:
    """Rows that wait for a stage (`COUNT_LIMIT` at most are counted), the oldest since then."""

    rows: int
    since: dt.datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """Everything. `counted_at`: when the clock last counted. `states`: active targets by source and newest outcome.

    `overdue`: targets whose time passed `OVERDUE` ago without being queued. `deaths`: when parts of the program died
    in the last day, newest first. `over`: targets whose mandate has ended; they are refused as they should be.
    """

    at: dt.datetime
    counted_at: dt.datetime | None
    targets: int
    paused: int
    over: int
    overdue: int
    queued: int
    running: int
    states: Mapping[str, Mapping[str, int]]
    today: Coverage
    day: Coverage
    reasons: Sequence[Reason]
    activity: Sequence[Activity]
    readings: Sequence[Reading]
    shapes: Sequence[Shape]
    hosts: Sequence[Host]
    waiting_by_host: Mapping[str, int]
    waits: Sequence[Wait]
    sights: Mapping[str, int]
    edited: int
    unassessed: Backlog
    uncaptured: Backlog
    storage: Storage
    deaths: Sequence[tuple[str, dt.datetime]]

    @property
    def active(self) -> int:
        """Targets that are to be crawled."""
        return self.targets - self.paused - self.over

    def total(self, *outcomes: str) -> int:
        """Active targets whose newest run ended so."""
        return sum(counts.get(outcome, 0) for counts in self.states.values() for outcome in outcomes)


def look(session: Session, evidence: Path, *, now: dt.datetime, midnight: dt.datetime) -> Health:
    """Look at everything; `midnight` is when the office's day began."""
    hours = _hours(session, now)
    queued, running = (_count_open(session, outcome) for outcome in (RunOutcome.QUEUED, RunOutcome.RUNNING))
    hosts, over = _hosts(session, now), ended_mandates(session, now)
    return Health(
        at=now,
        counted_at=last_count(session),
        targets=session.scalar(select(func.count()).select_from(Target)) or 0,
        paused=session.scalar(select(func.count()).select_from(Target).where(Target.paused)) or 0,
        over=_over(session, over),
        overdue=_overdue(session, now),
        queued=queued,
        running=running,
        states=states_by_source(session, over),
        today=_coverage(hours, midnight),
        day=_coverage(hours, hour_of(now) - DAY),
        reasons=_reasons(session, now),
        activity=_activity(hours, now),
        readings=_readings(hours, now),
        shapes=_shapes(session, now),
        hosts=hosts,
        waiting_by_host=_waiting(session, [host.name for host in hosts]),
        waits=_waits(session, now),
        sights=_sights(session, now),
        edited=sum(row.edited for row in hours if row.hour >= hour_of(now) - DAY),
        unassessed=_unassessed(session),
        uncaptured=_uncaptured(session),
        storage=storage(session, evidence),
        deaths=_deaths(session, now),
    )


def _hours(session: Session, now: dt.datetime) -> Sequence[RunHour]:
    """The counted hours of the last two days and of the same day a week ago."""
    start, week = hour_of(now) - DAY, hour_of(now) - DAY - WEEK
    recent = RunHour.hour.between(start, now)
    earlier = RunHour.hour.between(week, week + DAY)
    return session.scalars(select(RunHour).where(recent | earlier).order_by(RunHour.hour, RunHour.source)).all()


def _coverage(hours: Sequence[RunHour], since: dt.datetime) -> Coverage:
    outcomes: Counter[str] = Counter()
    late: Counter[str] = Counter()
    for row in hours:
        if row.hour >= since:
            outcomes[row.outcome] += row.times
            if row.late and row.outcome != RunOutcome.REFUSED:
                late[row.late] += row.times
    return Coverage(since, dict(outcomes), dict(late.most_common()))


def _activity(hours: Sequence[RunHour], now: dt.datetime) -> list[Activity]:
    """By source, the busiest first."""
    start = hour_of(now) - DAY + dt.timedelta(hours=1)
    new: dict[str, Counter[dt.datetime]] = defaultdict(Counter)
    for row in hours:
        new[row.source][row.hour] += row.new
    counted_before = {row.hour for row in hours if row.hour < hour_of(now) - DAY}
    slots = [start + dt.timedelta(hours=n) for n in range(24)]
    rows = [
        Activity(
            source,
            [counts[slot] for slot in slots],
            [counts[slot - WEEK] for slot in slots] if counted_before else None,
        )
        for source, counts in new.items()
    ]
    return sorted(rows, key=lambda row: (-sum(row.now), row.source))


def _readings(hours: Sequence[RunHour], now: dt.datetime) -> list[Reading]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in hours:
        if row.hour >= hour_of(now) - DAY:
            sums[row.source][0] += row.seen
            sums[row.source][1] += row.unparsed
    found = [Reading(source, seen, unparsed) for source, (seen, unparsed) in sums.items() if seen or unparsed]
    return sorted(found, key=lambda one: (-one.share, one.source))


def _reasons(session: Session, now: dt.datetime) -> list[Reason]:
    """Why the newest of the last day's runs ended badly, the most frequent first."""
    found: dict[tuple[RunOutcome, str], Counter[str]] = defaultdict(Counter)
    for outcome in ENDS:
        if outcome in GOOD:
            continue
        newest = (
            select(Run.reason, Run.host)
            .where(Run.outcome == outcome, Run.ended_at > now - DAY)
            .order_by(Run.ended_at.desc())
            .limit(SAMPLE)
        )
        for reason, host in session.execute(newest):
            found[outcome, _alike(reason, host)][host] += 1
    rows = [
        Reason(outcome, text, hosts.total(), hosts.most_common(1)[0][0], len(hosts))
        for (outcome, text), hosts in found.items()
    ]
    return sorted(rows, key=lambda row: -row.runs)


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?")
_ADDRESS = re.compile(r"https?://\S+")
_NUMBER = re.compile(r"\d+")


def _alike(reason: str, host: str) -> str:
    """A reason without what differs from run to run and could name somebody: addresses, the host, moments."""
    text = _ADDRESS.sub("…", reason)
    text = text.replace(host, "…") if host else text
    return _MOMENT.sub("…", text)[:200]


def _shapes(session: Session, now: dt.datetime) -> list[Shape]:
    """What was not understood in the newest responses of the last week, the newest first."""
    newest = (
        select(Fetch, Target.source)
        .join(Run, Run.id == Fetch.run_id)
        .join(Target, Target.id == Run.target_id)
        .where(Fetch.unparsed > 0, Fetch.fetched_at > now - WEEK)
        .order_by(Fetch.fetched_at.desc())
        .limit(FETCHES_READ)
    )
    found: dict[tuple[str, str, str, str], Shape] = {}
    for fetch, source in session.execute(newest):
        for problem in fetch.problems:
            locator, reason = str(problem.get("locator", "")), str(problem.get("reason", ""))
            key = (source, fetch.kind, _NUMBER.sub("N", locator), _NUMBER.sub("N", reason))
            known = found.get(key)
            times = 1 if known is None else known.times + 1
            first = known or Shape(source, fetch.kind, locator, reason, 1, fetch)
            found[key] = dataclasses.replace(first, times=times)
    return list(found.values())[:SHAPES_SHOWN]


def _hosts(session: Session, now: dt.datetime) -> list[Host]:
    """Those that rest, are being probed or failed, worst first, then the busiest."""
    troubled = (Host.rest_until > now) | (Host.openings > 0) | (Host.failures > 0)
    worst = select(Host).where(troubled).order_by(Host.openings.desc(), Host.rest_until.desc(), Host.failures.desc())
    found = list(session.scalars(worst.order_by(Host.name).limit(HOSTS_SHOWN)))
    busy = select(Host).where(~troubled | Host.rest_until.is_(None), Host.last_request_at > now - DAY)
    busy = busy.order_by(Host.window_requests.desc(), Host.name).limit(HOSTS_SHOWN)
    names = {host.name for host in found}
    found += [host for host in session.scalars(busy) if host.name not in names]
    return sorted(found[:HOSTS_SHOWN], key=lambda host: (not host.rests(now), -host.openings))


def _waiting(session: Session, names: Sequence[str]) -> dict[str, int]:
    queued = select(Run.host, func.count()).where(Run.outcome == RunOutcome.QUEUED, Run.host.in_(names))
    return {host: number for host, number in session.execute(queued.group_by(Run.host))}  # noqa: C416 - a row is no pair


def _waits(session: Session, now: dt.datetime) -> list[Wait]:
    oldest = func.min(Run.due_at)
    queued = (
        select(Run.host, func.count(), oldest, func.max(Host.rest_until))
        .outerjoin(Host, Host.name == Run.host)
        .where(Run.outcome == RunOutcome.QUEUED)
        .group_by(Run.host)
        .order_by(oldest)
        .limit(WAITS_SHOWN)
    )
    return [
        Wait(host, runs, since, rest is not None and rest > now) for host, runs, since, rest in session.execute(queued)
    ]


def _count_open(session: Session, outcome: RunOutcome) -> int:
    return session.scalar(select(func.count()).select_from(Run).where(Run.outcome == outcome)) or 0


def _overdue(session: Session, now: dt.datetime) -> int:
    late = select(Target.id).where(Target.next_due_at < now - OVERDUE, Target.paused.is_(False)).limit(COUNT_LIMIT)
    return session.scalar(select(func.count()).select_from(late.subquery())) or 0


def _over(session: Session, mandates: Sequence[str]) -> int:
    rows = select(func.count()).select_from(Target).where(Target.mandate_id.in_(mandates), ~Target.paused)
    return session.scalar(rows) or 0 if mandates else 0


def _sights(session: Session, now: dt.datetime) -> dict[str, int]:
    """What became of known posts in the last day."""
    rows = session.execute(
        select(Observation.sight, func.count()).where(Observation.at > now - DAY).group_by(Observation.sight)
    )
    return {Sight(sight).value: number for sight, number in rows}


def _unassessed(session: Session) -> Backlog:
    new = Sighting.state == SightingState.NEW
    first = session.scalar(
        select(Post.first_seen_at)
        .join(Sighting, Sighting.post_id == Post.id)
        .where(new)
        .order_by(Sighting.post_id)
        .limit(1)
    )
    rows = select(Sighting.post_id).where(new).limit(COUNT_LIMIT).subquery()
    return Backlog(session.scalar(select(func.count()).select_from(rows)) or 0, first)


def _uncaptured(session: Session) -> Backlog:
    pending = select(func.count(), func.min(Flag.raised_at)).where(Flag.state == FlagState.PENDING)
    return Backlog(*session.execute(pending).one())


def shared_hosts(session: Session, names: Sequence[str], least: int) -> set[str]:
    """Those of the hosts that carry at least so many targets: a server of many, not somebody's own."""
    crowded = select(Target.host).where(Target.host.in_(names)).group_by(Target.host)
    return set(session.scalars(crowded.having(func.count() >= least)))


def _deaths(session: Session, now: dt.datetime) -> list[tuple[str, dt.datetime]]:
    died = (
        select(LogEntry.subject, LogEntry.at)
        .where(LogEntry.action == "part.died", LogEntry.at > now - DAY)
        .order_by(LogEntry.seq.desc())
    )
    return [(subject.partition(":")[2], at) for subject, at in session.execute(died)]
