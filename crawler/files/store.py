"""Records of a file into the database: evidence first, then every account's posts in one transaction a batch."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.files.records import Document, Record
from crawler.files.result import ImportResult
from crawler.files.roster import IMPORT_PREFIX, Roster
from models.accounts import Account
from models.base import JsonObject, storable
from models.bodies import keep_body
from models.canonical import sha256_hex
from models.clock import utc_now
from models.database import Database
from models.errors import NoMandate
from models.evidence import EvidenceStore
from models.mandates import Mandate
from models.posts import ParsedPost, Post, PostVersion, store_posts
from models.targets import Fetch, Run, RunOutcome, Target, add_target, end_run, set_paused, start_run

SMALL_BYTES = 1 << 20
"""Bodies up to here lie in the database with what was read from them; larger ones, and whatever was brought as a file
of its own, in the evidence store."""

_IMPORTED = 200  # as if a server had answered "OK": every fetch has a status


@dataclasses.dataclass(frozen=True, slots=True)
class _Piece:
    """One body to keep, with the posts that were read from it, or the reason why none was."""

    document: Document
    posts: tuple[ParsedPost, ...] = ()
    problem: str = ""

    @property
    def sha256(self) -> str:
        return sha256_hex(self.document.body)


@dataclasses.dataclass(slots=True)
class Store:
    """Where the kept records of one file go. `head` stands before any of its lines, `facts` are the file's."""

    database: Database
    evidence: EvidenceStore
    roster: Roster
    mandate_id: str
    actor: str
    source: str
    file_name: str
    media_type: str
    head: bytes
    facts: JsonObject
    result: ImportResult

    def keep(self, batch: dict[str, list[Record]]) -> None:
        """Store one batch of records by account; what is stored already is counted."""
        news = self._news(batch)
        pieces = {account_id: list(self._pieces(records)) for account_id, records in news.items()}
        for found in pieces.values():
            for piece in found:
                if not _is_small(piece.document):
                    self.evidence.put(piece.document.body)
        with self.database.write() as session:
            for account_id, found in pieces.items():
                account = self.roster.named(account_id)
                unseen = _unseen(session, found)
                if account is not None and unseen:
                    self._store(session, account, unseen)

    def _news(self, batch: dict[str, list[Record]]) -> dict[str, list[Record]]:
        """The batch without texts that are stored already and without posts that are another account's."""
        sources = {account.id: account.source for account in self.roster.accounts if account.id in batch}
        ids = {record.post.external_id for records in batch.values() for record in records if record.post}
        owners: dict[tuple[str, str], str | None] = {}
        texts: set[tuple[str, str, str]] = set()
        with self.database.read() as session:
            rows = session.execute(
                select(Post.source, Post.external_id, Post.account_id, PostVersion.text_sha256)
                .join(PostVersion, PostVersion.post_id == Post.id)
                .where(Post.source.in_(set(sources.values())), Post.external_id.in_(ids))
            )
            for source, external_id, owner, digest in rows:
                owners[source, external_id] = owner
                texts.add((source, external_id, digest))
        news: dict[str, list[Record]] = defaultdict(list)
        for account_id, records in batch.items():
            for record in records:
                if self._is_new(record, sources[account_id], account_id, owners, texts):
                    news[account_id].append(record)
        return news

    def _is_new(
        self,
        record: Record,
        source: str,
        account_id: str,
        owners: dict[tuple[str, str], str | None],
        texts: set[tuple[str, str, str]],
    ) -> bool:
        post = record.post
        if post is None:
            return True
        if owners.setdefault((source, post.external_id), account_id) != account_id:
            self.result.conflicting += 1
            return False
        text = (source, post.external_id, sha256_hex(post.text.encode()))
        if text in texts:
            self.result.known += 1
            return False
        texts.add(text)
        return True

    def _pieces(self, records: Sequence[Record]) -> Iterator[_Piece]:
        """Lines joined to one body, documents and unread lines each by itself, and what stands beside them."""
        lines = [record for record in records if record.document is None and record.post is not None]
        if lines:
            body = self.head + b"".join(_ended(record.raw) for record in lines)
            document = Document(body, self.media_type, self.file_name, self.facts)
            yield _Piece(document, _located(lines, self.head.count(b"\n") + 1))
        shared: dict[int, tuple[Document, list[ParsedPost]]] = {}
        for record in records:
            if record.post is None:
                document = Document(_ended(record.raw), self.media_type, self.file_name, self.facts)
                yield _Piece(document, problem=record.problem)
            elif record.document is not None:
                place = f"{self.file_name}:{record.line}"
                shared.setdefault(id(record.document), (self._noted(record.document, place), []))[1].append(record.post)
                yield from (_Piece(self._noted(each, f"{place}: {each.name}")) for each in record.beside)
        yield from (_Piece(document, tuple(posts)) for document, posts in shared.values())

    def _noted(self, document: Document, name: str) -> Document:
        return dataclasses.replace(document, name=name, facts={**document.facts, **self.facts})

    def _store(self, session: Session, account: Account, pieces: Sequence[_Piece]) -> None:
        run = start_run(session, self._target(session, account), due_at=utc_now(), actor=self.actor)
        if run is None or run.outcome is not RunOutcome.RUNNING:
            raise NoMandate("the account may not be imported" if run is None else run.reason)
        for piece in pieces:
            self._fetch(session, run, piece)
        run.fetches = len(pieces)
        run.unparsed = sum(1 for piece in pieces if piece.problem)
        self.result.kept_raw += run.unparsed
        end_run(session, run, RunOutcome.DONE, actor=self.actor)

    def _fetch(self, session: Session, run: Run, piece: _Piece) -> None:
        document = piece.document
        fetch = Fetch(
            run_id=run.id,
            url=storable(document.name),
            status=_IMPORTED,
            headers=document.facts,
            fetched_at=utc_now(),
            body_sha256=keep_body(session, document.body) if _is_small(document) else piece.sha256,
            media_type=document.media_type,
            kind=self.source,
            unparsed=1 if piece.problem else 0,
            problems=[{"locator": "1", "reason": piece.problem}] if piece.problem else [],
        )
        session.add(fetch)
        session.flush()
        if piece.posts:
            stored = store_posts(session, run, fetch, piece.posts, actor=self.actor)
            self.result.new += stored.new
            self.result.edited += stored.edited

    def _target(self, session: Session, account: Account) -> Target:
        """The account's place for imports: a target that is never crawled."""
        target = add_target(
            session,
            session.get_one(Mandate, self.mandate_id),
            source=account.source,
            address=f"{IMPORT_PREFIX}@{account.handle.removeprefix('@')}",
            account=account,
            actor=self.actor,
        )
        set_paused(session, target, paused=True, actor=self.actor)
        return target


def _is_small(document: Document) -> bool:
    return len(document.body) <= SMALL_BYTES and not document.media_type.startswith(("image/", "multipart/"))


def _unseen(session: Session, pieces: Sequence[_Piece]) -> list[_Piece]:
    """The pieces without those that hold no post and were brought in before."""
    bare = {piece.sha256 for piece in pieces if not piece.posts}
    known = set(session.scalars(select(Fetch.body_sha256).where(Fetch.body_sha256.in_(bare)))) if bare else set()
    return [piece for piece in pieces if piece.posts or piece.sha256 not in known]


def _ended(raw: bytes) -> bytes:
    """The last line of a file may lack its end; in the kept lines another one may follow it."""
    return raw if raw.endswith(b"\n") else raw + b"\n"


def _located(records: Sequence[Record], first_line: int) -> tuple[ParsedPost, ...]:
    """The posts with the line on which they start in the kept lines."""
    posts, line = [], first_line
    for record in records:
        if record.post is not None:
            posts.append(dataclasses.replace(record.post, locator=str(line)))
        line += _ended(record.raw).count(b"\n")
    return tuple(posts)
