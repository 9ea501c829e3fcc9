"""Two models on the same rows: paired bootstrap, McNemar's exact test, Holm's correction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifier.evaluation.metrics import (
    ROUNDS,
    Bools,
    Floats,
    auc,
    average_precision,
    draw_rows,
    each_once,
    f1_at,
    interval,
    tally_each,
)

MEASURES = ("auc", "average_precision", "f1")
ALPHA = 0.05
"""Intervals hold 95 %, tests err in one case of twenty."""


@dataclass(frozen=True)
class Answers:
    """One model's answers: scores in the order of the rows, flagged from `threshold` on."""

    scores: Floats
    threshold: float

    @property
    def flags(self) -> Bools:
        """Which rows are flagged."""
        return self.scores >= self.threshold

    def of(self, rows: Bools) -> Answers:
        """The answers for some of the rows."""
        return Answers(self.scores[rows], self.threshold)


@dataclass(frozen=True)
class Difference:
    """A measure of both models, and the 95 % interval of challenger minus champion; NaN where it is undefined."""

    challenger: float
    champion: float
    low: float
    high: float


@dataclass(frozen=True)
class McNemar:
    """Rows that only one of the two got right, and the two-sided p of so uneven a split."""

    only_champion: int
    only_challenger: int
    p: float


def paired_bootstrap(
    partisan: Bools, challenger: Answers, champion: Answers, *, seed: int = 1, rounds: int = ROUNDS
) -> dict[str, Difference]:
    """`MEASURES` of both models, and percentile intervals of their differences over resamples of the rows.

    Both models are measured on the same resample each time, so what makes rows easy or hard cancels (Efron 1979,
    Annals of Statistics 7:1; Efron & Tibshirani 1993, ch. 13 for percentile intervals).
    """
    whole = next(_both(partisan, challenger, champion, each_once(len(partisan))))
    draws = draw_rows(len(partisan), rounds, np.random.default_rng(seed))
    blocks = [new - old for new, old in _both(partisan, challenger, champion, draws)]
    differences = np.concatenate(blocks, axis=1)
    return {
        name: Difference(float(whole[0][row, 0]), float(whole[1][row, 0]), *interval(differences[row]))
        for row, name in enumerate(MEASURES)
    }


def _both(
    partisan: Bools, challenger: Answers, champion: Answers, draws: Iterator[npt.NDArray[np.int64]]
) -> Iterator[tuple[Floats, Floats]]:
    """`MEASURES` of both (measures, resamples), block by block, on the same draws."""
    for draw in draws:
        yield _measure(partisan, challenger, draw), _measure(partisan, champion, draw)


def _measure(partisan: Bools, answers: Answers, draw: npt.NDArray[np.int64]) -> Floats:
    (tally,) = tally_each(answers.scores, partisan, [draw])
    return np.stack([auc(tally), average_precision(tally), f1_at(answers.threshold)(tally)])


def mcnemar(partisan: Bools, challenger: Bools, champion: Bools) -> McNemar:
    """Whether two models' flags are right equally often, by the exact binomial form of the test.

    Only rows that exactly one of them got right tell anything; if the models are equally good, each such row falls
    to either side like a coin (McNemar 1947, Psychometrika 12:153).
    """
    right, right_before = challenger == partisan, champion == partisan
    gained, lost = int((right & ~right_before).sum()), int((~right & right_before).sum())
    return McNemar(only_champion=lost, only_challenger=gained, p=_coin(min(gained, lost), gained + lost))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P-values of several tests, corrected so that any false alarm among them stays as rare as for one test.

    Holm's step-down (Holm 1979, Scandinavian Journal of Statistics 6:65); holds however the tests depend on each other.
    """
    adjusted: dict[str, float] = {}
    largest = 0.0
    for place, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        largest = max(largest, min(1.0, p_values[name] * (len(p_values) - place)))
        adjusted[name] = largest
    return adjusted


def _coin(fewer: int, tosses: int) -> float:
    """The two-sided probability of a split at least as uneven as `fewer` to the rest. Exact in whole numbers."""
    ways = total = 1
    for heads in range(fewer):
        ways = ways * (tosses - heads) // (heads + 1)
        total += ways
    return float(min(1.0, 2 * total / 2**tosses))
