"""The migrations build exactly the tables that the code declares."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from models import schema
from models.database import open_database
from models.migrations import is_current, upgrade


def test_the_newest_revision_is_what_the_tables_declare(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.METADATA) == []
    assert is_current(database.engine)


def test_upgrading_twice_changes_nothing(tmp_path):
    database = open_database(f"sqlite:///{tmp_path / 'netra.sqlite'}")
    assert not is_current(database.engine)
    upgrade(database.engine)
    upgrade(database.engine)
    assert is_current(database.engine)
    database.close()
