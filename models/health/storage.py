"""How much the database and the evidence take, measured once a day, and how fast they grow."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import BigInteger, func, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base
from models.bodies import Body
from models.database import Database
from models.errors import StorageError

GROWTH_DAYS = 7


class StorageDay(Base):
    """Sizes in bytes as they were when the day (UTC) was measured. `bodies_bytes`: raw responses as they are packed,
    which are part of the database.
    """

    __tablename__ = "storage_days"

    day: Mapped[dt.date] = mapped_column(primary_key=True)
    database_bytes: Mapped[int] = mapped_column(BigInteger)
    bodies: Mapped[int] = mapped_column(BigInteger)
    bodies_bytes: Mapped[int] = mapped_column(BigInteger)
    evidence_files: Mapped[int] = mapped_column(BigInteger)
    evidence_bytes: Mapped[int] = mapped_column(BigInteger)
    free_bytes: Mapped[int] = mapped_column(BigInteger)

    @property
    def total_bytes(self) -> int:
        """Everything that grows."""
        return self.database_bytes + self.evidence_bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Storage:
    """The measured days, oldest first (`GROWTH_DAYS` and one at most), and what is free now; sizes in bytes.

    `per_day`: over these days, None before there are two; `days_left`: at that pace, None when it does not grow.
    """

    days: Sequence[StorageDay]
    database_bytes: int
    free_bytes: int

    @property
    def per_day(self) -> int | None:
        """Growth in bytes a day."""
        if len(self.days) < 2:  # noqa: PLR2004 - a difference needs two
            return None
        first, last = self.days[0], self.days[-1]
        return (last.total_bytes - first.total_bytes) // (last.day - first.day).days

    @property
    def days_left(self) -> int | None:
        """Days until nothing is free."""
        pace = self.per_day
        return self.free_bytes // pace if pace is not None and pace > 0 else None


def measure_storage(database: Database, evidence: Path, *, now: dt.datetime) -> int:
    """Write down today's sizes, once; returns 1 when that was done now.

    Raises:
        StorageError: the evidence directory cannot be read.
    """
    day = now.date()
    with database.read() as session:
        if session.get(StorageDay, day) is not None:
            return 0
        size = database_bytes(session)
        bodies, packed = session.execute(select(func.count(), func.sum(func.length(Body.packed)))).one()
    files, kept = _directory(evidence)
    measured = StorageDay(
        day=day, database_bytes=size, bodies=bodies, bodies_bytes=packed or 0, evidence_files=files,
        evidence_bytes=kept, free_bytes=free_bytes(evidence),
    )  # fmt: skip
    with database.write() as session:
        if session.get(StorageDay, day) is None:
            session.add(measured)
    return 1


def storage(session: Session, evidence: Path) -> Storage:
    """What is taken and free."""
    newest = select(StorageDay).order_by(StorageDay.day.desc()).limit(GROWTH_DAYS + 1)
    days = session.scalars(newest).all()[::-1]
    return Storage(days, database_bytes(session), free_bytes(evidence))


def database_bytes(session: Session) -> int:
    """The size of the database's files."""
    if session.get_bind().dialect.name == "postgresql":
        return int(session.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    pages, size = session.scalar(text("PRAGMA page_count")), session.scalar(text("PRAGMA page_size"))
    return int(pages or 0) * int(size or 0)


def free_bytes(directory: Path) -> int:
    """What the disk under a directory (which need not be there yet) still takes.

    Raises:
        StorageError: it cannot be asked.
    """
    there = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    try:
        return shutil.disk_usage(there).free
    except OSError as error:
        raise StorageError(f"{directory}: cannot be read: {error.strerror}") from error


def _directory(root: Path) -> tuple[int, int]:
    """(files, bytes) below it."""
    files = size = 0
    waiting = [root]
    try:
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    else:
                        files, size = files + 1, size + entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return files, size  # swept away meanwhile; the next day measures again
    except OSError as error:
        raise StorageError(f"{root}: cannot be read: {error.strerror}") from error
    return files, size
