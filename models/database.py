"""The one door to the database: SQLite on one machine, PostgreSQL on several (DESIGN §6)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.orm import Session

from models.errors import BadInput
from models.log import append_pending

BUSY_TIMEOUT_MS = 30_000


class Database:
    """Hands out sessions; `write()` commits at the end and appends the audit log, `read()` never writes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # One snapshot from first to last statement, so that a page never mixes two moments.
        isolation = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        self._reader = engine.execution_options(netra_read_only=True, **isolation)

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction. Log entries recorded in it are written with it, or not at all."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session
            append_pending(session)

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A snapshot for reading: what was loaded stays readable afterwards, what was changed is dropped."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open `url` (SQLAlchemy form, `sqlite:///file` or `postgresql+psycopg://…`).

    Raises:
        BadInput: the URL is malformed or names an unknown database.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return Database(_sqlite_engine(url))
        return Database(create_engine(parsed, pool_pre_ping=True))
    except (ArgumentError, NoSuchModuleError) as error:
        raise BadInput(f"database URL is not usable: {error}") from error


def _sqlite_engine(url: str) -> Engine:
    """WAL with `synchronous=FULL`: a commit that was acknowledged survives power loss."""
    database = make_url(url).database
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's "begin" event below issues BEGIN itself
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that upgrades from reading to writing fails at once instead of waiting,
    # so writers take the lock at the start and only readers begin deferred.
    read_only = connection.get_execution_options().get("netra_read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
