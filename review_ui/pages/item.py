"""One flag: evidence beside the text, and the verdict form."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from models.captures import newest_capture
from models.officers import Role
from models.reviews import Answer
from review_ui.desk import CaseDesk
from review_ui.queries.case import load_case
from review_ui.queries.clusters import shared_sizes
from review_ui.queries.undo import undoable_review
from review_ui.queries.waiting import next_flag_id

router = APIRouter()

ACTS = ("ON-1", "ON-2", "ON-3", "ON-4", "LAIN")
"""The online acts of SKB 2/2022 and the rest."""

VOICES = ("own", "quote", "news", "official", "unclear")


@router.get("/temuan/{flag_id}")
def show_item(desk: CaseDesk, flag_id: str) -> Response:
    """Supervisors judge here; auditors and analysts read. Reading changes nothing, so it may be preloaded."""
    with desk.ui.database.read() as session:
        case = load_case(session, desk.ui.vault, desk.ui.config, flag_id, desk.officer)
        place = (case.post.id, case.mandate.id)
        shared = shared_sizes(session, [place]).get(place)
        following = next_flag_id(session, desk.officer, after=flag_id) if desk.has(Role.SUPERVISOR) else None
        capture = newest_capture(session, following) if following else None
        undo = undoable_review(session, desk.officer, desk.request.query_params.get("putusan", ""))
    return desk.page(
        "item.html",
        case=case,
        shared=shared,
        following=following,
        following_picture=None if capture is None else capture.screenshot_sha256,
        undo=undo,
        acts=ACTS,
        voices=VOICES,
        answers=list(Answer),
        offset=case.mandate.utc_offset_minutes,
    )
