"""What every table shares: dataclass constructors, UTC times, words stored as short text."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated, Any, ClassVar, cast

from sqlalchemy import JSON, DateTime, Dialect, Enum, LargeBinary, MetaData, String, Table, TypeDecorator
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column

from models.clock import as_utc
from models.ids import ID_LENGTH, new_id

__all__ = [
    "Base",
    "HexDigest",
    "Id",
    "JsonObject",
    "Row",
    "Sha256",
    "UtcDateTime",
    "insert_into",
    "insert_row",
    "lock_row",
]

JsonObject = dict[str, Any]

Id = Annotated[str, mapped_column(String(ID_LENGTH))]


class UtcDateTime(TypeDecorator[dt.datetime]):
    """Refuses naive times; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """To UTC."""
        del dialect
        return None if value is None else as_utc(value)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """From UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class HexDigest(TypeDecorator[str]):
    """A SHA-256 as 64 hexadecimal digits in Python, as 32 bytes in the database: half the size, in every index too.

    What is no digest equals none.
    """

    impl = LargeBinary(32)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """To bytes."""
        del dialect
        try:
            return None if value is None else bytes.fromhex(value)
        except ValueError:
            return b""

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """From bytes."""
        del dialect
        return None if value is None else value.hex()


Sha256 = Annotated[str, mapped_column(HexDigest)]


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    """Parent of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dt.datetime: UtcDateTime(),
        JsonObject: JSON(),
        list[JsonObject]: JSON(),
        list[str]: JSON(),
        list[list[float]]: JSON(),
        enum.Enum: Enum(
            enum.Enum,
            native_enum=False,
            length=32,
            values_callable=lambda words: [word.value for word in words],
        ),
    }


class Row(Base):
    """A table whose rows have a sortable id."""

    __abstract__ = True

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default_factory=new_id, init=False)


def storable(text: str) -> str:
    """`text` without NUL and lone surrogates, which PostgreSQL and UTF-8 refuse."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def lock_row(session: Session, row: Base) -> None:
    """Read the row again and hold it until the transaction ends: of two steps at the same instant, the second
    sees what the first left. SQLite has one writer at a time anyway.
    """
    session.flush()
    session.refresh(row, with_for_update=True)


def insert_into(session: Session, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what happens on a conflict, in the form of this session's database.

    It is one of SQLAlchemy's core, not of its unit of work: rows give every column that has no default in the database.
    """
    rows = cast("Table", table.__table__)
    return postgresql.insert(rows) if session.get_bind().dialect.name == "postgresql" else sqlite.insert(rows)


def insert_row(session: Session, row: Base) -> None:
    """Insert `row` at once and by itself, for tables that fill fast: it does not become part of the session."""
    values = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    session.execute(insert_into(session, type(row)), values)
