"""Alembic migrations; `upgrade` brings a database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from models.database import translated_errors


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest revision; safe to repeat.

    Raises:
        StorageError: the database cannot be opened or written.
    """
    with translated_errors(), engine.connect() as connection, connection.begin():
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Whether the schema is at the newest revision.

    Raises:
        StorageError: the database cannot be opened.
    """
    head = ScriptDirectory.from_config(_config()).get_current_head()
    with translated_errors(), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
