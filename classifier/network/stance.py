"""From a post's act and its slots to the author's stance towards each side it names."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from classifier.labels.corpus import STANCES

Side = TypeVar("Side", bound=Hashable)


def resolve_stances(act: str, sides: Mapping[Side, Sequence[Sequence[float]]]) -> dict[Side, str]:
    """The stance towards each side, given the probabilities (over STANCES) at the slots that stand for it.

    Who takes no side is neutral to all. Where one side is named, the act says for or against; where several
    are, their slots do. A side whose slots were cut off a long text is neutral.
    """
    if act == "none":
        return dict.fromkeys(sides, "neutral")
    if len(sides) == 1:
        return dict.fromkeys(sides, "against" if act == "attack" else "favor")
    return {side: _likeliest(slots) for side, slots in sides.items()}


def _likeliest(slots: Sequence[Sequence[float]]) -> str:
    return STANCES[int(np.mean(slots, axis=0).argmax())] if slots else "neutral"
