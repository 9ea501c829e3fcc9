"""Posts from files: only those of verified accounts on the mandate's roster are kept, the rest is counted.

A file is read twice: once to find out whether every line of it is in order, once to store. Lines of people who are
not on the roster are never written anywhere; the evidence of an import is the kept lines alone.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.records import MAX_LINE_BYTES, FileSource, Record
from crawler.sources.table import Csv, Jsonl
from crawler.sources.zeeschuimer import Zeeschuimer
from models.accounts import Account, Attribution, AttributionState
from models.canonical import sha256_hex
from models.clock import utc_now
from models.database import Database
from models.errors import BadInput, NoMandate
from models.evidence import EvidenceStore
from models.mandates import Mandate, require_mandate
from models.people import RosterEntry
from models.posts import ParsedPost, Post, PostVersion, storable, store_posts
from models.targets import Fetch, RunOutcome, Target, add_target, end_run, set_paused, start_run

FILE_SOURCES: dict[str, FileSource] = {"csv": Csv(), "jsonl": Jsonl(), "zeeschuimer": Zeeschuimer()}

BATCH_RECORDS = 500
BATCH_BYTES = 16 << 20

_ALIASES = {"twitter": "x"}
_IMPORTED = 200  # as if a server had answered "OK": every fetch has a status


@dataclasses.dataclass(slots=True)
class ImportResult:
    """What became of a file's records, in records (`new`, `edited`: posts)."""

    records: int = 0
    new: int = 0
    edited: int = 0
    known: int = 0
    off_roster: int = 0
    conflicting: int = 0
    not_understood: int = 0
    unknown_platforms: dict[str, int] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        """One line for the person who imported."""
        parts = [
            f"{self.records} baris dibaca: {self.new} unggahan baru",
            f"{self.edited} suntingan",
            f"{self.known} sudah ada",
            f"{self.off_roster} bukan milik akun terverifikasi dalam mandat (tidak disimpan)",
        ]
        if self.conflicting:
            parts.append(f"{self.conflicting} ber-id milik akun lain (tidak disimpan)")
        if self.not_understood:
            parts.append(f"{self.not_understood} tidak dikenali (tidak disimpan)")
        parts += [f"{count} dari platform tak dikenal {name}" for name, count in sorted(self.unknown_platforms.items())]
        return ", ".join(parts)


def import_file(
    database: Database,
    evidence: EvidenceStore,
    path: Path,
    *,
    source: str,
    mandate_id: str,
    actor: str,
    progress: Callable[[int], None] | None = None,
) -> ImportResult:
    """Store the posts of a CSV, JSONL or Zeeschuimer file under a mandate; doing it twice changes nothing.

    `progress` is called after every batch with the number of records it held.

    Raises:
        BadInput: the file cannot be read or a line of it is malformed, with file, line and column; nothing is stored.
        NoMandate: the mandate is not in force.
    """
    if source not in FILE_SOURCES:
        raise BadInput(f"no file source named {source[:40]!r}; there are {', '.join(FILE_SOURCES)}")
    accounts = _roster(database, mandate_id)
    importer = _Importer(database, evidence, path, FILE_SOURCES[source], mandate_id, actor, accounts)
    try:
        with path.open("rb") as handle:
            for _ in importer.read(handle):
                pass
            for count in importer.store(handle):
                if progress is not None:
                    progress(count)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", path=path) from error
    return importer.result


@dataclasses.dataclass(slots=True)
class _Importer:
    database: Database
    evidence: EvidenceStore
    path: Path
    form: FileSource
    mandate_id: str
    actor: str
    accounts: dict[tuple[str, str], Account]
    result: ImportResult = dataclasses.field(default_factory=ImportResult)

    def read(self, handle: BinaryIO) -> Iterator[Record]:
        """The file's records from its start, with the file's name in every error."""
        handle.seek(0)
        try:
            yield from self.form.records(_lines(handle))
        except BadInput as error:
            raise BadInput(error.message, path=self.path, line=error.line, column=error.column) from error

    def store(self, handle: BinaryIO) -> Iterator[int]:
        """Store what may be kept, batch by batch; yields each batch's size in records."""
        handle.seek(0)
        head = self.form.head(_lines(handle))
        batch: dict[str, list[Record]] = collections.defaultdict(list)
        seen: dict[tuple[str, str], str] = {}
        size = count = 0
        for record in self.read(handle):
            account = self._judge(record)
            count += 1
            if account is not None and record.post is not None:
                key, text = (account.source, record.post.external_id), record.post.text
                if seen.get(key, text) != text or len(seen) >= BATCH_RECORDS or size >= BATCH_BYTES:
                    self._flush(batch, head)
                    batch, seen, size = collections.defaultdict(list), {}, 0
                seen[key] = text
                batch[account.id].append(record)
                size += len(record.raw)
            if count >= BATCH_RECORDS:
                yield count
                count = 0
        self._flush(batch, head)
        yield count

    def _judge(self, record: Record) -> Account | None:
        """The rostered account whose post this is; else count why it is left."""
        result = self.result
        result.records += 1
        if record.post is None:
            if record.problem == "unknown platform":
                result.unknown_platforms[record.platform] = result.unknown_platforms.get(record.platform, 0) + 1
            else:
                result.not_understood += 1
            return None
        account = self.accounts.get(_key(record.platform, record.author))
        if account is None:
            result.off_roster += 1
        return account

    def _flush(self, batch: dict[str, list[Record]], head: bytes) -> None:
        """Store one batch: evidence first, then every account's posts in one transaction."""
        by_id = {account.id: account for account in self.accounts.values()}
        news = self._news(batch, by_id)
        bodies = {account_id: head + b"".join(_ended(r.raw) for r in records) for account_id, records in news.items()}
        digests = {account_id: self.evidence.put(body) for account_id, body in bodies.items()}
        with self.database.write() as session:
            for account_id, records in news.items():
                self._store(session, by_id[account_id], _located(records, head.count(b"\n") + 1), digests[account_id])

    def _news(self, batch: dict[str, list[Record]], by_id: dict[str, Account]) -> dict[str, list[Record]]:
        """The batch without texts that are stored already and without posts that are another account's."""
        ids = {record.post.external_id for records in batch.values() for record in records if record.post}
        owners: dict[tuple[str, str], str | None] = {}
        texts: set[tuple[str, str, str]] = set()
        with self.database.read() as session:
            rows = session.execute(
                select(Post.source, Post.external_id, Post.account_id, PostVersion.text_sha256)
                .join(PostVersion, PostVersion.post_id == Post.id)
                .where(Post.source.in_({by_id[account_id].source for account_id in batch}), Post.external_id.in_(ids))
            )
            for source, external_id, owner, digest in rows:
                owners[source, external_id] = owner
                texts.add((source, external_id, digest))
        news: dict[str, list[Record]] = collections.defaultdict(list)
        for account_id, records in batch.items():
            source = by_id[account_id].source
            for record in records:
                post = record.post
                if post is None:
                    continue
                if owners.setdefault((source, post.external_id), account_id) != account_id:
                    self.result.conflicting += 1
                elif (text := (source, post.external_id, sha256_hex(post.text.encode()))) in texts:
                    self.result.known += 1
                else:
                    texts.add(text)
                    news[account_id].append(record)
        return news

    def _store(self, session: Session, account: Account, posts: list[ParsedPost], digest: str) -> None:
        run = start_run(session, self._target(session, account), due_at=utc_now(), actor=self.actor)
        if run is None or run.outcome is not RunOutcome.RUNNING:
            raise NoMandate("the account may not be imported" if run is None else run.reason)
        fetch = Fetch(
            run_id=run.id,
            url=storable(self.path.name),
            status=_IMPORTED,
            headers={},
            fetched_at=utc_now(),
            body_sha256=digest,
            media_type=self.form.media_type,
        )
        session.add(fetch)
        session.flush()
        run.fetches = 1
        stored = store_posts(session, run, fetch, posts, actor=self.actor)
        end_run(session, run, RunOutcome.DONE, actor=self.actor)
        self.result.new += stored.new
        self.result.edited += stored.edited

    def _target(self, session: Session, account: Account) -> Target:
        """The account's place for imports: a target that is never crawled."""
        target = add_target(
            session,
            session.get_one(Mandate, self.mandate_id),
            source=account.source,
            address=f"import:@{account.handle.removeprefix('@')}",
            account=account,
            actor=self.actor,
        )
        set_paused(session, target, paused=True, actor=self.actor)
        return target


def _roster(database: Database, mandate_id: str) -> dict[tuple[str, str], Account]:
    """The verified accounts on the mandate's roster by platform and handle.

    Raises:
        NoMandate: the mandate is not in force.
    """
    with database.read() as session:
        require_mandate(session.get(Mandate, mandate_id), utc_now())
        rows = session.scalars(
            select(Account)
            .join(Attribution, Attribution.account_id == Account.id)
            .join(RosterEntry, RosterEntry.civil_servant_id == Attribution.civil_servant_id)
            .where(Attribution.state == AttributionState.VERIFIED, RosterEntry.mandate_id == mandate_id)
        )
        return {_key(account.source, account.handle): account for account in rows}


def _key(platform: str, handle: str) -> tuple[str, str]:
    """How accounts are compared: people write handles with and without `@`, in any case."""
    return _ALIASES.get(platform, platform), handle.strip().removeprefix("@").casefold()


def _lines(handle: BinaryIO) -> Iterator[bytes]:
    number = 0
    while line := handle.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise BadInput(f"line of more than {MAX_LINE_BYTES} bytes", line=number)
        yield line


def _ended(raw: bytes) -> bytes:
    """The last line of a file may lack its end; in the kept lines another one may follow it."""
    return raw if raw.endswith(b"\n") else raw + b"\n"


def _located(records: list[Record], first_line: int) -> list[ParsedPost]:
    """The posts with the line on which they start in the kept lines."""
    posts, line = [], first_line
    for record in records:
        if record.post is not None:
            posts.append(dataclasses.replace(record.post, locator=str(line)))
        line += _ended(record.raw).count(b"\n")
    return posts
