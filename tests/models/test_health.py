"""Runs are counted once, targets by their newest run, storage by the day; and what needs a person is said."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from models.bodies import keep_body
from models.clock import utc_now
from models.health.concerns import KINDS, Level, concerns
from models.health.counts import LAG, RunHour, TargetState, count_runs, last_count, late_kind, states_by_source
from models.health.looking import Activity, Backlog, Coverage, Health, Reading, Wait, look
from models.health.storage import Storage, StorageDay, measure_storage
from models.hosts import LONGEST_ORDERED_REST, Breaker, Host, HostNews, note_news, rest_host, take_hosts, wake_host
from models.ids import new_id
from models.log import LogEntry, record
from models.mandates import Mandate
from models.observations import Observation, Sight
from models.targets import Run, RunOutcome, Target, add_target, record_missed, set_paused

NOW = utc_now().replace(minute=25, second=0, microsecond=0)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


def a_target(world, source="feed", host="lapak.example"):
    with world.database.write() as session:
        address = f"https://{host}/{new_id()}"
        return add_target(
            session, world.mandate, source=source, address=address, account=None, actor="test",
            first_due_at=NOW + DAY,
        )  # fmt: skip


def ran(world, target, outcome=RunOutcome.DONE, *, ended=NOW - MINUTE, **fields):
    with world.database.write() as session:
        due = fields.pop("due_at", ended)
        run = Run(
            target_id=target.id,
            host=target.host,
            due_at=due,
            started_at=ended,
            ended_at=ended,
            outcome=outcome,
            **fields,
        )
        session.add(run)
    return run


def seen(world, evidence, now=NOW):
    with world.database.read() as session:
        return look(session, evidence.root, now=now, midnight=now.replace(hour=0, minute=0))


def hours(world):
    with world.database.read() as session:
        rows = session.scalars(select(RunHour).order_by(RunHour.hour, RunHour.outcome, RunHour.late))
        return [(row.hour, row.source, row.outcome, row.late, row.runs, row.new) for row in rows]


def test_each_ended_run_is_counted_once_in_the_hour_in_which_it_ended(world):
    one, two = a_target(world), a_target(world, "telegram")
    ran(world, one, ended=NOW - HOUR, posts_new=2)
    ran(world, one, posts_new=3, late_reason="host beristirahat: HTTP 429 sampai 10.00")
    ran(world, two, RunOutcome.FAILED)
    assert count_runs(world.database, now=NOW) == 3
    assert count_runs(world.database, now=NOW) == 0
    ran(world, two, ended=NOW, posts_new=7)
    assert count_runs(world.database, now=NOW + MINUTE) == 1
    this = NOW.replace(minute=0)
    assert hours(world) == [
        (this - HOUR, "feed", "done", "", 1, 2),
        (this, "telegram", "done", "", 1, 7),
        (this, "feed", "done", "host beristirahat", 1, 3),
        (this, "telegram", "failed", "", 1, 0),
    ]


def test_a_run_that_ended_a_moment_ago_waits_for_the_next_count(world):
    ran(world, a_target(world), ended=NOW - LAG / 2)
    assert count_runs(world.database, now=NOW) == 0
    assert count_runs(world.database, now=NOW + LAG) == 1


def test_open_runs_are_not_counted(world):
    target = a_target(world)
    with world.database.write() as session:
        session.add(Run(target_id=target.id, host=target.host, due_at=NOW - HOUR))
    assert count_runs(world.database, now=NOW) == 0


def test_counting_goes_on_after_a_clock_that_ran_ahead_was_set_right(world):
    target = a_target(world)
    ran(world, target, ended=NOW - HOUR)
    count_runs(world.database, now=NOW + DAY)
    ran(world, target, RunOutcome.GONE, ended=NOW)
    count_runs(world.database, now=NOW)
    count_runs(world.database, now=NOW + MINUTE)
    with world.database.read() as session:
        assert session.get_one(TargetState, target.id).outcome == "gone"


def test_a_target_is_as_its_newest_run_whatever_order_they_are_counted_in(world):
    target = a_target(world)
    ran(world, target, RunOutcome.FAILED, ended=NOW - MINUTE, due_at=NOW - HOUR)
    ran(world, target, RunOutcome.DONE, ended=NOW - 2 * MINUTE, due_at=NOW - MINUTE * 3)
    count_runs(world.database, now=NOW)
    with world.database.read() as session:
        assert states_by_source(session)["feed"] == {"done": 1}


def test_paused_targets_and_those_of_ended_mandates_trouble_nobody(world, evidence):
    targets = [a_target(world) for _ in range(3)]
    for target in targets:
        ran(world, target, RunOutcome.REFUSED)
    count_runs(world.database, now=NOW)
    with world.database.write() as session:
        set_paused(session, session.get_one(Target, targets[0].id), paused=True, actor="test")
    assert seen(world, evidence).total("refused") == 2
    with world.database.write() as session:
        session.get_one(Mandate, world.mandate.id).last_day = NOW.date() - DAY
    health = seen(world, evidence, NOW + DAY)
    assert (health.total("refused"), health.over, health.paused, health.active) == (0, 3, 1, 0)


def test_coverage_accounts_for_every_due_time(world, evidence):
    target = a_target(world)
    ran(world, target, ended=NOW - 2 * MINUTE)
    ran(world, target, late_reason="antrean penuh", ended=NOW - 3 * MINUTE)
    ran(world, target, RunOutcome.FAILED, ended=NOW - 4 * MINUTE, reason="HTTP 500 https://lapak.example/a?b=1")
    ran(world, target, RunOutcome.FAILED, ended=NOW - 5 * MINUTE, reason="HTTP 500 https://lapak.example/c")
    with world.database.write() as session:
        row = session.get_one(Target, target.id)
        record_missed(session, row, due_at=NOW - HOUR, count=4, actor="test", at=NOW - MINUTE)
    count_runs(world.database, now=NOW)
    health = seen(world, evidence)
    assert health.day.outcomes == {"done": 2, "failed": 2, "missed": 4}
    assert (health.day.due, health.day.on_time, health.day.late) == (8, 3, {"antrean penuh": 1})
    (failed, missed) = health.reasons
    assert (failed.outcome, failed.text, failed.runs, failed.host) == ("failed", "HTTP 500 …", 2, "lapak.example")
    assert missed.text == "4 jadwal terlewat: penjadwal tidak berjalan"


def test_posts_of_an_hour_stand_beside_those_of_a_week_ago(world, evidence):
    target = a_target(world)
    ran(world, target, posts_new=5)
    ran(world, target, posts_new=2, ended=NOW - 7 * DAY)
    ran(world, target, posts_new=9, ended=NOW - 3 * DAY)
    count_runs(world.database, now=NOW)
    (activity,) = seen(world, evidence).activity
    assert activity.now == [0] * 23 + [5]
    assert activity.before == [0] * 23 + [2]


def test_what_became_of_posts_is_counted_for_a_day(world, evidence):
    (post,) = world.store("Harga cabai naik")
    with world.database.write() as session:
        run = session.scalars(select(Run)).first()
        for sight, at in ((Sight.DELETED, NOW - HOUR), (Sight.BLOCKED, NOW - 2 * DAY)):
            session.add(Observation(post_id=post.id, run_id=run.id, fetch_id=None, sight=sight, reason="", at=at))
    health = seen(world, evidence)
    assert health.sights == {"deleted": 1}
    assert health.unassessed.rows == 1


def test_storage_is_measured_once_a_day_and_its_growth_told(world, evidence):
    evidence.put(b"x" * 5_000)
    with world.database.write() as session:
        keep_body(session, b"<html>" * 1_000)
    assert measure_storage(world.database, evidence.root, now=NOW) == 1
    assert measure_storage(world.database, evidence.root, now=NOW) == 0
    with world.database.read() as session:
        day = session.scalars(select(StorageDay)).one()
    assert (day.evidence_files, day.evidence_bytes, day.bodies) == (1, 5_000, 1)
    assert 0 < day.bodies_bytes < 6_000
    assert day.database_bytes > 100_000
    evidence.put(b"y" * 1_000_000)
    measure_storage(world.database, evidence.root, now=NOW + 2 * DAY)
    storage = seen(world, evidence, NOW + 2 * DAY).storage
    assert 500_000 <= storage.per_day < 1_500_000
    assert storage.days_left == storage.free_bytes // storage.per_day


def test_an_evidence_directory_that_is_not_there_yet_is_empty(world, tmp_path):
    measure_storage(world.database, tmp_path / "none" / "yet", now=NOW)
    with world.database.read() as session:
        assert session.scalars(select(StorageDay)).one().evidence_files == 0


@pytest.fixture
def broken(database):
    """A host whose breaker is open."""
    with database.write() as session:
        take_hosts(session, ["h.example"], new_id(), now=NOW, lease=MINUTE)
        note_news(session, [HostNews("h.example", failures=5, failure="HTTP 503")], actor="test", now=NOW)
    return database


def test_an_officer_wakes_a_host_and_lets_it_rest_and_the_log_says_who(broken):
    with broken.write() as session:
        assert session.get_one(Host, "h.example").breaker(NOW) is Breaker.OPEN
        wake_host(session, "h.example", actor="officers:1", now=NOW)
        host = session.get_one(Host, "h.example")
        assert (host.breaker(NOW), host.rests(NOW)) == (Breaker.CLOSED, False)
        rest_host(session, "h.example", until=NOW + HOUR, reason="diminta pengelola", actor="officers:1", now=NOW)
        assert host.rests(NOW + MINUTE)
        assert take_hosts(session, ["h.example"], new_id(), now=NOW + MINUTE, lease=MINUTE) == {}
    with broken.read() as session:
        said = session.scalars(select(LogEntry).where(LogEntry.actor == "officers:1").order_by(LogEntry.seq)).all()
    assert [entry.action for entry in said] == ["host.woken", "host.rested"]
    assert b"diminta" not in said[1].entry


@pytest.mark.parametrize("until", [NOW, NOW - HOUR, NOW + LONGEST_ORDERED_REST + MINUTE])
def test_a_rest_lies_ahead_and_has_an_end(broken, until):
    from models.errors import BadInput  # noqa: PLC0415

    with broken.write() as session, pytest.raises(BadInput):
        rest_host(session, "h.example", until=until, reason="x", actor="test", now=NOW)


def test_the_longest_host_name_can_be_logged(database):
    name = "a" * 249 + ".id"
    with database.write() as session:
        take_hosts(session, [name], new_id(), now=NOW, lease=MINUTE)
        note_news(session, [HostNews(name, failures=5, failure="HTTP 503")], actor="test", now=NOW)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(LogEntry).where(LogEntry.action == "host.opened")) == 1


WELL = Health(
    at=NOW, counted_at=NOW, targets=100, paused=0, over=0, overdue=0, queued=0, running=0,
    states={"feed": {"done": 100}}, today=Coverage(NOW, {}, {}), day=Coverage(NOW, {"done": 100}, {}), reasons=[],
    activity=[Activity("feed", [5] * 24, [5] * 24)], readings=[Reading("feed", 100, 0)], shapes=[], hosts=[],
    waiting_by_host={}, waits=[], sights={}, edited=0, unassessed=Backlog(0, None), uncaptured=Backlog(0, None),
    storage=Storage([], 1, 1 << 40), deaths=[],
)  # fmt: skip


def storage_of(*, free, growth):
    def day(number, size):
        sizes = dict.fromkeys(("bodies", "bodies_bytes", "evidence_files", "evidence_bytes"), 0)
        return StorageDay(day=NOW.date() + number * DAY, database_bytes=size, free_bytes=free, **sizes)

    return Storage([day(0, 0), day(1, growth)], growth, free)


LONG_AGO = NOW - 10 * HOUR
WRONG = {
    "clock": {"counted_at": NOW - 10 * MINUTE},
    "overdue": {"overdue": 3},
    "stuck": {"waits": [Wait("h.example", 4, LONG_AGO, resting=False)]},
    "slow": {"waits": [Wait("h.example", 4, LONG_AGO, resting=False)], "running": 1},
    "unparsed": {"readings": [Reading("feed", 94, 6)]},
    "disk_full": {"storage": Storage([], 1, 1 << 30)},
    "disk_soon": {"storage": storage_of(free=10 << 30, growth=1 << 30)},
    "part_loops": {"deaths": [("crawl", NOW - 10 * MINUTE * n) for n in range(3)]},
    "part_died": {"deaths": [("crawl", NOW - MINUTE)]},
    "failing": {"states": {"feed": {"done": 98, "failed": 1, "interrupted": 1}}},
    "gone": {"states": {"feed": {"done": 99, "gone": 1}}},
    "blocked": {"states": {"feed": {"done": 99, "blocked": 1}}},
    "refused": {"states": {"feed": {"done": 99, "refused": 1}}},
    "missed": {"day": Coverage(NOW, {"done": 100, "missed": 1}, {})},
    "late": {"day": Coverage(NOW, {"done": 100}, {"antrean penuh": 6})},
    "breaker": {"hosts": [Host(name="h.example", openings=1, rest_until=NOW + HOUR)]},
    "quiet": {"activity": [Activity("feed", [1] * 24, [5] * 24)]},
    "unassessed": {"unassessed": Backlog(9, LONG_AGO)},
    "uncaptured": {"uncaptured": Backlog(9, LONG_AGO)},
}


def kinds(**changes):
    return [concern.kind for concern in concerns(dataclasses.replace(WELL, **changes))]


def test_when_all_is_well_there_is_nothing_to_do():
    assert kinds() == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_thing_that_can_be_wrong_is_said_alone(kind):
    assert kinds(**WRONG[kind]) == [kind]


@pytest.mark.parametrize(
    "harmless",
    [
        {"states": {"feed": {"done": 199, "failed": 1}}, "targets": 200},
        {"waits": [Wait("h.example", 4, LONG_AGO, resting=True)]},
        {"readings": [Reading("feed", 0, 9)]},
        {"readings": [Reading("feed", 95, 5)]},
        {"deaths": [("crawl", NOW - 30 * MINUTE)]},
        {"activity": [Activity("feed", [0] * 24, [0] * 23 + [19])]},
        {"activity": [Activity("feed", [0] * 24, None)]},
        {"day": Coverage(NOW, {"done": 100}, {"antrean penuh": 5})},
        {"hosts": [Host(name="h.example", rest_until=NOW + HOUR, rest_reason="HTTP 429")]},
        {"counted_at": None, "targets": 0},
    ],
)
def test_what_mends_itself_is_no_concern(harmless):
    assert kinds(**harmless) == []


def test_the_most_urgent_comes_first():
    found = concerns(dataclasses.replace(WELL, **WRONG["gone"], **WRONG["disk_full"], **WRONG["missed"]))
    assert [concern.kind for concern in found] == ["disk_full", "gone", "missed"]
    assert found[0].level is Level.URGENT


def test_deaths_of_parts_are_read_from_the_log(world, evidence):
    with world.database.write() as session:
        record(session, "part.died", "parts:crawl", actor="supervisor", at=NOW - MINUTE, exit_code=1)
    assert seen(world, evidence).deaths == [("crawl", NOW - MINUTE)]


def test_nothing_was_counted_before_the_first_count(world):
    with world.database.read() as session:
        assert last_count(session) is None


@given(st.text(max_size=400))
def test_every_late_reason_fits_its_column(reason):
    assert len(late_kind(reason)) <= 60
