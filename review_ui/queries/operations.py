"""The hours of a day against those of a week ago, ready to draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from models.health.looking import Activity

CHARTS = 12
"""So many sources are drawn; more do not exist."""


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """One source. `bars`: posts in each hour, now and a week before (None: not counted), oldest first."""

    source: str
    bars: Sequence[tuple[int, int | None]]
    now: int
    before: int | None


def charts(activity: Sequence[Activity]) -> list[Chart]:
    """All sources together, then each, the busiest first."""
    drawn = [_chart(one) for one in activity[:CHARTS]]
    if len(activity) < 2:  # noqa: PLR2004 - one source is all of them
        return drawn
    return [_chart(_together(activity)), *drawn]


def scale(activity: Sequence[Activity]) -> dict[str, int]:
    """The tallest hour of each chart, by source."""
    drawn = [*activity, *([_together(activity)] if len(activity) > 1 else [])]
    return {one.source: max((*one.now, *(one.before or ()), 1)) for one in drawn}


def _together(activity: Sequence[Activity]) -> Activity:
    now = [sum(hour) for hour in zip(*(one.now for one in activity), strict=True)]
    before = [one.before for one in activity if one.before is not None]
    return Activity("", now, [sum(hour) for hour in zip(*before, strict=True)] if before else None)


def _chart(one: Activity) -> Chart:
    earlier: Sequence[int | None] = one.before or [None] * len(one.now)
    before = None if one.before is None else sum(one.before)
    return Chart(one.source, list(zip(one.now, earlier, strict=True)), sum(one.now), before)
