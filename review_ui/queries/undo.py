"""The verdict that can still be taken back."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy.orm import Session

from models.clock import utc_now
from models.officers import Officer
from models.reviews import UNDO_SECONDS, Decision, Review


@dataclasses.dataclass(frozen=True, slots=True)
class Undoable:
    """One's own fresh verdict and the whole seconds left to take it back."""

    review_id: str
    decision: Decision
    seconds: int


def undoable_review(session: Session, officer: Officer, review_id: str) -> Undoable | None:
    """The review if it is the officer's own and fresh; None for anything else."""
    review = session.get(Review, review_id) if review_id else None
    if review is None or review.reviewer_id != officer.id or review.undone_at is not None:
        return None
    left = review.given_at + dt.timedelta(seconds=UNDO_SECONDS) - utc_now()
    seconds = int(left.total_seconds())
    return Undoable(review.id, review.decision, seconds) if seconds > 0 else None
