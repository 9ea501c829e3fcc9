"""The log is dense, in the transaction of what it tells, signed, and free of names."""

from __future__ import annotations

import base64
import concurrent.futures
import datetime as dt
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, select, update

from models.errors import BadInput, EvidenceDamaged
from models.log import Checkpoint, LogEntry, LogWords, record, sign_checkpoint
from models.merkle import CompactRange, leaf_hash

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
ORIGIN = "netra.example.invalid/log"


def note(database, count=1, **more):
    with database.write() as session:
        for number in range(count):
            record(session, "test.done", f"tests:{number}", actor="test", number=number, **more)


def entries(database):
    with database.read() as session:
        return session.scalars(select(LogEntry).order_by(LogEntry.seq)).all()


def sign(database, key=KEY):
    with database.write() as session:
        return sign_checkpoint(session, key, origin=ORIGIN)


def test_entries_stand_in_the_order_in_which_they_were_recorded(database):
    note(database, 3)
    note(database, 2)
    rows = entries(database)
    assert [row.seq for row in rows] == [0, 1, 2, 3, 4]
    assert [json.loads(row.entry)["facts"]["number"] for row in rows] == [0, 1, 2, 0, 1]
    assert all(row.leaf_hash == leaf_hash(row.entry) for row in rows)


def test_a_transaction_that_fails_leaves_no_entry(database):
    with pytest.raises(ZeroDivisionError), database.write() as session:  # noqa: PT012 - fails after recording
        record(session, "test.done", "tests:1", actor="test")
        raise ZeroDivisionError
    assert entries(database) == []


def test_what_a_savepoint_took_back_is_not_logged(database):
    with database.write() as session:
        record(session, "test.before", "tests:1", actor="test")
        with pytest.raises(ZeroDivisionError), session.begin_nested():  # noqa: PT012 - fails after recording
            record(session, "test.outer", "tests:1", actor="test")
            with session.begin_nested():
                record(session, "test.inner", "tests:1", actor="test")
            raise ZeroDivisionError
        with session.begin_nested():
            record(session, "test.kept", "tests:1", actor="test")
    assert [row.action for row in entries(database)] == ["test.before", "test.kept"]


def test_an_early_commit_writes_the_log_with_it(database):
    with database.write() as session:
        record(session, "test.done", "tests:1", actor="test")
        session.commit()
    assert len(entries(database)) == 1


def test_facts_are_logged_as_they_were_when_recorded(sqlite_database):
    facts = ["a"]
    with sqlite_database.write() as session:
        record(session, "test.done", "tests:1", actor="test", facts=facts)
        facts.append("b")
    assert json.loads(entries(sqlite_database)[0].entry)["facts"] == {"facts": ["a"]}


def test_a_fact_that_json_cannot_hold_is_refused_at_once(sqlite_database):
    with sqlite_database.write() as session, pytest.raises(BadInput):
        record(session, "test.done", "tests:1", actor="test", number=2**60)
    assert entries(sqlite_database) == []


def test_a_time_without_a_zone_is_refused(sqlite_database):
    with sqlite_database.write() as session, pytest.raises(ValueError, match="without a zone"):
        record(session, "test.done", "tests:1", actor="test", at=dt.datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_sequence_stays_dense_under_concurrent_writers(database):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: note(database, 3), range(16)))
    rows = entries(database)
    assert [row.seq for row in rows] == list(range(48))
    numbers = [json.loads(row.entry)["facts"]["number"] for row in rows]
    assert numbers == [0, 1, 2] * 16, "a transaction's entries stand together"


def test_free_words_lie_beside_the_log_and_can_be_erased(sqlite_database):
    with sqlite_database.write() as session:
        record(session, "test.done", "tests:1", actor="test", words={"reason": "karena Sari Melur", "empty": ""})
    (row,) = entries(sqlite_database)
    assert b"Melur" not in row.entry
    with sqlite_database.read() as session:
        words = session.scalars(select(LogWords)).one()
    assert words.words == {"reason": "karena Sari Melur"}
    assert json.loads(row.entry)["words"] == words.commitment()
    with sqlite_database.write() as session:
        session.execute(delete(LogWords))
    assert sign(sqlite_database).tree_size == 1


def test_an_entry_without_words_promises_none(sqlite_database):
    with sqlite_database.write() as session:
        record(session, "test.done", "tests:1", actor="test", words={"reason": ""})
    assert "words" not in json.loads(entries(sqlite_database)[0].entry)


def test_a_checkpoint_verifies_as_a_signed_note_over_the_recomputed_tree(sqlite_database):
    note(sqlite_database, 5)
    checkpoint = sign(sqlite_database)
    body, _, signatures = checkpoint.note.partition("\n\n")
    body += "\n"
    origin, size, root = body.splitlines()
    tree = CompactRange()
    for row in entries(sqlite_database):
        tree.append(leaf_hash(row.entry))
    assert (origin, int(size), base64.b64decode(root)) == (ORIGIN, 5, tree.root())
    dash, name, blob = signatures.split()
    public = KEY.public_key()
    key_id = hashlib.sha256(f"{ORIGIN}\n".encode() + b"\x01" + public.public_bytes_raw()).digest()[:4]
    assert (dash, name, base64.b64decode(blob)[:4]) == ("—", ORIGIN, key_id)
    public.verify(base64.b64decode(blob)[4:], body.encode())


def test_checkpoints_carry_on_where_the_last_ended(database):
    heads = []
    for count in (3, 1, 6):
        note(database, count)
        heads.append(sign(database))
    assert sign(database) is None
    tree, roots = CompactRange(), {}
    for row in entries(database):
        tree.append(row.leaf_hash)
        roots[tree.size] = tree.root()
    assert [(head.tree_size, head.root_hash) for head in heads] == [(size, roots[size]) for size in (3, 4, 10)]


@pytest.mark.parametrize("missing", [0, 4, 6])
def test_a_removed_entry_stops_the_next_checkpoint(sqlite_database, missing):
    note(sqlite_database, 5)
    if missing >= 4:
        sign(sqlite_database)
    note(sqlite_database, 3)
    with sqlite_database.write() as session:
        session.execute(delete(LogEntry).where(LogEntry.seq == missing))
    with pytest.raises(EvidenceDamaged, match=f"log entry {missing} is missing"):
        sign(sqlite_database)


def test_a_log_cut_back_behind_its_checkpoint_is_noticed(sqlite_database):
    note(sqlite_database, 5)
    sign(sqlite_database)
    with sqlite_database.write() as session:
        session.execute(delete(LogEntry).where(LogEntry.seq >= 3))
    with pytest.raises(EvidenceDamaged, match="missing"):
        sign(sqlite_database)


def test_an_altered_checkpoint_is_not_carried_on(sqlite_database):
    note(sqlite_database, 5)
    sign(sqlite_database)
    with sqlite_database.write() as session:
        session.execute(update(Checkpoint).values(frontier=b"x" * 64))
    with pytest.raises(EvidenceDamaged, match="frontier"):
        sign(sqlite_database)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb"])
def test_an_origin_that_no_verifier_could_read_is_refused(sqlite_database, origin):
    with sqlite_database.write() as session, pytest.raises(BadInput, match="log origin"):
        sign_checkpoint(session, KEY, origin=origin)
