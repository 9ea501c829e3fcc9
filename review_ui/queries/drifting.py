"""Drift as the pages show it: the stored figures of each mandate, and histograms ready to draw."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.drift import Drift, Tally, newest_measurements
from models.mandates import Mandate


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """What one set of posts looks like. `key` names it; `posts`, `flag_rate` and `naming` are None for the training
    text, which is half partisan on purpose and says nothing about them.
    """

    key: str
    posts: int | None
    flag_rate: float | None
    naming: float | None
    unknown_words: float
    unknown_pieces: float
    median_length: int


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """The share of posts in one bin of scores, 0 to 1, now and before (None without earlier weeks), as parts of the
    tallest bar.
    """

    now: float
    before: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class DriftPanel:
    """One mandate."""

    mandate: str
    model: str
    first_day: dt.date
    last_day: dt.date
    drift: Drift
    columns: list[Column]
    bars: list[Bar]


def drift_panels(session: Session) -> list[DriftPanel]:
    """The newest measurement of every mandate that was ever measured."""
    names = {mandate.id: f"{mandate.agency} · {mandate.number}" for mandate in session.scalars(select(Mandate))}
    panels = []
    for measured in newest_measurements(session):
        drift = measured.read_drift()
        panels.append(
            DriftPanel(
                mandate=names[measured.mandate_id],
                model=measured.model,
                first_day=measured.first_day,
                last_day=measured.last_day,
                drift=drift,
                columns=_columns(drift),
                bars=bars(drift),
            )
        )
    return panels


def bars(drift: Drift) -> list[Bar]:
    """The histograms of scores, each as shares, so that weeks with more posts do not look taller."""
    now = _shares(drift.now)
    before = [None] * len(now) if drift.previous is None else _shares(drift.previous.tally)
    tallest = max((share for share in (*now, *before) if share is not None), default=0) or 1
    return [Bar(new / tallest, None if old is None else old / tallest) for new, old in zip(now, before, strict=True)]


def _shares(tally: Tally) -> list[float]:
    return [count / (tally.posts or 1) for count in tally.scores]


def _columns(drift: Drift) -> list[Column]:
    found = [_column("now", drift.now)]
    found += [
        _column(key, shift.tally)
        for key, shift in (("previous", drift.previous), ("first", drift.first))
        if shift is not None
    ]
    if drift.reference is not None:
        training = _column("reference", drift.reference)
        found.append(dataclasses.replace(training, posts=None, flag_rate=None, naming=None))
    return found


def _column(key: str, tally: Tally) -> Column:
    return Column(
        key=key,
        posts=tally.posts,
        flag_rate=tally.flag_rate,
        naming=tally.naming_share("CALON"),
        unknown_words=tally.unknown_word_share,
        unknown_pieces=tally.unknown_piece_share,
        median_length=tally.length_quantile(0.5),
    )
