"""The audit log (*jejak audit*): append-only, one entry for every change of state, in its transaction.

Entries are canonical JSON (RFC 8785) hashed as Merkle leaves (RFC 6962 §2.1). They hold ids, states and
hashes; personal data enters only as a salted commitment (`models.vault`), so that erasing a person leaves
the log whole.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import BigInteger, LargeBinary, String, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base
from models.canonical import canonical_json
from models.clock import utc_now
from models.merkle import CompactRange, leaf_hash

_PENDING = "netra_pending_log_entries"
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


class Checkpoint(Base):
    """A signed tree head over the first `tree_size` entries, in the form of C2SP tlog-checkpoint."""

    __tablename__ = "checkpoints"

    tree_size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime]
    root_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    frontier: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str]


def record(
    session: Session,
    action: str,
    subject: object,
    *,
    actor: str,
    at: dt.datetime | None = None,
    **facts: Any,
) -> None:
    """Note that `actor` did `action` to `subject`; written when the transaction commits.

    `subject` is a row with an `id`, or a ready `"kind:id"` string. `facts` are JSON values without
    personal data. Entries wait until the end of the transaction so that the lock which keeps `seq` dense
    is held for a moment only, after every row lock was taken.
    """
    moment = at or utc_now()
    entry = {
        "at": moment.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "actor": actor,
        "action": action,
        "subject": subject if isinstance(subject, str) else subject_of(subject),
        "facts": facts,
    }
    session.info.setdefault(_PENDING, []).append((moment, entry))


def subject_of(row: object) -> str:
    """How the log names a row: table and id, `flags:01J…`."""
    return f"{type(row).__tablename__}:{row.id}"  # type: ignore[attr-defined]


def append_pending(session: Session) -> None:
    """Give the recorded entries their places at the end of the log. Called by `Database.write`."""
    pending = session.info.pop(_PENDING, [])
    if not pending:
        return
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_LOCK})
    newest = session.scalar(select(func.max(LogEntry.seq)))
    following = 0 if newest is None else newest + 1
    for seq, (moment, entry) in enumerate(pending, following):
        encoded = canonical_json(entry)
        session.add(
            LogEntry(
                seq=seq,
                at=moment,
                actor=entry["actor"],
                action=entry["action"],
                subject=entry["subject"],
                entry=encoded,
                leaf_hash=leaf_hash(encoded),
            )
        )


def sign_checkpoint(
    session: Session, key: Ed25519PrivateKey, *, origin: str, at: dt.datetime | None = None
) -> Checkpoint | None:
    """Sign a tree head over everything logged so far; None when nothing is new.

    The previous checkpoint's frontier is carried on, so the cost is that of the new entries.
    """
    last = session.scalar(select(Checkpoint).order_by(Checkpoint.tree_size.desc()).limit(1))
    tree = CompactRange() if last is None else CompactRange.from_bytes(last.tree_size, last.frontier)
    start = tree.size
    leaves = select(LogEntry.leaf_hash).where(LogEntry.seq >= start).order_by(LogEntry.seq)
    for leaf in session.scalars(leaves.execution_options(yield_per=_CHECKPOINT_BATCH)):
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


def _signed_note(key: Ed25519PrivateKey, origin: str, tree: CompactRange) -> str:
    """C2SP signed-note: body, blank line, `— name base64(key hash ‖ signature)`."""
    body = f"{origin}\n{tree.size}\n{base64.b64encode(tree.root()).decode()}\n"
    public = key.public_key().public_bytes_raw()
    key_hash = hashlib.sha256(origin.encode() + b"\n\x01" + public).digest()[:4]
    signature = base64.b64encode(key_hash + key.sign(body.encode())).decode()
    return f"{body}\n\N{EM DASH} {origin} {signature}\n"
