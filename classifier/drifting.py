"""The drift stage: each whole day's counts are kept, and the last days are set against those before."""

from __future__ import annotations

import collections
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from classifier.evaluation.drift import drift_of
from classifier.network.calibrate import Calibration
from classifier.network.reference import Vocabulary, load_reference
from models.assessments import Assessment
from models.database import Database
from models.drift import Drift, DriftDay, Tally, newest_day, store_days, store_measurement

WINDOW_DAYS = 14
SETTLED_AFTER = dt.timedelta(hours=1)
"""A day counts as whole when it is over for so long: what was scored before midnight is committed by then."""
_STREAMED = 512

_Scored = Row[str, str, dt.datetime, float, bool, str]


@dataclass(frozen=True)
class Drifting:
    """One mandate's figures; `newest` is the last day they count."""

    newest: DriftDay
    first_day: dt.date
    drift: Drift


@dataclass(frozen=True)
class Watcher:
    """Counts and measures what the model in `directory` has scored."""

    database: Database
    directory: Path

    @property
    def model(self) -> str:
        """The model's label, as assessments name it.

        Raises:
            BadInput: the directory is no model.
        """
        return f"{self.directory.name}@{Calibration.load(self.directory / 'calibration.json').version}"

    def count_days(self, now: dt.datetime, reach: dt.timedelta) -> int:
        """Keep the counts of every whole day up to `now` that has none yet, in one pass over its posts, a batch in
        memory at a time. Days before `now - reach` are let be: their unflagged posts may be purged.

        Raises:
            BadInput: the directory is no model.
        """
        model = self.model
        end = (now - SETTLED_AFTER).date()
        with self.database.read() as session:
            newest = newest_day(session, model)
            start = max((now - reach).date(), newest + dt.timedelta(days=1) if newest else dt.date.min)
            if start >= end or not _has_posts(session, model, start, end):
                return 0
            days = self._tallies(session, model, start, end)
        with self.database.write() as session:
            store_days(session, model, days)
        return sum(tally.posts for tally in days.values())

    def measure(self, window: int = WINDOW_DAYS) -> list[Drifting]:
        """What the counts say now, one for each mandate with a post in the last `window` days that are counted.

        Raises:
            BadInput: the directory is no model, or its reference is damaged.
        """
        reference = load_reference(self.directory)
        with self.database.read() as session:
            return [_drifting(days, window, reference) for days in _series(session, self.model, window)]

    def store(self, now: dt.datetime, actor: str) -> int:
        """Keep what `measure` finds; returns for how many mandates it was new.

        Raises:
            BadInput: the directory is no model, or its reference is damaged.
        """
        found = self.measure()
        if not found:
            return 0
        with self.database.write() as session:
            return sum(
                store_measurement(session, one.newest, one.drift, first_day=one.first_day, actor=actor, at=now)
                for one in found
            )

    def _tallies(
        self, session: Session, model: str, start: dt.date, end: dt.date
    ) -> dict[tuple[str, str, dt.date], Tally]:
        vocabulary = Vocabulary.load(self.directory)
        days: collections.defaultdict[tuple[str, str, dt.date], Tally] = collections.defaultdict(Tally)
        for batch in _scored(session, model, start, end):
            groups: collections.defaultdict[tuple[str, str, dt.date], list[_Scored]] = collections.defaultdict(list)
            for row in batch:
                groups[row.mandate_id, row.weights_sha256, row.assessed_at.date()].append(row)
            for key, rows in groups.items():
                columns = ([row.masked for row in rows], [row.score for row in rows], [row.flagged for row in rows])
                days[key] += vocabulary.tally(*columns)
        return dict(days)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def _has_posts(session: Session, model: str, start: dt.date, end: dt.date) -> bool:
    """Asked first: most turns of the stage find nothing, and need no vocabulary."""
    inside = (Assessment.assessed_at >= _midnight(start)) & (Assessment.assessed_at < _midnight(end))
    return session.scalar(select(Assessment.id).where(Assessment.model == model, inside).limit(1)) is not None


def _scored(session: Session, model: str, start: dt.date, end: dt.date) -> Iterator[Sequence[_Scored]]:
    statement = select(
        Assessment.mandate_id,
        Assessment.weights_sha256,
        Assessment.assessed_at,
        Assessment.score,
        Assessment.flagged,
        Assessment.masked,
    ).where(
        Assessment.model == model,
        Assessment.assessed_at >= _midnight(start),
        Assessment.assessed_at < _midnight(end),
    )
    yield from session.execute(statement.execution_options(yield_per=_STREAMED)).partitions()


def _series(session: Session, model: str, window: int) -> Iterator[list[DriftDay]]:
    """For each mandate counted lately, the days of the weights that scored last, in order."""
    newest = newest_day(session, model)
    if newest is None:
        return
    recent = (DriftDay.model == model) & (DriftDay.day > newest - dt.timedelta(days=window))
    mandates = session.scalars(select(DriftDay.mandate_id).where(recent).distinct().order_by(DriftDay.mandate_id))
    for mandate_id in mandates.all():
        mine = (DriftDay.model == model) & (DriftDay.mandate_id == mandate_id)
        last = session.scalars(select(DriftDay).where(mine).order_by(DriftDay.day.desc()).limit(1)).one()
        same = mine & (DriftDay.weights_sha256 == last.weights_sha256)
        yield list(session.scalars(select(DriftDay).where(same).order_by(DriftDay.day)))


def _drifting(days: Sequence[DriftDay], window: int, reference: Tally | None) -> Drifting:
    newest = days[-1]
    return Drifting(newest, newest.day - dt.timedelta(days=window - 1), drift_of(days, window, reference))
