"""Due times written down a second time, from what the calendar promises and not from its code."""

from __future__ import annotations

import datetime as dt
import hashlib

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def fraction(*parts: str) -> float:
    """The number in [0, 1) that belongs to these words."""
    return int.from_bytes(hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest(), "big") / 2**64


def grid(key: str, interval: int, first: dt.datetime, last: dt.datetime) -> list[dt.datetime]:
    """A target's multiples of the interval in (first, last], moved by its phase, each shaken by five per cent."""
    phase = int(interval * fraction(key, "phase"))
    lowest = int((first - EPOCH).total_seconds() - phase) // interval - 2
    highest = int((last - EPOCH).total_seconds() - phase) // interval + 2
    found = []
    for number in range(lowest, highest + 1):
        shake = int(interval * (fraction(key, str(number)) * 2 - 1) * 0.05)
        due = EPOCH + dt.timedelta(seconds=phase + number * interval + shake)
        if first < due <= last:
            found.append(due)
    return found


def daily(key: str, zone: dt.timezone, hours: list[int], first: dt.datetime, last: dt.datetime) -> list[dt.datetime]:
    """`0 HOURS * * *` in (first, last], with the target's own part of the first minute."""
    spread = dt.timedelta(seconds=int(60 * fraction(key, "cron")))
    day, found = first.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0), []
    while day <= last:
        found += [due for hour in hours if first < (due := day.replace(hour=hour) + spread) <= last]
        day += dt.timedelta(days=1)
    return [due.astimezone(dt.UTC) for due in found]


def without_night(key: str, zone: dt.timezone, begin: int, end: int, dues: list[dt.datetime]) -> list[dt.datetime]:
    """The times outside the hours `begin` to `end`; those in a night, and in its target's wait after it, become one."""
    wait = dt.timedelta(seconds=int(600 * fraction(key, "blackout")))
    found: list[dt.datetime] = []
    for due in dues:
        local = due.astimezone(zone)
        morning = local.replace(hour=end, minute=0, second=0, microsecond=0)
        if local.hour >= begin:
            morning += dt.timedelta(days=1)
        dark = local.hour >= begin or local.hour < end
        moved = (morning + wait).astimezone(dt.UTC) if dark else due
        if not found or moved > found[-1]:
            found.append(moved)
    return found
