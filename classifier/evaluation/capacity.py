"""The threshold that fills the reviewers' day, and what to expect of it.

A labelled file is no stream: perhaps half of it is partisan, of a stream one post in a hundred or fewer. What carries
over, if the file's partisan posts are like the stream's and its other posts too, is the share of each class that a
threshold flags; the classes are then mixed in the stream's proportion (prior shift: Saerens et al. 2002, Neural
Computation 14:21). Shares over few rows are uncertain: they are drawn from Jeffreys' posterior, so that no false
positive in 600 rows is not taken for none in a million.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classifier.evaluation.metrics import ROUNDS, Bools, Figure, Floats, interval

LEAST_FALSE = 5
"""A threshold that fewer of the file's other rows reach is set by single rows."""


@dataclass(frozen=True)
class Stream:
    """What reviewers face: `posts` a day, of which a share of `prevalence` takes a side."""

    posts: float
    prevalence: float


@dataclass(frozen=True)
class Capacity:
    """What to expect of a threshold on a stream.

    `reviews` a day, `precision` (of what is reviewed, how much takes a side) and `recall` (of what takes a side, how
    much is reviewed), with 95 % intervals. `false_rows`: how many of the file's other rows reach the threshold.
    """

    threshold: float
    reviews: Figure
    precision: Figure
    recall: Figure
    false_rows: int

    @property
    def resolved(self) -> bool:
        """Whether the file has rows enough to tell such thresholds apart."""
        return self.false_rows >= LEAST_FALSE


def fill_capacity(scores: Floats, partisan: Bools, stream: Stream, reviews: float, *, seed: int = 1) -> Capacity:
    """The lowest threshold of which no more than `reviews` a day are expected, and what to expect of it.

    Where even the highest score of the file is expected more often, that is the threshold.
    """
    thresholds = np.unique(scores)
    flagged_partisan = _shares_from(thresholds, scores[partisan])
    flagged_others = _shares_from(thresholds, scores[~partisan])
    expected = stream.posts * _mix(flagged_partisan, flagged_others, stream.prevalence)
    fitting = thresholds[expected <= reviews]
    return expect(scores, partisan, stream, float(fitting[0] if len(fitting) else thresholds[-1]), seed=seed)


def expect(scores: Floats, partisan: Bools, stream: Stream, threshold: float, *, seed: int = 1) -> Capacity:
    """What to expect of a threshold."""
    flags = scores >= threshold
    random = np.random.default_rng(seed)
    hit, hits = _posterior(flags[partisan], random)
    false, falses = _posterior(flags[~partisan], random)
    rate, rates = (_mix(one, other, stream.prevalence) for one, other in ((hit, false), (hits, falses)))
    return Capacity(
        threshold=threshold,
        reviews=Figure(stream.posts * float(rate[0]), *interval(stream.posts * rates)),
        precision=Figure(float(stream.prevalence * hit[0] / rate[0]), *interval(stream.prevalence * hits / rates)),
        recall=Figure(float(hit[0]), *interval(hits)),
        false_rows=int(flags[~partisan].sum()),
    )


def threshold_for(scores: Floats, counts: Floats, days: float, reviews: float) -> float:
    """The lowest of `scores` that no more than `reviews` posts a day reach, where `counts` posts of `days` days have
    each of them; the highest where even that is reached more often.
    """
    order = np.argsort(scores)
    reaching = counts[order][::-1].cumsum()[::-1] / days
    fitting = np.flatnonzero(reaching <= reviews)
    return float(scores[order][fitting[0] if len(fitting) else -1])


def _shares_from(thresholds: Floats, scores: Floats) -> Floats:
    """The posterior's mean of the share that each threshold flags."""
    reaching = len(scores) - np.searchsorted(np.sort(scores), thresholds)
    return (reaching + 0.5) / (len(scores) + 1)


def _mix(partisan: Floats, others: Floats, prevalence: float) -> Floats:
    return prevalence * partisan + (1 - prevalence) * others


def _posterior(flags: Bools, random: np.random.Generator) -> tuple[Floats, Floats]:
    """The mean share flagged (one value), and draws of what it may be."""
    yes, no = flags.sum() + 0.5, (~flags).sum() + 0.5
    return np.array([yes / (yes + no)]), random.beta(yes, no, ROUNDS)
