"""Reports as lists and as one whole, and the confirmed flags that wait for one."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased

from models.accounts import Account
from models.errors import NotFound
from models.flags import Flag, FlagState
from models.mandates import Mandate
from models.officers import Officer
from models.posts import Post, PostVersion
from models.reports import FollowUp, Report, ReportFlag, ReportState
from review_ui.config import UiConfig
from review_ui.hostile_text import excerpt
from review_ui.queries.clocks import LegalClock, legal_clock

REPORTS_SHOWN = 100
CANDIDATES_SHOWN = 200
EXCERPT_CHARACTERS = 160


@dataclasses.dataclass(frozen=True, slots=True)
class ReportLine:
    """One line of the list of reports."""

    report: Report
    flags: int
    mandate_number: str
    utc_offset_minutes: int
    drafted_by: str
    signed_by: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class FlagLine:
    """A confirmed flag, in a report or waiting for one."""

    id: str
    text: str
    handle: str
    posted_at: dt.datetime | None
    mandate_id: str
    mandate_number: str
    utc_offset_minutes: int
    raised_at: dt.datetime
    first_viewed_at: dt.datetime | None
    clock: LegalClock


@dataclasses.dataclass(frozen=True, slots=True)
class Dossier:
    """One report with its flags and what followed."""

    report: Report
    mandate: Mandate
    flags: list[FlagLine]
    drafted_by: str
    signed_by: str | None
    follow_ups: list[tuple[FollowUp, str]]


def report_lines(session: Session) -> list[ReportLine]:
    """The newest reports, in one statement."""
    signer = aliased(Officer)
    counts = select(func.count()).where(ReportFlag.report_id == Report.id).scalar_subquery()
    rows = session.execute(
        select(Report, counts, Mandate.number, Mandate.utc_offset_minutes, Officer.name, signer.name)
        .join(Mandate, Mandate.id == Report.mandate_id)
        .join(Officer, Officer.id == Report.drafted_by)
        .outerjoin(signer, signer.id == Report.signed_by)
        .order_by(Report.drafted_at.desc())
        .limit(REPORTS_SHOWN)
    )
    return [ReportLine(*row) for row in rows]


def reportable_flags(session: Session, config: UiConfig) -> list[FlagLine]:
    """Confirmed flags that no report in force carries, oldest first."""
    carried = (
        exists()
        .where(ReportFlag.flag_id == Flag.id, Report.id == ReportFlag.report_id)
        .where(Report.state != ReportState.WITHDRAWN)
    )
    return _lines(session, config, Flag.state == FlagState.CONFIRMED, ~carried)


def load_dossier(session: Session, config: UiConfig, report_id: str) -> Dossier:
    """One report, whole.

    Raises:
        NotFound: nothing carries the id.
    """
    report = session.get(Report, report_id)
    if report is None:
        raise NotFound(f"no report {report_id[:40]}")
    signer = session.get(Officer, report.signed_by) if report.signed_by else None
    steps = session.execute(
        select(FollowUp, Officer.name)
        .join(Officer, Officer.id == FollowUp.entered_by)
        .where(FollowUp.report_id == report.id)
        .order_by(FollowUp.on_day, FollowUp.id)
    )
    inside = select(ReportFlag.flag_id).where(ReportFlag.report_id == report.id)
    return Dossier(
        report=report,
        mandate=session.get_one(Mandate, report.mandate_id),
        flags=_lines(session, config, Flag.id.in_(inside)),
        drafted_by=session.get_one(Officer, report.drafted_by).name,
        signed_by=None if signer is None else signer.name,
        follow_ups=list(steps),
    )


def _lines(session: Session, config: UiConfig, *conditions: ColumnElement[bool]) -> list[FlagLine]:
    rows = session.execute(
        select(Flag, Post, PostVersion.text, Account.handle, Mandate)
        .join(Post, Post.id == Flag.post_id)
        .join(PostVersion, PostVersion.id == Flag.post_version_id)
        .join(Mandate, Mandate.id == Flag.mandate_id)
        .outerjoin(Account, Account.id == Post.account_id)
        .where(*conditions)
        .order_by(Flag.raised_at, Flag.id)
        .limit(CANDIDATES_SHOWN)
    )
    return [
        FlagLine(
            id=flag.id,
            text=excerpt(text, EXCERPT_CHARACTERS),
            handle=handle or post.author,
            posted_at=post.posted_at,
            mandate_id=mandate.id,
            mandate_number=mandate.number,
            utc_offset_minutes=mandate.utc_offset_minutes,
            raised_at=flag.raised_at,
            first_viewed_at=flag.first_viewed_at,
            clock=legal_clock(flag, config),
        )
        for flag, post, text, handle, mandate in rows
    ]
