"""Raw bytes in the database: kept once, verified when read, erased when nobody met them lately."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.bodies import Body, erase_bodies, is_whole, keep_body, kept_here, read_body
from models.canonical import sha256_hex
from models.clock import utc_now
from models.errors import EvidenceDamaged, NotFound

NOW = utc_now()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=5_000))
def test_what_is_kept_is_read_back(sqlite_database, evidence, data):
    with sqlite_database.write() as session:
        digest = keep_body(session, data)
    assert digest == sha256_hex(data)
    with sqlite_database.read() as session:
        assert read_body(session, evidence, digest) == data


def test_the_same_bytes_are_kept_once_and_small(database):
    with database.write() as session:
        first = keep_body(session, b"halaman yang sama " * 1_000)
        assert keep_body(session, b"halaman yang sama " * 1_000) == first
    with database.read() as session:
        assert len(session.get_one(Body, first).packed) < 200


def test_an_imported_files_bytes_are_found_in_the_evidence_store(database, evidence):
    digest = evidence.put(b"dari berkas")
    with database.read() as session:
        assert read_body(session, evidence, digest) == b"dari berkas"
        assert kept_here(session, [digest]) == set()


def test_bytes_that_were_altered_or_are_missing_are_told(database, evidence):
    with database.write() as session:
        damaged, swapped = keep_body(session, b"satu"), keep_body(session, b"dua")
        session.get_one(Body, damaged).packed = b"bukan zstd"
        session.get_one(Body, swapped).packed = session.get_one(Body, keep_body(session, b"tiga")).packed
    with database.read() as session:
        for digest in (damaged, swapped):
            assert not is_whole(session, evidence, digest)
            with pytest.raises(EvidenceDamaged):
                read_body(session, evidence, digest)
        with pytest.raises(NotFound):
            read_body(session, evidence, "0" * 64)


def test_bodies_met_a_moment_ago_are_spared(database):
    with database.write() as session:
        old = keep_body(session, b"lama", at=NOW - dt.timedelta(hours=1))
        fresh = keep_body(session, b"baru", at=NOW)
        met_again = keep_body(session, b"lagi", at=NOW - dt.timedelta(hours=1))
        keep_body(session, b"lagi", at=NOW)
        session.flush()
        wanted = [old, fresh, met_again]
        assert list(erase_bodies(session, wanted, unused_since=NOW - dt.timedelta(minutes=2))) == [old]
        assert kept_here(session, wanted) == {fresh, met_again}
