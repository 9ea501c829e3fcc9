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

from crawler.registry import source_named
from crawler.rereading import Rereader, Stored
from crawler.source import Answer, Page, Parsed
from models.accounts import Account
from models.bodies import read_body
from models.clock import utc_now
from models.database import Database
from models.errors import EvidenceDamaged, NoMandate, NotFound
from models.evidence import EvidenceStore
from models.log import record
from models.posts import ParsedPost, Post, store_posts
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
    with Rereader() as reader:
        while True:
            with database.read() as session:
                found = [_stored(session, evidence, *row) for row in _next(session, last, source, since)]
            if not found:
                return result
            pages = {kept.fetch_id: reader.read(kept.stored) for kept in found if kept.stored is not None}
            with database.write() as session:
                for kept in found:
                    _again(session, kept.fetch_id, pages.get(kept.fetch_id), actor, result)
            last = found[-1].fetch_id
            if progress is not None:
                progress(len(found))


@dataclasses.dataclass(frozen=True, slots=True)
class _Kept:
    """A response to read again; nothing is `stored` when it may not be read, or is gone."""

    fetch_id: str
    stored: Stored | None = None


def _next(
    session: Session, after: str, source: str | None, since: dt.datetime | None
) -> Sequence[tuple[Fetch, Target]]:
    wanted = (
        select(Fetch, Target)
        .join(Run, Run.id == Fetch.run_id)
        .join(Target, Target.id == Run.target_id)
        .where(Fetch.unparsed > 0, Fetch.body_erased_at.is_(None), Fetch.id > after, Fetch.kind != HISTORY)
    )
    if source is not None:
        wanted = wanted.where(Target.source == source)
    if since is not None:
        wanted = wanted.where(Fetch.fetched_at >= since)
    return [(fetch, target) for fetch, target in session.execute(wanted.order_by(Fetch.id).limit(BATCH))]


def _stored(session: Session, evidence: EvidenceStore, fetch: Fetch, target: Target) -> _Kept:
    try:
        require_permission(session, target, utc_now())
        answer = Answer(fetch.url, fetch.headers, read_body(session, evidence, fetch.body_sha256))
    except (NoMandate, NotFound, EvidenceDamaged):
        return _Kept(fetch.id)
    return _Kept(fetch.id, Stored(target.source, target.address, target.watermark, fetch.kind, answer))


def _again(session: Session, fetch_id: str, page: Page | None, actor: str, result: Reparsed) -> None:
    """Store what was found; a page of somebody else's is left as it is."""
    fetch = session.get_one(Fetch, fetch_id)
    run = session.get_one(Run, fetch.run_id)
    target = session.get_one(Target, run.target_id)
    if page is None or not _is_still_theirs(session, target, page):
        result.skipped += 1
        return
    strange = page.parsed.unparsed
    result.responses += 1
    result.unparsed += len(strange)
    result.cured += not strange
    seen_before = run.posts_seen
    stored = store_posts(session, run, fetch, _unknown(session, target, page.parsed), actor=actor, at=fetch.fetched_at)
    run.posts_seen = seen_before + stored.new
    result.posts += stored.new
    fetch.unparsed = len(strange)
    fetch.problems = [{"locator": item.locator, "reason": item.reason} for item in strange[:MAX_PROBLEMS]]
    record(session, "fetch.reparsed", fetch, actor=actor, posts=stored.new, unparsed=len(strange))


def _is_still_theirs(session: Session, target: Target, page: Page) -> bool:
    """Whether the account may be looked at now, and the page is its own."""
    try:
        require_permission(session, target, utc_now())
    except NoMandate:
        return False
    account = session.get(Account, target.account_id) if target.account_id else None
    known = None if account is None else account.external_id
    return page.holder is None or known is None or page.holder.platform_id == known


def _unknown(session: Session, target: Target, parsed: Parsed) -> list[ParsedPost]:
    ids = [post.external_id for post in parsed.posts]
    stored = select(Post.external_id).where(Post.source == target.source, Post.external_id.in_(ids))
    known = set(session.scalars(stored))
    return [post for post in parsed.posts if post.external_id not in known]
