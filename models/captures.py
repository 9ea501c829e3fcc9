"""Captures: the evidence of a flag, and how good it is."""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Id, JsonObject, Row, lock_row
from models.clock import utc_now
from models.errors import IllegalTransition
from models.flags import Flag, FlagState, move_flag
from models.log import record

MAX_ATTEMPTS = 3
RETRY_MINUTES = (1, 10)


class CaptureQuality(enum.StrEnum):
    """`page`: the live page, with the post's text found on it. `rendering`: our own picture of the raw payload,
    for posts without a reachable page. `hand`: a person's own screenshot and the text they typed (`models.hand`); the
    reason says who and when. `broken`: the page was not what it should be; the reason says why.
    """

    PAGE = "page"
    RENDERING = "rendering"
    HAND = "hand"
    BROKEN = "broken"


class Capture(Row):
    """What a browser saw: hashes name bytes in the evidence store; `details` has tool, viewport and headers."""

    __tablename__ = "captures"

    flag_id: Mapped[Id] = mapped_column(ForeignKey("flags.id"), index=True)
    quality: Mapped[CaptureQuality]
    reason: Mapped[str]
    url: Mapped[str | None]
    final_url: Mapped[str | None]
    captured_at: Mapped[dt.datetime]
    screenshot_sha256: Mapped[str | None] = mapped_column(String(64))
    page_sha256: Mapped[str | None] = mapped_column(String(64))
    text_found: Mapped[bool]
    details: Mapped[JsonObject] = mapped_column(default_factory=dict)


def attach_capture(session: Session, flag: Flag, capture: Capture, *, actor: str) -> None:
    """Keep the capture; a broken one is tried again later, the last attempt is shown to reviewers as it is.

    Raises:
        IllegalTransition: the flag left `pending` before.
    """
    lock_row(session, flag)
    if flag.state is not FlagState.PENDING:
        raise IllegalTransition(f"flag {flag.id} is {flag.state} and has its capture")
    session.add(capture)
    flag.capture_attempts += 1
    record(session, "capture.made", flag, actor=actor, at=capture.captured_at, quality=capture.quality.value,
           screenshot_sha256=capture.screenshot_sha256, page_sha256=capture.page_sha256,
           words={"reason": capture.reason})  # fmt: skip
    if capture.quality is CaptureQuality.BROKEN and flag.capture_attempts < MAX_ATTEMPTS:
        flag.capture_after = utc_now() + dt.timedelta(minutes=RETRY_MINUTES[flag.capture_attempts - 1])
        return
    move_flag(session, flag, FlagState.READY, actor=actor, at=capture.captured_at, reason=capture.quality.value)


def newest_capture(session: Session, flag_id: str) -> Capture | None:
    """The capture reviewers look at."""
    newest = select(Capture).where(Capture.flag_id == flag_id).order_by(Capture.captured_at.desc()).limit(1)
    return session.scalar(newest)
