"""That an account is a person's is a claim: one officer asserts it, another verifies it, one at a time."""

from __future__ import annotations

import concurrent.futures
import threading

import pytest
from sqlalchemy import select

from models.accounts import (
    Account,
    Attribution,
    AttributionState,
    Confidence,
    claim_attribution,
    reject_attribution,
    save_account,
    suspend_attribution,
    verified_attribution,
    verify_attribution,
)
from models.errors import BadInput, Conflict, IllegalTransition, NotAllowed
from models.log import LogEntry
from models.people import CivilServant


def claim(session, world, handle="@baru@example.invalid", evidence="Tautan", officer=None):
    account = save_account(session, source="mastodon", handle=handle, url="https://example.invalid/@baru", actor="test")
    person = session.get_one(CivilServant, world.person.id)
    return claim_attribution(session, account, person, officer or world.operator, evidence=evidence,
                             confidence=Confidence.SINGLE_SOURCE)  # fmt: skip


def test_whoever_asserted_a_claim_cannot_verify_it(sqlite_world):
    with sqlite_world.database.write() as session:
        attribution = claim(session, sqlite_world)
        assert verified_attribution(session, attribution.account_id) is None
        with pytest.raises(NotAllowed, match="another officer"):
            verify_attribution(session, attribution, sqlite_world.operator)
        verify_attribution(session, attribution, sqlite_world.second_operator)
        assert verified_attribution(session, attribution.account_id).verified_by == sqlite_world.second_operator.id


def test_a_claim_rests_on_something(sqlite_world):
    with sqlite_world.database.write() as session, pytest.raises(BadInput, match="rests on"):
        claim(session, sqlite_world, evidence=" \n")


def test_a_supervisor_cannot_assert_and_an_auditor_cannot_verify(sqlite_world):
    with sqlite_world.database.write() as session:
        with pytest.raises(NotAllowed):
            claim(session, sqlite_world, officer=sqlite_world.supervisors[0])
        attribution = claim(session, sqlite_world)
        with pytest.raises(NotAllowed):
            verify_attribution(session, attribution, sqlite_world.auditor)


def test_a_rejected_account_may_be_claimed_again_and_a_live_one_not(world):
    with world.database.write() as session:
        reject_attribution(session, claim(session, world), world.second_operator, reason="orang lain")
        claim(session, world)
        with pytest.raises(BadInput, match="already"):
            claim(session, world)


def test_a_suspended_attribution_is_out_of_use_and_stays_so(sqlite_world):
    with sqlite_world.database.write() as session:
        attribution = session.scalars(select(Attribution)).one()
        suspend_attribution(session, attribution, sqlite_world.operator, reason="bukan akun saya")
        assert verified_attribution(session, attribution.account_id) is None
        for step in (verify_attribution, lambda *args: reject_attribution(*args, reason="x")):
            with pytest.raises(IllegalTransition):
                step(session, attribution, sqlite_world.second_operator)


def test_of_two_officers_who_claim_the_same_account_at_once_one_does(world):
    gate = threading.Barrier(2)

    def assert_it(officer):
        gate.wait()
        try:
            with world.database.write() as session:
                claim(session, world, officer=officer)
        except (BadInput, Conflict):
            return "refused"
        return "claimed"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(assert_it, [world.operator, world.second_operator])) == ["claimed", "refused"]


def test_of_a_verification_and_a_rejection_at_once_one_counts(world):
    with world.database.write() as session:
        attribution_id = claim(session, world).id
    gate = threading.Barrier(2)

    def decide(step):
        try:
            with world.database.write() as session:
                row = session.get_one(Attribution, attribution_id)
                if world.database.engine.dialect.name == "postgresql":  # SQLite lets one writer in at a time
                    gate.wait(timeout=30)
                step(session, row)
        except IllegalTransition:
            return False
        return True

    steps = [lambda session, row: verify_attribution(session, row, world.second_operator),
             lambda session, row: reject_attribution(session, row, world.supervisors[0], reason="ragu")]  # fmt: skip
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(decide, steps)) == [False, True]
    with world.database.read() as session:
        about = select(LogEntry.action).where(LogEntry.subject == f"attributions:{attribution_id}")
        actions = set(session.scalars(about))
        state = session.get_one(Attribution, attribution_id).state
    assert actions == {"attribution.claimed", f"attribution.{state.value}"}
    assert state in {AttributionState.VERIFIED, AttributionState.REJECTED}


def test_an_account_is_one_row_for_its_source_and_handle(sqlite_world):
    with sqlite_world.database.write() as session:
        rows = [save_account(session, source="mastodon", handle="@x", url="u", actor="test") for _ in range(2)]
        assert rows[0] is rows[1]
        assert len(session.scalars(select(Account).where(Account.handle == "@x")).all()) == 1
