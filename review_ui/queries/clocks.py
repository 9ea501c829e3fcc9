"""The legal clock of a flag, from the earliest moment that may have started it (docs/law.md §4)."""

from __future__ import annotations

import dataclasses
import datetime as dt

from models.clock import utc_now
from models.flags import Flag
from review_ui.config import UiConfig


@dataclasses.dataclass(frozen=True, slots=True)
class LegalClock:
    """How much of the legal time is left. `level` is `calm`, `soon` or `over`."""

    started_at: dt.datetime
    ends_at: dt.datetime
    left: dt.timedelta
    level: str

    @property
    def days_left(self) -> int:
        """Whole days left, never negative."""
        return max(0, self.left.days)


def legal_clock(flag: Flag, config: UiConfig) -> LegalClock:
    """The clock of UU 7/2017 art 454(5). Whether a machine's flag starts it is open, so the earliest moment counts."""
    started = min(moment for moment in (flag.raised_at, flag.first_viewed_at) if moment is not None)
    ends = started + dt.timedelta(days=config.legal_days)
    left = ends - utc_now()
    if left <= dt.timedelta(0):
        level = "over"
    else:
        level = "soon" if left <= dt.timedelta(days=config.legal_alarm_days) else "calm"
    return LegalClock(started, ends, left, level)
