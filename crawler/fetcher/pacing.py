"""When a server asks to be left alone, and until when.

`Retry-After` (RFC 9110 §10.2.3), `X-RateLimit-*` as Mastodon (ISO time), X (epoch seconds) and others write them,
`RateLimit-*` of the IETF draft (seconds from now, or one structured field).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from crawler.text.moments import from_epoch, parse_moment

TOO_MANY_REQUESTS = 429
UNAVAILABLE = 503

DEFAULT_PAUSE = dt.timedelta(minutes=5)
"""How long to stay away from a server that says 429 without saying how long."""

LONGEST_PAUSE = dt.timedelta(days=2)
"""No header keeps us away for longer: a mistake there must not end a campaign's monitoring."""

_EPOCH_FROM = 1_000_000_000  # larger numbers are moments, smaller ones seconds from now
_REMAINING = re.compile(r"\b(?:remaining|r)\s*=\s*(\d+)", re.IGNORECASE)
_RESET = re.compile(r"\b(?:reset|t)\s*=\s*(\d+)", re.IGNORECASE)


def pause_until(status: int, headers: Mapping[str, str], now: dt.datetime) -> dt.datetime | None:
    """The moment before which the server wants no further request; None when it asks for nothing.

    `headers` have lower-case names. Never later than `LONGEST_PAUSE` from now.
    """
    asked = _retry_after(status, headers, now) or _used_up(headers, now)
    if asked is None and status == TOO_MANY_REQUESTS:
        asked = now + DEFAULT_PAUSE
    if asked is None or asked <= now:
        return None
    return min(asked, now + LONGEST_PAUSE)


def _retry_after(status: int, headers: Mapping[str, str], now: dt.datetime) -> dt.datetime | None:
    if status in {TOO_MANY_REQUESTS, UNAVAILABLE}:
        return _moment(headers.get("retry-after"), now)
    return None


def _used_up(headers: Mapping[str, str], now: dt.datetime) -> dt.datetime | None:
    """When the window opens again, if nothing remains of this one."""
    for prefix in ("x-ratelimit", "x-rate-limit", "ratelimit"):
        if headers.get(f"{prefix}-remaining", "").strip() == "0":
            return _moment(headers.get(f"{prefix}-reset"), now)
    combined = headers.get("ratelimit", "")
    remaining, reset = _REMAINING.search(combined), _RESET.search(combined)
    if remaining and reset and int(remaining[1]) == 0:
        return _moment(reset[1], now)
    return None


def _moment(value: str | None, now: dt.datetime) -> dt.datetime | None:
    """Seconds from now, seconds since 1970, or a date."""
    text = (value or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        return parse_moment(text)
    if seconds >= _EPOCH_FROM:
        return from_epoch(seconds) or now + LONGEST_PAUSE
    return now + dt.timedelta(seconds=min(seconds, LONGEST_PAUSE.total_seconds())) if seconds >= 0 else None
