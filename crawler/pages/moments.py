"""Times as Indonesian pages write them for people."""

from __future__ import annotations

import datetime as dt
import re

from crawler.text.moments import from_epoch, parse_moment

ZONES = {"WIB": "+07:00", "WITA": "+08:00", "WIT": "+09:00"}
"""Indonesia's zones (Keputusan Presiden 41/1987), the names pages use and their distance from UTC."""

MAX_CHARACTERS = 100

_EPOCH = re.compile(r"\d{9,11}")
_EPOCH_MILLISECONDS = re.compile(r"\d{12,14}")
_WRITTEN = re.compile(
    r"(?P<day>\d{1,2})(?:\s+(?P<name>[A-Za-z]{3,10})\.?\s+|[/.-](?P<month>\d{1,2})[/.-])(?P<year>\d{4})"
    r"(?:\D{1,20}(?P<hour>\d{1,2})[.:](?P<minute>\d{2})(?:[.:]\d{2})?)?(?:\s*(?P<zone>WIB|WITA|WIT)\b)?",
    re.IGNORECASE,
)


def read_moment(text: str, zone: str = "") -> dt.datetime | None:
    """The moment in UTC; None when the text names none.

    Besides what `parse_moment` knows: seconds and milliseconds since 1970, `Senin, 5 Oktober 2026 | 14.30 WIB`,
    `05/10/2026 14:30` (day first). Times without a zone are in `zone`, one of `ZONES`, and none without it.
    """
    text = " ".join(text[:MAX_CHARACTERS].split())
    if _EPOCH.fullmatch(text):
        return from_epoch(text)
    if _EPOCH_MILLISECONDS.fullmatch(text):
        return from_epoch(int(text) / 1000)
    return parse_moment(text) or parse_moment(_with_zone(text, zone)) or _written(text, zone)


def _with_zone(text: str, zone: str) -> str:
    """An ISO time with the zone it lacks."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return ""
    return f"{moment.isoformat()}{ZONES[zone]}" if zone and moment.tzinfo is None else ""


def _written(text: str, zone: str) -> dt.datetime | None:
    found = _WRITTEN.search(text)
    zone = (found["zone"] or zone).upper() if found else ""
    if found is None or not zone:
        return None
    hour, minute = found["hour"] or "0", found["minute"] or "00"
    if found["name"]:
        return parse_moment(f"{found['day']} {found['name']} {found['year']} {hour}:{minute} {zone}")
    day, month = int(found["day"]), int(found["month"])
    return parse_moment(f"{found['year']}-{month:02}-{day:02}T{int(hour):02}:{minute}{ZONES[zone]}")
