"""Reports (*laporan*): the formal document of confirmed flags, locked once signed, and what followed it.

draft → signed → handed_over → closed;  draft | signed | handed_over → withdrawn
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence

from sqlalchemy import ForeignKey, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Id, JsonObject, Row, lock_row
from models.canonical import sha256_hex
from models.clock import utc_now
from models.errors import BadInput, IllegalTransition
from models.flags import Flag, FlagState
from models.log import record
from models.mandates import Mandate
from models.officers import Officer, Role, actor_of, require_role
from models.vault import Vault


class ReportState(enum.StrEnum):
    """Where a report stands."""

    DRAFT = "draft"
    SIGNED = "signed"
    HANDED_OVER = "handed_over"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


LEGAL_STEPS: dict[ReportState, frozenset[ReportState]] = {
    ReportState.DRAFT: frozenset({ReportState.SIGNED, ReportState.WITHDRAWN}),
    ReportState.SIGNED: frozenset({ReportState.HANDED_OVER, ReportState.WITHDRAWN}),
    ReportState.HANDED_OVER: frozenset({ReportState.CLOSED, ReportState.WITHDRAWN}),
    ReportState.CLOSED: frozenset(),
    ReportState.WITHDRAWN: frozenset(),
}


class Report(Row):
    """The formal document. `fields` is what the officer fills in while it is a draft; `sealed_content` is the whole
    content, sealed, as it was when signed; `content_sha256` and `signature` (Ed25519, this office's key) lock it.
    """

    __tablename__ = "reports"

    number: Mapped[str] = mapped_column(String(120), unique=True)
    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"), index=True)
    drafted_by: Mapped[Id] = mapped_column(ForeignKey("officers.id"))
    drafted_at: Mapped[dt.datetime]
    fields: Mapped[JsonObject] = mapped_column(default_factory=dict)
    signed_by: Mapped[Id | None] = mapped_column(ForeignKey("officers.id"), default=None)
    signed_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    sealed_content: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    content_sha256: Mapped[str | None] = mapped_column(String(64), default=None)
    signature: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    state: Mapped[ReportState] = mapped_column(default=ReportState.DRAFT, index=True)


class ReportFlag(Base):
    """This confirmed flag is part of this report; a flag belongs to one report that is not withdrawn."""

    __tablename__ = "report_flags"

    report_id: Mapped[Id] = mapped_column(ForeignKey("reports.id"), primary_key=True)
    flag_id: Mapped[Id] = mapped_column(ForeignKey("flags.id"), primary_key=True, index=True)


class FollowUp(Row):
    """What an institution did after the hand-over, or an addendum to a signed report."""

    __tablename__ = "follow_ups"

    report_id: Mapped[Id] = mapped_column(ForeignKey("reports.id"), index=True)
    step: Mapped[str] = mapped_column(String(64))
    institution: Mapped[str]
    on_day: Mapped[dt.date]
    document: Mapped[str]
    note: Mapped[str]
    entered_by: Mapped[Id] = mapped_column(ForeignKey("officers.id"))
    entered_at: Mapped[dt.datetime]


def flag_is_reported(session: Session, flag_id: str) -> bool:
    """Whether a report that is not withdrawn carries the flag."""
    return report_of(session, flag_id) is not None


def draft_report(
    session: Session,
    mandate: Mandate,
    flags: Sequence[Flag],
    officer: Officer,
    *,
    number: str,
    at: dt.datetime | None = None,
) -> Report:
    """Begin a report of one or more confirmed flags.

    Raises:
        IllegalTransition: a flag is not confirmed, or another report has it.
        BadInput: no flags, flags of another mandate, or the number is taken.
    """
    require_role(officer, Role.SUPERVISOR)
    if not flags or any(flag.mandate_id != mandate.id for flag in flags):
        raise BadInput("a report needs at least one flag, all of one mandate")
    if session.scalar(select(Report.id).where(Report.number == number)) is not None:
        raise BadInput(f"report number {number} is taken")
    for flag in sorted(flags, key=lambda flag: flag.id):
        lock_row(session, flag)
        if flag.state is not FlagState.CONFIRMED:
            raise IllegalTransition(f"flag {flag.id} is {flag.state}; only a confirmed one can be reported")
        if flag_is_reported(session, flag.id):
            raise IllegalTransition(f"flag {flag.id} is in another report")
    report = Report(number=number, mandate_id=mandate.id, drafted_by=officer.id, drafted_at=at or utc_now())
    session.add(report)
    session.flush()
    session.add_all(ReportFlag(report_id=report.id, flag_id=flag.id) for flag in flags)
    record(session, "report.drafted", report, actor=actor_of(officer), at=at, number=number,
           flags=[flag.id for flag in flags])  # fmt: skip
    return report


def fill_in(session: Session, report: Report, officer: Officer, fields: JsonObject) -> None:
    """Replace the officer's fields of a draft.

    Raises:
        IllegalTransition: the report is signed; write an addendum instead.
    """
    require_role(officer, Role.SUPERVISOR)
    lock_row(session, report)
    if report.state is not ReportState.DRAFT:
        raise IllegalTransition("a signed report does not change; add an addendum")
    report.fields = fields
    record(session, "report.filled_in", report, actor=actor_of(officer), fields=sorted(fields))


def sign_report(
    session: Session,
    vault: Vault,
    report: Report,
    officer: Officer,
    content: bytes,
    *,
    at: dt.datetime | None = None,
) -> None:
    """Lock the report: keep its whole content (canonical JSON) sealed, with hash and office signature.

    Raises:
        IllegalTransition: it is not a draft.
    """
    moment = at or utc_now()
    digest = sha256_hex(content)
    _step(session, report, ReportState.SIGNED, officer, moment, content_sha256=digest)
    report.signed_by, report.signed_at = officer.id, moment
    report.sealed_content = vault.seal({"content": content.decode()}, context=report.id)
    report.content_sha256, report.signature = digest, vault.signing_key.sign(content)


def signed_content(vault: Vault, report: Report) -> bytes:
    """The content as it was signed.

    Raises:
        IllegalTransition: the report is not signed.
    """
    if report.sealed_content is None:
        raise IllegalTransition(f"report {report.number} is not signed")
    return str(vault.unseal(report.sealed_content, context=report.id)["content"]).encode()


def hand_over(
    session: Session, report: Report, officer: Officer, *, recipient: str, document: str, at: dt.datetime | None = None
) -> None:
    """Record the hand-over to the institution that decides (BKN through SBT, PPK, Gakkumdu).

    Raises:
        BadInput: no recipient. IllegalTransition: not signed.
    """
    if not recipient.strip():
        raise BadInput("say to whom the report was handed over")
    moment = at or utc_now()
    _step(session, report, ReportState.HANDED_OVER, officer, moment,
          words={"recipient": recipient, "document": document})  # fmt: skip
    follow_up(session, report, officer, step="penerusan", institution=recipient, on_day=moment.date(),
              document=document, note="", at=moment)  # fmt: skip


def close_report(session: Session, report: Report, officer: Officer, *, outcome: str) -> None:
    """End the follow-up.

    Raises:
        IllegalTransition: not handed over.
    """
    _step(session, report, ReportState.CLOSED, officer, utc_now(), words={"outcome": outcome})


def withdraw_report(session: Session, report: Report, officer: Officer, *, reason: str) -> None:
    """Take the report back; its flags may be reported again.

    Raises:
        BadInput: no reason. IllegalTransition: closed or withdrawn.
    """
    if not reason.strip():
        raise BadInput("withdrawing a report needs a reason")
    _step(session, report, ReportState.WITHDRAWN, officer, utc_now(), words={"reason": reason})


def follow_up(
    session: Session,
    report: Report,
    officer: Officer,
    *,
    step: str,
    institution: str,
    on_day: dt.date,
    document: str,
    note: str,
    at: dt.datetime | None = None,
) -> FollowUp:
    """Add one step of what happened afterwards, or an addendum.

    Raises:
        IllegalTransition: the report is still a draft.
    """
    require_role(officer, Role.SUPERVISOR)
    if report.state is ReportState.DRAFT:
        raise IllegalTransition("a draft has no follow-up")
    entry = FollowUp(
        report_id=report.id,
        step=step,
        institution=institution,
        on_day=on_day,
        document=document,
        note=note,
        entered_by=officer.id,
        entered_at=at or utc_now(),
    )
    session.add(entry)
    record(session, "report.followed_up", report, actor=actor_of(officer), at=at, step=step, follow_up=entry.id,
           words={"institution": institution, "document": document, "note": note})  # fmt: skip
    return entry


def flags_of(session: Session, report_id: str) -> list[Flag]:
    """The report's flags, oldest first."""
    rows = select(Flag).join(ReportFlag, ReportFlag.flag_id == Flag.id).where(ReportFlag.report_id == report_id)
    return list(session.scalars(rows.order_by(Flag.id)))


def report_of(session: Session, flag_id: str) -> Report | None:
    """The report that carries the flag and is not withdrawn."""
    rows = select(Report).join(ReportFlag, ReportFlag.report_id == Report.id)
    return session.scalar(rows.where(ReportFlag.flag_id == flag_id, Report.state != ReportState.WITHDRAWN))


def _step(
    session: Session,
    report: Report,
    following: ReportState,
    officer: Officer,
    moment: dt.datetime,
    *,
    words: Mapping[str, str] | None = None,
    **facts: str,
) -> None:
    require_role(officer, Role.SUPERVISOR)
    lock_row(session, report)
    if following not in LEGAL_STEPS[report.state]:
        raise IllegalTransition(f"report {report.number} is {report.state} and cannot become {following}")
    report.state = following
    record(session, f"report.{following.value}", report, actor=actor_of(officer), at=moment, words=words, **facts)
