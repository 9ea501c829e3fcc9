"""The sample (*sampel*): unflagged posts drawn at random, read by two people, to estimate what the model misses."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from models.assessments import Voice
from models.clock import utc_now
from models.errors import BadInput, NotFound
from models.mandates import Mandate
from models.officers import Role, actor_of
from models.recall import recalls
from models.samples import (
    MAX_DRAW,
    Sample,
    SampleAct,
    SampleLabel,
    count_readable,
    draw_sample,
    label_sample,
    next_sample,
    undo_label,
)
from review_ui.desk import AnalystDesk, Posted, SampleDesk, Submission, moved
from review_ui.queries.undo import undoable_label

router = APIRouter()

KEYS = {
    SampleAct.SUPPORT: "S",
    SampleAct.ATTACK: "A",
    SampleAct.MOBILISE: "M",
    SampleAct.NONE: "N",
    SampleAct.UNSURE: "?",
}
"""The key that gives each answer."""


@router.get("/sampel")
def show_sample(desk: SampleDesk) -> Response:
    """Analysts and supervisors: the next text to read, and what the labels say so far."""
    now = utc_now()
    with desk.ui.database.read() as session:
        sample = next_sample(session, desk.officer)
        waiting = count_readable(session, desk.officer)
        numbers = recalls(session)
        mandates = [mandate for mandate in session.scalars(select(Mandate)) if mandate.covers(now)]
        undo = undoable_label(session, desk.officer, desk.request.query_params.get("label", ""))
    return desk.page(
        "sample.html",
        sample=sample,
        waiting=waiting,
        numbers=numbers,
        mandates=mandates if desk.has(Role.ANALYST) else [],
        undo=undo,
        keys=KEYS,
        voices=list(Voice),
        most=MAX_DRAW,
    )


@router.post("/sampel/undi")
def draw(desk: AnalystDesk, form: Posted) -> Response:
    """Analysts: draw posts at random."""
    with desk.ui.database.write() as session:
        mandate = session.get(Mandate, form.text("mandat"))
        if mandate is None:
            raise NotFound("no such mandate")
        draw_sample(session, desk.ui.vault, mandate, count=_count(form), actor=actor_of(desk.officer))
    return moved("/sampel", "sample_drawn")


@router.post("/sampel/{sample_id}/label")
def label(desk: SampleDesk, sample_id: str, form: Posted) -> Response:
    """Analysts and supervisors: say what the text does, then go on to the next."""
    act, voice = _answer(form)
    with desk.ui.database.write() as session:
        sample = session.get(Sample, sample_id)
        if sample is None:
            raise NotFound("no such sample")
        given = label_sample(session, sample, desk.officer, act, voice)
    return moved("/sampel", label=given.id)


@router.post("/sampel/label/{label_id}/batal")
def take_back(desk: SampleDesk, label_id: str) -> Response:
    """Analysts and supervisors: undo their own label while its seconds last."""
    with desk.ui.database.write() as session:
        given = session.get(SampleLabel, label_id)
        if given is None:
            raise NotFound("no such label")
        undo_label(session, given, desk.officer)
    return moved("/sampel", "label_undone")


def _answer(form: Submission) -> tuple[SampleAct, Voice]:
    try:
        return SampleAct(form.text("perbuatan")), Voice(form.text("suara"))
    except ValueError as error:
        raise BadInput("answer every question of the sample") from error


def _count(form: Submission) -> int:
    try:
        return int(form.text("jumlah"))
    except ValueError as error:
        raise BadInput(f"a draw takes 1 to {MAX_DRAW} posts") from error
