"""A stolen database names nobody."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from sqlalchemy import select

from models.errors import StorageError
from models.log import LogEntry
from models.mandates import Mandate
from models.people import CivilServant, Person, RosterEntry, StaffStatus, enrol, namesakes, open_person
from models.vault import Vault, commitment

PERSON = Person(
    "Tirta Kusuma Wardhani", "197706152005012009", StaffStatus.PNS, "Analis", "Dinas Perikanan Seruni", "Pemkab"
)


def enrolled(world, person=PERSON):
    with world.database.write() as session:
        return enrol(session, world.vault, session.get_one(Mandate, world.mandate.id), person, actor="test")


def test_no_detail_of_a_person_stands_in_the_database_files_in_the_clear(sqlite_world, sqlite_url):
    row = enrolled(sqlite_world)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    files = list(path.parent.glob(path.name + "*"))
    assert len(files) == 3, "the file, its log and its index"
    on_disk = b"".join(file.read_bytes() for file in files)
    assert row.id.encode() in on_disk
    for detail in (PERSON.nip, "Tirta", "Wardhani", "Dinas Perikanan Seruni", "Analis"):
        assert detail.encode() not in on_disk
        assert detail.encode("utf-16-le") not in on_disk


def test_a_person_opens_with_the_key_and_in_their_own_row(sqlite_world):
    row = enrolled(sqlite_world)
    assert open_person(sqlite_world.vault, row) == PERSON
    with pytest.raises(StorageError):
        open_person(Vault(sealing_key=b"x" * 32, index_key=b"x" * 32, signing_key=b"x" * 32), row)
    with sqlite_world.database.read() as session:
        other = session.get_one(CivilServant, sqlite_world.person.id)
        other_sealed = other.sealed
    with pytest.raises(StorageError):
        sqlite_world.vault.unseal(other_sealed, context=row.id)


def test_the_same_number_is_the_same_person_with_details_renewed(world):
    moved = dataclasses.replace(PERSON, unit="Dinas Pariwisata")
    first, again, once_more = enrolled(world), enrolled(world, moved), enrolled(world, moved)
    assert first.id == again.id == once_more.id
    assert open_person(world.vault, once_more) == moved
    with world.database.read() as session:
        about = select(LogEntry.action).where(LogEntry.subject == f"civil_servants:{first.id}").order_by(LogEntry.seq)
        assert session.scalars(about).all() == ["roster.enrolled", "person.renewed"]
        assert len(session.scalars(select(RosterEntry).where(RosterEntry.civil_servant_id == first.id)).all()) == 1


def test_the_log_commits_to_the_number_with_the_persons_own_salt(sqlite_world):
    row = enrolled(sqlite_world)
    with sqlite_world.database.read() as session:
        entry = session.scalars(select(LogEntry.entry).where(LogEntry.subject == f"civil_servants:{row.id}")).one()
    assert json.loads(entry)["facts"]["nip"] == commitment(row.salt, PERSON.nip)
    assert PERSON.nip.encode() not in entry


def test_namesakes_are_found_whatever_case_and_spacing(sqlite_world):
    row = enrolled(sqlite_world)
    enrolled(sqlite_world, dataclasses.replace(PERSON, name="  TIRTA kusuma   WARDHANI", nip="198001012006042001"))
    enrolled(sqlite_world, dataclasses.replace(PERSON, name="Tirta Kusuma", nip="198101012006042001"))
    with sqlite_world.database.read() as session:
        assert namesakes(session, row) == 1
