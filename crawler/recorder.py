"""What a crawl writes. Every method is one transaction; the spider calls them from a single thread.

Raw bytes go to the evidence store before the row that names them; the posts of a response, the watermark that
covers them and the validators that would skip it next time are committed together, so a killed crawl leaves
either all of it or nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.source import Answer, Ask, Page, Source
from models.base import JsonObject
from models.clock import utc_now
from models.database import Database
from models.errors import BadInput
from models.evidence import EvidenceStore
from models.posts import storable, store_posts
from models.targets import Fetch, Run, RunOutcome, Target, end_run, require_permission

MAX_HEADER_CHARACTERS = 2_000
MAX_REASON_CHARACTERS = 500

_VALIDATORS = ("etag", "last-modified")
_UNKEPT_HEADERS = frozenset({"set-cookie", "set-cookie2"})


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """One open run and what its target says."""

    run_id: str
    source: str
    address: str
    watermark: JsonObject
    validators: JsonObject


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends. `due_at` moves the target's next run there."""

    outcome: RunOutcome
    reason: str = ""
    due_at: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    """One response of any status, `Answer` with its status code."""

    status: int
    answer: Answer


class Recorder:
    """The crawl's side of database and evidence store."""

    def __init__(self, database: Database, evidence: EvidenceStore, actor: str) -> None:
        self._database = database
        self._evidence = evidence
        self._actor = actor

    def open_runs(self, run_ids: Sequence[str]) -> list[tuple[str, str]]:
        """(run id, target address) of those runs that are open, oldest due time first."""
        with self._database.read() as session:
            rows = session.execute(
                select(Run.id, Target.address)
                .join(Target, Target.id == Run.target_id)
                .where(Run.id.in_(run_ids), Run.outcome == RunOutcome.RUNNING)
                .order_by(Run.due_at, Run.id)
            )
            return [(run_id, address) for run_id, address in rows]

    def open(self, run_id: str) -> Job:
        """Read what the run needs.

        Raises:
            NoMandate: its target may not be crawled any more.
        """
        with self._database.read() as session:
            run, target = _run_and_target(session, run_id)
            require_permission(session, target, utc_now())
            return Job(run.id, target.source, target.address, dict(target.watermark), dict(target.validators))

    def note(self, job: Job, response: Response) -> None:
        """Keep a response that holds no posts: unchanged, refused, broken."""
        digest = self._evidence.put(response.answer.body)
        with self._database.write() as session:
            run, _ = _run_and_target(session, job.run_id)
            self._add_fetch(session, run, response, digest)

    def receive(self, job: Job, source: Source, ask: Ask, response: Response) -> tuple[Job, Page]:
        """Keep a 2xx response, understand it, and store its posts with watermark and validators.

        Raises:
            BadInput: nothing in it was understood; its bytes are kept and counted all the same.
            NoMandate: its target may not be crawled any more; nothing is stored.
        """
        try:
            page = source.read(job.address, job.watermark, ask, response.answer)
        except BadInput:
            self._keep_strange(job, response)
            raise
        digest = self._evidence.put(response.answer.body)
        validators = _validators(response.answer.headers) if ask.conditional else {}
        with self._database.write() as session:
            run, target = _run_and_target(session, job.run_id)
            require_permission(session, target, utc_now())
            fetch = self._add_fetch(session, run, response, digest)
            store_posts(session, run, fetch, page.parsed.posts, actor=self._actor)
            run.unparsed += len(page.parsed.unparsed)
            target.watermark = page.watermark
            if ask.conditional:
                target.validators = {ask.url: validators}
            return dataclasses.replace(job, watermark=page.watermark, validators=dict(target.validators)), page

    def end(self, run_id: str, ending: Ending) -> None:
        """Close the run, unless somebody has."""
        with self._database.write() as session:
            run, target = _run_and_target(session, run_id)
            if run.outcome is not RunOutcome.RUNNING:
                return
            reason = storable(ending.reason)[:MAX_REASON_CHARACTERS]
            end_run(session, run, ending.outcome, actor=self._actor, reason=reason)
            if ending.due_at is not None:
                target.next_due_at = ending.due_at

    def _keep_strange(self, job: Job, response: Response) -> None:
        digest = self._evidence.put(response.answer.body)
        with self._database.write() as session:
            run, _ = _run_and_target(session, job.run_id)
            self._add_fetch(session, run, response, digest)
            run.unparsed += 1

    @staticmethod
    def _add_fetch(session: Session, run: Run, response: Response, digest: str) -> Fetch:
        answer = response.answer
        headers = {name: value for name, value in answer.headers.items() if name not in _UNKEPT_HEADERS}
        fetch = Fetch(
            run_id=run.id,
            url=storable(answer.url),
            status=response.status,
            headers=headers,
            fetched_at=utc_now(),
            body_sha256=digest,
            media_type=answer.headers.get("content-type", "")[:120],
        )
        session.add(fetch)
        session.flush()
        run.fetches += 1
        return fetch


def _run_and_target(session: Session, run_id: str) -> tuple[Run, Target]:
    run = session.get_one(Run, run_id)
    return run, session.get_one(Target, run.target_id)


def _validators(headers: Mapping[str, Any]) -> JsonObject:
    """What the next request may be made conditional with (RFC 9110 §8.8)."""
    return {name: headers[name] for name in _VALIDATORS if headers.get(name)}
