"""What a supervisor does with a flag: hold it, judge it, step aside, take a verdict back."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from models.errors import BadInput, Conflict, NotFound
from models.reviews import Answer, Review, Verdict, give_verdict, recuse, take_up, undo_review
from review_ui.desk import Desk, Posted, Submission, SupervisorDesk, moved
from review_ui.pages.item import ACTS, VOICES
from review_ui.queries.case import get_flag
from review_ui.queries.waiting import lease_holders, next_flag_id

router = APIRouter()


@router.post("/temuan/{flag_id}/pegang")
def hold(desk: SupervisorDesk, flag_id: str) -> Response:
    """Supervisors: take or renew the lease, and see who else has the flag open."""
    full = False
    with desk.ui.database.write() as session:
        flag = get_flag(session, flag_id)
        try:
            take_up(session, flag, desk.officer)
        except Conflict:
            full = True
        others = lease_holders(session, [flag_id], desk.officer).get(flag_id, [])
    return desk.page("lease.html", flag_id=flag_id, others=others, full=full)


@router.post("/temuan/{flag_id}/putusan")
def judge(desk: SupervisorDesk, flag_id: str, form: Posted) -> Response:
    """Supervisors: give a verdict, then go on to the next flag."""
    verdict = _verdict(form)
    with desk.ui.database.write() as session:
        review = give_verdict(session, get_flag(session, flag_id), desk.officer, verdict)
    return _onward(desk, flag_id, review)


@router.post("/temuan/{flag_id}/mundur")
def step_aside(desk: SupervisorDesk, flag_id: str, form: Posted) -> Response:
    """Supervisors: recuse themselves with a reason."""
    with desk.ui.database.write() as session:
        review = recuse(session, get_flag(session, flag_id), desk.officer, reason=form.text("alasan"))
    return _onward(desk, flag_id, review)


@router.post("/telaah/{review_id}/batal")
def take_back(desk: SupervisorDesk, review_id: str) -> Response:
    """Supervisors: undo their own verdict while its seconds last."""
    with desk.ui.database.write() as session:
        review = session.get(Review, review_id)
        if review is None:
            raise NotFound("no such verdict")
        flag = undo_review(session, review, desk.officer)
    return moved(f"/temuan/{flag.id}", "verdict_undone")


def _onward(desk: Desk, flag_id: str, review: Review) -> Response:
    with desk.ui.database.read() as session:
        following = next_flag_id(session, desk.officer, after=flag_id)
    return moved(f"/temuan/{following}" if following else "/telaah", putusan=review.id)


def _verdict(form: Submission) -> Verdict:
    """The verdict's parts as posted.

    Raises:
        BadInput: a question is not answered, or an answer is not one of those offered.
    """
    acts = form.many("bentuk")
    voice = form.text("suara")
    if not set(acts) <= set(ACTS) or voice not in VOICES:
        raise BadInput("answer every question of the verdict")
    return Verdict(
        is_person=_answer(form, "orang"),
        takes_side=_answer(form, "memihak"),
        reason=form.text("alasan"),
        exculpatory=form.text("meringankan"),
        voice=voice,
        acts=tuple(act for act in ACTS if act in acts),
        coercion=form.text("paksaan") == "ya",
    )


def _answer(form: Submission, name: str) -> Answer:
    try:
        return Answer(form.text(name))
    except ValueError as error:
        raise BadInput("answer every question of the verdict") from error
