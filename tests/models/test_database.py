"""One door: whole transactions or none, and one clear error when the machine fails."""

from __future__ import annotations

import sqlite3
import threading

import pytest
from sqlalchemy import event, select

from models.clock import utc_now
from models.database import open_database
from models.errors import BadInput, Conflict, StorageError
from models.ids import new_id
from models.log import LogEntry, record
from models.mandates import Contest, save_contest
from models.migrations import is_current, upgrade
from models.officers import LoginSession, Officer, Role, add_officer


def add(session, username="sari"):
    return add_officer(session, username=username, name="Sari", position="Staf", password_hash="x",
                       roles=[Role.AUDITOR], actor="test")  # fmt: skip


def counts(database):
    with database.read() as session:
        return len(session.scalars(select(Officer)).all()), len(session.scalars(select(LogEntry)).all())


def test_a_write_inside_a_write_is_refused_at_once_instead_of_waiting_for_itself(database):
    with database.write() as session:
        with pytest.raises(RuntimeError, match="inside"), database.write():
            pass
        add(session)
    with database.write() as session:
        add(session, "melur")
    assert counts(database) == (2, 2)


def test_a_change_made_while_reading_is_an_error_and_not_lost_in_silence(database):
    with database.write() as session:
        add(session)
    with pytest.raises(RuntimeError, match="changes nothing"), database.read() as session:
        session.scalars(select(Officer)).one().active = False
    with pytest.raises(RuntimeError, match="logs nothing"), database.read() as session:
        record(session, "test.done", "tests:1", actor="test")
    with database.read() as session:
        assert session.scalars(select(Officer)).one().active


def test_what_was_read_stays_readable_afterwards(sqlite_database):
    with sqlite_database.write() as session:
        add(session)
    with sqlite_database.read() as session:
        officer = session.scalars(select(Officer)).one()
    assert officer.username == "sari"


def test_a_reading_session_sees_one_moment(database):
    with database.read() as session:
        assert session.scalars(select(Officer)).all() == []
        thread = threading.Thread(target=lambda: _write_one(database))
        thread.start()
        thread.join()
        assert session.scalars(select(Officer)).all() == []
    assert counts(database) == (1, 1)


def _write_one(database):
    with database.write() as session:
        add(session)


def test_two_who_store_the_same_at_the_same_moment_get_one_row_and_one_conflict(database, contest_spec):
    gate, outcomes = threading.Barrier(2), []

    def save():
        try:
            with database.write() as session:
                save_contest(session, contest_spec, actor="test")
                if database.engine.dialect.name == "postgresql":
                    gate.wait(timeout=30)
            outcomes.append("stored")
        except Conflict:
            outcomes.append("conflict")

    threads = [threading.Thread(target=save) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert len(session.scalars(select(Contest)).all()) == 1
        logged = len(session.scalars(select(LogEntry)).all())
    expected = ["stored", "stored"] if database.engine.dialect.name == "sqlite" else ["conflict", "stored"]
    assert sorted(outcomes) == expected
    assert logged == outcomes.count("stored")


def test_a_value_the_database_cannot_hold_is_bad_input(postgres_url):
    database = open_database(postgres_url)
    with pytest.raises(BadInput, match="does not fit"), database.write() as session:
        add(session, "a\0b")
    with pytest.raises(BadInput, match="does not fit"), database.write() as session:
        add(session, "a" * 65)
    database.close()


def test_a_full_disk_is_one_clear_error_and_nothing_is_half_written(sqlite_url):
    database = open_database(sqlite_url)
    with database.read() as session:
        pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar()
    database.close()
    database = open_database(sqlite_url)
    event.listen(
        database.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA max_page_count={pages + 1}")
    )
    with pytest.raises(StorageError, match="full"), database.write() as session:  # noqa: PT012 - fails in between
        officer = add(session)
        session.flush()
        for number in range(200):
            session.add(
                LoginSession(
                    token_hash=f"{number:064}",
                    officer_id=officer.id,
                    csrf_token="x" * 64,
                    created_at=utc_now(),
                    expires_at=utc_now(),
                )
            )
    assert counts(database) == (0, 0)
    database.close()


def test_a_locked_database_is_a_storage_error(sqlite_url, monkeypatch):
    monkeypatch.setattr("models.database.BUSY_TIMEOUT_MS", 50)
    database = open_database(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"), database.write() as session:
        add(session)
    other.close()
    database.close()


def test_a_file_that_is_no_database_is_a_storage_error(tmp_path):
    (tmp_path / "netra.sqlite").write_bytes(b"not a database" * 1_000)
    database = open_database(f"sqlite:///{tmp_path / 'netra.sqlite'}")
    with pytest.raises(StorageError, match="not a database"), database.read() as session:
        session.scalars(select(Officer)).all()
    with pytest.raises(StorageError, match="not a database"):
        upgrade(database.engine)
    database.close()


def test_a_database_nobody_prepared_is_a_storage_error(tmp_path):
    database = open_database(f"sqlite:///{tmp_path / 'netra.sqlite'}")
    assert not is_current(database.engine)
    with pytest.raises(StorageError, match="no such table"), database.read() as session:
        session.scalars(select(Officer)).all()
    database.close()


@pytest.mark.parametrize("url", ["", "nonsense", "oracle+nothing://x", "sqlite+nothing:///x"])
def test_an_unusable_address_is_bad_input(url):
    with pytest.raises(BadInput, match="database URL"):
        open_database(url)


def test_a_directory_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot make"):
        open_database(f"sqlite:///{tmp_path / 'file' / 'netra.sqlite'}")


def test_sqlite_keeps_what_it_acknowledged_and_overwrites_what_it_deletes(sqlite_database):
    with sqlite_database.read() as session:
        pragmas = [
            session.connection().exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        ]
    assert pragmas == ["wal", 2, 1, 1]


def test_ids_made_later_sort_later():
    first = new_id()
    while (later := new_id())[:10] == first[:10]:
        pass
    assert first < later
