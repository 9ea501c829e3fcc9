"""The verdict or label that can still be taken back."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy.orm import Session

from models.clock import utc_now
from models.officers import Officer
from models.reviews import UNDO_SECONDS, Decision, Review
from models.samples import UNDO_SECONDS as LABEL_UNDO_SECONDS
from models.samples import SampleAct, SampleLabel


@dataclasses.dataclass(frozen=True, slots=True)
class Undoable:
    """One's own fresh verdict and the whole seconds left to take it back."""

    review_id: str
    decision: Decision
    seconds: int


@dataclasses.dataclass(frozen=True, slots=True)
class UndoableLabel:
    """One's own fresh label of a sample and the whole seconds left to take it back."""

    label_id: str
    act: SampleAct
    seconds: int


def undoable_review(session: Session, officer: Officer, review_id: str) -> Undoable | None:
    """The review if it is the officer's own and fresh; None for anything else."""
    review = session.get(Review, review_id) if review_id else None
    if review is None or review.reviewer_id != officer.id or review.undone_at is not None:
        return None
    seconds = _left(review.given_at, UNDO_SECONDS)
    return Undoable(review.id, review.decision, seconds) if seconds > 0 else None


def undoable_label(session: Session, officer: Officer, label_id: str) -> UndoableLabel | None:
    """The label if it is the officer's own and fresh; None for anything else."""
    label = session.get(SampleLabel, label_id) if label_id else None
    if label is None or label.reader_id != officer.id or label.undone_at is not None:
        return None
    seconds = _left(label.given_at, LABEL_UNDO_SECONDS)
    return UndoableLabel(label.id, label.act, seconds) if seconds > 0 else None


def _left(given_at: dt.datetime, undo_seconds: int) -> int:
    return int((given_at + dt.timedelta(seconds=undo_seconds) - utc_now()).total_seconds())
