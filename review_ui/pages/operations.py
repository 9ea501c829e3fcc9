"""Operations (*operasi*): the one page that an operator looks at each day, and what can be done from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.responses import Response

from models.bodies import read_body
from models.clock import utc_now
from models.errors import BadInput, NotFound
from models.health.concerns import Level, concerns
from models.health.counts import ENDS, NEVER
from models.health.looking import look
from models.hosts import rest_host, wake_host
from models.officers import actor_of
from models.targets import Fetch
from review_ui.desk import AuditorDesk, Desk, OperationsDesk, Posted, StewardDesk, moved
from review_ui.local_time import local
from review_ui.pages.evidence_files import SEALED
from review_ui.queries.operations import charts, scale

router = APIRouter()

RESTS = (1, 3, 6, 12, 24, 72, 168)
"""How long an officer may let a host rest, in hours."""


@router.get("/operasi")
def show_operations(desk: OperationsDesk) -> Response:
    """Operators, administrators, auditors: how the crawling goes, and what needs somebody."""
    now = utc_now()
    with desk.ui.database.read() as session:
        health = look(session, desk.ui.evidence.root, now=now, midnight=_midnight(desk, now))
    found = [(concern, _figures(concern.facts, desk.t.language)) for concern in concerns(health)]
    return desk.page(
        "operations.html",
        health=health,
        concerns=found,
        urgent=any(concern.level is Level.URGENT for concern, _ in found),
        charts=charts(health.activity),
        tallest=scale(health.activity),
        outcomes=(*ENDS, NEVER),
        limits=desk.ui.ports.limits_of,
        rests=RESTS,
    )


@router.post("/operasi/host/istirahat")
def rest(desk: StewardDesk, form: Posted) -> Response:
    """Operators, administrators: let a host rest for some hours."""
    hours, reason = form.text("jam"), form.text("alasan")
    if hours not in map(str, RESTS):
        raise BadInput("choose one of the listed lengths")
    if not reason:
        raise BadInput("a rest needs a reason")
    now = utc_now()
    until = now + dt.timedelta(hours=int(hours))
    return _change(
        desk,
        lambda session: rest_host(session, form.text("host"), until=until, reason=reason, actor=_who(desk), now=now),
    )


@router.post("/operasi/host/bangun")
def wake(desk: StewardDesk, form: Posted) -> Response:
    """Operators, administrators: end a host's rest and close its breaker."""
    return _change(desk, lambda session: wake_host(session, form.text("host"), actor=_who(desk), now=utc_now()))


@router.get("/operasi/mentah/{fetch_id}")
def show_raw(desk: AuditorDesk, fetch_id: str) -> Response:
    """Auditors: the raw bytes of a response in which something was not understood, as a download.

    Raises:
        NotFound: no such response, all of it was understood, or retention has erased it.
    """
    with desk.ui.database.read() as session:
        fetch = session.get(Fetch, fetch_id)
        if fetch is None or not fetch.unparsed or fetch.body_erased_at is not None:
            raise NotFound("no such raw response")
        data = read_body(session, desk.ui.evidence, fetch.body_sha256)
    name = f'attachment; filename="{fetch.body_sha256[:16]}.bin"'
    headers = {"Content-Security-Policy": SEALED, "Content-Disposition": name}
    return Response(data, media_type="application/octet-stream", headers=headers)


def _change(desk: Desk, step: Callable[[Session], None]) -> Response:
    with desk.ui.database.write() as session:
        step(session)
    return moved("/operasi", "saved")


def _who(desk: Desk) -> str:
    return actor_of(desk.officer)


def _midnight(desk: Desk, now: dt.datetime) -> dt.datetime:
    there = local(now, desk.ui.config.utc_offset_minutes)
    return there.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(dt.UTC)


def _figures(facts: Mapping[str, object], language: str) -> dict[str, object]:
    """Whole numbers as the language writes them."""
    mark = "." if language == "id" else ","
    return {key: f"{value:,}".replace(",", mark) if isinstance(value, int) else value for key, value in facts.items()}
