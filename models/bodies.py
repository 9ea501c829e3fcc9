"""The raw bytes of responses, kept in the database: one transaction holds them and everything read from them.

Pictures and files that people bring lie in the evidence store (`models.evidence`); responses are small and many, and
a file with its own fsync for each costs more than the crawl (docs/decisions/0018).
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Sequence

from sqlalchemy import LargeBinary, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Sha256, insert_into
from models.canonical import sha256_hex
from models.clock import utc_now
from models.errors import EvidenceDamaged, NotFound
from models.evidence import EvidenceStore

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 9
"""Of zstd: as small as gzip makes it, at several times the speed."""


class Body(Base):
    """One response body, named by the SHA-256 of its bytes; `packed` is a zstd frame (RFC 8878), `size` in bytes.

    `kept_at`: when a crawl last met these bytes; retention spares what was met a moment ago.
    """

    __tablename__ = "bodies"

    sha256: Mapped[Sha256] = mapped_column(primary_key=True)
    packed: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int]
    kept_at: Mapped[dt.datetime]


def pack(data: bytes) -> tuple[str, bytes]:
    """The SHA-256 of `data` and its packed form."""
    return sha256_hex(data), zstd.compress(data, LEVEL)


def keep_body(session: Session, data: bytes, *, at: dt.datetime | None = None) -> str:
    """Keep `data` and return its SHA-256; the same bytes are kept once."""
    digest, packed = pack(data)
    statement = insert_into(session, Body).values(sha256=digest, packed=packed, size=len(data), kept_at=at or utc_now())
    session.execute(
        statement.on_conflict_do_update(index_elements=["sha256"], set_={"kept_at": statement.excluded.kept_at})
    )
    return digest


def read_body(session: Session, evidence: EvidenceStore, digest: str) -> bytes:
    """The raw bytes of a response or of an imported file, verified.

    Raises:
        NotFound: nothing of that name.
        EvidenceDamaged: the bytes no longer match.
        StorageError: they cannot be read.
    """
    body = session.get(Body, digest)
    return evidence.get(digest) if body is None else _unpacked(body)


def is_whole(session: Session, evidence: EvidenceStore, digest: str) -> bool:
    """Whether the bytes named `digest` are there, in the database or the evidence store, and unaltered.

    Raises:
        StorageError: they are there and cannot be read.
    """
    try:
        read_body(session, evidence, digest)
    except (NotFound, EvidenceDamaged):
        return False
    return True


def erase_bodies(session: Session, digests: Iterable[str], *, unused_since: dt.datetime) -> Sequence[str]:
    """Delete those bodies that no crawl met after `unused_since`; returns which are deleted now."""
    return session.scalars(
        delete(Body)
        .where(Body.sha256.in_(list(digests)), Body.kept_at <= unused_since)
        .returning(Body.sha256)
        .execution_options(synchronize_session=False)
    ).all()


def kept_here(session: Session, digests: Iterable[str]) -> set[str]:
    """Which of these bodies lie in the database."""
    return set(session.scalars(select(Body.sha256).where(Body.sha256.in_(list(digests)))))


def _unpacked(body: Body) -> bytes:
    try:
        data = bytes(zstd.ZstdDecompressor().decompress(body.packed, max_length=body.size + 1))
    except zstd.ZstdError as error:
        raise EvidenceDamaged(f"body {body.sha256}: cannot be unpacked") from error
    if sha256_hex(data) != body.sha256:
        raise EvidenceDamaged(f"body {body.sha256}: bytes do not match their name")
    return data
