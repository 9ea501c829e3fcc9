"""Tombstones: what is left of a purged post, a hash by which it is known when a crawl meets it again.

The salt belongs to the installation and lies in the database: a digest tells nothing outside it, and inside it
answers one question only, “was this very post purged?”.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable

from sqlalchemy import LargeBinary, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, insert_into

SALT_BYTES = 32
_ONLY = 1


class Installation(Base):
    """One row: what belongs to this installation as a whole."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tombstone_salt: Mapped[bytes] = mapped_column(LargeBinary(SALT_BYTES))


class Tombstone(Base):
    """HMAC-SHA256(salt, source ‖ 0x00 ‖ external id) of a purged post."""

    __tablename__ = "tombstones"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)


def entomb(session: Session, posts: Iterable[tuple[str, str]]) -> list[bytes]:
    """Set a tombstone for each (source, external id); returns the digests, sorted."""
    session.execute(
        insert_into(session, Installation)
        .values(id=_ONLY, tombstone_salt=secrets.token_bytes(SALT_BYTES))
        .on_conflict_do_nothing()
    )
    salt = session.scalars(select(Installation.tombstone_salt)).one()
    digests = sorted(_digest(salt, source, external_id) for source, external_id in posts)
    rows = [{"digest": digest} for digest in digests]
    session.execute(insert_into(session, Tombstone).on_conflict_do_nothing(), rows)
    return digests


def entombed(session: Session, source: str, external_ids: Collection[str]) -> set[str]:
    """Which of these posts were purged. Costs two statements, one while nothing was ever purged."""
    salt = session.scalar(select(Installation.tombstone_salt))
    if salt is None or not external_ids:
        return set()
    by_digest = {_digest(salt, source, external_id): external_id for external_id in external_ids}
    found = session.scalars(select(Tombstone.digest).where(Tombstone.digest.in_(by_digest)))
    return {by_digest[digest] for digest in found}


def _digest(salt: bytes, source: str, external_id: str) -> bytes:
    return hmac.new(salt, f"{source}\0{external_id}".encode(), hashlib.sha256).digest()
