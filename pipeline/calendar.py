"""When a target is due: a pure function of its rule, its id and the moment, so every scheduler computes the same.

An interval is a grid: multiples of it since 1970, moved by a phase that belongs to the target, so that 15,000 accounts
are spread over the hour instead of meeting at its start, and shaken a little each time. `cron` is five fields as in
crontab(5), in the mandate's local time; a day matches both its fields. Due times in blackout hours move to their end,
where they become one.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import re
from collections.abc import Collection, Sequence

from apscheduler.triggers.cron import CronTrigger

from models.contest import BlackoutSpec, ContestSpec
from models.errors import BadInput
from models.mandates import Mandate
from models.targets import Target

JITTER = 0.05
"""How far a due time is shaken, as a part of the interval, to either side."""
SPREAD_SECONDS = 600
"""After blackout hours the targets that waited are spread over so long."""
CRON_SPREAD_SECONDS = 60

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class Times:
    """What came due for a target up to now: `first` and `latest`, `missed` before `latest`, and the `next`.

    `first` and `latest` are None where everything has a run already.
    """

    first: dt.datetime | None
    latest: dt.datetime | None
    missed: int
    next: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One target's rule. `interval` (seconds) of its own, else `cron`, else what the contest says for the day."""

    key: str
    zone: dt.timezone
    spec: ContestSpec
    interval: int | None = None
    cron: str | None = None

    def after(self, moment: dt.datetime) -> dt.datetime:
        """The first due time after `moment`."""
        blackouts, due = self.spec.schedule.blackout, self._on_grid(moment)
        free = _after_blackouts(blackouts, due.astimezone(self.zone))
        if free == due:
            return due
        room = _seconds_until_next(blackouts, free)
        return free.astimezone(dt.UTC) + self._share(min(SPREAD_SECONDS, room), "blackout")

    def _on_grid(self, moment: dt.datetime) -> dt.datetime:
        if self.cron is not None:
            spread = self._share(CRON_SPREAD_SECONDS, "cron")
            found = _trigger(self.cron, self.zone).get_next_fire_time(None, moment - spread + _TICK)
            if found is None:
                return moment + _NEVER
            return found.astimezone(dt.UTC) + spread
        seconds = self.interval or self.spec.crawl_interval(moment.astimezone(self.zone).date())
        step, phase = dt.timedelta(seconds=seconds), self._share(seconds, "phase")
        number = (moment - _EPOCH - phase) // step
        while (due := self._shaken(number, step, phase)) <= moment:
            number += 1
        return due

    def _shaken(self, number: int, step: dt.timedelta, phase: dt.timedelta) -> dt.datetime:
        shake = (_fraction(self.key, str(number)) * 2 - 1) * JITTER
        return _EPOCH + phase + number * step + dt.timedelta(seconds=int(step.total_seconds() * shake))

    def _share(self, seconds: float, what: str) -> dt.timedelta:
        """The target's own part of a span, in whole seconds."""
        return dt.timedelta(seconds=int(seconds * _fraction(self.key, what)))


_TICK = dt.timedelta(microseconds=1)
_NEVER = dt.timedelta(days=366)


def rule_of(target: Target, mandate: Mandate, spec: ContestSpec) -> Rule:
    """The rule of a target under its mandate."""
    zone = dt.timezone(dt.timedelta(minutes=mandate.utc_offset_minutes))
    return Rule(target.id, zone, spec, target.interval_seconds, target.cron)


def times_until(rule: Rule, since: dt.datetime, now: dt.datetime, done: Collection[dt.datetime] = ()) -> Times:
    """The due times from `since` (not after `now`) to now without those `done`, and the one that follows.

    `since` may stand beside the calendar (a target made due); it takes no other time's place. Times are done already
    when a clock was set back.
    """
    first = latest = None
    count, due = 0, since
    while due <= now:
        if due not in done:
            first, latest, count = first or due, due, count + 1
        due = rule.after(due)
    return Times(first, latest, max(0, count - 1), due)


def check_cron(text: str) -> str:
    """`text`, if it is five cron fields.

    Raises:
        BadInput: it is not, or it never comes true.
    """
    try:
        found = _trigger(text, dt.UTC).get_next_fire_time(None, _EPOCH.replace(year=2026))
    except ValueError as error:
        raise BadInput(f"cron {text[:60]!r}: {error}") from error
    if found is None:
        raise BadInput(f"cron {text[:60]!r} never comes true")
    return text


@functools.lru_cache(maxsize=1024)
def _trigger(text: str, zone: dt.tzinfo) -> CronTrigger:
    fields = text.split()
    return CronTrigger.from_crontab(" ".join([*fields[:4], *map(_weekdays, fields[4:])]), timezone=zone)


def _weekdays(field: str) -> str:
    """Numbers as crontab(5) counts them, from Sunday (0 and 7), by name: APScheduler 3 counts from Monday."""
    found = []
    for part in field.split(","):
        numbers = _WEEKDAYS.fullmatch(part)
        if numbers is None:
            found.append(part)
            continue
        first, last, step = int(numbers[1]), int(numbers[2] or numbers[1]), int(numbers[3] or 1)
        if last < first or not step:
            raise ValueError(f"the weekdays {part!r} are none")
        found += [_DAYS[day % 7] for day in range(first, last + 1, step)]
    return ",".join(found)


_WEEKDAYS = re.compile(r"([0-7])(?:-([0-7]))?(?:/(\d))?", re.ASCII)
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def _after_blackouts(blackouts: Sequence[BlackoutSpec], local: dt.datetime) -> dt.datetime:
    """The first moment from `local` on that none of them covers; one may begin where another ends."""
    for _ in range(len(blackouts) + 1):
        blackout = _covering(blackouts, local)
        if blackout is None:
            return local
        local = _end_of(blackout, local)
    return local + _NEVER


def _seconds_until_next(blackouts: Sequence[BlackoutSpec], local: dt.datetime) -> int:
    minute = local.hour * 60 + local.minute
    return min((blackout.begin - minute) % _MINUTES or _MINUTES for blackout in blackouts) * 60


_MINUTES = 24 * 60


def _covering(blackouts: Sequence[BlackoutSpec], local: dt.datetime) -> BlackoutSpec | None:
    minute = local.hour * 60 + local.minute
    return next((blackout for blackout in blackouts if blackout.covers(minute)), None)


def _end_of(blackout: BlackoutSpec, local: dt.datetime) -> dt.datetime:
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    end = midnight + dt.timedelta(minutes=blackout.end)
    return end if end > local else end + dt.timedelta(days=1)


def _fraction(*parts: str) -> float:
    """A number in [0, 1) that belongs to these words."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
