"""Posts from files: only those of verified accounts on the mandate's roster are kept, the rest is counted.

A file is read twice: once to find out whether all of it is in order, once to store. Items of people who are not on
the roster are never written anywhere; the evidence of an import is what was kept, and the hash of the whole file.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from crawler.files.formats import NAMES, form_named, recognised
from crawler.files.records import NOT_PUBLIC, UNKNOWN_PLATFORM, FileSource, Opened, Record
from crawler.files.result import ImportResult
from crawler.files.roster import Roster, load_roster
from crawler.files.store import Store
from models.accounts import Account
from models.database import Database
from models.errors import BadInput
from models.evidence import EvidenceStore

__all__ = ["NAMES", "ImportResult", "import_file"]

BATCH_RECORDS = 500
BATCH_BYTES = 16 << 20

_CHUNK = 1 << 20


def import_file(
    database: Database,
    evidence: EvidenceStore,
    path: Path,
    *,
    mandate_id: str,
    actor: str,
    source: str | None = None,
    sheet: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImportResult:
    """Store the posts of a file under a mandate; doing it twice changes nothing.

    `source` is one of `NAMES`; without it the file's content tells. `sheet` names one of a workbook. `progress` is
    called after every batch with the number of records it held.

    Raises:
        BadInput: the file cannot be read or a part of it is malformed, with file, line and column; nothing is stored.
        NoMandate: the mandate is not in force.
    """
    if source is not None and source not in NAMES:
        raise BadInput(f"no file source named {source[:40]!r}; there are {', '.join(NAMES)}")
    roster = load_roster(database, mandate_id)
    name = source or recognised(path)
    form, result = form_named(name, roster), ImportResult(source=name)
    with _named(path), path.open("rb") as handle:
        facts = {"file_sha256": _file_hash(handle), "file_name": path.name[:255]}
        opened = Opened(handle, path, sheet, roster.zone)
        for _ in _records(form, opened):
            pass
        handle.seek(0)
        store = Store(database, evidence, roster, mandate_id, actor, name, path.name, form.media_type,
                      form.head(opened), facts, result)  # fmt: skip
        for count in _batches(store, _records(form, opened)):
            if progress is not None:
                progress(count)
    return result


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Put the file's name into every error about it."""
    try:
        yield
    except BadInput as error:
        if error.path is not None:
            raise
        raise BadInput(error.message, path=path, line=error.line, column=error.column) from error
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", path=path) from error


def _records(form: FileSource, opened: Opened) -> Iterator[Record]:
    """The file's records from its start."""
    opened.handle.seek(0)
    return form.records(opened)


def _file_hash(handle: BinaryIO) -> str:
    """The SHA-256 of the whole file, by which whoever brought it can show that it is still the same."""
    hasher = hashlib.sha256()
    while chunk := handle.read(_CHUNK):
        hasher.update(chunk)
    return hasher.hexdigest()


def _batches(store: Store, records: Iterator[Record]) -> Iterator[int]:
    """Store what may be kept, batch by batch; yields each batch's size in records."""
    batch: dict[str, list[Record]] = collections.defaultdict(list)
    seen: dict[tuple[str, str], str] = {}
    held = size = count = 0
    for record in records:
        account = _judged(record, store.roster, store.result)
        count += 1
        if account is not None:
            key, text = _identity(record, account)
            # Another text of a post in the batch is an edit of it, and waits until the first is stored.
            if seen.get(key, text) != text or held >= BATCH_RECORDS or size >= BATCH_BYTES:
                store.keep(batch)
                batch, seen, held, size = collections.defaultdict(list), {}, 0, 0
            seen[key] = text
            batch[account.id].append(record)
            held += 1
            size += _weight(record)
        if count >= BATCH_RECORDS:
            yield count
            count = 0
    store.keep(batch)
    yield count


def _identity(record: Record, account: Account) -> tuple[tuple[str, str], str]:
    """What a batch may hold once: a post, in one text."""
    if record.post is None:
        return ("", str(record.line)), ""
    return (account.source, record.post.external_id), record.post.text


def _weight(record: Record) -> int:
    documents = (record.document, *record.beside)
    return len(record.raw) + sum(len(document.body) for document in documents if document is not None)


def _judged(record: Record, roster: Roster, result: ImportResult) -> Account | None:
    """The rostered account whose item this is; else count why it is left.

    An item that nobody can read is kept, raw, when it names exactly one author and that is an account of the roster
    (docs/decisions/0016).
    """
    result.records += 1
    account = roster.account(record.platform, record.author, record.author_id) if record.author else None
    if record.post is not None:
        if account is None:
            result.off_roster += 1
        return account
    if account is None:
        _count_unread(record, result)
    if record.problem not in {NOT_PUBLIC, UNKNOWN_PLATFORM}:
        result.note(record.problem)
    return account


def _count_unread(record: Record, result: ImportResult) -> None:
    if record.problem == UNKNOWN_PLATFORM:
        name = BadInput(record.platform).message
        result.unknown_platforms[name] = result.unknown_platforms.get(name, 0) + 1
    elif record.problem == NOT_PUBLIC:
        result.not_public += 1
    else:
        result.not_understood += 1
