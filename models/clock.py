"""Time: aware, UTC, everywhere. Local time exists only where a person reads it."""

from __future__ import annotations

import datetime as dt


def utc_now() -> dt.datetime:
    """The current moment, aware, in UTC."""
    return dt.datetime.now(dt.UTC)


def as_utc(moment: dt.datetime) -> dt.datetime:
    """`moment` in UTC.

    Raises:
        ValueError: `moment` has no time zone, so nobody can say when it was.
    """
    if moment.tzinfo is None:
        raise ValueError(f"time without a zone: {moment.isoformat()}")
    return moment.astimezone(dt.UTC)
