"""Figures for rankings and decisions, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Metric = Callable[[Floats, Bools], float]

ROUNDS = 500


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % bootstrap interval; NaN where it is not defined (one class only)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Two decimals and the interval, as tables print it."""
        return "–" if np.isnan(self.value) else f"{self.value:.2f} ({self.low:.2f}–{self.high:.2f})"


def auc(scores: Floats, positive: Bools) -> float:
    """Area under the ROC curve: how often a positive outranks a negative, ties counting half."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return float("nan")
    _values, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[places][positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def f1_at(threshold: float) -> Metric:
    """F1 of flagging what scores `threshold` or more; NaN without positives."""

    def f1(scores: Floats, positive: Bools) -> float:
        flagged = scores >= threshold
        total = flagged.sum() + positive.sum()
        return float(2 * (flagged & positive).sum() / total) if positive.any() else float("nan")

    return f1


def false_positive_rate_at(threshold: float) -> Metric:
    """Share of negatives that score `threshold` or more; NaN without negatives."""

    def rate(scores: Floats, positive: Bools) -> float:
        return float((scores[~positive] >= threshold).mean()) if (~positive).any() else float("nan")

    return rate


def precision_among(top: int) -> Metric:
    """Share of positives among the `top` highest scores; scores tied at the edge count by their mean."""

    def precision(scores: Floats, positive: Bools) -> float:
        count = min(top, len(scores))
        if not positive.any():
            return float("nan")
        edge = np.sort(scores)[-count]
        above, tied = scores > edge, scores == edge
        return float((positive[above].sum() + (count - above.sum()) * positive[tied].mean()) / count)

    return precision


def with_interval(metric: Metric, scores: Floats, positive: Bools, *, seed: int = 1) -> Figure:
    """The metric and its 95 % interval over `ROUNDS` resamples of the rows."""
    random = np.random.default_rng(seed)
    draws = random.integers(0, len(scores), (ROUNDS, len(scores)))
    values = np.array([metric(scores[draw], positive[draw]) for draw in draws])
    if np.isnan(values).all():
        return Figure(float("nan"), float("nan"), float("nan"))
    low, high = np.nanquantile(values, [0.025, 0.975])
    return Figure(metric(scores, positive), float(low), float(high))
