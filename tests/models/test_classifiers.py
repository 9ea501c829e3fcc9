"""One model scores at a time: what two people agreed on, after a comparison that it passed."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import threading
from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.classifiers import (
    ClassifierModel,
    ComparisonOutcome,
    ModelState,
    active_model,
    approve_model,
    comparisons_of,
    find_model,
    propose_model,
    register_model,
    rollback_model,
    store_comparison,
)
from models.database import Database
from models.errors import BadInput, Conflict, IllegalTransition, NetraError, NotAllowed, NotFound
from models.log import LogEntry
from models.officers import Officer, Role, add_officer

INITIAL = "0" * 64


def sha(number):
    return f"{number:064x}"


def register(session, officer, number, **given):
    fields = {"name": "uji", "version": str(number), "sha256": sha(number), "location": f"models/{number}", **given}
    return register_model(session, officer, **fields)


def compare(session, officer, model, *, champion=INITIAL, passed=True, **more):
    body = {"passed": passed, "sources": [], **more}
    return store_comparison(session, officer, ComparisonOutcome(model.sha256, champion, passed, body))


def promote(session, world, number, *, champion=INITIAL):
    """Register, compare, propose and approve in one go."""
    model = register(session, world.analyst, number)
    compare(session, world.analyst, model, champion=champion)
    propose_model(session, model, world.analyst, initial_sha256=INITIAL)
    approve_model(session, model, world.supervisors[0], initial_sha256=INITIAL)
    return model


def test_a_promoted_model_is_the_active_one_and_the_one_before_retires(world):
    with world.database.write() as session:
        assert active_model(session) is None
        first = promote(session, world, 1)
        assert active_model(session) is first
        second = promote(session, world, 2, champion=sha(1))
    with world.database.read() as session:
        assert active_model(session).label == second.label == "uji@2"
        assert session.get_one(ClassifierModel, first.id).state is ModelState.RETIRED


def test_whoever_proposed_a_model_cannot_approve_it(sqlite_world):
    with sqlite_world.database.write() as session:
        model = register(session, sqlite_world.analyst, 1)
        compare(session, sqlite_world.analyst, model)
        propose_model(session, model, sqlite_world.analyst, initial_sha256=INITIAL)
        with pytest.raises(NotAllowed, match="another officer"):
            approve_model(session, model, sqlite_world.analyst, initial_sha256=INITIAL)
        assert active_model(session) is None


def test_a_model_that_did_not_pass_cannot_be_proposed(sqlite_world):
    with sqlite_world.database.write() as session:
        model = register(session, sqlite_world.analyst, 1)
        with pytest.raises(NotAllowed, match="never compared"):
            propose_model(session, model, sqlite_world.analyst, initial_sha256=INITIAL)
        compare(session, sqlite_world.analyst, model, passed=True)
        compare(session, sqlite_world.analyst, model, passed=False)  # the newest counts, not the best
        with pytest.raises(NotAllowed, match="did not pass"):
            propose_model(session, model, sqlite_world.analyst, initial_sha256=INITIAL)
        assert [done.passed for done in comparisons_of(session, model)] == [False, True]


def test_a_comparison_with_a_model_no_longer_in_use_lets_nothing_pass(sqlite_world):
    with sqlite_world.database.write() as session:
        late = register(session, sqlite_world.analyst, 1)
        compare(session, sqlite_world.analyst, late)
        propose_model(session, late, sqlite_world.analyst, initial_sha256=INITIAL)
        promote(session, sqlite_world, 2)
        with pytest.raises(NotAllowed, match="no longer in use"):
            approve_model(session, late, sqlite_world.supervisors[0], initial_sha256=INITIAL)
        compare(session, sqlite_world.analyst, late, champion=sha(2))
        with pytest.raises(IllegalTransition, match="compared again"):
            approve_model(session, late, sqlite_world.supervisors[0], initial_sha256=INITIAL)
        propose_model(session, late, sqlite_world.analyst, initial_sha256=INITIAL)
        approve_model(session, late, sqlite_world.supervisors[0], initial_sha256=INITIAL)
        assert active_model(session) is late


def test_only_a_proposed_model_is_approved(sqlite_world):
    with sqlite_world.database.write() as session:
        model = register(session, sqlite_world.analyst, 1)
        compare(session, sqlite_world.analyst, model)
        with pytest.raises(IllegalTransition, match="candidate"):
            approve_model(session, model, sqlite_world.supervisors[0], initial_sha256=INITIAL)
        active = promote(session, sqlite_world, 2)
        with pytest.raises(IllegalTransition, match="in use"):
            propose_model(session, active, sqlite_world.analyst, initial_sha256=INITIAL)


@pytest.mark.parametrize("who", ["operator", "auditor"])
def test_operators_and_auditors_neither_register_nor_approve(sqlite_world, who):
    officer = getattr(sqlite_world, who)
    with sqlite_world.database.write() as session:
        with pytest.raises(NotAllowed):
            register(session, officer, 1)
        model = register(session, sqlite_world.analyst, 1)
        with pytest.raises(NotAllowed):
            compare(session, officer, model)
        compare(session, sqlite_world.analyst, model)
        with pytest.raises(NotAllowed):
            propose_model(session, model, officer, initial_sha256=INITIAL)
        propose_model(session, model, sqlite_world.analyst, initial_sha256=INITIAL)
        with pytest.raises(NotAllowed):
            approve_model(session, model, officer, initial_sha256=INITIAL)


def test_one_officer_rolls_back_at_once_and_says_why(world):
    with world.database.write() as session:
        first = promote(session, world, 1)
        second = promote(session, world, 2, champion=sha(1))
    with world.database.write() as session, pytest.raises(BadInput, match="reason"):
        rollback_model(session, world.operator, reason="  ")
    with world.database.write() as session:
        assert rollback_model(session, world.operator, reason="Menandai doa bersama").label == first.label
    with world.database.read() as session:
        bad = session.get_one(ClassifierModel, second.id)
        assert active_model(session).label == first.label
        assert (bad.state, bad.rollback_reason) == (ModelState.RETIRED, "Menandai doa bersama")
        assert bad.rolled_back_by == world.operator.id


def test_rolling_back_further_ends_at_the_initial_model_and_never_at_a_bad_one(sqlite_world):
    with sqlite_world.database.write() as session:
        for number in (1, 2, 3):
            promote(session, sqlite_world, number, champion=sha(number - 1) if number > 1 else INITIAL)
        again = find_model(session, "uji@1")
        compare(session, sqlite_world.analyst, again, champion=sha(3))
        propose_model(session, again, sqlite_world.analyst, initial_sha256=INITIAL)
        approve_model(session, again, sqlite_world.supervisors[0], initial_sha256=INITIAL)
        steps = [rollback_model(session, sqlite_world.operator, reason="salah") for _ in range(3)]
        assert [step and step.label for step in steps] == ["uji@3", "uji@2", None]
        assert active_model(session) is None
        with pytest.raises(IllegalTransition, match="initial"):
            rollback_model(session, sqlite_world.operator, reason="lagi")


def test_a_model_rolled_back_by_mistake_and_approved_again_counts_as_good_again(sqlite_world):
    with sqlite_world.database.write() as session:
        model = promote(session, sqlite_world, 1)
        rollback_model(session, sqlite_world.operator, reason="keliru")
        compare(session, sqlite_world.analyst, model)
        propose_model(session, model, sqlite_world.analyst, initial_sha256=INITIAL)
        approve_model(session, model, sqlite_world.supervisors[0], initial_sha256=INITIAL)
        promote(session, sqlite_world, 2, champion=sha(1))
        assert rollback_model(session, sqlite_world.operator, reason="salah") is model
        assert model.rollback_reason == ""


def test_an_auditor_rolls_nothing_back(sqlite_world):
    with sqlite_world.database.write() as session:
        model = promote(session, sqlite_world, 1)
        with pytest.raises(NotAllowed):
            rollback_model(session, sqlite_world.auditor, reason="ingin")
        assert active_model(session) is model


def test_the_database_itself_refuses_a_second_active_model(world):
    with world.database.write() as session:
        promote(session, world, 1)
        other = register(session, world.analyst, 2)
    forced = update(ClassifierModel).where(ClassifierModel.id == other.id)
    with pytest.raises(Conflict), world.database.write() as session:
        session.execute(forced.values(state=ModelState.ACTIVE, approved_by=world.operator.id))


def test_the_database_itself_refuses_an_active_model_that_one_person_made_so(world):
    with world.database.write() as session:
        model = register(session, world.analyst, 1)
    forced = update(ClassifierModel).where(ClassifierModel.id == model.id)
    for values in (
        {"state": ModelState.ACTIVE},
        {"proposed_by": world.analyst.id, "approved_by": world.analyst.id},
    ):
        with pytest.raises(IntegrityError), world.database.write() as session:
            session.execute(forced.values(**values))


def test_of_two_models_approved_at_once_one_is_active(world):
    with world.database.write() as session:
        names = []
        for number in (1, 2):
            model = register(session, world.analyst, number)
            compare(session, world.analyst, model)
            propose_model(session, model, world.analyst, initial_sha256=INITIAL)
            names.append(model.label)
    gate = threading.Barrier(2)

    def approve(label):
        try:
            with world.database.write() as session:
                model = find_model(session, label)
                if world.database.engine.dialect.name == "postgresql":  # SQLite lets one writer in at a time
                    gate.wait(timeout=30)
                approve_model(session, model, world.supervisors[0], initial_sha256=INITIAL)
        except NotAllowed:
            return "late"
        return "approved"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(approve, names)) == ["approved", "late"]


def test_every_step_is_logged_with_the_weights_it_concerns_and_none_with_words(world):
    with world.database.write() as session:
        promote(session, world, 1)
        promote(session, world, 2, champion=sha(1))
        rollback_model(session, world.operator, reason="Alasan bebas tentang Sari")
    with world.database.read() as session:
        entries = session.scalars(select(LogEntry).where(LogEntry.action.startswith("model.")).order_by(LogEntry.seq))
        told = [(entry.action, json.loads(entry.entry)) for entry in entries]
    once = ["model.registered", "model.compared", "model.proposed", "model.approved"]
    assert [action for action, _ in told] == [*once, *once[:3], "model.retired", "model.approved", "model.rolled_back"]
    assert all(entry["facts"]["sha256"] in (sha(1), sha(2)) for action, entry in told if action in once[2:])
    assert not any("Sari" in json.dumps(entry) for _, entry in told)


def test_a_comparison_is_kept_as_canonical_bytes_that_the_log_names(sqlite_world):
    with sqlite_world.database.write() as session:
        model = register(session, sqlite_world.analyst, 1)
        comparison = compare(session, sqlite_world.analyst, model)
        assert comparison.body == b'{"passed":true,"sources":[]}'
        assert comparison.read_body() == {"passed": True, "sources": []}
        with pytest.raises(BadInput):
            compare(session, sqlite_world.analyst, model, gap=float("nan"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "../uji"}, "cannot name"),
        ({"name": ""}, "cannot name"),
        ({"version": "1 @2"}, "cannot name"),
        ({"version": "9" * 60}, "cannot name"),
        ({"sha256": sha(1), "version": "2"}, "registered already, as uji@1"),
        ({"sha256": sha(2)}, "another model"),
    ],
)
def test_a_model_that_cannot_be_told_apart_is_refused(sqlite_world, given, said):
    with sqlite_world.database.write() as session:
        register(session, sqlite_world.analyst, 1)
        with pytest.raises(BadInput, match=said):
            register(session, sqlite_world.analyst, **{"number": 1, **given})


def test_a_model_is_found_by_label_or_by_eight_digits(sqlite_world):
    with sqlite_world.database.write() as session:
        model = register(session, sqlite_world.analyst, 1, sha256="ABCDEF0123".lower() + "0" * 54)
        register(session, sqlite_world.analyst, 2, sha256="abcdef0124" + "0" * 54)
        assert find_model(session, "uji@1") is find_model(session, "ABCDEF0123") is model
        for unknown in ("uji", "uji@3", "", "abcdef0", "abcdef01", "%%%%%%%%%%", "@"):
            with pytest.raises(NotFound):
                find_model(session, unknown)


class Steps(RuleBasedStateMachine):
    """Steps in any order by two analysts on three models; each example's transaction is given up."""

    database: Database
    officers: Sequence[str]
    who = st.integers(0, 1)
    which = st.integers(0, 2)

    def __init__(self):
        super().__init__()
        self.session = Session(self.database.engine)
        self.people = [self.session.get_one(Officer, officer) for officer in self.officers]
        self.models = [register(self.session, self.people[0], number) for number in (1, 2, 3)]

    @rule(who=who, which=which, passed=st.booleans())
    def compare(self, who, which, passed):
        active = active_model(self.session)
        champion = INITIAL if active is None else active.sha256
        compare(self.session, self.people[who], self.models[which], champion=champion, passed=passed)

    @rule(who=who, which=which)
    def propose(self, who, which):
        with contextlib.suppress(NetraError):
            propose_model(self.session, self.models[which], self.people[who], initial_sha256=INITIAL)

    @rule(who=who, which=which)
    def approve(self, who, which):
        with contextlib.suppress(NetraError):
            approve_model(self.session, self.models[which], self.people[who], initial_sha256=INITIAL)

    @precondition(lambda self: active_model(self.session) is not None)
    @rule(who=who)
    def roll_back(self, who):
        bad = active_model(self.session)
        before = rollback_model(self.session, self.people[who], reason="salah")
        assert before is not bad
        assert before is None or before.rolled_back_at is None

    @invariant()
    def at_most_one_is_active_and_two_people_chose_it(self):
        self.session.flush()
        active = [model for model in self.models if model.state is ModelState.ACTIVE]
        assert len(active) <= 1
        assert all(model.approved_by not in (None, model.proposed_by) for model in active)

    def teardown(self):
        self.session.close()


def test_any_order_of_steps_leaves_at_most_one_active_model_that_two_people_chose(sqlite_database):
    with sqlite_database.write() as session:
        Steps.officers = [
            add_officer(session, username=name, name="A", position="S", password_hash="x", roles=[Role.ANALYST],
                        actor="test").id
            for name in ("analis1", "analis2")
        ]  # fmt: skip
    Steps.database = sqlite_database
    run_state_machine_as_test(Steps, settings=settings(max_examples=30, stateful_step_count=20, deadline=None))
