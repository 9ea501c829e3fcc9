"""Does a model flag innocent posts about one candidate more often than about another?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from classifier.evaluation.metrics import ROUNDS, Bools, interval

LEAST_ROWS = 50
"""A side with fewer non-partisan rows is not measured: one row would move its rate by more than 2 points."""

Side = tuple[str, int]
"""A contest's name and a candidate's ballot number."""


@dataclass(frozen=True)
class SideRate:
    """How many of the non-partisan rows that name this side, and no other, were flagged."""

    number: int
    rows: int
    flagged: int

    @property
    def rate(self) -> float:
        """The false-positive rate, 0 to 1."""
        return self.flagged / self.rows

    @property
    def measured(self) -> bool:
        """Whether there are rows enough to say anything."""
        return self.rows >= LEAST_ROWS


@dataclass(frozen=True)
class ContestSides:
    """The sides of one contest. `gap` is the highest less the lowest measured rate, with its 95 % interval; None where
    fewer than two sides could be measured.
    """

    contest: str
    sides: tuple[SideRate, ...]
    gap: float | None
    low: float | None
    high: float | None


def false_positives_by_side(
    flags: Bools, partisan: Bools, sides: Sequence[Side | None], *, seed: int = 1
) -> list[ContestSides]:
    """The rates and gaps of every contest; `sides` says whom each row names, None where nobody or several.

    The interval is a percentile bootstrap within each side. It leans high where many sides are compared, for the
    largest of many chance differences is large.
    """
    random = np.random.default_rng(seed)
    counted = sorted(_count(flags, partisan, sides), key=lambda side: side[0])
    return [
        _contest(contest, [rate for _, rate in rates], random)
        for contest, rates in itertools.groupby(counted, key=lambda side: side[0])
    ]


def _count(flags: Bools, partisan: Bools, sides: Sequence[Side | None]) -> Iterator[tuple[str, SideRate]]:
    for contest, number in sorted({side for side in sides if side is not None}):
        here = ~partisan & np.fromiter((side == (contest, number) for side in sides), dtype=bool, count=len(sides))
        if here.any():
            yield contest, SideRate(number, int(here.sum()), int((here & flags).sum()))


def _contest(contest: str, rates: Sequence[SideRate], random: np.random.Generator) -> ContestSides:
    measured = [side for side in rates if side.measured]
    if len(measured) < 2:  # noqa: PLR2004 - a gap is between two
        return ContestSides(contest, tuple(rates), None, None, None)
    values = [side.rate for side in measured]
    # Resampling n rows of which k are flagged gives a binomial count.
    drawn = np.stack([random.binomial(side.rows, side.rate, ROUNDS) / side.rows for side in measured])
    low, high = interval(drawn.max(axis=0) - drawn.min(axis=0))
    return ContestSides(contest, tuple(rates), max(values) - min(values), low, high)
