"""Run by Alembic. The connection comes from `models.migrations.upgrade`, or a scratch database when revising."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import create_engine

from models import schema
from models.base import HexDigest, UtcDateTime


def render_item(kind: str, item: object, _context: Any) -> str | Literal[False]:
    """Migrations name plain SQLAlchemy types, so that old ones outlive changes in `models.base`."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, HexDigest):
        return "sa.LargeBinary(length=32)"
    return False


connection = context.config.attributes.get("connection")
if connection is None:
    url = context.config.get_main_option("sqlalchemy.url") or "sqlite://"
    connection = create_engine(url).connect()
context.configure(connection=connection, target_metadata=schema.METADATA, render_as_batch=True, render_item=render_item)
with context.begin_transaction():
    context.run_migrations()
