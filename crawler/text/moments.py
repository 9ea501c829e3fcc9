"""Times as platforms and feeds write them, into aware datetimes."""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime

from models.clock import as_utc

MAX_CHARACTERS = 100

# Indonesian feeds translate the names that RFC 822 fixes in English, and write the national zones.
_WORDS = {
    "januari": "Jan",
    "februari": "Feb",
    "pebruari": "Feb",
    "peb": "Feb",
    "maret": "Mar",
    "april": "Apr",
    "mei": "May",
    "juni": "Jun",
    "juli": "Jul",
    "agustus": "Aug",
    "agu": "Aug",
    "agt": "Aug",
    "ags": "Aug",
    "september": "Sep",
    "sept": "Sep",
    "oktober": "Oct",
    "okt": "Oct",
    "november": "Nov",
    "nopember": "Nov",
    "nop": "Nov",
    "desember": "Dec",
    "des": "Dec",
    "wib": "+0700",
    "wita": "+0800",
    "wit": "+0900",
    "z": "+0000",
}
_WORD = re.compile(r"[A-Za-z]+")
_WEEKDAY = re.compile(r"^[A-Za-z'’`]+\.?,\s*")
_ISO_AND_ZONE = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]{0,14})\s*([A-Za-z]{1,4}|[+-]\d\d:?\d\d)")
_UTC = frozenset({"utc", "gmt", "ut"})
_TWITTER = "%a %b %d %H:%M:%S %z %Y"


def parse_moment(text: object) -> dt.datetime | None:
    """The moment in UTC that ISO 8601, RFC 822 (also with Indonesian names) or X's own form names; else None.

    A time without a zone names no moment and gives None.
    """
    if not isinstance(text, str) or not 0 < len(text) <= MAX_CHARACTERS:
        return None
    cleaned = text.strip()
    for read in (dt.datetime.fromisoformat, _read_iso_and_zone, _read_rfc822, _read_twitter):
        try:
            return as_utc(read(cleaned))
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def from_epoch(seconds: object) -> dt.datetime | None:
    """The moment `seconds` (number, or digits as text) after 1970 in UTC; None when that names none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | str):
        return None
    try:
        return dt.datetime.fromtimestamp(float(seconds), dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _read_iso_and_zone(text: str) -> dt.datetime:
    """`2026-10-05 14:30:00 WIB`, `2026-10-05 07:30:00 +0000`."""
    found = _ISO_AND_ZONE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    zone = found[2].lower()
    return dt.datetime.fromisoformat(found[1] + ("+0000" if zone in _UTC else _WORDS.get(zone, zone)))


def _read_rfc822(text: str) -> dt.datetime:
    english = _WORD.sub(lambda word: _WORDS.get(word[0].lower(), word[0]), _WEEKDAY.sub("", text))
    moment = parsedate_to_datetime(english)
    if english.endswith("-0000"):  # RFC 5322 §3.3: UTC, with nothing said about the local zone
        return moment.replace(tzinfo=dt.UTC)
    return moment


def _read_twitter(text: str) -> dt.datetime:
    return dt.datetime.strptime(text, _TWITTER).astimezone(dt.UTC)
