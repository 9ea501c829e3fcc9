"""How much the model misses, as far as random samples of unflagged posts can tell.

Each sample that two people read alike weighs one over its chance of having been drawn and read (Horvitz and Thompson
1952), over all draws that it stood in. The share of partisan posts is the ratio of two such sums (Hájek 1971); its
interval is Wilson's, with Kish's effective sample size (1965) and the correction for a finite population. Recall is
found / (found + missed), where found are the flags of the same time whose two reviewers say that a side is taken.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.clock import utc_now
from models.flags import Flag, FlagState
from models.intervals import wilson
from models.mandates import Mandate
from models.reviews import UNDO_SECONDS as REVIEW_UNDO_SECONDS
from models.reviews import Answer, Decision, Review, agreed_side
from models.samples import READERS, UNDO_SECONDS, Sample, SampleAct, SampleDraw, SampleLabel, agreed_reading

LEAST_READ = 5
"""With fewer samples read alike, an interval would say more than is known."""


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """A sample that two people read alike: in which draw, when it was assessed, and whether a side is taken."""

    draw_id: str
    assessed_at: dt.datetime
    sided: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Drawn:
    """A draw as the estimate needs it: when, and from how many posts."""

    drawn_at: dt.datetime
    population: int


@dataclasses.dataclass(frozen=True, slots=True)
class Recall:
    """What the samples of one mandate say. `waiting` still lack a reader, `disputed` were read differently (neither
    counts), `missed_seen` are partisan posts among those read alike. `found` and `undecided` are flags of the same
    time. `missed` is in posts, `recall` a share; both are None below `LEAST_READ`.
    """

    mandate: str
    drawn: int
    agreed: int
    disputed: int
    waiting: int
    missed_seen: int
    found: int
    undecided: int
    missed: Interval | None
    recall: Interval | None


def recalls(session: Session, *, at: dt.datetime | None = None) -> list[Recall]:
    """The estimate of each mandate that was ever sampled; labels that can still be taken back do not count."""
    moment = at or utc_now()
    numbers = session.execute(
        select(Mandate.id, Mandate.number).where(Mandate.id.in_(select(SampleDraw.mandate_id))).order_by(Mandate.number)
    )
    return [_recall(session, mandate_id, number, moment) for mandate_id, number in numbers.all()]


def missed_posts(readings: Sequence[Reading], draws: Mapping[str, Drawn]) -> Interval | None:
    """How many unflagged posts take a side; None below `LEAST_READ` readings.

    Readings that are missing are taken as missing by chance: the order of reading has nothing to do with the text.
    """
    if len(readings) < LEAST_READ:
        return None
    rates = _rates(readings, draws)
    weights = [1 / _chance(reading, draws, rates) for reading in readings]
    population = math.fsum(weights)
    sided = math.fsum(weight for weight, reading in zip(weights, readings, strict=True) if reading.sided)
    share = min(1.0, sided / population)
    read = len(readings) / population
    if read >= 1:
        return Interval(sided, sided, sided)
    effective = population * population / math.fsum(weight * weight for weight in weights) / (1 - read)
    low, high = wilson(share, effective)
    seen = sum(reading.sided for reading in readings)
    return Interval(sided, max(low * population, seen), high * population)


def recall_of(found: int, missed: Interval | None) -> Interval | None:
    """Found / (found + missed), missed with its interval; None where nothing is known or nothing is there."""
    if missed is None or found + missed.value == 0:
        return None
    return Interval(*(found / (found + count) for count in (missed.value, missed.high, missed.low)))


def _rates(readings: Iterable[Reading], draws: Mapping[str, Drawn]) -> dict[str, float]:
    """Of each draw's population, the share that was drawn and read alike."""
    read = collections.Counter(reading.draw_id for reading in readings)
    return {draw_id: read[draw_id] / draw.population for draw_id, draw in draws.items()}


def _chance(reading: Reading, draws: Mapping[str, Drawn], rates: Mapping[str, float]) -> float:
    """The chance that some draw took the post: those since it was assessed had it before them."""
    passed = (1 - rates[draw_id] for draw_id, draw in draws.items() if draw.drawn_at >= reading.assessed_at)
    return 1 - math.prod(passed)


def _recall(session: Session, mandate_id: str, number: str, moment: dt.datetime) -> Recall:
    draws = list(session.scalars(select(SampleDraw).where(SampleDraw.mandate_id == mandate_id)))
    acts = _acts(session, mandate_id, moment - dt.timedelta(seconds=UNDO_SECONDS))
    samples = list(session.scalars(select(Sample).where(Sample.mandate_id == mandate_id)))
    sides = {sample.id: agreed_reading(acts[sample.id]) for sample in samples}
    readings = [
        Reading(sample.draw_id, sample.assessed_at, sided)
        for sample in samples
        if (sided := sides[sample.id]) is not None
    ]
    both = sum(len(acts[sample.id]) >= READERS for sample in samples)
    span = min(draw.earliest for draw in draws), max(draw.drawn_at for draw in draws)
    found, undecided = _flags(session, mandate_id, span, moment - dt.timedelta(seconds=REVIEW_UNDO_SECONDS))
    missed = missed_posts(readings, {draw.id: Drawn(draw.drawn_at, draw.population) for draw in draws})
    return Recall(
        mandate=number,
        drawn=len(samples),
        agreed=len(readings),
        disputed=both - len(readings),
        waiting=len(samples) - both,
        missed_seen=sum(reading.sided for reading in readings),
        found=found,
        undecided=undecided,
        missed=missed,
        recall=recall_of(found, missed),
    )


def _acts(session: Session, mandate_id: str, until: dt.datetime) -> collections.defaultdict[str, list[SampleAct]]:
    rows = session.execute(
        select(SampleLabel.sample_id, SampleLabel.act)
        .join(Sample, Sample.id == SampleLabel.sample_id)
        .where(Sample.mandate_id == mandate_id, SampleLabel.undone_at.is_(None), SampleLabel.given_at < until)
    )
    acts: collections.defaultdict[str, list[SampleAct]] = collections.defaultdict(list)
    for sample_id, act in rows:
        acts[sample_id].append(act)
    return acts


def _flags(
    session: Session, mandate_id: str, span: tuple[dt.datetime, dt.datetime], until: dt.datetime
) -> tuple[int, int]:
    """Flags raised in the span that take a side, and those that nobody has settled."""
    rows = session.execute(
        select(Flag.id, Flag.state, Review.takes_side)
        .outerjoin(
            Review,
            (Review.flag_id == Flag.id)
            & Review.undone_at.is_(None)
            & (Review.decision != Decision.RECUSED)
            & (Review.given_at < until),
        )
        .where(Flag.mandate_id == mandate_id, Flag.raised_at.between(*span))
    )
    answers: collections.defaultdict[str, list[Answer]] = collections.defaultdict(list)
    open_flags = set()
    for flag_id, state, answer in rows:
        answers[flag_id] += [answer] if answer is not None else []
        if state not in (FlagState.CONFIRMED, FlagState.DISMISSED):
            open_flags.add(flag_id)
    sides = {flag_id: agreed_side(given) for flag_id, given in answers.items()}
    found = sum(side is Answer.YES for side in sides.values())
    return found, sum(flag_id in open_flags and side is None for flag_id, side in sides.items())
