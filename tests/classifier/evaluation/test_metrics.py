"""Figures are what their names say, and their intervals hold what they promise."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from classifier.evaluation.metrics import (
    LEAST,
    auc,
    average_precision,
    calibration_error,
    f1_at,
    figures,
    mean,
    precision_among,
    ratio,
    share,
)
from classifier.network.calibrate import best_threshold

ROWS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: 0 < sum(p for _, p in rows) < len(rows)
)


def point(metric, scores, positive):
    return figures({"it": metric}, np.array(scores), np.array(positive), rounds=1)["it"].value


@given(ROWS)
def test_rankings_agree_with_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([s / 5 for s, _ in rows]), np.array([p for _, p in rows])
    assert point(auc, scores, positive) == pytest.approx(roc_auc_score(positive, scores))
    assert point(average_precision, scores, positive) == pytest.approx(average_precision_score(positive, scores))
    expected = f1_score(positive, scores >= 0.5, zero_division=0)
    assert point(f1_at(0.5), scores, positive) == pytest.approx(expected)


def test_precision_counts_ties_at_the_edge_by_their_mean() -> None:
    scores, positive = [0.9, 0.5, 0.5, 0.1], [True, True, False, False]
    assert point(precision_among(2), scores, positive) == pytest.approx(0.75)


def test_the_calibration_error_weighs_bins_by_their_rows() -> None:
    scores, positive = [0.03, 0.03, 0.98, 0.98], [False, True, True, True]
    assert point(calibration_error, scores, positive) == pytest.approx(0.5 * 0.47 + 0.5 * 0.02)


def test_a_score_of_one_falls_into_the_last_bin() -> None:
    assert point(calibration_error, [1.0, 1.0], [True, True]) == 0


def test_an_interval_is_that_of_a_plain_loop_over_resamples() -> None:
    random = np.random.default_rng(5)
    positive = random.random(80) < 0.5
    scores = np.round(positive * 0.3 + random.random(80), 1)
    found = figures({"auc": auc}, scores, positive)["auc"]
    draws = random.integers(0, 80, (2_000, 80))
    low, high = np.quantile([roc_auc_score(positive[draw], scores[draw]) for draw in draws], [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.012)


def test_two_thousand_resamples_of_a_thousand_rows_take_a_few_seconds_at_most() -> None:
    random = np.random.default_rng(5)
    scores, positive = random.random(1_000), random.random(1_000) < 0.5
    metrics = {"auc": auc, "ap": average_precision, "f1": f1_at(0.5), "top": precision_among(50)}
    began = time.perf_counter()
    figures(metrics, scores, positive)
    assert time.perf_counter() - began < 8  # a loop takes twenty times as long; the machine may be busy


def test_the_block_size_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, positive = np.linspace(0, 1, 60), np.arange(60) % 3 > 0
    whole = figures({"auc": auc}, scores, positive, rounds=50)
    monkeypatch.setattr("classifier.evaluation.metrics._CELLS", 1)
    assert figures({"auc": auc}, scores, positive, rounds=50) == whole


def test_a_share_that_every_resample_agrees_on_still_has_a_width() -> None:
    none, every = share(np.zeros(100, dtype=bool)), share(np.ones(100, dtype=bool))
    assert (none.value, none.low) == (0, 0)
    assert 0.03 < none.high < 0.04
    assert every.low == pytest.approx(1 - none.high)


def test_too_few_rows_give_no_figure_but_a_reason() -> None:
    for found in (share(np.ones(LEAST - 1, dtype=bool)), mean(np.ones(LEAST - 1))):
        assert not found.known
        assert found.why == f"hanya {LEAST - 1} baris"


def test_a_ratio_of_sums_is_resampled_by_rows() -> None:
    above, below = np.full(40, 4.0), np.full(40, 2.0)
    found = ratio(above, below)
    assert (found.value, found.low, found.high) == (2, 2, 2)


def test_the_best_threshold_separates_what_can_be_separated() -> None:
    assert 0.3 < best_threshold(np.array([0.1, 0.3, 0.8, 0.9]), np.array([False, False, True, True])) <= 0.8
