"""Read stored responses again with today's connectors: what a platform's new format hid is found without fetching.

Only posts that are not stored yet are added, under the time their response came: a response of last week must not
overwrite what was seen since.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.formats import FILE_SOURCES
from crawler.records import parse_records
from crawler.registry import source_named
from crawler.source import Answer, Ask, Blocked, Gone, Parsed, Unparsed
from models.bodies import read_body
from models.clock import utc_now
from models.database import Database
from models.errors import BadInput, EvidenceDamaged, NoMandate, NotFound
from models.evidence import EvidenceStore
from models.log import record
from models.posts import Post, store_posts
from models.targets import Fetch, Run, Target, require_permission

BATCH = 50
MAX_PROBLEMS = 20
HISTORY = "history"
"""Earlier texts of one post: what they would add lies before what was seen since, so they are not read again."""


@dataclasses.dataclass(slots=True)
class Reparsed:
    """What reading again brought.

    Responses read, of which `cured` are understood whole now; posts added; items still not understood; responses
    skipped because their bytes are gone or their account may not be looked at now.
    """

    responses: int = 0
    cured: int = 0
    posts: int = 0
    unparsed: int = 0
    skipped: int = 0

    def __str__(self) -> str:
        """One line for the person who asked."""
        return (
            f"{self.responses} respons dibaca ulang, {self.cured} kini dikenali seluruhnya; "
            f"{self.posts} unggahan baru, {self.unparsed} butir masih tak dikenali, {self.skipped} respons dilewati"
        )


def reparse(
    database: Database,
    evidence: EvidenceStore,
    *,
    source: str | None = None,
    since: dt.datetime | None = None,
    actor: str,
    progress: Callable[[int], None] | None = None,
) -> Reparsed:
    """Read every stored response again in which something was not understood, oldest first; doing it twice is safe.

    Raises:
        BadInput: no source of that name.
    """
    if source is not None:
        source_named(source)
    result, last = Reparsed(), ""
    while True:
        with database.write() as session:
            fetches = _next(session, last, source, since)
            for fetch, run, target in fetches:
                _again(session, evidence, fetch, run, target, actor, result)
        if not fetches:
            return result
        last = fetches[-1][0].id
        if progress is not None:
            progress(len(fetches))


def _next(
    session: Session, after: str, source: str | None, since: dt.datetime | None
) -> Sequence[tuple[Fetch, Run, Target]]:
    wanted = (
        select(Fetch, Run, Target)
        .join(Run, Run.id == Fetch.run_id)
        .join(Target, Target.id == Run.target_id)
        .where(Fetch.unparsed > 0, Fetch.body_erased_at.is_(None), Fetch.id > after, Fetch.kind != HISTORY)
    )
    if source is not None:
        wanted = wanted.where(Target.source == source)
    if since is not None:
        wanted = wanted.where(Fetch.fetched_at >= since)
    return [(fetch, run, target) for fetch, run, target in session.execute(wanted.order_by(Fetch.id).limit(BATCH))]


def _again(
    session: Session, evidence: EvidenceStore, fetch: Fetch, run: Run, target: Target, actor: str, result: Reparsed
) -> None:
    try:
        require_permission(session, target, utc_now())
        body = read_body(session, evidence, fetch.body_sha256)
        parsed = _parsed(fetch, target, body)
    except (NoMandate, NotFound, EvidenceDamaged):
        result.skipped += 1
        return
    result.responses += 1
    result.unparsed += len(parsed.unparsed)
    result.cured += not parsed.unparsed
    seen_before = run.posts_seen
    unknown = _unknown(session, target, parsed)
    stored = store_posts(session, run, fetch, unknown.posts, actor=actor, at=fetch.fetched_at)
    run.posts_seen = seen_before + stored.new
    result.posts += stored.new
    fetch.unparsed = len(parsed.unparsed)
    fetch.problems = [{"locator": item.locator, "reason": item.reason} for item in parsed.unparsed[:MAX_PROBLEMS]]
    record(session, "fetch.reparsed", fetch, actor=actor, posts=stored.new, unparsed=len(parsed.unparsed))


def _parsed(fetch: Fetch, target: Target, body: bytes) -> Parsed:
    """What the connector (of an imported file: its reader) makes of it today; a body it still cannot read is one item
    that was not understood.
    """
    if fetch.kind in FILE_SOURCES:
        return parse_records(FILE_SOURCES[fetch.kind], body)
    ask = Ask(fetch.url, kind=fetch.kind)
    answer = Answer(fetch.url, fetch.headers, body)
    try:
        return source_named(target.source).read(target.address, target.watermark, ask, answer).parsed
    except (BadInput, Gone, Blocked) as error:
        return Parsed(unparsed=(Unparsed("", str(error)[:500]),))


def _unknown(session: Session, target: Target, parsed: Parsed) -> Parsed:
    ids = [post.external_id for post in parsed.posts]
    stored = select(Post.external_id).where(Post.source == target.source, Post.external_id.in_(ids))
    known = set(session.scalars(stored))
    return dataclasses.replace(parsed, posts=tuple(post for post in parsed.posts if post.external_id not in known))
