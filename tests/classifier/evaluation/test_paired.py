"""Figures for two models on the same rows, against libraries and against cases whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from classifier.evaluation.paired import Answers, holm, mcnemar, paired_bootstrap


def rows(count, *, seed, noise=1.0):
    """Labels, and scores that know them up to noise; rounded, so that ties occur."""
    random = np.random.default_rng(seed)
    partisan = random.random(count) < 0.4
    scores = 1 / (1 + np.exp(-(partisan * 2.0 - 1.0 + noise * random.normal(size=count))))
    return partisan, Answers(np.round(scores, 2), 0.5)


@pytest.mark.parametrize("seed", range(5))
def test_the_measures_are_those_of_scikit_learn_ties_included(seed):
    partisan, answers = rows(300, seed=seed)
    found = paired_bootstrap(partisan, answers, answers, rounds=2)
    assert found["auc"].challenger == pytest.approx(roc_auc_score(partisan, answers.scores))
    assert found["average_precision"].champion == pytest.approx(average_precision_score(partisan, answers.scores))
    assert found["f1"].challenger == pytest.approx(f1_score(partisan, answers.flags))


def test_a_model_does_not_differ_from_itself():
    partisan, answers = rows(200, seed=1)
    for difference in paired_bootstrap(partisan, answers, answers).values():
        assert (difference.low, difference.high) == (0.0, 0.0)


def test_a_plainly_worse_model_lies_below_and_the_mirror_image_above():
    partisan, good = rows(400, seed=2, noise=0.5)
    _, bad = rows(400, seed=2, noise=0.5)
    bad = Answers(np.random.default_rng(3).permutation(bad.scores), 0.5)
    worse, better = paired_bootstrap(partisan, bad, good)["auc"], paired_bootstrap(partisan, good, bad)["auc"]
    assert worse.high < 0 < better.low
    assert (worse.low, worse.high) == pytest.approx((-better.high, -better.low))


def test_the_interval_holds_the_true_difference_about_as_often_as_it_says():
    held = 0
    for trial in range(100):
        random = np.random.default_rng(trial)
        partisan = np.arange(200) % 2 == 0
        shared = partisan + random.normal(size=200)
        first, second = (Answers(shared + random.normal(scale=0.5, size=200), 0.5) for _ in range(2))
        auc = paired_bootstrap(partisan, first, second, rounds=300)["auc"]
        held += auc.low <= 0 <= auc.high
    assert 88 <= held <= 100


def test_pairing_tells_more_than_two_intervals_of_their_own_would():
    partisan, answers = rows(300, seed=4)
    random = np.random.default_rng(5)
    shifted = Answers(answers.scores + random.normal(scale=0.02, size=300), 0.5)
    other = Answers(rows(300, seed=6)[1].scores[np.argsort(np.argsort(partisan))], 0.5)
    near, far = (paired_bootstrap(partisan, one, answers)["auc"] for one in (shifted, other))
    assert near.high - near.low < (far.high - far.low) / 3


def test_where_a_class_is_missing_the_figures_are_undefined_and_nothing_warns():
    _, answers = rows(20, seed=1)
    found = paired_bootstrap(np.zeros(20, dtype=bool), answers, answers)
    for difference in found.values():
        assert np.isnan([difference.challenger, difference.champion, difference.low, difference.high]).all()


def test_many_rows_are_resampled_in_blocks_and_the_blocks_change_nothing(monkeypatch):
    partisan, first = rows(50, seed=7)
    _, second = rows(50, seed=8)
    monkeypatch.setattr("classifier.evaluation.metrics._CELLS", 1)
    small = paired_bootstrap(partisan, first, second, rounds=40)
    monkeypatch.setattr("classifier.evaluation.metrics._CELLS", 10_000)
    assert paired_bootstrap(partisan, first, second, rounds=40) == small


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemars_p_is_the_exact_two_sided_binomial_one(lost, gained):
    champion = np.r_[np.ones(lost, bool), np.zeros(gained, bool), True]
    result = mcnemar(np.ones(lost + gained + 1, bool), np.r_[~champion[:-1], True], champion)
    assert (result.only_champion, result.only_challenger) == (lost, gained)
    expected = binomtest(lost, lost + gained).pvalue if lost + gained else 1.0
    assert result.p == pytest.approx(expected)


def test_mcnemar_stays_exact_for_thousands_of_rows():
    count = 20_000
    champion = np.arange(count) % 5 != 0
    assert mcnemar(np.ones(count, bool), ~champion, champion).p == 0.0
    even = np.arange(count) % 2 == 0
    assert mcnemar(np.ones(count, bool), ~even, even).p == 1.0


def test_holm_is_the_worked_example():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06}
    )
    assert holm({"only": 0.7}) == {"only": 0.7}
    assert holm({}) == {}
