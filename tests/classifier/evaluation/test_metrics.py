"""Figures are what their names say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, roc_auc_score

from classifier.evaluation.metrics import auc, f1_at, false_positive_rate_at, precision_among, with_interval
from classifier.network.calibrate import best_threshold

ROWS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: 0 < sum(p for _, p in rows) < len(rows)
)


@given(ROWS)
def test_auc_and_f1_agree_with_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([s / 5 for s, _ in rows]), np.array([p for _, p in rows])
    assert auc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))
    assert f1_at(0.5)(scores, positive) == pytest.approx(f1_score(positive, scores >= 0.5, zero_division=0))


def test_precision_counts_ties_at_the_edge_by_their_mean() -> None:
    scores, positive = np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False])
    assert precision_among(2)(scores, positive) == pytest.approx(0.75)
    assert false_positive_rate_at(0.5)(scores, positive) == pytest.approx(0.5)


def test_an_interval_holds_its_value_and_is_undefined_for_one_class() -> None:
    scores, positive = np.linspace(0, 1, 60), np.arange(60) % 3 > 0
    figure = with_interval(auc, scores, positive)
    assert figure.low <= figure.value <= figure.high
    assert str(with_interval(auc, scores, np.zeros(60, dtype=bool))) == "–"


def test_the_best_threshold_separates_what_can_be_separated() -> None:
    assert 0.3 < best_threshold(np.array([0.1, 0.3, 0.8, 0.9]), np.array([False, False, True, True])) <= 0.8
