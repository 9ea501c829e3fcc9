"""A measured figure: the values of its rounds, what they are compared with, and the goal they are held against."""

from __future__ import annotations

import dataclasses
import enum
import statistics
from typing import Any


class Aim(enum.StrEnum):
    """Which way a goal points."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclasses.dataclass(frozen=True, slots=True)
class Goal:
    """A bound on the median of the ratios, where the figure has any, else on the median of the values."""

    aim: Aim
    bound: float

    def met_by(self, median: float) -> bool:
        """Whether `median` is on the right side of the bound."""
        return median >= self.bound if self.aim is Aim.AT_LEAST else median <= self.bound


@dataclasses.dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. `against` is what `reference` measured, in the same unit and round by round, so that
    a ratio never compares a quiet minute with a busy one.
    """

    what: str
    unit: str
    values: tuple[float, ...]
    against: str = ""
    reference: tuple[float, ...] = ()
    goal: Goal | None = None
    note: str = ""

    @property
    def ratios(self) -> tuple[float, ...]:
        """Value by reference, one for each round; empty without a reference."""
        if not self.reference:
            return ()
        return tuple(value / other for value, other in zip(self.values, self.reference, strict=True))

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        return None if self.goal is None else self.goal.met_by(statistics.median(self.ratios or self.values))

    def as_json(self) -> dict[str, Any]:
        """Every round, so that others can compute what they like."""
        return {
            "what": self.what,
            "unit": self.unit,
            "values": list(self.values),
            "against": self.against,
            "reference": list(self.reference),
            "ratios": list(self.ratios),
            "goal": None if self.goal is None else {"aim": self.goal.aim, "bound": self.goal.bound},
            "met": self.met,
            "note": self.note,
        }
