"""The chain: the rows that flags rest on, from mandate to report, and the log entries about them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from models.accounts import Account, Attribution
from models.assessments import Assessment
from models.base import JsonObject, Row
from models.captures import Capture
from models.flags import Flag
from models.log import LogEntry, LogWords, subject_of
from models.mandates import Mandate
from models.posts import Post, PostVersion
from models.reports import Report
from models.reviews import Review
from models.targets import Fetch, Run, Target

_R = TypeVar("_R", bound=Row)


@dataclasses.dataclass(frozen=True, slots=True)
class EvidenceLink:
    """Bytes that a report rests on. `kind`: `raw` (response or imported file), `screenshot`, `page`."""

    sha256: str
    kind: str
    subject: str


@dataclasses.dataclass(frozen=True, slots=True)
class Chain:
    """The rows that a set of flags rests on, by id."""

    flags: Mapping[str, Flag]
    assessments: Mapping[str, Assessment]
    posts: Mapping[str, Post]
    versions: Mapping[str, PostVersion]
    fetches: Mapping[str, Fetch]
    runs: Mapping[str, Run]
    targets: Mapping[str, Target]
    mandates: Mapping[str, Mandate]
    accounts: Mapping[str, Account]
    attributions: Mapping[str, Attribution]
    captures: Mapping[str, Capture]
    reviews: Mapping[str, Review]
    reports: Mapping[str, Report]


@dataclasses.dataclass(frozen=True, slots=True)
class Logged:
    """A log row, what its entry says, and the free words beside it, where they were not erased."""

    row: LogEntry
    facts: JsonObject
    words: LogWords | None


def load_chain(session: Session, flags: Sequence[Flag], reports: Iterable[str]) -> Chain:
    """What the flags rest on, in a fixed number of queries; `reports` are the ids of the reports that carry them."""

    def rows(kind: type[_R], column: Any, values: Iterable[str | None]) -> dict[str, _R]:
        found = session.scalars(select(kind).where(column.in_({value for value in values if value})).order_by(kind.id))
        return {row.id: row for row in found}

    flag_ids = [flag.id for flag in flags]
    posts = rows(Post, Post.id, (flag.post_id for flag in flags))
    versions = rows(PostVersion, PostVersion.post_id, posts)
    fetches = rows(Fetch, Fetch.id, (version.fetch_id for version in versions.values()))
    runs = rows(Run, Run.id, (fetch.run_id for fetch in fetches.values()))
    accounts = rows(Account, Account.id, (post.account_id for post in posts.values()))
    return Chain(
        flags={flag.id: flag for flag in flags},
        assessments=rows(Assessment, Assessment.id, (flag.assessment_id for flag in flags)),
        posts=posts,
        versions=versions,
        fetches=fetches,
        runs=runs,
        targets=rows(Target, Target.id, (run.target_id for run in runs.values())),
        mandates=rows(Mandate, Mandate.id, (flag.mandate_id for flag in flags)),
        accounts=accounts,
        attributions=rows(Attribution, Attribution.account_id, accounts),
        captures=rows(Capture, Capture.flag_id, flag_ids),
        reviews=rows(Review, Review.flag_id, flag_ids),
        reports=rows(Report, Report.id, reports),
    )


def entries_about(session: Session, chain: Chain) -> list[Logged]:
    """The log entries about the chain's rows, in the order of the log."""
    subjects = {
        *(f"contests:{mandate.contest_id}" for mandate in chain.mandates.values()),
        *(f"civil_servants:{attribution.civil_servant_id}" for attribution in chain.attributions.values()),
    }
    for rows in (chain.mandates, chain.accounts, chain.attributions, chain.targets, chain.flags, chain.reports):
        subjects |= {subject_of(row) for row in rows.values()}
    # A run or a batch logs many posts at once; of those only the entries made when ours were stored are wanted.
    runs = {subject_of(run) for run in chain.runs.values()}
    models = {f"models:{assessment.model}"[:64] for assessment in chain.assessments.values()}
    wanted = or_(
        LogEntry.subject.in_(subjects),
        and_(LogEntry.subject.in_(runs), LogEntry.action != "posts.stored"),
        and_(LogEntry.subject.in_(runs), LogEntry.at.in_({row.seen_at for row in chain.versions.values()})),
        and_(LogEntry.subject.in_(models), LogEntry.at.in_({row.assessed_at for row in chain.assessments.values()})),
    )
    found = select(LogEntry, LogWords).outerjoin(LogWords, LogWords.seq == LogEntry.seq).where(wanted)
    rows_found = session.execute(found.order_by(LogEntry.seq))
    logged = (Logged(row, json.loads(row.entry)["facts"], words) for row, words in rows_found)
    return [entry for entry in logged if _concerns(chain, entry)]


def _concerns(chain: Chain, entry: Logged) -> bool:
    match entry.row.action:
        case "posts.stored":
            return bool(versions_in(chain, entry))
        case "assessments.stored":
            return bool(assessments_in(chain, entry))
        case "roster.enrolled":
            return entry.facts["mandate"] in chain.mandates
        case _:
            return True


def versions_in(chain: Chain, entry: Logged) -> list[PostVersion]:
    """The chain's versions that a `posts.stored` entry stored."""
    stored = {(post, number) for post, number, _ in entry.facts["posts"]}
    return [version for version in chain.versions.values() if (version.post_id, version.number) in stored]


def assessments_in(chain: Chain, entry: Logged) -> list[Assessment]:
    """The chain's assessments that an `assessments.stored` entry stored."""
    return [chain.assessments[row[0]] for row in entry.facts["assessments"] if row[0] in chain.assessments]


def evidence_links(chain: Chain) -> Iterator[EvidenceLink]:
    """Every response the posts were read from, every picture and page archive."""
    for fetch in chain.fetches.values():
        yield EvidenceLink(fetch.body_sha256, "raw", subject_of(fetch))
    for capture in chain.captures.values():
        if capture.screenshot_sha256:
            yield EvidenceLink(capture.screenshot_sha256, "screenshot", subject_of(capture))
        if capture.page_sha256:
            yield EvidenceLink(capture.page_sha256, "page", subject_of(capture))
