"""Two models on the same rows: paired bootstrap, McNemar's exact test, Holm's correction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from classifier.evaluation.metrics import Bools, Floats

MEASURES = ("auc", "average_precision", "f1")
ROUNDS = 2_000
ALPHA = 0.05
"""Intervals hold 95 %, tests err in one case of twenty."""
_CELLS = 2_000_000
"""Rows times resamples that are held at once."""


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
    first, second = _Ranked(partisan, challenger), _Ranked(partisan, champion)
    whole = np.ones((1, len(partisan)))
    points = first.measure(whole)[0], second.measure(whole)[0]
    draws = _resamples(len(partisan), rounds, np.random.default_rng(seed))
    differences = np.concatenate([first.measure(weights) - second.measure(weights) for weights in draws])
    return {
        name: Difference(float(points[0][column]), float(points[1][column]), *interval(differences[:, column]))
        for column, name in enumerate(MEASURES)
    }


def interval(values: Floats) -> tuple[float, float]:
    """The middle 95 % of bootstrap values, undefined ones aside; NaN where none is defined."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


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


def _resamples(count: int, rounds: int, random: np.random.Generator) -> Iterator[Floats]:
    """How often each row was drawn, one line a resample, in blocks of bounded size."""
    block = max(1, _CELLS // count)
    for at in range(0, rounds, block):
        lines = min(block, rounds - at)
        cells = random.integers(0, count, (lines, count)) + np.arange(lines)[:, None] * count
        yield np.bincount(cells.ravel(), minlength=lines * count).reshape(lines, count).astype(np.float64)


class _Ranked:
    """Rows in falling order of their scores, ties together, to be measured under many weightings at once."""

    def __init__(self, partisan: Bools, answers: Answers) -> None:
        self._order = np.argsort(-answers.scores, kind="stable")
        ranked = answers.scores[self._order]
        self._starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        self._partisan = partisan[self._order]
        self._flagged = answers.flags[self._order]

    def measure(self, weights: Floats) -> Floats:
        """`MEASURES` under each line of weights, in lines × 3; NaN where a class is missing."""
        ordered = weights[:, self._order]
        partisan, others = ordered * self._partisan, ordered * ~self._partisan
        hits, false = (np.add.reduceat(part, self._starts, axis=1) for part in (partisan, others))
        right, members = partisan[:, self._flagged].sum(axis=1), partisan.sum(axis=1)
        f1 = _ratio(2 * right, ordered[:, self._flagged].sum(axis=1) + members, where=members > 0)
        return np.stack([_auc(hits, false), _average_precision(hits, false), f1], axis=1)


def _auc(hits: Floats, false: Floats) -> Floats:
    """How often a partisan row outranks another, ties counting half; groups of equal scores, highest first."""
    below = false.sum(axis=1, keepdims=True) - false.cumsum(axis=1)
    pairs = hits.sum(axis=1) * false.sum(axis=1)
    return _ratio((hits * (below + false / 2)).sum(axis=1), pairs, where=pairs > 0)


def _average_precision(hits: Floats, false: Floats) -> Floats:
    """The mean of the precision at each partisan row, ties taken together."""
    found, seen = hits.cumsum(axis=1), (hits + false).cumsum(axis=1)
    precision = _ratio(found, seen, where=seen > 0)
    total = hits.sum(axis=1)
    return _ratio(np.nansum(hits * precision, axis=1), total, where=np.minimum(total, false.sum(axis=1)) > 0)


def _ratio(above: Floats, below: Floats, *, where: Bools) -> Floats:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=where)
