"""The calendar: a pure function from a rule and a moment to the next due time."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from models.contest import ContestSpec
from models.errors import BadInput
from pipeline.calendar import CRON_SPREAD_SECONDS, SPREAD_SECONDS, Rule, Times, check_cron, times_until
from tests.pipeline.grids import grid

WIB, WITA, WIT = (dt.timezone(dt.timedelta(hours=hours)) for hours in (7, 8, 9))
DAY = dt.timedelta(days=1)
START = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)

on_a_busy_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

zones = st.sampled_from([WIB, WITA, WIT])
keys = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26)
moments = st.datetimes(dt.datetime(2026, 9, 1), dt.datetime(2026, 12, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001
intervals = st.one_of(st.sampled_from([60, 600, 3600, 86_400]), st.integers(60, 366 * 86_400))
crons = st.sampled_from(
    ["0 7 * * *", "*/10 * * * *", "30 6-18/3 * * 1-5", "5 0 1 * *", "59 23 * * 0", "0 12 24 11 *", "15 8 * * sat,7"]
)
clock_times = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda time: f"{time[0]:02}:{time[1]:02}")


def contest(*, every=3600, blackout=(), stages=()):
    return ContestSpec.model_validate({
        "name": "Pilkada Rekaan", "region": "Rekaan", "election_day": "2026-11-25",
        "candidates": [{"number": 1, "names": ["Raka"]}],
        "stages": list(stages), "schedule": {"every": every, "blackout": list(blackout)},
    })  # fmt: skip


PLAIN = contest()
STAGED = contest(
    stages=[
        {"name": "Kampanye", "from": "2026-09-25", "to": "2026-11-21", "every": "1h"},
        {"name": "Tenang", "from": "2026-11-22", "to": "2026-11-24", "every": "10m"},
    ],
    every=86_400,
)


@st.composite
def blackouts(draw):
    """Hours of rest that leave some of the day, perhaps one after the other without a gap."""
    begins = draw(st.lists(clock_times, min_size=2, max_size=6, unique=True))
    found = [f"{begin}-{end}" for begin, end in itertools.pairwise(begins)]
    spec = contest(blackout=found)
    assume(any(not is_dark(spec, rest.end) for rest in spec.schedule.blackout))
    return spec


def is_dark(spec, minute):
    return any(blackout.covers(minute) for blackout in spec.schedule.blackout)


specs_without_blackout = st.sampled_from([PLAIN, STAGED])


@st.composite
def rules(draw, specs=specs_without_blackout):
    cron = draw(st.none() | crons)
    interval = draw(st.none() | intervals) if cron is None else None
    return Rule(draw(keys), draw(zones), draw(specs), interval, cron)


@on_a_busy_machine
@given(rules(st.one_of(st.just(PLAIN), st.just(STAGED), blackouts())), moments)
def test_the_next_time_lies_strictly_after_and_is_the_same_for_every_scheduler(rule, moment):
    due = rule.after(moment)
    assert due > moment
    assert due.utcoffset() == dt.timedelta(0)
    assert due == Rule(rule.key, rule.zone, rule.spec, rule.interval, rule.cron).after(moment)


@on_a_busy_machine
@given(rules(), moments, st.integers(0, 999))
def test_between_now_and_the_next_time_nothing_is_due(rule, moment, part):
    due = rule.after(moment)
    between = moment + (due - moment) * part // 1_000
    assume(rule.spec.crawl_interval(between.astimezone(rule.zone).date()) == rule.spec.crawl_interval(
        moment.astimezone(rule.zone).date()
    ))  # fmt: skip
    assert rule.after(between) == due


@on_a_busy_machine
@given(keys, zones, intervals, moments)
def test_two_times_of_an_interval_are_nearly_that_far_apart(key, zone, interval, moment):
    rule = Rule(key, zone, PLAIN, interval)
    first = rule.after(moment)
    second = rule.after(first)
    assert 0.9 * interval <= (second - first).total_seconds() <= 1.1 * interval
    assert (first - moment).total_seconds() <= 1.1 * interval


@on_a_busy_machine
@given(rules(blackouts()), moments)
def test_nothing_is_due_in_blackout_hours(rule, moment):
    local = rule.after(moment).astimezone(rule.zone)
    assert not is_dark(rule.spec, local.hour * 60 + local.minute)


def test_targets_that_waited_for_the_end_of_the_night_are_spread_after_it():
    spec = contest(blackout=["22:00-04:30", "04:30-05:00"])
    night = dt.datetime(2026, 10, 1, 2, tzinfo=WITA)
    dues = [Rule(f"target {n}", WITA, spec, 60).after(night) for n in range(500)]
    waits = [(due - dt.datetime(2026, 10, 1, 5, tzinfo=WITA)).total_seconds() for due in dues]
    assert 0 <= min(waits) < 30
    assert SPREAD_SECONDS - 30 < max(waits) < SPREAD_SECONDS
    assert 0.4 < sum(wait < SPREAD_SECONDS / 2 for wait in waits) / len(waits) < 0.6


def test_where_the_day_leaves_five_minutes_all_are_due_in_them():
    spec = contest(blackout=["12:05-12:00"])
    for n in range(200):
        local = Rule(f"target {n}", WIB, spec, 3600).after(START).astimezone(WIB)
        assert (local.hour, local.minute // 5) == (12, 0)


def test_a_day_without_a_free_minute_has_no_times_in_sight():
    spec = contest(blackout=["12:00-00:00", "00:00-12:00"])
    assert Rule("target", WIB, spec, 3600).after(START) > START + 300 * DAY


@pytest.mark.parametrize("interval", [600, 3600, 86_400])
def test_targets_are_spread_evenly_over_the_interval(interval):
    parts = [0] * 10
    for n in range(4_000):
        due = Rule(f"target {n}", WIB, PLAIN, interval).after(START)
        parts[min(9, int((due - START).total_seconds() / interval * 10))] += 1
    assert all(300 < part < 500 for part in parts), parts


@on_a_busy_machine
@given(keys, zones, moments)
def test_cron_speaks_of_the_local_time(key, zone, moment):
    rule = Rule(key, zone, PLAIN, cron="30 7 * * 1-5")
    local = rule.after(moment).astimezone(zone)
    assert (local.hour, local.minute) == (7, 30)
    assert local.second < CRON_SPREAD_SECONDS
    assert local.isoweekday() <= 5


@pytest.mark.parametrize(
    ("field", "days"),
    [("0", {7}), ("7", {7}), ("1-5", {1, 2, 3, 4, 5}), ("5-7", {5, 6, 7}), ("1-5/2", {1, 3, 5}), ("sat,0", {6, 7}),
     ("tue", {2}), ("*", {1, 2, 3, 4, 5, 6, 7})],
)  # fmt: skip
def test_weekdays_are_counted_from_sunday_as_in_crontab(field, days):
    rule, moment, found = Rule("target", WIT, PLAIN, cron=f"0 7 * * {field}"), START, set()
    for _ in range(14):
        moment = rule.after(moment)
        found.add(moment.astimezone(WIT).isoweekday())
    assert found == days


def test_the_stage_of_the_local_day_sets_the_pace():
    for zone in (WIB, WITA, WIT):
        rule = Rule("target", zone, STAGED)
        for day, interval in (("09-24", 86_400), ("11-21", 3_600), ("11-22", 600), ("11-25", 86_400)):
            moment = dt.datetime.fromisoformat(f"2026-{day}T00:00:01").replace(tzinfo=zone)
            assert rule.after(moment) == Rule("target", zone, PLAIN, interval).after(moment)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 2 3", "Wrong number of fields"),
        ("* * * * * *", "Wrong number of fields"),
        ("", "Wrong number of fields"),
        ("60 * * * *", "higher than the maximum"),
        ("0 25 * * *", "higher than the maximum"),
        ("*/0 * * * *", "Increment"),
        ("x * * * *", "Unrecognized"),
        ("0 7 * * 8", "higher than the maximum"),
        ("0 7 * * 5-1", "are none"),
        ("0 7 * * 1/0", "are none"),
        ("0 0 30 2 *", "never comes true"),
    ],
)
def test_a_cron_that_is_none_is_refused_with_its_text(text, why):
    with pytest.raises(BadInput, match=why) as refusal:
        check_cron(text)
    assert text in str(refusal.value)


@on_a_busy_machine
@given(st.text(max_size=30) | st.text("0123456789*/,- ", max_size=20))
def test_any_text_is_a_cron_or_refused(text):
    try:
        assert check_cron(text) == text
    except BadInput:
        return
    assert Rule("target", WIB, PLAIN, cron=text).after(START) > START


@on_a_busy_machine
@given(keys, st.integers(60, 7_200), moments, st.floats(0, 2 * 86_400))
def test_what_was_missed_is_what_the_grid_holds(key, interval, moment, seconds):
    rule = Rule(key, WIB, PLAIN, interval)
    first = rule.after(moment)
    now = first + dt.timedelta(seconds=seconds)
    passed = grid(key, interval, first, now)
    (following, *_) = grid(key, interval, now, now + dt.timedelta(seconds=3 * interval))
    assert times_until(rule, first, now) == Times(first, [first, *passed][-1], len(passed), following)


@on_a_busy_machine
@given(keys, st.integers(60, 7_200), moments)
def test_a_time_beside_the_grid_takes_no_others_place(key, interval, moment):
    (following, *_) = grid(key, interval, moment, moment + dt.timedelta(seconds=3 * interval))
    assert times_until(Rule(key, WIB, PLAIN, interval), moment, moment) == Times(moment, moment, 0, following)


def test_the_last_time_before_a_long_gap_is_due_like_any_other():
    morning = dt.datetime(2026, 10, 1, 7, tzinfo=WIB)
    rule = Rule("target", WIB, PLAIN, cron="0 7,8,19 * * *")
    first = rule.after(morning - DAY / 24)
    assert times_until(rule, first, first).next.astimezone(WIB).hour == 8
