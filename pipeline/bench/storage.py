"""What a crawled post costs on disk, against the compressed raw bytes it was read from."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator, Mapping

from sqlalchemy import select, update

from models.bodies import read_body
from models.posts import Sighting, SightingState
from models.targets import Fetch
from pipeline.application import Application
from pipeline.bench.crawling import crawled
from pipeline.bench.figures import Aim, Figure, Goal
from pipeline.bench.scratch import scratch
from pipeline.bench.size import Size
from pipeline.bench.timelines import timelines

GOAL = Goal(Aim.AT_MOST, 1.5)
UNIT = "MB per juta unggahan"
_INDICES = "indeks"
_PARTS = {
    "bodies": "respons mentah",
    "posts": "unggahan",
    "post_versions": "versi",
    "log_entries": "jejak audit",
    "sightings": "penampakan",
}


def measure_storage(size: Size) -> list[Figure]:
    """Megabytes in the database for a million posts, their raw responses included, once they are assessed.

    What an empty installation holds is left out. One round: the same crawl fills the same bytes.
    """
    with scratch() as empty:
        before = _bytes_of(empty)
    with timelines(size) as addresses, crawled(addresses) as done:
        with done.app.database.write() as session:
            session.execute(update(Sighting).values(state=SightingState.ASSESSED))
        after = _bytes_of(done.app)
        compressed = sum(len(gzip.compress(body)) for body in _raw_bodies(done.app))
    grown = {part: (after[part] - before[part]) / done.posts for part in after}
    least = compressed / done.posts + grown[_INDICES]
    note = ", ".join(f"{part} {each:.0f}" for part, each in sorted(grown.items(), key=lambda item: -item[1]))
    return [
        Figure(
            "Penyimpanan hasil crawl", UNIT, (sum(grown.values()),), "gzip respons mentah + indeks", (least,), GOAL,
            f"{note}; gzip respons mentah {compressed / done.posts:.0f}",
        )
    ]  # fmt: skip


def _bytes_of(app: Application) -> Mapping[str, int]:
    """Bytes of the packed database by part (https://sqlite.org/dbstat.html)."""
    connection = sqlite3.connect(app.settings.home / "netra.sqlite")
    try:
        connection.execute("VACUUM")
        rows = connection.execute(
            "SELECT dbstat.name, coalesce(type, 'table'), sum(pgsize) FROM dbstat "
            "LEFT JOIN sqlite_master ON sqlite_master.name = dbstat.name GROUP BY dbstat.name"
        ).fetchall()
    finally:
        connection.close()
    found = dict.fromkeys([_INDICES, *_PARTS.values(), "lainnya"], 0)
    for name, kind, size in rows:
        found[_INDICES if kind == "index" else _PARTS.get(name, "lainnya")] += size
    return found


def _raw_bodies(app: Application) -> Iterator[bytes]:
    with app.database.read() as session:
        for digest in session.scalars(select(Fetch.body_sha256).distinct()):
            yield read_body(session, app.evidence, digest)
