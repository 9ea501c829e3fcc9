"""The interval of a proportion."""

from __future__ import annotations

import math

Z_95 = 1.959964
"""Half the width of a 95 % interval, in standard deviations."""


def wilson(share: float, count: float) -> tuple[float, float]:
    """The 95 % score interval (Wilson 1927) of a `share` seen in `count` cases; both ends lie in 0–1.

    `count` may be an effective sample size, and need not be whole.
    """
    square = Z_95 * Z_95
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = Z_95 / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)
