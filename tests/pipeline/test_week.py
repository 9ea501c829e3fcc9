"""A week in minutes: every due time is accounted for, whatever happens to clock, crawler and servers.

The database, the calendar, the queue, the claims and the circuit breakers are real; only time and the walk over the
network are made up. What was due is computed a second time by `grids`.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import random

import pytest
from sqlalchemy import event, func, select, update

from models.claims import claim_runs, take_back, waiting_hosts
from models.contest import parse_contest
from models.hosts import Host, HostNews, note_news, release_hosts, take_hosts
from models.log import LogEntry
from models.mandates import Mandate, approve_mandate, propose_mandate, save_contest
from models.officers import Officer
from models.targets import LATE_AFTER, Run, RunOutcome, Target, add_target, close_run, set_paused
from pipeline import stages
from pipeline.application import Application
from pipeline.settings import Settings
from pipeline.stages import mend_calendar, queue_due
from tests.pipeline.grids import daily, grid, without_night

START = dt.datetime(2031, 11, 17, tzinfo=dt.UTC)
END = START + dt.timedelta(days=7)
TICK = dt.timedelta(minutes=2)
HOUR = dt.timedelta(hours=1)
MEND_EVERY = HOUR
LEASE = dt.timedelta(minutes=5)
WORKER = "worker"
SETTLING = dt.timedelta(minutes=75)
"""After the clock's next hourly turn, the pace of a new stage holds."""

WIB, WITA, WIT = (dt.timezone(dt.timedelta(hours=hours)) for hours in (7, 8, 9))
QUIET_BEGINS = dt.datetime(2031, 11, 22)  # noqa: DTZ001 - local midnight, in each zone
MANDATE_ENDS = dt.datetime(2031, 11, 22, tzinfo=WIT)

LIMITED, BROKEN, CALM = "dibatasi.example", "rusak.example", "tenang.example"

CONTEST = """\
name: Pilkada {zone}
region: Kabupaten {zone}
election_day: 2031-11-25
candidates: [{{number: 1, names: [Raka Wibisana]}}]
stages:
  - {{name: Masa kampanye, from: 2031-09-25, to: 2031-11-21, every: 1h}}
  - {{name: Masa tenang, from: 2031-11-22, to: 2031-11-24, every: 10m}}
schedule: {{every: 1d, blackout: [{blackout}]}}
"""


def on_day(day, hour, minute=0):
    return START + dt.timedelta(days=day - 1, hours=hour, minutes=minute)


CRAWLER_DIES = {on_day(1, 6), on_day(1, 6, 30), on_day(4, 12), on_day(6, 9)}
OUTAGES = [(on_day(1, 10), on_day(1, 15)), (on_day(6, 2), on_day(6, 2, 40))]
CRAWLER_DOWN = [(on_day(4, 14), on_day(4, 17))]
LIMIT_ASKED = (on_day(2, 3), on_day(2, 3, 40))
SERVER_BROKEN = (on_day(3, 5), on_day(3, 10))
PAUSED = (on_day(2, 8), on_day(3, 10))
AHEAD = (on_day(4, 2), on_day(4, 2, 20), dt.timedelta(hours=6))
BEHIND = (on_day(5, 6), on_day(5, 7, 30), dt.timedelta(hours=-2))


def during(moment, span):
    return span[0] <= moment < span[1]


@dataclasses.dataclass
class Watched:
    """A target, and what must happen to it. `extras`: moments at which something made it due."""

    id: str
    zone: dt.timezone
    host: str
    interval: int | None
    expected: list[dt.datetime]
    extras: set[dt.datetime] = dataclasses.field(default_factory=set)


class Week:
    """Turns the hands of the clock."""

    def __init__(self, app, watched):
        self.app, self.database = app, app.database
        self.watched = {target.id: target for target in watched}
        self.real = START
        self.dice = random.Random(7)  # noqa: S311 - a script
        self.running = {}
        self.schedulers_killed = 0

    @property
    def now(self):
        """What the machine's clock shows."""
        shift = next((by for since, until, by in (AHEAD, BEHIND) if during(self.real, (since, until))), dt.timedelta(0))
        return self.real + shift

    def live(self):
        while self.real < END:
            self.real += TICK
            if any(during(self.real, outage) for outage in OUTAGES):
                self.running.clear()
                continue
            self.turn_clock()
            self.turn_crawler()
            self.turn_operator()
        while self.open_runs():
            self.real += TICK
            self.turn_crawler()

    def turn_clock(self):
        if self.is_anything_due():
            if self.dice.random() < 0.02:
                self.kill_scheduler()
            queue_due(self.app, now=self.now)
            if self.dice.random() < 0.2:
                assert queue_due(self.app, now=self.now) == 0, "a second scheduler finds nothing"
        if (self.real - START) % MEND_EVERY == dt.timedelta(0):
            mend_calendar(self.app, now=self.now)

    def is_anything_due(self):
        with self.database.read() as session:
            first = session.scalar(select(func.min(Target.next_due_at)).where(Target.paused.is_(False)))
        return first is not None and first <= self.now

    def kill_scheduler(self):
        """In the middle of a transaction: after the runs were made, before the targets moved on."""
        real = stages.queue_runs

        def killed(*arguments, **named):
            real(*arguments, **named)
            raise KeyboardInterrupt

        stages.queue_runs = killed
        try:
            with pytest.raises(KeyboardInterrupt):
                queue_due(self.app, now=self.now)
        finally:
            stages.queue_runs = real
        self.schedulers_killed += 1

    def turn_crawler(self):
        if any(during(self.real, down) for down in CRAWLER_DOWN):
            self.running.clear()
            return
        if self.real in CRAWLER_DIES:
            self.running.clear()
        if not self.running and not self.open_runs():
            return
        with self.database.write() as session:
            self.succeed_whoever_died(session)
            for run_id, host in self.running.items():
                self.end(session, session.get_one(Run, run_id), host)
            release_hosts(session, set(self.running.values()), WORKER)
            self.running = self.claim(session)

    def succeed_whoever_died(self, session):
        running = session.scalars(select(Run).where(Run.outcome == RunOutcome.RUNNING)).all()
        if any(run.id not in self.running for run in running):
            for run in running:
                self.watched[run.target_id].extras.add(self.now)
            self.running = {}
            take_back(session, actor="crawler", now=self.now, worker=WORKER)

    def claim(self, session):
        hosts = waiting_hosts(session, WORKER, besides=[], now=self.now, limit=10)
        turns = take_hosts(session, hosts, WORKER, now=self.now, lease=LEASE)
        wanted = {host: 1 if turn.probe else 2 for host, turn in turns.items()}
        claimed = claim_runs(session, wanted, WORKER, actor="crawler", now=self.now, lease=LEASE)
        return {run.id: target.host for run, target in claimed}

    def end(self, session, run, host):
        news, outcome, reason = HostNews(host, requests=1, succeeded=True), RunOutcome.DONE, ""
        if host == LIMITED and during(self.now, LIMIT_ASKED):
            outcome, reason = RunOutcome.FAILED, "diminta menunggu"
            news = dataclasses.replace(
                news, rest_until=self.now + 3 * HOUR, rest_reason="server meminta jeda (HTTP 429)"
            )
        elif host == BROKEN and during(self.now, SERVER_BROKEN):
            outcome, reason = RunOutcome.FAILED, "server menjawab HTTP 500"
            news = HostNews(host, requests=1, failures=1, failure=reason)
        close_run(session, run, outcome, actor="crawler", reason=reason, at=self.now)
        note_news(session, [news], actor="crawler", now=self.now)

    def open_runs(self):
        with self.database.read() as session:
            return session.scalar(
                select(func.count()).select_from(Run).where(Run.outcome.in_((RunOutcome.QUEUED, RunOutcome.RUNNING)))
            )

    def turn_operator(self):
        for moment, paused in zip(PAUSED, (True, False), strict=True):
            if self.real == moment:
                with self.database.write() as session:
                    target = session.scalars(select(Target).where(Target.address.endswith("/jeda"))).one()
                    set_paused(session, target, paused=paused, actor="operator")
                    if not paused:
                        self.watched[target.id].extras.add(self.now)


@pytest.fixture
def week(sqlite_world, sqlite_url, vault, evidence, tmp_path, monkeypatch):
    database = sqlite_world.database
    event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    database.engine.dispose()
    app = Application(Settings(home=tmp_path, database_url=sqlite_url), database, vault, evidence)
    with database.write() as session:
        session.execute(update(Target).values(paused=True))  # the small world's own
        found = Week(app, people_the_week(session, sqlite_world))
    monkeypatch.setattr("models.targets.utc_now", lambda: found.now)
    return found


def people_the_week(session, world):
    """Three regencies in three zones; in two of them the nights are quiet; the mandate of one ends on Friday."""
    west = mandate_in(session, world, "WIB", 420, "22:00-04:00", "2031-12-01")
    middle = mandate_in(session, world, "WITA", 480, "", "2031-12-01")
    east = mandate_in(session, world, "WIT", 540, "23:00-05:00", "2031-11-21")
    rows = [
        (west, WIB, CALM, "tahapan", None, None),
        (west, WIB, LIMITED, "dibatasi", None, None),
        (west, WIB, CALM, "cron", None, "0 7,12,19 * * *"),
        (middle, WITA, CALM, "tahapan", None, None),
        (middle, WITA, LIMITED, "setengah-jam", 1_800, None),
        (middle, WITA, BROKEN, "rusak", None, None),
        (middle, WITA, CALM, "jeda", 3_600, None),
        (east, WIT, BROKEN, "tahapan", None, None),
        (east, WIT, CALM, "cron", None, "0 6,18 * * *"),
    ]
    return [watch(session, number, *row) for number, row in enumerate(rows)]


def mandate_in(session, world, zone, offset, blackout, last_day):
    contest = save_contest(session, parse_contest(CONTEST.format(zone=zone, blackout=blackout).encode()), actor="test")
    session.flush()
    mandate = propose_mandate(
        session, session.get_one(Officer, world.operator.id), number=f"{zone}/2031", legal_basis="Surat tugas uji",
        agency=f"Bawaslu {zone}", contest=contest, first_day=dt.date(2031, 11, 1),
        last_day=dt.date.fromisoformat(last_day), utc_offset_minutes=offset,
    )  # fmt: skip
    session.flush()
    approve_mandate(session, mandate, session.get_one(Officer, world.second_operator.id))
    return mandate


def watch(session, number, mandate, zone, host, name, interval, cron):
    target = add_target(
        session, mandate, source="feed", address=f"https://{host}/{zone}/{name}", account=None, actor="test",
        interval_seconds=interval, cron=cron,
    )  # fmt: skip
    key = f"{number:026}"  # so that every run of this test has the same week
    expected = what_is_due(key, zone, name, interval)
    session.execute(update(Target).where(Target.id == target.id).values(id=key, next_due_at=expected[0]))
    session.expunge(target)
    return Watched(key, zone, host, interval, expected)


def what_is_due(key, zone, name, interval):
    if name == "cron":
        return daily(key, zone, [7, 12, 19] if zone is WIB else [6, 18], START, END)
    if interval is not None:
        return grid(key, interval, START, END)
    quiet = QUIET_BEGINS.replace(tzinfo=zone).astimezone(dt.UTC)
    dues = grid(key, 3_600, START, quiet) + grid(key, 600, quiet, END)
    nights = {WIB: (22, 4), WIT: (23, 5)}
    return without_night(key, zone, *nights[zone], dues) if zone in nights else dues


@pytest.mark.timeout(300)
def test_every_due_time_of_a_week_is_accounted_for(week):
    week.live()
    assert week.schedulers_killed > 10
    with week.database.read() as session:
        runs = collections.defaultdict(list)
        for run in session.scalars(select(Run).order_by(Run.due_at)):
            runs[run.target_id].append(run)
        assert runs.keys() == week.watched.keys()
        for target in week.watched.values():
            every_time_is_accounted_for(target, runs[target.id])
        every_run_that_was_late_or_missed_says_why([run for rows in runs.values() for run in rows])
        the_breaker_opened_and_closed(session)
        assert list(session.scalars(select(LogEntry.seq).order_by(LogEntry.seq))) == list(
            range(session.scalar(select(func.count()).select_from(LogEntry)))
        )


def every_time_is_accounted_for(target, runs):
    due, covered = those_wanted(target), what_was_covered(target, runs)
    assert {moment for moment in due if not covered[moment]} == set()
    beside = covered.keys() - set(due)
    assert {moment for moment in beside if not is_explained(target, moment, runs)} == set()
    twice = {moment: times for moment, times in covered.items() if times > 1}
    assert all(times == 2 and is_told_twice(moment) for moment, times in twice.items()), twice
    total = sum(run.times for run in runs)
    assert total == len(due) + len(beside) + len(twice)


def those_wanted(target):
    """What was to be accounted for: not what was due while the target was paused, nor after its mandate's end."""
    wanted = target.expected
    if target.interval == 3_600:
        wanted = [moment for moment in wanted if not PAUSED[0] < moment <= PAUSED[1]]
    if target.zone is WIT:
        wanted = [moment for moment in wanted if moment < MANDATE_ENDS]
    return [moment for moment in wanted if not is_settling(target, moment)]


def what_was_covered(target, runs):
    """How often each due time was told; a row of several missed times stands for those that follow its own."""
    covered, times = collections.Counter(), sorted({*target.expected, *target.extras})
    for run in runs:
        following = [moment for moment in times if moment > run.due_at and moment in target.expected]
        covered.update([run.due_at, *following[: run.times - 1]])
    return covered


def is_explained(target, moment, runs):
    """Made due by somebody, in the hour in which a new stage begins, or refused because the mandate has ended."""
    if moment in target.extras or is_settling(target, moment):
        return True
    refused = [run.due_at for run in runs if run.outcome is RunOutcome.REFUSED]
    return target.zone is WIT and moment >= MANDATE_ENDS and refused.count(moment) == len(refused) == 1


def is_settling(target, moment):
    begins = QUIET_BEGINS.replace(tzinfo=target.zone)
    return target.zone is WITA and target.interval is None and begins <= moment < begins + SETTLING


def is_told_twice(moment):
    """A clock that ran ahead called times missed that had not come; when they came, they were taken."""
    return AHEAD[0] < moment <= AHEAD[0] + AHEAD[2] + HOUR


def every_run_that_was_late_or_missed_says_why(runs):
    outcomes = collections.Counter(run.outcome for run in runs)
    assert outcomes.keys() == {RunOutcome.DONE, RunOutcome.FAILED, RunOutcome.MISSED, RunOutcome.INTERRUPTED,
                               RunOutcome.REFUSED}  # fmt: skip
    assert all(run.reason for run in runs if run.outcome is not RunOutcome.DONE)
    late = [run for run in runs if run.started_at is not None and run.started_at - run.due_at > LATE_AFTER]
    assert all(run.late_reason for run in late)
    reasons = collections.Counter(run.late_reason.partition(":")[0] for run in late)
    assert reasons.keys() == {"penjadwal tidak berjalan", "host beristirahat", "antrean penuh"}
    told = {run.reason.partition(": ")[2] for run in runs if run.outcome is RunOutcome.MISSED}
    before = "proses sebelumnya masih"
    assert told == {"penjadwal tidak berjalan", f"{before} menunggu giliran", f"{before} berjalan"}
    on_time = [run for run in runs if run.outcome is RunOutcome.DONE and not run.late_reason]
    assert len(on_time) > 0.9 * outcomes[RunOutcome.DONE]


def the_breaker_opened_and_closed(session):
    opened = session.scalars(select(LogEntry.subject).where(LogEntry.action == "host.opened")).all()
    assert set(opened) == {f"hosts:{BROKEN}"}
    assert len(opened) > 2
    assert session.get_one(Host, BROKEN).openings == 0
    assert session.get_one(Host, LIMITED).last_success_at > LIMIT_ASKED[1]
    assert session.scalar(select(func.count()).select_from(Mandate)) == 4
