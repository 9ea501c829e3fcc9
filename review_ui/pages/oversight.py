"""Oversight (*pengawasan*): the selective-enforcement numbers, always there."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from review_ui.desk import OversightDesk
from review_ui.queries.drifting import drift_panels
from review_ui.queries.fairness import SMALL_CELL, fairness

router = APIRouter()

STANCES = ("favor", "against")


@router.get("/pengawasan")
def show_oversight(desk: OversightDesk) -> Response:
    """Auditors and administrators: flags, outcomes and delays by candidate side, mandate and reviewer, and
    whether the model still meets what it knows.
    """

    def side_label(name: str, stance: str) -> str:
        word = stance if stance in STANCES else "other"
        return f"{name} · {desk.t(f'stance.{word}')}"

    with desk.ui.database.read() as session:
        numbers = fairness(session, side_label, desk.t("oversight.unnamed"))
        drift = drift_panels(session)
    return desk.page("oversight.html", numbers=numbers, small=SMALL_CELL, drift=drift)
