"""`netra models threshold`: from how many posts reviewers can read in a day to the score that fills it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from typing import Annotated

import typer
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.assessments import Assessment
from models.clock import utc_now
from models.errors import BadInput, NotFound
from models.flags import Flag, FlagState
from models.intervals import wilson
from pipeline.application import open_application
from pipeline.commands.options import Home

_NOT_RECALL = (
    "Yang di bawah ambang model tidak pernah ditelaah: recall sebenarnya lebih rendah daripada “tetap ditemukan”. "
    "Sampel acak unggahan tanpa temuan yang mengukurnya."
)
_JUDGED = (FlagState.CONFIRMED, FlagState.DISMISSED)


@dataclasses.dataclass(frozen=True)
class Scored:
    """What one model scored since a moment: each distinct score with how many posts have it."""

    model: str
    days: float
    counts: dict[float, int]


def threshold(
    reviews: Annotated[float | None, typer.Option(help="Telaah sehari (bawaan: dari pengaturan).")] = None,
    days: Annotated[int, typer.Option(min=1, help="Sekian hari terakhir.")] = 14,
    home: Home = None,
) -> None:
    """Ambang yang mengisi sekian telaah sehari, menurut skor yang tersimpan dan putusan yang sudah ada."""
    if reviews is not None and not 0 < reviews < math.inf:
        raise BadInput(f"--reviews {reviews} is out of range")
    with open_application(home) as app, app.database.read() as session:
        wanted = reviews or float(app.settings.review.reviews_per_day)
        now = utc_now()
        since = now - dt.timedelta(days=days)
        scored = read_scores(session, since, now)
        verdicts = read_verdicts(session, scored.model, since)
    for line in threshold_lines(scored, verdicts, wanted):
        typer.echo(line)


def read_scores(session: Session, since: dt.datetime, now: dt.datetime) -> Scored:
    """The scores since `since` of the model that scored last. Scores have four decimals, so memory is bounded.

    Raises:
        NotFound: nothing was scored since.
    """
    recent = Assessment.assessed_at >= since
    model = session.scalar(select(Assessment.model).where(recent).order_by(Assessment.assessed_at.desc()).limit(1))
    if model is None:
        raise NotFound(f"no post was scored since {since:%Y-%m-%d}; 'netra assess' scores them")
    mine = recent & (Assessment.model == model)
    first = session.scalar(select(func.min(Assessment.assessed_at)).where(mine)) or now
    counts = select(Assessment.score, func.count()).where(mine).group_by(Assessment.score)
    days = max(1.0, (now - first) / dt.timedelta(days=1))
    return Scored(model, days, dict(session.execute(counts).all()))


def read_verdicts(session: Session, model: str, since: dt.datetime) -> dict[tuple[float, FlagState], int]:
    """How many flags of each score were confirmed or dismissed."""
    statement = (
        select(Assessment.score, Flag.state, func.count())
        .join(Flag, Flag.assessment_id == Assessment.id)
        .where(Assessment.model == model, Assessment.assessed_at >= since, Flag.state.in_(_JUDGED))
        .group_by(Assessment.score, Flag.state)
    )
    return {(score, state): count for score, state, count in session.execute(statement)}


def _threshold(scored: Scored, reviews: float) -> float:
    import numpy as np  # noqa: PLC0415 - only needed once there is something to count

    from classifier.evaluation.capacity import threshold_for  # noqa: PLC0415

    scores, counts = np.array(list(scored.counts)), np.array(list(scored.counts.values()), dtype=float)
    return threshold_for(scores, counts, scored.days, reviews)


def threshold_lines(scored: Scored, verdicts: dict[tuple[float, FlagState], int], reviews: float) -> list[str]:
    """The threshold that fills `reviews` a day, and what the verdicts so far say of it."""
    chosen = _threshold(scored, reviews)
    a_day = sum(count for score, count in scored.counts.items() if score >= chosen) / scored.days
    confirmed = _counted(verdicts, FlagState.CONFIRMED, chosen)
    judged = confirmed + _counted(verdicts, FlagState.DISMISSED, chosen)
    return [
        f"model\t{scored.model}, {sum(scored.counts.values())} penilaian dalam {_number(scored.days, 1)} hari",
        f"ambang\t{_number(chosen, 4)}",
        f"telaah sehari\t{_number(a_day, 1)}",
        f"presisi\t{_share(confirmed, judged)} dari {judged} temuan di atas ambang yang sudah diputus",
        f"tetap ditemukan\t{_share(confirmed, _counted(verdicts, FlagState.CONFIRMED, 0))} dari temuan yang terbukti",
        _NOT_RECALL,
    ]


def _counted(verdicts: dict[tuple[float, FlagState], int], state: FlagState, least: float) -> int:
    return sum(count for (score, found), count in verdicts.items() if found is state and score >= least)


def _share(part: int, whole: int) -> str:
    if not whole:
        return "– (belum ada putusan)"
    low, high = wilson(part / whole, whole)
    return f"{_number(100 * part / whole, 0)} % ({_number(100 * low, 0)}–{_number(100 * high, 0)})"


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace(".", ",")
