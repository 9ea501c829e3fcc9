"""Whether scores have moved, on days with known distributions."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from classifier.evaluation.drift import BASELINE_DAYS, LEAST_DAYS, chance_floor, drift_of, shift, stability_index
from models.drift import ALARMING_PSI, LENGTH_BINS, SCORE_BINS, Alarm, DriftDay, Tally, length_bin, score_bin

FIRST = dt.date(2026, 9, 1)
EVERYDAY = np.array([60, 20, 8, 4, 2, 1, 1, 1, *[0.3] * (SCORE_BINS - 8)])
CAMPAIGN = np.array([25, 15, 10, 8, 6, 5, 5, 4, *[2.0] * (SCORE_BINS - 8)])


def _histogram(rng, shape, posts):
    return rng.multinomial(posts, shape / shape.sum())


def _days(rng, count, shape, posts, *, first=FIRST, spread=1.0):
    """Days in a row; with a small `spread`, posts of one day resemble one another."""
    found = []
    for number in range(count):
        own = shape if spread == 1.0 else rng.dirichlet(shape / shape.sum() * 1 / spread) + 1e-9
        scores = tuple(int(n) for n in _histogram(rng, own, posts))
        tally = Tally(posts=posts, scores=scores, words=10 * posts, unknown_words=posts)
        day = first + dt.timedelta(days=number)
        found.append(DriftDay(mandate_id="m", model="n@1", weights_sha256="0", day=day, tally=tally.model_dump()))
    return found


def test_the_index_is_nought_for_the_same_shape_and_that_of_the_textbook_for_another():
    before, now = np.array([500.0, 300.0, 200.0]), np.array([400.0, 300.0, 300.0])
    assert stability_index(before, before) == 0
    expected = (0.4 - 0.5) * np.log(0.4 / 0.5) + (0.3 - 0.2) * np.log(0.3 / 0.2)
    assert stability_index(now, before) == pytest.approx(expected, rel=0.01)
    assert stability_index(now, before) == pytest.approx(stability_index(before, now))


@pytest.mark.parametrize(("posts", "spread"), [(3, 1.0), (200, 1.0), (200, 0.05)])
def test_without_a_change_hardly_any_seed_alarms_however_few_the_posts_or_alike_those_of_a_day(posts, spread):
    alarms = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        days = _days(rng, 42, EVERYDAY, posts, spread=spread)
        found = shift(days[28:], days[:28])
        alarms += found.alarming
    assert alarms <= 8  # one in a hundred is expected at most; nine or more of 300 would be a chance of 1 in 400


def test_few_posts_give_a_large_index_that_the_floor_explains():
    days = _days(np.random.default_rng(1), 42, EVERYDAY, 2)
    found = shift(days[28:], days[:28])
    assert found.floor > ALARMING_PSI
    assert not found.alarming


def test_posts_of_one_day_that_are_alike_raise_the_floor():
    def floor(spread):
        days = _days(np.random.default_rng(3), 42, EVERYDAY, 200, spread=spread)
        scores = np.array([day.read_tally().scores for day in days], float)
        return chance_floor(scores[28:], scores[:28])

    assert floor(0.05) > 3 * floor(1.0)


@pytest.mark.parametrize("posts", [40, 400])
def test_a_campaign_that_begins_alarms(posts):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        days = _days(rng, 28, EVERYDAY, posts) + _days(rng, 14, CAMPAIGN, posts, first=FIRST + dt.timedelta(days=28))
        found = drift_of(days, 14, None)
        assert found.previous.alarming
        assert found.alarms == (Alarm.SCORES,)


def test_a_change_long_past_alarms_no_more_but_is_shown_against_the_first_weeks():
    rng = np.random.default_rng(7)
    days = _days(rng, 40, EVERYDAY, 200) + _days(rng, 60, CAMPAIGN, 200, first=FIRST + dt.timedelta(days=40))
    found = drift_of(days, 14, None)
    assert not found.previous.alarming
    assert found.first.alarming
    assert (found.first.first_day, found.first.last_day) == (FIRST, FIRST + dt.timedelta(days=BASELINE_DAYS - 1))
    assert found.alarms == ()


def test_the_first_weeks_are_not_shown_as_long_as_they_are_the_weeks_before():
    days = _days(np.random.default_rng(5), 69, EVERYDAY, 20)
    assert drift_of(days, 14, None).first is None
    later = _days(np.random.default_rng(5), 70, EVERYDAY, 20)
    found = drift_of(later, 14, None)
    assert found.first.last_day < found.previous.first_day


def test_with_too_few_days_nothing_is_said_of_scores():
    rng = np.random.default_rng(2)
    days = _days(rng, LEAST_DAYS - 1, EVERYDAY, 500) + _days(
        rng, 14, CAMPAIGN, 500, first=FIRST + dt.timedelta(days=LEAST_DAYS - 1)
    )
    found = drift_of(days, 14, None)
    assert (found.previous, found.alarms) == (None, ())
    assert found.now.posts == 14 * 500


@pytest.mark.parametrize(
    ("posts", "unknown", "alarming"),
    [(1_000, 150, False), (1_000, 180, False), (1_000, 300, True), (20, 45, False)],
)
def test_words_alarm_when_their_unknown_share_has_surely_doubled(posts, unknown, alarming):
    reference = Tally(posts=500, words=5_000, unknown_words=400)  # eight in a hundred
    today = Tally(posts=posts, words=1_000 if posts == 1_000 else 200, unknown_words=unknown)
    days = [DriftDay(mandate_id="m", model="n@1", weights_sha256="0", day=FIRST, tally=today.model_dump())]
    assert (Alarm.WORDS in drift_of(days, 14, reference).alarms) is alarming


@pytest.mark.parametrize(
    ("score", "place"), [(0.0, 0), (0.01, 0), (0.0111, 1), (0.4999, 9), (0.5, 10), (0.99, 19), (1.0, 19)]
)
def test_scores_fall_into_bins_of_half_a_unit_of_log_odds(score, place):
    assert score_bin(score) == place


def test_lengths_fall_into_bins_and_the_last_is_open():
    assert [length_bin(n) for n in (0, 1, 8, 9, 128, 129, 9_999)] == [0, 0, 0, 1, 15, 16, LENGTH_BINS - 1]
    assert Tally(posts=4, lengths=(2, 1, 0, 1, *[0] * 13)).length_quantile(0.5) == 8
    assert Tally(posts=4, lengths=(2, 1, 0, 1, *[0] * 13)).length_quantile(0.9) == 32
