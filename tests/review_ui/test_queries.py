"""Lists cost the same number of statements however long they are."""

from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import event


@contextlib.contextmanager
def counted(database):
    """Counts the statements sent meanwhile."""
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", ["/", "/telaah", "/telaah?tab=selesai", "/laporan"])
def test_a_longer_list_needs_no_more_statements(any_site, verdict, path):
    one, two = any_site.sign_in("supervisor1"), any_site.sign_in("supervisor2")

    def grow(count):
        for n in range(count):
            any_site.world.ready_flag(f"menunggu {count} {n}")
            flag = any_site.world.ready_flag(f"selesai {count} {n}")
            one.post(f"/temuan/{flag.id}/putusan", verdict())
            two.post(f"/temuan/{flag.id}/putusan", verdict())

    grow(1)
    with counted(any_site.world.database) as few:
        assert one.get(path).status_code == 200
    grow(3)
    with counted(any_site.world.database) as many:
        assert one.get(path).status_code == 200
    assert len(many) == len(few)
