"""The trace (*jejak*) of a flag or report: every step back to the first byte fetched, and whether it still holds.

Steps come from the audit log; the tables add what a reader needs to understand them. Names and NIP are not looked
up: people appear by row id, officers in the form of the log (`officers:01J…`).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.assessments import Assessment
from models.base import JsonObject
from models.bodies import is_whole
from models.chain import (
    Chain,
    EvidenceLink,
    Logged,
    assessments_in,
    entries_about,
    evidence_links,
    load_chain,
    versions_in,
)
from models.errors import NotFound
from models.evidence import EvidenceStore
from models.flags import Flag
from models.log import LogEntry, subject_of
from models.posts import PostVersion
from models.reports import Report, ReportFlag, flags_of
from models.targets import Fetch
from models.trace_checks import breaks_in

FETCHED = "fetch.received"
"""Not an entry of its own: `posts.stored` is the log's witness of the response that it was read from."""

_SENSITIVE = frozenset({"assessments.stored", "review.given", "review.undone"})


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
    chain = load_chain(session, [flag], session.scalars(carried_by).all())
    return _steps(chain, entries_about(session, chain))


def trace_report(session: Session, report_id: str) -> list[TraceStep]:
    """Every step of every flag of the report, and of the report itself, oldest first.

    Raises:
        NotFound: no report has this id.
    """
    chain = _load_report(session, report_id)
    return _steps(chain, entries_about(session, chain))


def evidence_of(session: Session, report_id: str) -> list[EvidenceLink]:
    """The bytes that the report rests on: every response its posts were read from, every capture.

    Raises:
        NotFound: no report has this id.
    """
    return list(evidence_links(_load_report(session, report_id)))


def broken_links(session: Session, evidence: EvidenceStore, report_id: str) -> list[str]:
    """What keeps the report from tracing back to unaltered raw bytes, one line each; empty when all holds.

    Checks that log entries match their hashes, that each step that must have happened is in the log with the
    hashes the tables give, that the texts match theirs, and that every evidence byte is there and unaltered.

    Raises:
        NotFound: no report has this id.
    """
    chain = _load_report(session, report_id)
    entries = entries_about(session, chain)
    return [
        *breaks_in(chain, entries),
        *(
            f"{link.kind} of {link.subject}: {link.sha256} is missing or altered"
            for link in evidence_links(chain)
            if not is_whole(session, evidence, link.sha256)
        ),
    ]


def _load_report(session: Session, report_id: str) -> Chain:
    if session.get(Report, report_id) is None:
        raise NotFound(f"no report {report_id}")
    return load_chain(session, flags_of(session, report_id), [report_id])


def _steps(chain: Chain, entries: Sequence[Logged]) -> list[TraceStep]:
    return [step for entry in entries for step in _steps_of(chain, entry)]


def _steps_of(chain: Chain, entry: Logged) -> Iterator[TraceStep]:
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


def _explain(chain: Chain, entry: Logged) -> JsonObject:
    """The entry's facts, cut to what concerns the chain, with what the tables know beside them."""
    facts = entry.facts
    match entry.row.action:
        case "posts.stored":
            return {"fetch": facts["fetch"], "versions": [_version_facts(row) for row in versions_in(chain, entry)]}
        case "assessments.stored":
            scored = [_assessment_facts(row) for row in assessments_in(chain, entry)]
            return {"model": facts["model"], "weights_sha256": facts["weights_sha256"], "assessments": scored}
        case "contest.saved":
            return {"name": facts["name"], "spec_sha256": facts["spec_sha256"]}
        case _:
            said = {} if entry.words is None else entry.words.words
            return {**facts, **said, **_beside(chain, entry)}


def _beside(chain: Chain, entry: Logged) -> JsonObject:
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
