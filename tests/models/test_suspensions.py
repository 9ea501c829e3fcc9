"""“Bukan akun saya”: one person stops an account at once, another than those who stopped it decides what follows."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from models.accounts import (
    Account,
    Attribution,
    AttributionState,
    Channel,
    Confidence,
    Disavowal,
    Source,
    SourceKind,
    Suspension,
    SuspensionCause,
    SuspensionOutcome,
    add_source,
    claim_attribution,
    disavow_attribution,
    end_attribution,
    lower_confidence,
    open_disavowal,
    open_suspensions,
    reinstate_attribution,
    reject_attribution,
    require_attribution,
    save_account,
    sources_of,
    suspend_attribution,
    suspended_accounts,
    verify_attribution,
)
from models.clock import utc_now
from models.database import open_database
from models.errors import BadInput, IllegalTransition, NoMandate, NotAllowed
from models.flags import Flag, FlagState
from models.log import LogEntry, LogWords
from models.mandates import Mandate
from models.migrations import upgrade
from models.people import CivilServant, Person, StaffStatus, enrol
from models.reviews import Answer, Verdict, give_verdict
from models.targets import Target, require_permission
from models.vault import create_key_file

REQUEST = Disavowal("Sari Melur Wening", Channel.LETTER, dt.datetime(2026, 10, 5, 3, tzinfo=dt.UTC),
                    "Akun itu tiruan, saya tidak punya Mastodon.")  # fmt: skip


def verdict(answer=Answer.YES):
    return Verdict(is_person=answer, takes_side=answer, reason="r", exculpatory="tidak ada", acts=("ON-2",))


def the_claim(session):
    return session.scalars(select(Attribution).order_by(Attribution.id).limit(1)).one()


def denied(session, world, officer=None):
    claim = the_claim(session)
    return disavow_attribution(session, world.vault, claim, officer or world.operator, REQUEST)


def test_a_request_stops_the_account_at_once_and_says_who_asked_only_under_the_key(world):
    with world.database.write() as session:
        row = denied(session, world)
        claim = the_claim(session)
        assert claim.state is AttributionState.SUSPENDED
        with pytest.raises(NoMandate):
            require_permission(session, session.get_one(Target, world.target.id), utc_now())
        with pytest.raises(NoMandate, match="ditangguhkan"):
            require_attribution(session, claim.account_id)
        assert suspended_accounts(session, [claim.account_id]) == {claim.account_id}
    with world.database.read() as session:
        stored = session.get_one(Suspension, row.id)
        assert open_disavowal(world.vault, stored) == REQUEST
        assert b"Sari" not in stored.sealed
        told = [bytes(entry) for entry in session.scalars(select(LogEntry.entry))]
        told += [str(words).encode() for words in session.scalars(select(LogWords.words))]
        assert not any(b"tiruan" in entry for entry in told)


def test_a_claim_that_still_waits_is_stopped_too_and_waits_again_when_reinstated(sqlite_world):
    world = sqlite_world
    with world.database.write() as session:
        account = save_account(session, source="x", handle="@baru", url="https://x.invalid/baru", actor="test")
        person = session.get_one(CivilServant, world.person.id)
        claim = claim_attribution(session, account, person, world.operator, evidence="Tautan")
        disavow_attribution(session, world.vault, claim, world.supervisors[0], REQUEST)
        with pytest.raises(IllegalTransition):
            verify_attribution(session, claim, world.second_operator)
        reinstate_attribution(session, claim, world.second_operator, reason="yang meminta orang lain")
        assert claim.state is AttributionState.CLAIMED


def test_whoever_stopped_it_or_claimed_it_does_not_let_it_go_on(sqlite_world):
    world = sqlite_world
    with world.database.write() as session:
        denied(session, world, world.supervisors[0])
        denied(session, world, world.supervisors[1])
        claim = the_claim(session)
        for officer in world.supervisors[:2]:
            with pytest.raises(NotAllowed, match="another officer"):
                reinstate_attribution(session, claim, officer, reason="keliru")
            with pytest.raises(NotAllowed, match="another officer"):
                end_attribution(session, claim, officer, reason="benar")
        with pytest.raises(NotAllowed, match="who asserted"):
            reinstate_attribution(session, claim, world.operator, reason="keliru")
        with pytest.raises(BadInput, match="reason"):
            end_attribution(session, claim, world.second_operator, reason=" ")
        reinstate_attribution(session, claim, world.second_operator, reason="yang meminta bukan orangnya")
        assert claim.state is AttributionState.VERIFIED
        assert open_suspensions(session, [claim.id])[claim.id] == []
        outcomes = session.execute(select(Suspension.outcome, Suspension.resolved_by)).all()
        assert outcomes == [(SuspensionOutcome.REINSTATED, world.second_operator.id)] * 2


def test_who_denied_an_account_and_was_right_is_not_claimed_for_it_again_but_another_may_be(world):
    with world.database.write() as session:
        denied(session, world)
        claim = the_claim(session)
        end_attribution(session, claim, world.second_operator, reason="akun tiruan")
        account = session.get_one(Account, claim.account_id)
        with pytest.raises(BadInput, match="denied it"):
            claim_attribution(session, account, session.get_one(CivilServant, world.person.id), world.operator,
                              evidence="x")  # fmt: skip
        mandate = session.get_one(Mandate, world.mandate.id)
        other = enrol(session, world.vault, mandate, Person("Tirta", "198001012006042001", StaffStatus.PNS), actor="t")
        claim_attribution(session, account, other, world.operator, evidence="Pengakuan")


def test_a_suspended_account_cannot_be_claimed_around_the_suspension(world):
    with world.database.write() as session:
        denied(session, world)
        account = session.get_one(Account, world.account.id)
        with pytest.raises(BadInput, match="attributed already"):
            claim_attribution(session, account, session.get_one(CivilServant, world.person.id), world.operator,
                              evidence="x")  # fmt: skip


@pytest.mark.parametrize("fields", [{"who": " "}, {"words": ""}, {"asked_at": utc_now() + dt.timedelta(days=1)}])
def test_a_request_says_who_when_and_in_which_words(fields):
    good = {"who": "Sari", "channel": Channel.EMAIL, "asked_at": utc_now(), "words": "bukan saya"}
    with pytest.raises(BadInput):
        Disavowal(**{**good, **fields})


def test_nobody_confirms_a_flag_while_its_account_is_suspended_but_dismissing_stays_possible(world):
    flag = world.ready_flag()
    with world.database.write() as session:
        denied(session, world)
        flag = session.get_one(Flag, flag.id)
        with pytest.raises(NotAllowed, match="ditangguhkan"):
            give_verdict(session, flag, world.supervisors[0], verdict())
        for officer in world.supervisors[:2]:
            give_verdict(session, flag, officer, verdict(Answer.NO))
        assert flag.state is FlagState.DISMISSED


def test_a_first_confirmation_does_not_carry_a_second_one_over_a_suspension(sqlite_world):
    world = sqlite_world
    flag = world.ready_flag()
    with world.database.write() as session:
        flag = session.get_one(Flag, flag.id)
        give_verdict(session, flag, world.supervisors[0], verdict())
        denied(session, world)
        with pytest.raises(NotAllowed, match="not confirmed while"):
            give_verdict(session, flag, world.supervisors[1], verdict())
        reinstate_attribution(session, the_claim(session), world.second_operator, reason="keliru")
        give_verdict(session, flag, world.supervisors[1], verdict())
        assert flag.state is FlagState.CONFIRMED


def test_a_claim_rises_with_its_sources_and_people_only_lower_it(sqlite_world):
    world = sqlite_world
    with world.database.write() as session:
        account = save_account(session, source="x", handle="@baru", url="https://x.invalid/baru", actor="test")
        person = session.get_one(CivilServant, world.person.id)
        profile = Source(SourceKind.PROFILE, "https://x.invalid/baru", "Profil menyebut SMP 3", dt.date(2026, 10, 1))
        with pytest.raises(BadInput, match="reach single_source"):
            claim_attribution(session, account, person, world.operator, evidence="Profil", sources=[profile],
                              confidence=Confidence.OFFICIAL_RECORD)  # fmt: skip
        claim = claim_attribution(session, account, person, world.operator, evidence="Profil", sources=[profile])
        assert claim.confidence is Confidence.SINGLE_SOURCE
        add_source(session, claim, world.operator, Source(SourceKind.WITNESS, "Kepala sekolah"))
        assert claim.confidence is Confidence.SEVERAL_SOURCES
        add_source(session, claim, world.operator, Source(SourceKind.OFFICIAL_RECORD, "https://sekolah.invalid/guru"))
        assert claim.confidence is Confidence.OFFICIAL_RECORD
        with pytest.raises(BadInput, match="only be lowered"):
            lower_confidence(session, claim, world.operator, Confidence.CONFIRMED_BY_HOLDER, reason="x")
        lower_confidence(session, claim, world.second_operator, Confidence.SINGLE_SOURCE, reason="halaman lama")
        assert claim.confidence is Confidence.SINGLE_SOURCE
        assert [row.reference for row in sources_of(session, claim)] == [
            "https://x.invalid/baru", "Kepala sekolah", "https://sekolah.invalid/guru"]  # fmt: skip


def test_whoever_gave_a_source_does_not_verify(sqlite_world):
    world = sqlite_world
    with world.database.write() as session:
        account = save_account(session, source="x", handle="@baru", url="https://x.invalid/baru", actor="test")
        person = session.get_one(CivilServant, world.person.id)
        claim = claim_attribution(session, account, person, world.operator, evidence="Profil")
        add_source(session, claim, world.second_operator, Source(SourceKind.WITNESS, "Kepala sekolah"))
        with pytest.raises(NotAllowed, match="another officer"):
            verify_attribution(session, claim, world.second_operator)
        verify_attribution(session, claim, world.supervisors[0])


class AttributionMachine(RuleBasedStateMachine):
    """Every order of claims, verifications, suspensions and resolutions by four officers, against a model of it."""

    def __init__(self):
        super().__init__()
        self.state, self.was, self.asserter, self.stoppers = None, None, None, set()

    def _step(self, allowed, refusal, act):
        """Do it in a transaction of its own; it succeeds exactly when `allowed`."""
        try:
            with self.world.database.write() as session:
                act(session, None if self.state is None else session.get_one(Attribution, self.claim_id))
        except refusal:
            assert not allowed
            return False
        assert allowed
        return True

    @precondition(lambda self: self.state in (None, AttributionState.REJECTED))
    @rule(who=st.integers(0, 1))
    def claim(self, who):
        with self.world.database.write() as session:
            account = save_account(session, source="x", handle="@h", url="https://x.invalid/h", actor="test")
            person = session.get_one(CivilServant, self.world.person.id)
            made = claim_attribution(session, account, person, self.officers[who], evidence="Tautan")
        self.claim_id, self.state, self.asserter, self.stoppers = made.id, AttributionState.CLAIMED, who, set()

    @precondition(lambda self: self.state)
    @rule(who=st.integers(0, 3))
    def verify(self, who):
        allowed = self.state is AttributionState.CLAIMED and who != self.asserter
        if self._step(
            allowed, (NotAllowed, IllegalTransition), lambda s, row: verify_attribution(s, row, self.officers[who])
        ):
            self.state = AttributionState.VERIFIED

    @precondition(lambda self: self.state)
    @rule(who=st.integers(0, 3))
    def reject(self, who):
        allowed = self.state is AttributionState.CLAIMED
        act = lambda s, row: reject_attribution(s, row, self.officers[who], reason="x")  # noqa: E731
        if self._step(allowed, IllegalTransition, act):
            self.state = AttributionState.REJECTED

    @precondition(lambda self: self.state)
    @rule(who=st.integers(0, 3))
    def suspend(self, who):
        allowed = self.state is AttributionState.VERIFIED
        act = lambda s, row: suspend_attribution(s, row, self.officers[who], reason="x")  # noqa: E731
        if self._step(allowed, IllegalTransition, act):
            self.was, self.state = self.state, AttributionState.SUSPENDED
            self.stoppers = {who}

    @precondition(lambda self: self.state in (AttributionState.CLAIMED, AttributionState.VERIFIED,
                                              AttributionState.SUSPENDED))  # fmt: skip
    @rule(who=st.integers(0, 3))
    def disavow(self, who):
        act = lambda s, row: disavow_attribution(s, self.world.vault, row, self.officers[who], REQUEST)  # noqa: E731
        self._step(allowed=True, refusal=(), act=act)
        if self.state is not AttributionState.SUSPENDED:
            self.was, self.stoppers = self.state, set()
        self.state = AttributionState.SUSPENDED
        self.stoppers.add(who)

    @precondition(lambda self: self.state)
    @rule(who=st.integers(0, 3))
    def reinstate(self, who):
        allowed = self.state is AttributionState.SUSPENDED and who not in {self.asserter, *self.stoppers}
        act = lambda s, row: reinstate_attribution(s, row, self.officers[who], reason="x")  # noqa: E731
        if self._step(allowed, (NotAllowed, IllegalTransition), act):
            self.state = self.was

    @invariant()
    def the_row_is_in_the_state_of_the_model_and_open_suspensions_exist_only_while_suspended(self):
        if self.state is None:
            return
        with self.world.database.read() as session:
            row = session.get_one(Attribution, self.claim_id)
            assert row.state is self.state
            waiting = open_suspensions(session, [row.id])[row.id]
            assert bool(waiting) is (self.state is AttributionState.SUSPENDED)
            assert all(each.cause is not SuspensionCause.HOLDER_CHANGED for each in waiting)
            if row.state is AttributionState.VERIFIED:
                assert row.verified_by not in (None, row.asserted_by)


def test_no_order_of_steps_breaks_the_rules_of_attribution(tmp_path_factory, build_world):
    directory = tmp_path_factory.mktemp("machine")
    create_key_file(directory / "key")
    database = open_database(f"sqlite:///{directory}/netra.sqlite")
    upgrade(database.engine)
    world = build_world(database)

    class Machine(AttributionMachine):
        def __init__(self):
            super().__init__()
            self.world = world
            self.officers = [world.operator, world.second_operator, *world.supervisors[:2]]
            with database.write() as session:  # every run has an account of its own
                for account in session.scalars(select(Account).where(Account.handle == "@h")):
                    account.handle = f"@{account.id}"

    Machine.TestCase.settings = settings(
        max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
    )
    Machine.TestCase().runTest()
    database.close()
