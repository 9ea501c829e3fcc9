"""How a timeline is walked, newest first, so that a run cut off anywhere leaves no gap.

The watermark's part in it is `newest`, the highest id below which nothing is missing, and, while a walk is under way,
`pending` (`top`: the highest id it saw, `max_id`: it goes on below this id). Only when it meets `newest` or the end
of the timeline does `newest` move to `top`; a run that was cut off is finished by the next one first.

A look-back (`Ask.since`) walks from the newest post to the first that is older, past `newest`. What it sees above
`newest` counts like any walk; below it, and while another walk is pending, it leaves the watermark alone.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from crawler.source import Ask
from models.base import JsonObject
from models.errors import BadInput

NEWEST, OLDER, RESUME, BACK = "newest", "older", "resume", "back"
"""Kinds of requests for a page: the newest one; one below it; one of an interrupted walk; one of a look-back only."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """The page to ask for: of this kind, holding posts below the id `below` (None: the newest)."""

    kind: str
    below: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Leg:
    """What one page showed.

    `ids` of all its posts, understood or not; `lower`: the next page holds posts below this id, None: there is none;
    `oldest`: when the post with the lowest id was posted; `asked`: the id it was asked to stay below; `bounded`:
    without a next page, the timeline may go on all the same, because the request asked for recent posts only.
    """

    ids: tuple[str, ...]
    lower: str | None
    oldest: dt.datetime | None = None
    asked: str | None = None
    bounded: bool = False


def first_step(watermark: Mapping[str, Any], since: dt.datetime | None) -> Step:
    """Finish an interrupted walk first; else, and to look back, the newest page."""
    pending = watermark.get("pending")
    if since is not None:
        return Step(BACK if pending else NEWEST)
    return Step(RESUME, pending["max_id"]) if pending else Step(NEWEST)


def take(watermark: Mapping[str, Any], ask: Ask, leg: Leg) -> tuple[JsonObject, Step | None]:
    """The watermark once the page's posts are stored, and where to go on.

    Raises:
        BadInput: the server does not advance.
    """
    if leg.asked and leg.lower and order(leg.lower) >= order(leg.asked):
        raise BadInput("paging does not advance")
    enough = ask.since is not None and leg.oldest is not None and leg.oldest < ask.since
    lower = None if enough else leg.lower
    if ask.kind == BACK:
        return dict(watermark), _step(BACK, lower)
    known = {key: value for key, value in watermark.items() if key != "pending"}
    pending = watermark.get("pending") if ask.kind != NEWEST else None
    top = pending["top"] if pending else max(leg.ids, key=order, default=known.get("newest"))
    if not _met(known.get("newest"), leg):
        reached = leg.lower or min(leg.ids, key=order, default=leg.asked)
        if top is not None and reached is not None:
            known["pending"] = {"top": top, "max_id": reached}
        return known, _step(OLDER if ask.kind == NEWEST else ask.kind, lower)
    if top is not None:
        known["newest"] = max(top, known.get("newest") or top, key=order)
    if ask.kind == RESUME:
        return known, Step(NEWEST)
    return known, _step(BACK, lower) if ask.since is not None else None


def order(identifier: str) -> tuple[int, str]:
    """Ids are numbers or sortable words of growing length: longer is newer, then the alphabet decides."""
    return len(identifier), identifier


def _met(newest: str | None, leg: Leg) -> bool:
    """Whether nothing is missing any more between this page and what is known."""
    if newest is not None and leg.ids and order(min(leg.ids, key=order)) <= order(newest):
        return True
    return leg.lower is None and not leg.bounded


def _step(kind: str, below: str | None) -> Step | None:
    return None if below is None else Step(kind, below)
