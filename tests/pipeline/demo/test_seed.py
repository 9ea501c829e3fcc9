"""Seeding fills a fresh installation once, by the rules everybody else must follow too."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from models.accounts import Attribution, AttributionState
from models.clock import utc_now
from models.errors import NoMandate
from models.mandates import Mandate
from models.officers import Role
from models.people import CivilServant, open_person
from models.schema import METADATA
from models.targets import Target, require_permission
from pipeline.demo.seed import seed
from pipeline.demo.world import load_world

SQUARE_URL = "http://127.0.0.1:8010/"


def everything(database):
    with database.read() as session:
        return {table.name: sorted(map(repr, session.execute(select(table)).all())) for table in METADATA.sorted_tables}


def test_seeding_twice_changes_nothing_at_all(database, vault):
    logins = seed(database, vault, square_url=SQUARE_URL, hash_password=lambda password: f"first {password}")
    before = everything(database)
    again = seed(database, vault, square_url=SQUARE_URL, hash_password=lambda password: f"second {password}")
    after = everything(database)
    assert again == logins
    before.pop("civil_servants"), after.pop("civil_servants")  # sealed anew each time, under another nonce
    assert after == before


def test_there_is_a_login_for_every_role_and_two_or_more_where_two_must_agree(sqlite_database, vault):
    hashed = []
    logins = seed(sqlite_database, vault, square_url=SQUARE_URL, hash_password=lambda word: hashed.append(word) or word)
    roles = [role for login in logins for role in login.roles]
    assert set(roles) == set(Role)
    assert (roles.count(Role.OPERATOR), roles.count(Role.SUPERVISOR)) == (2, 3)
    assert hashed == [login.password for login in logins]


def test_the_mandate_is_in_force_and_two_officers_stand_behind_it(sqlite_database, vault):
    seed(sqlite_database, vault, square_url=SQUARE_URL, hash_password=str)
    with sqlite_database.read() as session:
        mandate = session.scalars(select(Mandate)).one()
        assert mandate.covers(utc_now())
        assert mandate.entered_by != mandate.approved_by


def test_verified_accounts_and_the_feed_may_be_crawled_and_no_others(sqlite_database, vault):
    seed(sqlite_database, vault, square_url=SQUARE_URL, hash_password=str)
    refused = set()
    with sqlite_database.read() as session:
        targets = session.scalars(select(Target)).all()
        for target in targets:
            try:
                require_permission(session, target, utc_now())
            except NoMandate:
                refused.add(target.address.rpartition("@")[2])
        states = dict(session.execute(select(Attribution.state, func.count()).group_by(Attribution.state)).all())
        assert all(row.verified_by != row.asserted_by for row in session.scalars(select(Attribution)))
    assert refused == {"prasetya_ngr", "kencana_tm"}
    assert len(targets) == len(load_world().rostered()) + 1
    assert states == {AttributionState.VERIFIED: 12, AttributionState.CLAIMED: 1, AttributionState.SUSPENDED: 1}


def test_nobodys_name_or_number_stands_in_the_database_in_the_clear(sqlite_database, vault):
    seed(sqlite_database, vault, square_url=SQUARE_URL, hash_password=str)
    dump = repr(everything(sqlite_database))
    with sqlite_database.read() as session:
        people = [open_person(vault, row) for row in session.scalars(select(CivilServant))]
    assert {person.nip for person in people} == {person.nip for _, person in load_world().rostered()}
    assert not [person.nip for person in people if person.nip in dump]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9999", "http://127.0.0.1:9999/"])
def test_targets_point_at_the_square_that_runs(sqlite_database, vault, url):
    seed(sqlite_database, vault, square_url=url, hash_password=str)
    with sqlite_database.read() as session:
        addresses = set(session.scalars(select(Target.address)))
    assert {"http://127.0.0.1:9999/dinas/feed.xml", "http://127.0.0.1:9999/@sekar_melur"} < addresses
