"""Drift: what the office's posts look like to the model, day by day, so that a change is seen.

Unflagged posts are purged with their scores, so each whole day (UTC) leaves its counts here: how scores, lengths and
words were spread, per mandate and model. The counts hold no text and nothing about a person. A measurement sets the
last days against those before them and against the text held out of training.
"""

from __future__ import annotations

import bisect
import datetime as dt
import enum
import functools
import math
import operator
from collections.abc import Iterable, Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ForeignKey, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Id, JsonObject, Row, insert_into
from models.ids import new_id
from models.intervals import wilson
from models.log import record

SCORE_EDGES = tuple(1 / (1 + math.exp(-half / 2)) for half in range(-9, 10))
"""Where bins of scores meet: half a unit of log-odds apart, because nearly all posts score close to nought."""
SCORE_BINS = len(SCORE_EDGES) + 1
LENGTH_STEP = 8
LENGTH_BINS = 17
"""Lengths in word pieces, in bins of `LENGTH_STEP`; the last bin is open."""
ALARMING_PSI = 0.25
"""A population stability index above it is a significant change (Siddiqi 2006, Credit Risk Scorecards)."""
MANIFOLD = 2
"""So many times the share of unknown words is a change of vocabulary."""

_Count = Annotated[int, Field(ge=0)]
_Scores = Annotated[tuple[_Count, ...], Field(min_length=SCORE_BINS, max_length=SCORE_BINS)]
_Lengths = Annotated[tuple[_Count, ...], Field(min_length=LENGTH_BINS, max_length=LENGTH_BINS)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tally(_Frozen):
    """Counts over posts. `scores` and `lengths` are histograms; `words` that the linear model does not know are
    `unknown_words`, `pieces` that the tokenizer cannot spell are `unknown_pieces`; `naming` counts posts by the kind
    of slot in them (`CALON`, `PARTAI`, `SLOGAN`, `NOMOR`).
    """

    posts: _Count = 0
    flagged: _Count = 0
    scores: _Scores = (0,) * SCORE_BINS
    lengths: _Lengths = (0,) * LENGTH_BINS
    words: _Count = 0
    unknown_words: _Count = 0
    pieces: _Count = 0
    unknown_pieces: _Count = 0
    naming: dict[str, _Count] = Field(default_factory=dict)

    def __add__(self, other: Self) -> Tally:
        """The counts over both."""
        kinds = sorted(self.naming.keys() | other.naming.keys())
        return Tally(
            posts=self.posts + other.posts,
            flagged=self.flagged + other.flagged,
            scores=tuple(map(operator.add, self.scores, other.scores)),
            lengths=tuple(map(operator.add, self.lengths, other.lengths)),
            words=self.words + other.words,
            unknown_words=self.unknown_words + other.unknown_words,
            pieces=self.pieces + other.pieces,
            unknown_pieces=self.unknown_pieces + other.unknown_pieces,
            naming={kind: self.naming.get(kind, 0) + other.naming.get(kind, 0) for kind in kinds},
        )

    @property
    def flag_rate(self) -> float:
        """Flagged posts among all."""
        return self.flagged / self.posts if self.posts else 0.0

    @property
    def unknown_word_share(self) -> float:
        """Unknown words among all words."""
        return self.unknown_words / self.words if self.words else 0.0

    @property
    def unknown_piece_share(self) -> float:
        """Word pieces that the tokenizer cannot spell, among all."""
        return self.unknown_pieces / self.pieces if self.pieces else 0.0

    def naming_share(self, kind: str) -> float:
        """Posts with a slot of this kind among all."""
        return self.naming.get(kind, 0) / self.posts if self.posts else 0.0

    def length_quantile(self, share: float) -> int:
        """So many word pieces (the upper end of a bin) have at most `share` of the posts."""
        reached = 0
        for place, count in enumerate(self.lengths, 1):
            reached += count
            if reached >= share * self.posts:
                return place * LENGTH_STEP
        return LENGTH_BINS * LENGTH_STEP


class Shift(_Frozen):
    """How far scores have moved since `first_day` to `last_day`: population stability index, and the `floor` under
    which 99 of 100 indices lie by chance when nothing has changed.
    """

    first_day: dt.date
    last_day: dt.date
    tally: Tally
    psi: float
    floor: float

    @property
    def alarming(self) -> bool:
        """Whether the change is large and no chance."""
        return self.psi > ALARMING_PSI and self.psi > self.floor


class Alarm(enum.StrEnum):
    """What has changed so much that people should look."""

    SCORES = "scores"
    WORDS = "words"


class Drift(_Frozen):
    """One mandate's `now` against the weeks before (`previous`), the first weeks of the model (`first`, once they are
    others) and the text held out of training (`reference`); each None where there is too little, or none.
    """

    now: Tally
    previous: Shift | None = None
    first: Shift | None = None
    reference: Tally | None = None

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """What people should look at. The first weeks raise none: a campaign moves scores, and stays."""
        moved = self.previous is not None and self.previous.alarming
        before = (self.reference, None if self.previous is None else self.previous.tally)
        strange = any(_is_manifold(self.now, tally) for tally in before if tally is not None)
        return tuple(alarm for alarm, raised in ((Alarm.SCORES, moved), (Alarm.WORDS, strange)) if raised)


class DriftDay(Row):
    """The counts of one mandate, model and whole day (UTC) of assessing."""

    __tablename__ = "drift_days"
    __table_args__ = (UniqueConstraint("mandate_id", "weights_sha256", "day"),)

    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"))
    model: Mapped[str] = mapped_column(String(120))
    weights_sha256: Mapped[str] = mapped_column(String(64))
    day: Mapped[dt.date] = mapped_column(index=True)
    tally: Mapped[JsonObject]

    def read_tally(self) -> Tally:
        """The counts."""
        return Tally.model_validate(self.tally)


class DriftMeasurement(Row):
    """What was measured of one mandate up to `last_day`; `body` is a `Drift` as JSON."""

    __tablename__ = "drift_measurements"
    __table_args__ = (UniqueConstraint("mandate_id", "weights_sha256", "last_day"),)

    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"))
    model: Mapped[str] = mapped_column(String(120))
    weights_sha256: Mapped[str] = mapped_column(String(64))
    first_day: Mapped[dt.date]
    last_day: Mapped[dt.date] = mapped_column(index=True)
    measured_at: Mapped[dt.datetime]
    alarms: Mapped[list[str]]
    body: Mapped[JsonObject]

    def read_drift(self) -> Drift:
        """The figures."""
        return Drift.model_validate(self.body)


def score_bin(score: float) -> int:
    """The place of a score in `Tally.scores`."""
    return bisect.bisect_right(SCORE_EDGES, score)


def length_bin(pieces: int) -> int:
    """The place of a length in word pieces in `Tally.lengths`."""
    return min(max(pieces - 1, 0) // LENGTH_STEP, LENGTH_BINS - 1)


def total(tallies: Iterable[Tally]) -> Tally:
    """The counts over all."""
    return functools.reduce(operator.add, tallies, Tally())


def store_days(session: Session, model: str, days: Mapping[tuple[str, str, dt.date], Tally]) -> None:
    """Keep the counts by (mandate, SHA-256 of the weights, day); a day that is kept already stays as it is."""
    rows = [
        {"id": new_id(), "mandate_id": mandate, "model": model, "weights_sha256": weights, "day": day,
         "tally": tally.model_dump(mode="json")}
        for (mandate, weights, day), tally in days.items()
    ]  # fmt: skip
    if rows:
        kept = ["mandate_id", "weights_sha256", "day"]
        session.execute(insert_into(session, DriftDay).on_conflict_do_nothing(index_elements=kept), rows)


def newest_day(session: Session, model: str) -> dt.date | None:
    """The last day whose counts are kept for the model of this label."""
    return session.scalar(select(func.max(DriftDay.day)).where(DriftDay.model == model))


def store_measurement(
    session: Session, newest: DriftDay, drift: Drift, *, first_day: dt.date, actor: str, at: dt.datetime
) -> bool:
    """Keep what was measured up to the day of `newest`; False when that day was measured before.

    A log entry tells of every alarm that the measurement before did not raise.
    """
    before = newest_measurement(session, newest.mandate_id)
    alarms = [alarm.value for alarm in drift.alarms]
    row = {
        "id": new_id(), "mandate_id": newest.mandate_id, "model": newest.model, "measured_at": at,
        "weights_sha256": newest.weights_sha256, "first_day": first_day, "last_day": newest.day,
        "alarms": alarms, "body": drift.model_dump(mode="json"),
    }  # fmt: skip
    insert = insert_into(session, DriftMeasurement).values(row)
    same = ["mandate_id", "weights_sha256", "last_day"]
    stored = session.scalar(insert.on_conflict_do_nothing(index_elements=same).returning(DriftMeasurement.id))
    fresh = sorted(set(alarms) - set(before.alarms if before is not None else ()))
    if stored is not None and fresh:
        record(session, "drift.alarmed", f"drift_measurements:{stored}", actor=actor, at=at, alarms=fresh,
               mandate=newest.mandate_id, model=newest.model, last_day=newest.day.isoformat())  # fmt: skip
    return stored is not None


def newest_measurement(session: Session, mandate_id: str) -> DriftMeasurement | None:
    """What was measured last of this mandate."""
    mine = select(DriftMeasurement).where(DriftMeasurement.mandate_id == mandate_id)
    return session.scalar(mine.order_by(DriftMeasurement.last_day.desc(), DriftMeasurement.id.desc()).limit(1))


def newest_measurements(session: Session) -> list[DriftMeasurement]:
    """What was measured last of each mandate that was ever measured, in the order of mandates."""
    mandates = session.scalars(select(DriftMeasurement.mandate_id).distinct().order_by(DriftMeasurement.mandate_id))
    found = (newest_measurement(session, mandate_id) for mandate_id in mandates.all())
    return [measurement for measurement in found if measurement is not None]


def _is_manifold(now: Tally, before: Tally) -> bool:
    """Whether the lower end of the share's interval is beyond `MANIFOLD` times that of before.

    Words of one post go together, so posts are what is counted; without any unknown word before, nothing is said.
    """
    if not now.posts or not before.unknown_words:
        return False
    low, _high = wilson(now.unknown_word_share, now.posts)
    return low > MANIFOLD * before.unknown_word_share
