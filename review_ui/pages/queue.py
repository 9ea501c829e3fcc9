"""The queue (*telaah*) of a supervisor."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from models.flags import FlagState
from review_ui.desk import SupervisorDesk
from review_ui.queries.undo import undoable_review
from review_ui.queries.waiting import FRESH, count_waiting, done_flags, verdicts_today, waiting_flags

router = APIRouter()

TABS = ("menunggu", "sengketa", "selesai")


@router.get("/telaah")
def show_queue(desk: SupervisorDesk, tab: str = "menunggu") -> Response:
    """Supervisors: what waits for them, what is disputed, what they decided."""
    tab = tab if tab in TABS else TABS[0]
    config = desk.ui.config
    with desk.ui.database.read() as session:
        today = verdicts_today(session, desk.officer, config)
        left = max(0, config.reviews_per_day - today)
        counts = {
            "menunggu": count_waiting(session, desk.officer, FRESH),
            "sengketa": count_waiting(session, desk.officer, [FlagState.DISPUTED]),
        }
        states = FRESH if tab == "menunggu" else (FlagState.DISPUTED,)
        rows = [] if tab == "selesai" else waiting_flags(session, desk.officer, config, states, limit=left)
        done = done_flags(session, desk.officer) if tab == "selesai" else []
        undo = undoable_review(session, desk.officer, desk.request.query_params.get("putusan", ""))
    return desk.page("queue.html", tab=tab, rows=rows, done=done, counts=counts, today=today, left=left, undo=undo)
