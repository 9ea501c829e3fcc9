"""What a crawled post costs on disk, against the compressed raw bytes it was read from."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select

from models.bodies import Body, read_body
from models.targets import Fetch
from pipeline.application import Application
from pipeline.bench.crawling import crawled
from pipeline.bench.figures import Aim, Figure, Goal
from pipeline.bench.size import Size
from pipeline.bench.timelines import timelines

GOAL = Goal(Aim.AT_MOST, 1.5)
UNIT = "kB per 1.000 unggahan"


def measure_storage(size: Size) -> list[Figure]:
    """Kilobytes in the database for a thousand posts, their raw responses included.

    One round: the same crawl fills the same bytes.
    """
    with timelines(size) as addresses, crawled(addresses) as done:
        database, indices = _database_bytes(done.app.settings.home / "netra.sqlite")
        bodies = list(_raw_bodies(done.app))
        packed = _packed_bytes(done.app)
        compressed = sum(len(gzip.compress(body)) for body in bodies)
    thousands = done.posts / 1_000
    total, least = database, compressed + indices
    parts = {"basis data": database, "indeks di dalamnya": indices, "respons di dalamnya": packed, "gzip": compressed}
    note = ", ".join(f"{name} {part / thousands / 1_000:.0f}" for name, part in parts.items())
    return [
        Figure(
            "Penyimpanan hasil crawl", UNIT, (total / thousands / 1_000,),
            "gzip respons mentah + indeks", (least / thousands / 1_000,), GOAL, note,
        )
    ]  # fmt: skip


def _database_bytes(path: Path) -> tuple[int, int]:
    """Bytes of the file when it is packed, and of the indices in it (https://sqlite.org/dbstat.html)."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("VACUUM")
        (total,) = connection.execute("SELECT sum(pgsize) FROM dbstat").fetchone()
        (indices,) = connection.execute(
            "SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_master WHERE type = 'index')"
        ).fetchone()
    finally:
        connection.close()
    return int(total), int(indices)


def _packed_bytes(app: Application) -> int:
    with app.database.read() as session:
        return session.scalar(select(func.sum(func.length(Body.packed)))) or 0


def _raw_bodies(app: Application) -> Iterator[bytes]:
    with app.database.read() as session:
        for digest in session.scalars(select(Fetch.body_sha256).distinct()):
            yield read_body(session, app.evidence, digest)
