"""From log-odds to frequencies, and the honesty of not knowing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from classifier.network.calibrate import MISSED, Calibration, Odds, fit_calibration

ROWS = 4_000


def _odds(random: np.random.Generator) -> Odds:
    named = random.random(ROWS) < 0.6
    return Odds(random.normal(0, 4, ROWS), np.zeros(ROWS), named)


def _drawn(random: np.random.Generator, odds: Odds) -> npt.NDArray[np.bool_]:
    drawn: npt.NDArray[np.bool_] = random.random(ROWS) < 1 / (1 + np.exp(-(odds.encoder / 2 - 2 * ~odds.named)))
    return drawn


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_held_out_log_odds_become_frequencies(random: np.random.Generator) -> None:
    odds = _odds(random)
    partisan = _drawn(random, odds)
    found = fit_calibration(odds, partisan, "1")
    scores = found.probability(odds)
    for low, high in ((0.1, 0.3), (0.4, 0.6), (0.8, 1.0)):
        there = (scores > low) & (scores <= high)
        assert partisan[there].mean() == pytest.approx(scores[there].mean(), abs=0.05)
    assert 0.2 < found.threshold < 0.7


def test_a_text_that_names_nobody_needs_more(random: np.random.Generator) -> None:
    odds = _odds(random)
    assert fit_calibration(odds, _drawn(random, odds), "1").unnamed == pytest.approx(-2, abs=0.4)


def test_of_each_class_the_sets_miss_no_more_than_promised(random: np.random.Generator) -> None:
    learnt, fresh = _odds(random), _odds(random)
    partisan = _drawn(random, fresh)
    found = fit_calibration(learnt, _drawn(random, learnt), "1")
    scores = found.probability(fresh)
    assert (scores[partisan] < found.unsure_from).mean() == pytest.approx(MISSED, abs=0.03)
    assert (scores[~partisan] > found.unsure_to).mean() == pytest.approx(MISSED, abs=0.03)
    assert found.is_unsure((found.unsure_from + found.unsure_to) / 2)
    assert not found.is_unsure(0.999)


def test_what_is_saved_is_what_is_loaded(tmp_path: Path, random: np.random.Generator) -> None:
    odds = _odds(random)
    found = fit_calibration(odds, _drawn(random, odds), "7")
    found.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == found
