"""The first look lets go only what the whole model would not have flagged."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from classifier.network.audit import Audit
from classifier.network.calibrate import Calibration, Odds, fit_calibration
from classifier.network.skim import KEY, LOST, PASSED, READS_ALL, Skim, fit_skim, is_audited
from models.errors import BadInput

COUNT = 4_000


@pytest.fixture(scope="module")
def held() -> tuple[Odds, np.ndarray]:
    random = np.random.default_rng(5)
    partisan = random.random(COUNT) < 0.4
    linear = random.normal(np.where(partisan, 1.5, -2.0), 1.2)
    encoder = random.normal(np.where(partisan, 2.0, -2.0), 1.5)
    named = random.random(COUNT) < np.where(partisan, 0.8, 0.2)
    return Odds(encoder, linear, named), partisan


@pytest.fixture(scope="module")
def calibration(held: tuple[Odds, np.ndarray]) -> Calibration:
    return fit_calibration(*held, "1")


def _let_go(skim: Skim, odds: Odds) -> np.ndarray:
    return skim.lets_go(["CALON_1" if named else "hujan" for named in odds.named], odds.linear)


def test_hardly_a_post_is_lost_and_many_are_let_go(held: tuple[Odds, np.ndarray], calibration: Calibration) -> None:
    odds, partisan = held
    skim = fit_skim(odds, partisan, calibration)
    gone = _let_go(skim, odds)
    flagged = calibration.probability(odds) >= calibration.threshold
    lost = int((gone & partisan & flagged).sum())
    assert (skim.lost, skim.partisan) == (lost, int(partisan.sum()))
    assert lost <= LOST * partisan.sum()
    assert gone[~partisan & ~odds.named].mean() > 0.5
    assert not gone[odds.named].any()


def test_what_is_let_go_is_neither_flagged_nor_unsure(held: tuple[Odds, np.ndarray], calibration: Calibration) -> None:
    odds, partisan = held
    skim = fit_skim(odds, partisan, calibration)
    scores = 1 / (1 + np.exp(-skim.log_odds(odds.linear[_let_go(skim, odds)])))
    assert scores.max() < min(calibration.threshold, calibration.unsure_from)


def test_a_linear_model_that_knows_nothing_lets_nothing_go(
    held: tuple[Odds, np.ndarray], calibration: Calibration
) -> None:
    odds, partisan = held
    assert fit_skim(dataclasses.replace(odds, linear=-odds.linear), partisan, calibration) is READS_ALL
    assert fit_skim(odds, np.zeros(COUNT, dtype=bool), calibration) is READS_ALL


@pytest.mark.parametrize("slot", ["CALON_1", "PARTAI_9", "SLOGAN_2", "NOMOR_1", "NOMOR"])
def test_a_text_with_any_slot_is_read(slot: str) -> None:
    low = np.array([-9.0, -9.0])
    skim = dataclasses.replace(READS_ALL, limit=0.0)
    assert skim.lets_go([f"ayo {slot} ya", "hujan calon"], low).tolist() == [False, True]


def test_numbers_survive_saving(tmp_path: Path, calibration: Calibration) -> None:
    path = tmp_path / "calibration.json"
    calibration.save(path)
    assert Skim.load(path) is READS_ALL
    skim = Skim(limit=-1.5, slope=0.9, bias=-0.2, lost=2, partisan=900)
    skim.save(path)
    assert Skim.load(path) == skim
    assert Calibration.load(path) == calibration


@pytest.mark.parametrize("content", ["[]", "{", f'{{"{KEY}": {{"limit": 1}}}}', f'{{"{KEY}": 3}}'])
def test_damaged_numbers_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(BadInput, match="calibration"):
        Skim.load(path)


def test_about_one_in_so_many_is_audited() -> None:
    audited = sum(is_audited(f"hujan deras {number}") for number in range(20_000))
    assert audited == pytest.approx(20_000 / PASSED, rel=0.3)


def test_an_audit_says_what_it_does_not_know() -> None:
    assert Audit().interval() == (0.0, 1.0)
    low, high = Audit().plus(passed=9_950, audited=50, flagged=0).interval()
    assert low == 0.0
    assert 0.05 < high < 0.1
