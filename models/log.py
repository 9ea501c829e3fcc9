"""The audit log (*jejak audit*): append-only, one entry for every change of state, in its transaction.

Entries are canonical JSON (RFC 8785) hashed as Merkle leaves (RFC 6962 §2.1). They hold ids, states and
hashes; personal data enters only as a salted commitment (`models.vault`), so that erasing a person leaves
the log whole. Free words (reasons, recipients) may name anybody: they lie beside the log in `log_words`, and
the entry holds their commitment.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, func, select, text
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from models.base import Base, JsonObject, insert_into
from models.canonical import canonical_json
from models.clock import as_utc, utc_now
from models.errors import BadInput, EvidenceDamaged
from models.merkle import CompactRange, leaf_hash
from models.vault import SALT_BYTES, commitment, new_salt

_PENDING = "netra_pending_log_entries"
_SAVEPOINTS = "netra_pending_at_savepoint"
_POSTGRES_LOCK = 0x4E65747261  # "Netra": one appender at a time keeps the sequence dense
_CHECKPOINT_BATCH = 1_000


class LogEntry(Base):
    """One line of the log. `seq` counts from 0 without gaps; `entry` is what `leaf_hash` covers."""

    __tablename__ = "log_entries"

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime]
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64), index=True)
    subject: Mapped[str] = mapped_column(String(64), index=True)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class LogWords(Base):
    """The free words of one entry. Erasing the row leaves an entry that nobody can link to them."""

    __tablename__ = "log_words"

    seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("log_entries.seq"), primary_key=True, autoincrement=False)
    salt: Mapped[bytes] = mapped_column(LargeBinary(SALT_BYTES))
    words: Mapped[JsonObject]

    def commitment(self) -> str:
        """What the entry says of these words."""
        return _commit(self.salt, self.words)


class Checkpoint(Base):
    """A signed tree head over the first `tree_size` entries, in the form of C2SP tlog-checkpoint."""

    __tablename__ = "checkpoints"

    tree_size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime]
    root_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    frontier: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str]


@dataclasses.dataclass(frozen=True, slots=True)
class _Pending:
    """An entry that waits for its place."""

    at: dt.datetime
    actor: str
    action: str
    subject: str
    encoded: bytes
    salt: bytes
    words: JsonObject


def record(
    session: Session,
    action: str,
    subject: object,
    *,
    actor: str,
    at: dt.datetime | None = None,
    words: Mapping[str, str] | None = None,
    **facts: Any,
) -> None:
    """Note that `actor` did `action` to `subject`; written when the transaction commits.

    `subject` is a row with an `id`, or a ready `"kind:id"` string. `facts` are JSON values without
    personal data; whatever somebody typed goes into `words` (empty ones are left out). Entries wait until the
    end of the transaction so that the lock which keeps `seq` dense is held for a moment only, after every row
    lock was taken. What is recorded inside a savepoint goes with it when it is rolled back.

    Raises:
        BadInput: a fact that JSON cannot hold.
    """
    moment = as_utc(at or utc_now())
    named = subject if isinstance(subject, str) else subject_of(subject)
    said, salt = {name: word for name, word in (words or {}).items() if word}, new_salt()
    entry = {
        "at": moment.isoformat(timespec="microseconds"),
        "actor": actor,
        "action": action,
        "subject": named,
        "facts": facts,
        **({"words": _commit(salt, said)} if said else {}),
    }
    waiting = _Pending(moment, actor, action, named, canonical_json(entry), salt, said)
    session.info.setdefault(_PENDING, []).append(waiting)


def subject_of(row: object) -> str:
    """How the log names a row: table and id, `flags:01J…`."""
    return f"{type(row).__tablename__}:{row.id}"  # type: ignore[attr-defined]


def append_pending(session: Session) -> None:
    """Give the recorded entries their places at the end of the log. Runs before every commit of a transaction."""
    if session.in_nested_transaction():
        return
    pending = session.info.pop(_PENDING, [])
    session.info.pop(_SAVEPOINTS, None)
    if not pending:
        return
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_LOCK})
    newest = session.scalar(select(func.max(LogEntry.seq)))
    placed = list(enumerate(pending, 0 if newest is None else newest + 1))
    session.execute(insert_into(session, LogEntry), [_entry_row(seq, item) for seq, item in placed])
    words = [{"seq": seq, "salt": item.salt, "words": item.words} for seq, item in placed if item.words]
    if words:
        session.execute(insert_into(session, LogWords), words)


def _entry_row(seq: int, item: _Pending) -> JsonObject:
    return {
        "seq": seq,
        "at": item.at,
        "actor": item.actor,
        "action": item.action,
        "subject": item.subject,
        "entry": item.encoded,
        "leaf_hash": leaf_hash(item.encoded),
    }


def has_pending(session: Session) -> bool:
    """Whether entries wait that nothing has written."""
    return bool(session.info.get(_PENDING))


def remember_savepoint(session: Session, transaction: SessionTransaction) -> None:
    """Note how many entries waited when a savepoint was set."""
    if transaction.nested:
        session.info.setdefault(_SAVEPOINTS, {})[transaction] = len(session.info.get(_PENDING, []))


def forget_since_savepoint(session: Session, transaction: SessionTransaction) -> None:
    """Drop the entries recorded since a savepoint that was rolled back: what they tell did not happen."""
    kept = session.info.get(_SAVEPOINTS, {}).pop(transaction, None)
    if kept is not None:
        del session.info.get(_PENDING, [])[kept:]


def sign_checkpoint(
    session: Session, key: Ed25519PrivateKey, *, origin: str, at: dt.datetime | None = None
) -> Checkpoint | None:
    """Sign a tree head over everything logged so far; None when nothing is new.

    The previous checkpoint's frontier is carried on, so the cost is that of the new entries.

    Raises:
        BadInput: `origin` cannot be the name of a key (C2SP signed-note: no spaces, no plus sign).
        EvidenceDamaged: entries are missing, or the last checkpoint was altered.
    """
    if not origin or "+" in origin or any(character.isspace() for character in origin):
        raise BadInput(f"log origin {origin!r}: a name without spaces and plus signs is needed")
    last = session.scalar(select(Checkpoint).order_by(Checkpoint.tree_size.desc()).limit(1))
    tree = CompactRange() if last is None else _carried_on(last)
    start = tree.size
    for leaf in _leaves(session, start):
        tree.append(leaf)
    if tree.size == start:
        return None
    checkpoint = Checkpoint(
        tree_size=tree.size,
        at=at or utc_now(),
        root_hash=tree.root(),
        frontier=tree.to_bytes(),
        note=_signed_note(key, origin, tree),
    )
    session.add(checkpoint)
    return checkpoint


def _commit(salt: bytes, words: JsonObject) -> str:
    return commitment(salt, canonical_json(words).decode())


def _carried_on(last: Checkpoint) -> CompactRange:
    try:
        tree = CompactRange.from_bytes(last.tree_size, last.frontier)
    except ValueError as error:
        raise EvidenceDamaged(f"checkpoint {last.tree_size}: {error}") from error
    if tree.root() != last.root_hash:
        raise EvidenceDamaged(f"checkpoint {last.tree_size}: its frontier does not give its root")
    return tree


def _leaves(session: Session, start: int) -> Iterator[bytes]:
    """The leaf hashes from `start` on, each in its place, the last sealed one included in the check."""
    wanted = select(LogEntry.seq, LogEntry.leaf_hash).where(LogEntry.seq >= max(start - 1, 0)).order_by(LogEntry.seq)
    following = max(start - 1, 0)
    for seq, leaf in session.execute(wanted.execution_options(yield_per=_CHECKPOINT_BATCH)):
        if seq != following:
            break
        following += 1
        if seq >= start:
            yield leaf
    else:
        if following >= start:
            return
    raise EvidenceDamaged(f"log entry {following} is missing")


def _signed_note(key: Ed25519PrivateKey, origin: str, tree: CompactRange) -> str:
    """C2SP signed-note: body, blank line, `— name base64(key hash ‖ signature)`."""
    body = f"{origin}\n{tree.size}\n{base64.b64encode(tree.root()).decode()}\n"
    public = key.public_key().public_bytes_raw()
    key_hash = hashlib.sha256(origin.encode() + b"\n\x01" + public).digest()[:4]
    signature = base64.b64encode(key_hash + key.sign(body.encode())).decode()
    return f"{body}\n\N{EM DASH} {origin} {signature}\n"
