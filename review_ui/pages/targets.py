"""Targets (*sasaran*): schedule, run history, pause, resume, run now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from models.errors import NotFound
from models.health.counts import ENDS, NEVER, last_count
from models.officers import actor_of
from models.targets import Target, make_due, set_paused
from review_ui.desk import Desk, FieldOrAuditDesk, OperatorDesk, moved
from review_ui.queries.crawling import (
    Wanted,
    count_targets,
    count_troubled,
    runs_of,
    sources_crawled,
    target_line,
    target_lines,
)

router = APIRouter()

FILTERS = ("semua", "bermasalah", "dijeda")
OUTCOMES = (*ENDS, NEVER)
Word = Annotated[str, Query(max_length=253)]


@router.get("/sasaran")
def list_targets(
    desk: FieldOrAuditDesk,
    tab: str = "semua",
    hasil: Word = "",
    sumber: Word = "",
    host: Word = "",
    terlambat: Word = "",
    setelah: Word = "",
) -> Response:
    """Operators, supervisors, auditors: what is crawled when, and how it last went."""
    wanted = Wanted(
        tab=tab if tab in FILTERS else FILTERS[0],
        outcome=hasil if hasil in OUTCOMES else "",
        source=sumber,
        host=host.strip().lower(),
        late=terlambat == "ya",
        after=setelah,
    )
    with desk.ui.database.read() as session:
        lines, more = target_lines(session, wanted)
        counts = {"semua": count_targets(session), "bermasalah": count_troubled(session)}
        counted_at, sources = last_count(session), sources_crawled(session)
    chosen = {"hasil": wanted.outcome, "sumber": wanted.source, "host": wanted.host, "terlambat": terlambat}
    return desk.page(
        "targets.html",
        lines=lines,
        more=more,
        wanted=wanted,
        chosen={name: value for name, value in chosen.items() if value},
        tab=wanted.tab,
        filters=FILTERS,
        counts=counts,
        counted_at=counted_at,
        sources=sources,
        outcomes=OUTCOMES,
    )


@router.get("/sasaran/{target_id}")
def show_target(desk: FieldOrAuditDesk, target_id: str) -> Response:
    """Operators, supervisors, auditors: one target and its run history."""
    with desk.ui.database.read() as session:
        line = target_line(session, target_id)
        runs = runs_of(session, target_id)
    return desk.page("target.html", line=line, runs=runs, offset=line.mandate.utc_offset_minutes)


@router.post("/sasaran/{target_id}/jeda")
def pause(desk: OperatorDesk, target_id: str) -> Response:
    """Operators: pause the schedule."""
    return _change(
        desk, target_id, lambda session, target: set_paused(session, target, paused=True, actor=actor_of(desk.officer))
    )


@router.post("/sasaran/{target_id}/lanjut")
def resume(desk: OperatorDesk, target_id: str) -> Response:
    """Operators: resume the schedule."""
    return _change(
        desk, target_id, lambda session, target: set_paused(session, target, paused=False, actor=actor_of(desk.officer))
    )


@router.post("/sasaran/{target_id}/sekarang")
def run_now(desk: OperatorDesk, target_id: str) -> Response:
    """Operators: make the target due at once; the scheduler takes it up."""
    return _change(desk, target_id, lambda session, target: make_due(session, target, actor=actor_of(desk.officer)))


def _change(desk: Desk, target_id: str, step: Callable[[Session, Target], object]) -> Response:
    with desk.ui.database.write() as session:
        target = session.get(Target, target_id)
        if target is None:
            raise NotFound(f"no target {target_id[:40]}")
        step(session, target)
    return moved(f"/sasaran/{target_id}", "saved")
