"""Whether scores have moved: the population stability index, and how large it gets by chance.

Source: Siddiqi 2006, Credit Risk Scorecards, for the index. By chance: posts of one day resemble one another (a
message that everybody forwards), so whole days are dealt out at random to “now” and “before” (a permutation test with
days as its blocks).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.drift import Drift, DriftDay, Shift, Tally, total

LEAST_DAYS = 7
"""With fewer days with posts on either side nothing is said: a week has its own rhythm, and few days deal out alike."""
BASELINE_DAYS = 28
ROUNDS = 1_000
FLOOR = 0.99
_PSEUDO = 0.5
"""Added to each bin (Jeffreys' prior), so that an empty one has a logarithm."""

Counts = npt.NDArray[np.float64]


def stability_index(now: Counts, before: Counts) -> Counts:
    """The population stability index of histograms (…, bins)."""
    new, old = ((counts + _PSEUDO) / (counts + _PSEUDO).sum(-1, keepdims=True) for counts in (np.asarray(now), before))
    found: Counts = ((new - old) * np.log(new / old)).sum(-1)
    return found


def chance_floor(now: Counts, before: Counts, seed: int = 0) -> float:
    """The index that 99 of 100 random dealings of these days (days, bins) stay under."""
    days = np.concatenate([now, before])
    dealt = np.random.default_rng(seed).random((ROUNDS, len(days))).argsort(1) < len(now)
    return float(np.quantile(stability_index(dealt @ days, ~dealt @ days), FLOOR))


def shift(now: Sequence[DriftDay], before: Sequence[DriftDay]) -> Shift | None:
    """How far the days `now` are from those `before`; None with too few of either."""
    if min(len(now), len(before)) < LEAST_DAYS:
        return None
    tallies = [day.read_tally() for day in before]
    new, old = (np.array([tally.scores for tally in days], float) for days in ([d.read_tally() for d in now], tallies))
    return Shift(
        first_day=before[0].day,
        last_day=before[-1].day,
        tally=total(tallies),
        psi=float(stability_index(new.sum(0), old.sum(0))),
        floor=chance_floor(new, old),
    )


def drift_of(days: Sequence[DriftDay], window: int, reference: Tally | None) -> Drift:
    """What the last `window` days, counted from the newest, say of one mandate and model; `days` in order, at least
    one.
    """
    newest = days[-1].day.toordinal()
    ages = [newest - day.day.toordinal() for day in days]
    now = [day for day, age in zip(days, ages, strict=True) if age < window]
    previous = [day for day, age in zip(days, ages, strict=True) if window <= age < window + BASELINE_DAYS]
    first = [day for day, age in zip(days, ages, strict=True) if ages[0] - age < BASELINE_DAYS]
    others = ages[0] >= window + 2 * BASELINE_DAYS - 1
    return Drift(
        now=total(day.read_tally() for day in now),
        previous=shift(now, previous),
        first=shift(now, first) if others else None,
        reference=reference,
    )
