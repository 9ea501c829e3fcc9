"""When a target is due: a pure function of its rule, its id and the moment, so every scheduler computes the same.

An interval is a grid: multiples of it since 1970, moved by a phase that belongs to the target, so that 15,000 accounts
are spread over the hour instead of meeting at its start, and shaken a little each time. `cron` fields are those of
APScheduler, in the mandate's local time. Due times in blackout hours move to their end, where they become one.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
from collections.abc import Sequence

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
    """The due times of a target up to now: `first` and `latest` of them, `missed` before `latest`, and the `next`."""

    first: dt.datetime
    latest: dt.datetime
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
        due = self._on_grid(moment)
        blackout = _covering(self.spec.schedule.blackout, due.astimezone(self.zone))
        if blackout is None:
            return due
        return _end_of(blackout, due.astimezone(self.zone)) + self._share(SPREAD_SECONDS, "blackout")

    def _on_grid(self, moment: dt.datetime) -> dt.datetime:
        if self.cron is not None:
            spread = self._share(CRON_SPREAD_SECONDS, "cron")
            found = _trigger(self.cron, self.zone).get_next_fire_time(None, moment - spread + _TICK)
            if found is None:
                return moment + dt.timedelta(days=366)
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


def rule_of(target: Target, mandate: Mandate, spec: ContestSpec) -> Rule:
    """The rule of a target under its mandate."""
    zone = dt.timezone(dt.timedelta(minutes=mandate.utc_offset_minutes))
    return Rule(target.id, zone, spec, target.interval_seconds, target.cron)


def times_until(rule: Rule, first: dt.datetime, now: dt.datetime) -> Times:
    """The due times from `first` (not after `now`) to now, and the one that follows.

    The next is at least half an interval away from a first one that stood beside the grid (a target made due).
    """
    latest, missed = first, 0
    while (following := rule.after(latest)) <= now:
        latest, missed = following, missed + 1
    if not missed:
        gap = rule.after(following) - following
        if following - first < gap / 2:
            following = rule.after(following)
    return Times(first, latest, missed, following)


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
    return CronTrigger.from_crontab(text, timezone=zone)


def _covering(blackouts: Sequence[BlackoutSpec], local: dt.datetime) -> BlackoutSpec | None:
    minute = local.hour * 60 + local.minute
    return next((blackout for blackout in blackouts if blackout.covers(minute)), None)


def _end_of(blackout: BlackoutSpec, local: dt.datetime) -> dt.datetime:
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    end = midnight + dt.timedelta(minutes=blackout.end)
    return (end if end > local else end + dt.timedelta(days=1)).astimezone(dt.UTC)


def _fraction(*parts: str) -> float:
    """A number in [0, 1) that belongs to these words."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
