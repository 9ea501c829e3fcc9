"""One flag as a reviewer sees it: the post and its context, and what stays closed until they have judged."""

from __future__ import annotations

import dataclasses

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import Account, Attribution, AttributionState
from models.assessments import Assessment
from models.captures import Capture, newest_capture
from models.errors import NotFound
from models.flags import Flag, FlagState
from models.mandates import Contest, Mandate
from models.officers import Officer, Role
from models.people import CivilServant, Person, namesakes, open_person
from models.posts import Post, PostVersion
from models.reviews import Review, ReviewRound, may_see_score, standing_reviews, state_shown_to
from models.vault import Vault
from review_ui.config import UiConfig
from review_ui.queries.clocks import LegalClock, legal_clock
from review_ui.queries.waiting import lease_holders


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """Whose account it is said to be, on what basis, and how many others carry the name."""

    person: Person
    attribution: Attribution
    asserted_by: str
    verified_by: str | None
    namesakes: int


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """Everything the item page shows. `assessment` and `reviews` are None while they are hidden from the officer;
    `opposing` are the two reasons that an adjudicator weighs, without names. `state` is the flag's as far as the
    officer may know it.
    """

    flag: Flag
    state: FlagState
    post: Post
    version: PostVersion
    versions: list[PostVersion]
    mandate: Mandate
    contest: Contest
    stage: str | None
    account: Account | None
    holder: Holder | None
    capture: Capture | None
    clock: LegalClock
    holders: list[str]
    my_review: Review | None
    may_judge: bool
    assessment: Assessment | None
    reviews: list[tuple[Review, str]] | None
    opposing: list[Review]

    @property
    def adjudicating(self) -> bool:
        """Whether the officer's verdict would settle a dispute."""
        return self.may_judge and self.flag.state is FlagState.DISPUTED


def get_flag(session: Session, flag_id: str) -> Flag:
    """The flag of this id.

    Raises:
        NotFound: nothing carries it.
    """
    flag = session.get(Flag, flag_id)
    if flag is None:
        raise NotFound(f"no flag {flag_id[:40]}")
    return flag


def load_case(session: Session, vault: Vault, config: UiConfig, flag_id: str, officer: Officer) -> Case:
    """Read one flag for `officer`; what they may not see yet is not even loaded into the result.

    Raises:
        NotFound: nothing carries the id.
    """
    flag = get_flag(session, flag_id)
    post = session.get_one(Post, flag.post_id)
    mandate = session.get_one(Mandate, flag.mandate_id)
    contest = session.get_one(Contest, mandate.contest_id)
    account = session.get(Account, post.account_id) if post.account_id else None
    mine = session.scalar(
        select(Review).where(Review.flag_id == flag.id, Review.reviewer_id == officer.id, Review.undone_at.is_(None))
    )
    judge = Role.SUPERVISOR.value in officer.roles
    open_state = flag.state in (FlagState.READY, FlagState.IN_REVIEW, FlagState.DISPUTED)
    may_judge = judge and open_state and mine is None
    uncovered = may_see_score(session, flag, officer)
    sees_people = judge or Role.AUDITOR.value in officer.roles
    return Case(
        flag=flag,
        state=state_shown_to(session, flag, officer),
        post=post,
        version=session.get_one(PostVersion, flag.post_version_id),
        versions=_versions(session, post.id),
        mandate=mandate,
        contest=contest,
        stage=_stage(contest, mandate, post),
        account=account,
        holder=_holder(session, vault, account.id) if account is not None and sees_people else None,
        capture=newest_capture(session, flag.id),
        clock=legal_clock(flag, config),
        holders=lease_holders(session, [flag.id], officer).get(flag.id, []),
        my_review=mine,
        may_judge=may_judge,
        assessment=session.get_one(Assessment, flag.assessment_id) if uncovered else None,
        reviews=_named_reviews(session, flag.id) if uncovered else None,
        opposing=_opposing(session, flag) if may_judge else [],
    )


def _versions(session: Session, post_id: str) -> list[PostVersion]:
    rows = select(PostVersion).where(PostVersion.post_id == post_id).order_by(PostVersion.number)
    return list(session.scalars(rows))


def _stage(contest: Contest, mandate: Mandate, post: Post) -> str | None:
    """The stage of the contest on the local day of the post."""
    return None if post.posted_at is None else contest.read_spec().stage_on(mandate.local_day(post.posted_at))


def _holder(session: Session, vault: Vault, account_id: str) -> Holder | None:
    """The newest attribution that was not rejected, with its person opened."""
    attribution = session.scalar(
        select(Attribution)
        .where(Attribution.account_id == account_id, Attribution.state != AttributionState.REJECTED)
        .order_by(Attribution.asserted_at.desc())
        .limit(1)
    )
    if attribution is None:
        return None
    row = session.get_one(CivilServant, attribution.civil_servant_id)
    verifier = session.get(Officer, attribution.verified_by) if attribution.verified_by else None
    return Holder(
        person=open_person(vault, row),
        attribution=attribution,
        asserted_by=session.get_one(Officer, attribution.asserted_by).name,
        verified_by=None if verifier is None else verifier.name,
        namesakes=namesakes(session, row),
    )


def _named_reviews(session: Session, flag_id: str) -> list[tuple[Review, str]]:
    rows = session.execute(
        select(Review, Officer.name)
        .join(Officer, Officer.id == Review.reviewer_id)
        .where(Review.flag_id == flag_id)
        .order_by(Review.given_at, Review.id)
    )
    return list(rows)


def _opposing(session: Session, flag: Flag) -> list[Review]:
    if flag.state is not FlagState.DISPUTED:
        return []
    return [review for review in standing_reviews(session, flag.id) if review.round is ReviewRound.INDEPENDENT]
