"""Everything a report is made from, loaded at once: a bounded number of queries however many flags it has."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.accounts import Account, Attribution, AttributionState
from models.assessments import Assessment
from models.base import Base
from models.captures import Capture
from models.contest import ContestSpec
from models.flags import Flag
from models.mandates import Contest, Mandate
from models.officers import Officer
from models.people import CivilServant, Person, RosterEntry, namesakes, open_person
from models.posts import Post, PostVersion
from models.reports import FollowUp, Report, flags_of
from models.reviews import Decision, Review, ReviewRound
from models.targets import Fetch, Target
from models.trace import TraceStep, trace_report
from models.vault import Vault

_R = TypeVar("_R", bound=Base)


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """The rostered person an account is attributed to; `namesakes` other rostered people carry the same name."""

    person: Person
    attribution: Attribution
    namesakes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One confirmed flag with what belongs to it. `versions` and `captures` are oldest first, `reviews` are all
    that were given.
    """

    flag: Flag
    post: Post
    versions: Sequence[PostVersion]
    fetches: Mapping[str, Fetch]
    assessment: Assessment
    captures: Sequence[Capture]
    reviews: Sequence[Review]
    account: Account | None
    holder: Holder | None

    @property
    def version(self) -> PostVersion:
        """The text that was flagged and judged."""
        return next(version for version in self.versions if version.id == self.flag.post_version_id)

    @property
    def standing(self) -> list[Review]:
        """The reviews that count."""
        return [row for row in self.reviews if row.undone_at is None and row.decision is not Decision.RECUSED]

    @property
    def deciding(self) -> list[Review]:
        """The confirming reviews that decided: the adjudication where there was one, else both."""
        last = [row for row in self.standing if row.round is ReviewRound.ADJUDICATION]
        return [row for row in last or self.standing if row.decision is Decision.CONFIRM]


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """A report with everything it says. `targets` and `rostered` count what the mandate covers."""

    report: Report
    mandate: Mandate
    contest: ContestSpec
    officers: Mapping[str, Officer]
    findings: Sequence[Finding]
    follow_ups: Sequence[FollowUp]
    steps: Sequence[TraceStep]
    targets: int
    rostered: int


def load_case(session: Session, vault: Vault, report: Report) -> Case:
    """Gather the case of a report; the people in it are opened from the vault.

    Raises:
        StorageError: the key file is not the one the people were sealed with.
    """
    mandate = session.get_one(Mandate, report.mandate_id)
    targets = select(func.count()).select_from(Target).where(Target.mandate_id == mandate.id)
    rostered = select(func.count()).select_from(RosterEntry).where(RosterEntry.mandate_id == mandate.id)
    follow_ups = select(FollowUp).where(FollowUp.report_id == report.id).order_by(FollowUp.on_day, FollowUp.id)
    return Case(
        report=report,
        mandate=mandate,
        contest=session.get_one(Contest, mandate.contest_id).read_spec(),
        officers={officer.id: officer for officer in session.scalars(select(Officer))},
        findings=_findings(session, vault, flags_of(session, report.id)),
        follow_ups=list(session.scalars(follow_ups)),
        steps=trace_report(session, report.id),
        targets=session.scalar(targets) or 0,
        rostered=session.scalar(rostered) or 0,
    )


def _findings(session: Session, vault: Vault, flags: Sequence[Flag]) -> list[Finding]:
    def grouped(kind: type[_R], key: str, values: Iterable[str | None], order: Any) -> dict[str, list[_R]]:
        wanted = getattr(kind, key).in_({value for value in values if value})
        groups: dict[str, list[_R]] = {}
        for row in session.scalars(select(kind).where(wanted).order_by(order)):
            groups.setdefault(getattr(row, key), []).append(row)
        return groups

    posts = grouped(Post, "id", (flag.post_id for flag in flags), Post.id)
    versions = grouped(PostVersion, "post_id", posts, PostVersion.number)
    fetch_ids = (version.fetch_id for rows in versions.values() for version in rows)
    fetches = {row_id: rows[0] for row_id, rows in grouped(Fetch, "id", fetch_ids, Fetch.id).items()}
    assessments = grouped(Assessment, "id", (flag.assessment_id for flag in flags), Assessment.id)
    captures = grouped(Capture, "flag_id", (flag.id for flag in flags), Capture.captured_at)
    reviews = grouped(Review, "flag_id", (flag.id for flag in flags), Review.given_at)
    accounts = grouped(Account, "id", (rows[0].account_id for rows in posts.values()), Account.id)
    holders = _holders(session, vault, accounts)
    return [
        Finding(
            flag=flag,
            post=posts[flag.post_id][0],
            versions=versions[flag.post_id],
            fetches=fetches,
            assessment=assessments[flag.assessment_id][0],
            captures=captures.get(flag.id, []),
            reviews=reviews.get(flag.id, []),
            account=accounts.get(posts[flag.post_id][0].account_id or "", [None])[0],
            holder=holders.get(posts[flag.post_id][0].account_id or ""),
        )
        for flag in flags
    ]


def _holders(session: Session, vault: Vault, account_ids: Iterable[str]) -> dict[str, Holder]:
    """The newest attribution of each account that was not turned down, with its person."""
    claims = select(Attribution, CivilServant).join(CivilServant, CivilServant.id == Attribution.civil_servant_id)
    claims = claims.where(Attribution.account_id.in_(account_ids), Attribution.state != AttributionState.REJECTED)
    newest = {claim.account_id: (claim, row) for claim, row in session.execute(claims.order_by(Attribution.id))}
    return {
        account: Holder(open_person(vault, row), claim, namesakes(session, row))
        for account, (claim, row) in newest.items()
    }
