"""The one door to the database: SQLite on one machine, PostgreSQL on several (docs/design.md §6)."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    IntegrityError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.orm import Session

from models.errors import BadInput, Conflict, NetraError, StorageError
from models.log import append_pending, forget_since_savepoint, has_pending, remember_savepoint

BUSY_TIMEOUT_MS = 30_000
_CHECKPOINT_TIMEOUT_MS = 1_000

_SERIALIZATION_FAILURES = frozenset({"40001", "40P01"})  # PostgreSQL: serialization failure, deadlock
_UNIQUE_VIOLATIONS = frozenset({"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"})


class _Writer(Session):
    """Whoever commits it, its log entries are written in the same transaction; rolled back, they are gone."""


class _Reader(Session):
    """Refuses to write, so that a change made while reading is an error instead of silently lost."""


_writing: contextvars.ContextVar[_Writer | None] = contextvars.ContextVar("netra_writing", default=None)


class Database:
    """Hands out sessions; `write()` commits at the end and appends the audit log, `read()` never writes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # One snapshot from first to last statement, so that a page never mixes two moments.
        isolation = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        self._reader = engine.execution_options(netra_read_only=True, **isolation)

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction. Log entries recorded in it are written with it, or not at all.

        Raises:
            Conflict: somebody else changed or stored the same at the same moment; nothing was written.
            StorageError: the disk is full, or the database is locked, damaged or away; nothing was written.
            BadInput: a value that the database cannot hold.
            RuntimeError: inside another `write()` of this database, where it would wait for itself for ever.
        """
        outer = _writing.get()
        if outer is not None and outer.bind is self.engine and outer.in_transaction():
            raise RuntimeError("write() inside write(): pass the session on instead")
        with translated_errors(), _Writer(self.engine, expire_on_commit=False) as session, session.begin():
            _writing.set(session)
            yield session

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A snapshot for reading; what was loaded in it stays readable afterwards.

        Raises:
            StorageError: the database is locked, damaged or away.
            RuntimeError: something was changed or recorded in it.
        """
        with translated_errors(), _Reader(self._reader, expire_on_commit=False) as session:
            yield session
            session.flush()
            if has_pending(session):
                raise RuntimeError("a read session logs nothing: use write()")

    def settle(self) -> None:
        """SQLite: move the write-ahead log into the database file and empty it, so that erased text leaves the disk.

        Readers that hold an old snapshot can delay it to the next time. PostgreSQL's autovacuum does the like.
        """
        if self.engine.dialect.name != "sqlite":
            return
        with translated_errors(), contextlib.closing(self.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={_CHECKPOINT_TIMEOUT_MS}")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            cursor.close()

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open `url` (SQLAlchemy form, `sqlite:///file` or `postgresql+psycopg://…`).

    Raises:
        BadInput: the URL is malformed or names an unknown database.
        StorageError: the directory of a SQLite file cannot be made.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return Database(_sqlite_engine(url))
        # The dense log needs each statement to see what was committed before it, whatever the server's default.
        return Database(create_engine(parsed, pool_pre_ping=True, isolation_level="READ COMMITTED"))
    except (ArgumentError, NoSuchModuleError) as error:
        raise BadInput(f"database URL is not usable: {error}") from error


@contextlib.contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what the drivers raise into the errors of `models.errors`; what only a bug can cause stays as it is."""
    try:
        yield
    except NetraError:
        raise
    except DataError as error:
        raise BadInput(f"a value does not fit the database: {_first_line(error)}") from error
    except IntegrityError as error:
        if _code(error) not in _UNIQUE_VIOLATIONS:
            raise
        raise Conflict("somebody else stored the same at the same moment; try again") from error
    except OperationalError as error:
        if _code(error) in _SERIALIZATION_FAILURES:
            raise Conflict("somebody else changed the same at the same moment; try again") from error
        raise StorageError(f"database: {_first_line(error)}") from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:
            raise
        raise StorageError(f"database: {_first_line(error)}") from error


def _code(error: DatabaseError) -> str | None:
    """PostgreSQL's SQLSTATE, or SQLite's name of the error."""
    return getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)


def _first_line(error: DatabaseError) -> str:
    return next(iter(str(error.orig).splitlines()), "unknown error")


def _sqlite_engine(url: str) -> Engine:
    """WAL with `synchronous=FULL`: a commit that was acknowledged survives power loss."""
    database = make_url(url).database
    if database and database != ":memory:":
        try:
            Path(database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{database}: cannot make its directory: {error.strerror}") from error
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
    cursor.execute("PRAGMA secure_delete=ON")  # what retention deletes is overwritten, not only unlinked
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that upgrades from reading to writing fails at once instead of waiting,
    # so writers take the lock at the start and only readers begin deferred.
    read_only = connection.get_execution_options().get("netra_read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _refuse_to_flush(session: Session, _context: object, _instances: object) -> None:
    if session.new or session.deleted or any(session.is_modified(row) for row in session.dirty):
        raise RuntimeError("a read session changes nothing: use write()")


event.listen(_Writer, "before_commit", append_pending)
event.listen(_Writer, "after_transaction_create", remember_savepoint)
event.listen(_Writer, "after_soft_rollback", forget_since_savepoint)
event.listen(_Reader, "before_flush", _refuse_to_flush)
