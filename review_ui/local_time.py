"""Times as people in the office read them: local, with the zone written."""

from __future__ import annotations

import datetime as dt

_ZONES = {420: "WIB", 480: "WITA", 540: "WIT"}
_MONTHS = {
    "id": (
        "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober",
        "November", "Desember",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ),
}  # fmt: skip


def zone_name(utc_offset_minutes: int) -> str:
    """WIB, WITA, WIT, or `UTC+hh:mm` elsewhere."""
    hours, minutes = divmod(abs(utc_offset_minutes), 60)
    sign = "-" if utc_offset_minutes < 0 else "+"
    return _ZONES.get(utc_offset_minutes, f"UTC{sign}{hours:02}:{minutes:02}")


def local(moment: dt.datetime, utc_offset_minutes: int) -> dt.datetime:
    """`moment` on the wall clock of the zone."""
    return moment.astimezone(dt.timezone(dt.timedelta(minutes=utc_offset_minutes)))


def long_time(moment: dt.datetime, utc_offset_minutes: int, language: str) -> str:
    """`22 November 2026 pukul 07.30 WIB`."""
    there = local(moment, utc_offset_minutes)
    clock = f"{there:%H.%M}" if language == "id" else f"{there:%H:%M}"
    joint = " pukul " if language == "id" else ", "
    return f"{long_day(there.date(), language)}{joint}{clock} {zone_name(utc_offset_minutes)}"


def short_time(moment: dt.datetime, utc_offset_minutes: int, language: str) -> str:
    """`22 Nov 07.30 WIB`."""
    there = local(moment, utc_offset_minutes)
    clock = f"{there:%H.%M}" if language == "id" else f"{there:%H:%M}"
    return f"{there.day} {_MONTHS[language][there.month - 1][:3]} {clock} {zone_name(utc_offset_minutes)}"


def long_day(day: dt.date, language: str) -> str:
    """`22 November 2026`."""
    return f"{day.day} {_MONTHS[language][day.month - 1]} {day.year}"
