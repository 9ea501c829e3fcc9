"""Thresholds for a reviewers' day: filled, never overfilled, and honest about what a small file can tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.evaluation.capacity import Stream, expect, fill_capacity, threshold_for


def scored(count, *, share=0.5, seed=1):
    """Rows of which `share` are partisan, scored by a model that knows something."""
    random = np.random.default_rng(seed)
    partisan = random.random(count) < share
    return 1 / (1 + np.exp(-(4 * partisan - 2 + random.normal(size=count)))), partisan


@given(st.floats(1, 500), st.floats(0.001, 0.4), st.integers(0, 20))
def test_the_expected_reviews_never_exceed_the_capacity_unless_nothing_higher_is_left(reviews, prevalence, seed):
    scores, partisan = scored(200, seed=seed)
    found = fill_capacity(scores, partisan, Stream(5_000, prevalence), reviews)
    assert found.reviews.value <= reviews + 1e-6 or found.threshold == scores.max()
    assert found.reviews.low <= found.reviews.high
    for figure in (found.precision, found.recall):
        assert 0 <= figure.low <= figure.high <= 1


def test_a_stream_with_fewer_partisan_posts_lowers_precision_and_leaves_recall_alone():
    scores, partisan = scored(1_000)
    many, few = (expect(scores, partisan, Stream(5_000, share), 0.5) for share in (0.5, 0.01))
    assert few.precision.value < many.precision.value / 2
    assert few.recall.value == many.recall.value


def test_what_is_expected_of_a_threshold_is_what_such_a_stream_brings():
    scores, partisan = scored(4_000)
    found = expect(scores, partisan, Stream(100_000, 0.02), 0.5)
    stream_scores, stream_partisan = scored(100_000, share=0.02, seed=9)
    flags = stream_scores >= 0.5
    assert found.reviews.low <= flags.sum() <= found.reviews.high
    assert found.precision.low <= stream_partisan[flags].mean() <= found.precision.high
    assert found.recall.low <= flags[stream_partisan].mean() <= found.recall.high


def test_no_false_positive_among_few_rows_is_no_promise():
    scores, partisan = np.r_[np.full(50, 0.9), np.full(50, 0.1)], np.arange(100) < 50
    found = expect(scores, partisan, Stream(10_000, 0.001), 0.5)
    assert found.precision.low < 0.1 < found.precision.high
    assert not found.resolved


def test_stored_scores_give_the_threshold_that_fills_a_day():
    scores, counts = np.array([0.2, 0.9, 0.5]), np.array([700.0, 14.0, 140.0])
    assert threshold_for(scores, counts, days=14, reviews=11) == pytest.approx(0.5)
    assert threshold_for(scores, counts, days=14, reviews=10) == pytest.approx(0.9)
    assert threshold_for(scores, counts, days=14, reviews=0.5) == pytest.approx(0.9)
    assert threshold_for(scores, counts, days=14, reviews=1_000) == pytest.approx(0.2)
