"""The trace (*jejak*) of a flag or report: every step back to the first byte fetched, and whether it still holds.

Steps come from the audit log; the tables add what a reader needs to understand them. Names and NIP are not looked
up: people appear by row id, officers in the form of the log (`officers:01J…`).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from models.accounts import Account, Attribution
from models.assessments import Assessment
from models.base import JsonObject, Row
from models.canonical import sha256_hex
from models.captures import Capture
from models.errors import NotFound
from models.evidence import EvidenceStore
from models.flags import Flag, FlagState
from models.log import LogEntry, LogWords, subject_of
from models.mandates import Mandate
from models.merkle import leaf_hash
from models.posts import Post, PostVersion
from models.reports import Report, ReportFlag, ReportState, flags_of
from models.reviews import Decision, Review
from models.targets import Fetch, Run, Target
from models.vault import commitment

FETCHED = "fetch.received"
"""Not an entry of its own: `posts.stored` is the log's witness of the response that it was read from."""

_SENSITIVE = frozenset({"assessments.stored", "review.given", "review.undone"})

_R = TypeVar("_R", bound=Row)


@dataclasses.dataclass(frozen=True, slots=True)
class TraceStep:
    """One step. `seq` and `leaf_hash` (hexadecimal) name its place in the log; `evidence` lists the SHA-256 of the
    bytes it rests on. `sensitive` steps tell the score or a colleague's verdict: a reviewer who has not judged yet
    must not see their facts (`models.reviews.may_see_score`).
    """

    at: dt.datetime
    seq: int
    leaf_hash: str
    actor: str
    action: str
    subject: str
    facts: JsonObject
    evidence: tuple[str, ...] = ()
    sensitive: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class EvidenceLink:
    """Bytes that a report rests on. `kind`: `raw` (response or imported file), `screenshot`, `page`."""

    sha256: str
    kind: str
    subject: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Chain:
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
class _Logged:
    """A log row, what its entry says, and the free words beside it, where they were not erased."""

    row: LogEntry
    facts: JsonObject
    words: LogWords | None


def trace_flag(session: Session, flag_id: str) -> list[TraceStep]:
    """Every step of one flag, from its mandate and target to the follow-up of its reports, oldest first.

    The number of queries does not depend on the number of steps.

    Raises:
        NotFound: no flag has this id.
    """
    flag = session.get(Flag, flag_id)
    if flag is None:
        raise NotFound(f"no flag {flag_id}")
    carried_by = select(ReportFlag.report_id).where(ReportFlag.flag_id == flag_id)
    chain = _load(session, [flag], session.scalars(carried_by).all())
    return _steps(chain, _entries(session, chain))


def trace_report(session: Session, report_id: str) -> list[TraceStep]:
    """Every step of every flag of the report, and of the report itself, oldest first.

    Raises:
        NotFound: no report has this id.
    """
    chain = _load_report(session, report_id)
    return _steps(chain, _entries(session, chain))


def evidence_of(session: Session, report_id: str) -> list[EvidenceLink]:
    """The bytes that the report rests on: every response its posts were read from, every capture.

    Raises:
        NotFound: no report has this id.
    """
    return list(_evidence(_load_report(session, report_id)))


def broken_links(session: Session, evidence: EvidenceStore, report_id: str) -> list[str]:
    """What keeps the report from tracing back to unaltered raw bytes, one line each; empty when all holds.

    Checks that log entries match their hashes, that each step that must have happened is in the log with the
    hashes the tables give, that the texts match theirs, and that every evidence byte is there and unaltered.

    Raises:
        NotFound: no report has this id.
    """
    chain = _load_report(session, report_id)
    entries = _entries(session, chain)
    return [
        *_altered_entries(entries),
        *_missing_steps(chain, entries),
        *_altered_texts(chain),
        *_altered_reviews(chain, entries),
        *(
            f"{link.kind} of {link.subject}: {link.sha256} is missing or altered"
            for link in _evidence(chain)
            if not evidence.verify(link.sha256)
        ),
    ]


def _load_report(session: Session, report_id: str) -> _Chain:
    if session.get(Report, report_id) is None:
        raise NotFound(f"no report {report_id}")
    return _load(session, flags_of(session, report_id), [report_id])


def _load(session: Session, flags: Sequence[Flag], reports: Iterable[str]) -> _Chain:
    def rows(kind: type[_R], column: Any, values: Iterable[str | None]) -> dict[str, _R]:
        found = session.scalars(select(kind).where(column.in_({value for value in values if value})).order_by(kind.id))
        return {row.id: row for row in found}

    flag_ids = [flag.id for flag in flags]
    posts = rows(Post, Post.id, (flag.post_id for flag in flags))
    versions = rows(PostVersion, PostVersion.post_id, posts)
    fetches = rows(Fetch, Fetch.id, (version.fetch_id for version in versions.values()))
    runs = rows(Run, Run.id, (fetch.run_id for fetch in fetches.values()))
    accounts = rows(Account, Account.id, (post.account_id for post in posts.values()))
    return _Chain(
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


def _entries(session: Session, chain: _Chain) -> list[_Logged]:
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
    logged = (_Logged(row, json.loads(row.entry)["facts"], words) for row, words in rows_found)
    return [entry for entry in logged if _concerns(chain, entry)]


def _concerns(chain: _Chain, entry: _Logged) -> bool:
    match entry.row.action:
        case "posts.stored":
            return bool(_versions_in(chain, entry))
        case "assessments.stored":
            return bool(_assessments_in(chain, entry))
        case "roster.enrolled":
            return entry.facts["mandate"] in chain.mandates
        case _:
            return True


def _versions_in(chain: _Chain, entry: _Logged) -> list[PostVersion]:
    stored = {(post, number) for post, number, _ in entry.facts["posts"]}
    return [version for version in chain.versions.values() if (version.post_id, version.number) in stored]


def _assessments_in(chain: _Chain, entry: _Logged) -> list[Assessment]:
    return [chain.assessments[row[0]] for row in entry.facts["assessments"] if row[0] in chain.assessments]


def _steps(chain: _Chain, entries: Sequence[_Logged]) -> list[TraceStep]:
    return [step for entry in entries for step in _steps_of(chain, entry)]


def _steps_of(chain: _Chain, entry: _Logged) -> Iterator[TraceStep]:
    row = entry.row
    if row.action == "posts.stored" and entry.facts["fetch"] in chain.fetches:
        yield _fetch_step(chain.fetches[entry.facts["fetch"]], row)
    hashes = (entry.facts.get("screenshot_sha256"), entry.facts.get("page_sha256"))
    yield TraceStep(
        at=row.at,
        seq=row.seq,
        leaf_hash=row.leaf_hash.hex(),
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        facts=_explain(chain, entry),
        evidence=tuple(digest for digest in hashes if digest),
        sensitive=row.action in _SENSITIVE,
    )


def _fetch_step(fetch: Fetch, witness: LogEntry) -> TraceStep:
    return TraceStep(
        at=fetch.fetched_at,
        seq=witness.seq,
        leaf_hash=witness.leaf_hash.hex(),
        actor=witness.actor,
        action=FETCHED,
        subject=subject_of(fetch),
        facts={
            "url": fetch.url,
            "status": fetch.status,
            "media_type": fetch.media_type,
            "body_sha256": fetch.body_sha256,
        },
        evidence=(fetch.body_sha256,),
    )


def _explain(chain: _Chain, entry: _Logged) -> JsonObject:
    """The entry's facts, cut to what concerns the chain, with what the tables know beside them."""
    facts = entry.facts
    match entry.row.action:
        case "posts.stored":
            return {"fetch": facts["fetch"], "versions": [_version_facts(row) for row in _versions_in(chain, entry)]}
        case "assessments.stored":
            scored = [_assessment_facts(row) for row in _assessments_in(chain, entry)]
            return {"model": facts["model"], "weights_sha256": facts["weights_sha256"], "assessments": scored}
        case "contest.saved":
            return {"name": facts["name"], "spec_sha256": facts["spec_sha256"]}
        case _:
            said = {} if entry.words is None else entry.words.words
            return {**facts, **said, **_beside(chain, entry)}


def _beside(chain: _Chain, entry: _Logged) -> JsonObject:
    """What the tables add to an entry about one row."""
    kind, _, row_id = entry.row.subject.partition(":")
    if kind == "accounts":
        return {"handle": chain.accounts[row_id].handle, "url": chain.accounts[row_id].url}
    if kind == "targets":
        return {"address": chain.targets[row_id].address}
    return {}


def _version_facts(version: PostVersion) -> JsonObject:
    return {"post": version.post_id, "number": version.number, "locator": version.locator,
            "text_sha256": version.text_sha256}  # fmt: skip


def _assessment_facts(row: Assessment) -> JsonObject:
    return {"assessment": row.id, "score": f"{row.score:.6f}", "threshold": f"{row.threshold:.6f}",
            "flagged": row.flagged}  # fmt: skip


def _evidence(chain: _Chain) -> Iterator[EvidenceLink]:
    for fetch in chain.fetches.values():
        yield EvidenceLink(fetch.body_sha256, "raw", subject_of(fetch))
    for capture in chain.captures.values():
        if capture.screenshot_sha256:
            yield EvidenceLink(capture.screenshot_sha256, "screenshot", subject_of(capture))
        if capture.page_sha256:
            yield EvidenceLink(capture.page_sha256, "page", subject_of(capture))


def _altered_entries(entries: Sequence[_Logged]) -> Iterator[str]:
    for entry in entries:
        row, told = entry.row, json.loads(entry.row.entry)
        columns = {"at": row.at.isoformat(timespec="microseconds"), "actor": row.actor, "action": row.action,
                   "subject": row.subject}  # fmt: skip
        if leaf_hash(row.entry) != row.leaf_hash or any(told[name] != value for name, value in columns.items()):
            yield f"log entry {row.seq} ({row.action}) does not match its hash"
        if entry.words is not None and told.get("words") != entry.words.commitment():
            yield f"the words of log entry {row.seq} ({row.action}) do not match their commitment"


def _altered_texts(chain: _Chain) -> Iterator[str]:
    for version in chain.versions.values():
        if sha256_hex(version.text.encode()) != version.text_sha256:
            yield f"text of {subject_of(version)} does not match its hash"


def _altered_reviews(chain: _Chain, entries: Sequence[_Logged]) -> Iterator[str]:
    for entry in entries:
        review = chain.reviews.get(entry.facts.get("review", ""))
        if review is None or entry.words is None or entry.row.action != "review.given":
            continue
        if entry.words.words != {"reason": review.reason, "exculpatory": review.exculpatory}:
            yield f"the reasons of {subject_of(review)} are not those that were logged"


def _missing_steps(chain: _Chain, entries: Sequence[_Logged]) -> Iterator[str]:
    expected = [*_expected_sources(chain), *_expected_flags(chain), *_expected_reports(chain)]
    for action, subject, facts in expected:
        if not any(
            entry.row.action == action and entry.row.subject == subject and _agrees(entry.facts, facts)
            for entry in entries
        ):
            yield f"{action} of {subject} is not in the log as the tables have it"


def _agrees(told: JsonObject, facts: JsonObject) -> bool:
    """Whether an entry says what is expected: equal values, or the value among its list."""
    return all(
        told.get(name) == value or (isinstance(told.get(name), list) and value in told[name])
        for name, value in facts.items()
    )


_Expected = Iterator[tuple[str, str, JsonObject]]


def _expected_sources(chain: _Chain) -> _Expected:
    for mandate in chain.mandates.values():
        for action in ("mandate.proposed", "mandate.approved"):
            yield action, subject_of(mandate), {}
    for attribution in chain.attributions.values():
        yield "attribution.claimed", subject_of(attribution), {"account": attribution.account_id}
        if attribution.verified_by is not None:
            yield "attribution.verified", subject_of(attribution), {}
    for target in chain.targets.values():
        yield "target.added", subject_of(target), {}
    for run in chain.runs.values():
        yield "run.started", subject_of(run), {"target": run.target_id}
    for version in chain.versions.values():
        fetch = chain.fetches[version.fetch_id]
        stored = [version.post_id, version.number, commitment(chain.posts[version.post_id].salt, version.text)]
        yield (
            "posts.stored",
            f"runs:{fetch.run_id}",
            {"fetch": fetch.id, "body_sha256": fetch.body_sha256, "posts": stored},
        )


def _expected_flags(chain: _Chain) -> _Expected:
    for row in chain.assessments.values():
        scored = [row.id, row.post_version_id, f"{row.score:.6f}"]
        yield (
            "assessments.stored",
            f"models:{row.model}"[:64],
            {"weights_sha256": row.weights_sha256, "assessments": scored},
        )
    for flag in chain.flags.values():
        subject = subject_of(flag)
        yield "flag.raised", subject, {"assessment": f"assessments:{flag.assessment_id}", "post": flag.post_id}
        if flag.state in (FlagState.CONFIRMED, FlagState.DISMISSED, FlagState.EXPIRED):
            yield f"flag.{flag.state.value}", subject, {}
    for capture in chain.captures.values():
        hashes = {"screenshot_sha256": capture.screenshot_sha256, "page_sha256": capture.page_sha256}
        yield "capture.made", f"flags:{capture.flag_id}", hashes
    for review in chain.reviews.values():
        if review.decision is not Decision.RECUSED and review.undone_at is None:
            told: JsonObject = {"review": review.id, "decision": review.decision.value,
                                "is_person": review.is_person.value, "takes_side": review.takes_side.value,
                                "voice": review.voice}  # fmt: skip
            yield "review.given", f"flags:{review.flag_id}", told


def _expected_reports(chain: _Chain) -> _Expected:
    for report in chain.reports.values():
        for flag_id in chain.flags:
            yield "report.drafted", subject_of(report), {"flags": flag_id}
        if report.signed_by is not None:
            yield "report.signed", subject_of(report), {"content_sha256": report.content_sha256}
        if report.state not in (ReportState.DRAFT, ReportState.SIGNED):
            yield f"report.{report.state.value}", subject_of(report), {}
