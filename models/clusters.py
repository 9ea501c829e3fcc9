"""Clusters (*kelompok*): posts of one mandate whose texts are the same or nearly so. Posts are grouped, never people.

Two texts belong together when they are equal after normalising, or share a band: a run of their MinHash values that
is the same in both (Broder 1997; Leskovec, Rajaraman and Ullman, “Mining of Massive Datasets”, §3.4). A cluster is
what hangs together that way, so it depends on which texts there are, not on the order in which they came. A band is
kept once however many texts share it: a text that everybody copies costs no more than any other.

All four tables are derived from texts, hold none, and go with them: `models.clustering` fills and empties them.
Measured in docs/decisions/0017-near-duplicates.md.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import struct
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Row
from models.ids import new_id

# SQLite keys a table by the number itself when it is called INTEGER, which holds 64 bits there.
_Hash = BigInteger().with_variant(Integer(), "sqlite")

# A partial index serves only conditions written as the dialect writes them.
_SHARED: dict[str, Any] = {"sqlite_where": text("shared = 1"), "postgresql_where": text("shared")}
_UNPLACED: dict[str, Any] = {"sqlite_where": text("placed = 0"), "postgresql_where": text("NOT placed")}


@dataclasses.dataclass(frozen=True, slots=True)
class Tally:
    """How much hangs together. `account` is the first by id of its accounts (empty: an official feed's post);
    `shared`: posts of at least two; `last_at` is when the newest was posted, or first seen by us.
    """

    posts: int
    account: str
    shared: bool
    last_at: dt.datetime


class Cluster(Row):
    """Texts that hang together, and the `Tally` of their posts; a text that nothing resembles is one of its own."""

    __tablename__ = "clusters"
    __table_args__ = (
        Index("ix_clusters_largest", "posts", **_SHARED),
        Index("ix_clusters_newest", "last_at", **_SHARED),
    )

    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"))
    posts: Mapped[int]
    account: Mapped[Id]
    shared: Mapped[bool]
    last_at: Mapped[dt.datetime]
    texts: Mapped[int] = mapped_column(default=0)

    def absorb(self, other: Tally | Cluster, *, texts: int = 0) -> None:
        """Count the other's posts here, with so many texts that were not here."""
        self.shared = self.shared or other.shared or self.account != other.account
        self.account = min(self.account, other.account)
        self.posts += other.posts
        self.last_at = max(self.last_at, other.last_at)
        self.texts += texts


class ClusterText(Base):
    """One distinct text. `key` stands for the normalised text under this mandate; `bands` are its band hashes.

    Until it is `placed`, `cluster_id` is the cluster it was in before, or will found.
    """

    __tablename__ = "cluster_texts"
    __table_args__ = (Index("ix_cluster_texts_unplaced", "key", **_UNPLACED),)

    key: Mapped[int] = mapped_column(_Hash, primary_key=True, autoincrement=False)
    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"))
    bands: Mapped[bytes] = mapped_column(LargeBinary)
    cluster_id: Mapped[Id] = mapped_column(index=True, default_factory=new_id)
    placed: Mapped[bool] = mapped_column(default=False)


class ClusterBand(Base):
    """A band that some placed text has. Others may have it as well, then they are of the same cluster."""

    __tablename__ = "cluster_bands"

    hash: Mapped[int] = mapped_column(_Hash, primary_key=True, autoincrement=False)
    text_key: Mapped[int] = mapped_column(_Hash)


class ClusterPost(Base):
    """Which text the version `number` of a post has under a mandate; None: no words, so that it is like nothing.

    `assessed_at` is when the version was assessed: the newest says how far the stage has come.
    """

    __tablename__ = "cluster_posts"

    post_id: Mapped[Id] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    mandate_id: Mapped[Id] = mapped_column(ForeignKey("mandates.id"), primary_key=True)
    number: Mapped[int]
    text_key: Mapped[int | None] = mapped_column(_Hash, index=True)
    assessed_at: Mapped[dt.datetime] = mapped_column(index=True)


def pack_bands(hashes: Sequence[int]) -> bytes:
    """Band hashes as `ClusterText` keeps them: 8 bytes each, signed, big-endian."""
    return struct.pack(f">{len(hashes)}q", *hashes)


def unpack_bands(packed: bytes) -> tuple[int, ...]:
    """The band hashes."""
    return struct.unpack(f">{len(packed) // 8}q", packed)
