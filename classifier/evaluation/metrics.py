"""Figures for rankings and decisions, with 95 % bootstrap intervals.

Every figure here needs no more of a resample than how many drawn rows of each class share a score, so thousands of
resamples are measured at once (percentile intervals: Efron & Tibshirani 1993, ch. 13).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.intervals import wilson

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

ROUNDS = 2_000
LEVEL = 0.95
BINS = 15
LEAST = 10
"""A figure over fewer rows of a class that it needs is not shown: one row would move it by more than 10 points."""

_CELLS = 2_000_000
"""Draws that are held at once."""

_UNKNOWN = float("nan")


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval; all NaN, and `why` says why (Indonesian), where there is too little to say."""

    value: float
    low: float
    high: float
    why: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return not np.isnan(self.value)


def unknown(why: str) -> Figure:
    """No figure, and the reason."""
    return Figure(_UNKNOWN, _UNKNOWN, _UNKNOWN, why)


@dataclass(frozen=True)
class Tally:
    """How many rows of each class carry each distinct score, in many resamples.

    `scores` (distinct,) falls; `positives` and `negatives` are (resamples, distinct).
    """

    scores: Floats
    positives: Floats
    negatives: Floats


Metric = Callable[[Tally], Floats]
"""One value for each resample, NaN where it is not defined."""


def auc(tally: Tally) -> Floats:
    """Area under the ROC curve: how often a positive outranks a negative, ties counting half."""
    positives, negatives = tally.positives, tally.negatives
    below = negatives.sum(axis=1, keepdims=True) - negatives.cumsum(axis=1)
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    return _ratio((positives * (below + negatives / 2)).sum(axis=1), pairs)


def average_precision(tally: Tally) -> Floats:
    """The mean over positives of the precision among all that score no less."""
    found, seen = tally.positives.cumsum(axis=1), (tally.positives + tally.negatives).cumsum(axis=1)
    precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
    return _ratio((tally.positives * precision).sum(axis=1), tally.positives.sum(axis=1))


def f1_at(threshold: float) -> Metric:
    """F1 of flagging what scores `threshold` or more."""

    def f1(tally: Tally) -> Floats:
        flagged = tally.scores >= threshold
        hits, false = tally.positives[:, flagged].sum(axis=1), tally.negatives[:, flagged].sum(axis=1)
        positives = tally.positives.sum(axis=1)
        return np.where(positives > 0, _ratio(2 * hits, hits + false + positives), _UNKNOWN)

    return f1


def precision_among(top: int) -> Metric:
    """Share of positives among the `top` highest scores; scores tied at the edge count by their mean."""

    def precision(tally: Tally) -> Floats:
        counts = tally.positives + tally.negatives
        before = counts.cumsum(axis=1) - counts
        taken = np.clip(top - before, 0, counts)
        share = np.divide(tally.positives, counts, out=np.zeros_like(counts), where=counts > 0)
        return _ratio((taken * share).sum(axis=1), taken.sum(axis=1))

    return precision


def calibration_error(tally: Tally) -> Floats:
    """Expected calibration error over `BINS` bins of equal width (Guo et al. 2017, arXiv:1706.04599).

    Chance alone makes it positive, and more so the fewer rows there are.
    """
    counts = tally.positives + tally.negatives
    place = np.minimum((tally.scores * BINS).astype(int), BINS - 1)
    binned = (tally.positives - tally.scores * counts) @ np.eye(BINS)[place]
    return _ratio(np.abs(binned).sum(axis=1), counts.sum(axis=1))


def figures(
    metrics: Mapping[str, Metric], scores: Floats, positive: Bools, *, seed: int = 1, rounds: int = ROUNDS
) -> dict[str, Figure]:
    """Each metric with its interval over `rounds` resamples of the rows; all on the same resamples."""
    points = next(tally_each(scores, positive, each_once(len(scores))))
    random = np.random.default_rng(seed)
    tallies = tally_each(scores, positive, draw_rows(len(scores), rounds, random))
    values = [{name: metric(tally) for name, metric in metrics.items()} for tally in tallies]
    return {
        name: Figure(float(metric(points)[0]), *interval(np.concatenate([block[name] for block in values])))
        for name, metric in metrics.items()
    }


def share(hits: Bools, *, seed: int = 1) -> Figure:
    """The share of true values. Where all or none are true every resample agrees, and Wilson's interval stands in."""
    count, value = len(hits), float(np.mean(hits)) if len(hits) else _UNKNOWN
    if count < LEAST:
        return unknown(f"hanya {count} baris")
    if value in {0.0, 1.0}:
        return Figure(value, *wilson(value, count))
    # Of n draws with k true rows among them, the count is binomial.
    return Figure(value, *interval(np.random.default_rng(seed).binomial(count, value, ROUNDS) / count))


def mean(values: Floats, *, seed: int = 1) -> Figure:
    """The mean of one value a row."""
    return ratio(values, np.ones(len(values)), seed=seed)


def ratio(above: Floats, below: Floats, *, seed: int = 1) -> Figure:
    """The sum of `above` over the sum of `below`, resampled by rows."""
    if len(above) < LEAST:
        return unknown(f"hanya {len(above)} baris")
    pairs = np.stack([above, below])
    draws = draw_rows(len(above), ROUNDS, np.random.default_rng(seed))
    sums = np.concatenate([pairs[:, draw].sum(axis=2) for draw in draws], axis=1)
    value = _ratio(above.sum(keepdims=True), below.sum(keepdims=True))
    return Figure(float(value[0]), *interval(_ratio(sums[0], sums[1])))


def interval(values: Floats) -> tuple[float, float]:
    """The middle 95 % of bootstrap values, undefined ones aside; NaN where none is defined."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return _UNKNOWN, _UNKNOWN
    low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def each_once(count: int) -> Iterator[npt.NDArray[np.int64]]:
    """The rows themselves, as a resample."""
    yield np.arange(count)[None, :]


def draw_rows(count: int, rounds: int, random: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """Row numbers drawn with replacement, one line a resample, in blocks of bounded size."""
    block = max(1, _CELLS // count)
    for at in range(0, rounds, block):
        yield random.integers(0, count, (min(block, rounds - at), count))


def tally_each(scores: Floats, positive: Bools, draws: Iterable[npt.NDArray[np.int64]]) -> Iterator[Tally]:
    """Count every block of draws."""
    distinct, place = np.unique(-scores, return_inverse=True)
    cell = 2 * place + positive
    width = 2 * len(distinct)
    for draw in draws:
        lines = len(draw)
        cells = (cell[draw] + np.arange(lines)[:, None] * width).ravel()
        counts = np.bincount(cells, minlength=lines * width).reshape(lines, -1, 2).astype(np.float64)
        yield Tally(-distinct, counts[:, :, 1], counts[:, :, 0])


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(above.shape, _UNKNOWN), where=below > 0)
