"""Whatever reviewers do in whatever order, a flag keeps its rules and the log tells its whole story."""

from __future__ import annotations

import datetime as dt
import itertools
import json

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from models.clock import utc_now
from models.errors import Conflict, IllegalTransition, NetraError, NotAllowed
from models.flags import LEGAL_STEPS, Flag, FlagState, expire_flag, move_flag, swap_flag
from models.log import LogEntry
from models.reviews import (
    Answer,
    Decision,
    Review,
    ReviewRound,
    Verdict,
    give_verdict,
    recuse,
    standing_reviews,
    take_up,
    undo_review,
)

CONFIRM = Verdict(Answer.YES, Answer.YES, "menyebut nomor dan mengajak", "tidak ditemukan", acts=("ON-4",))
DISMISS = Verdict(Answer.YES, Answer.NO, "hanya membagikan jadwal", "kutipan berita")
FINAL = {FlagState.CONFIRMED, FlagState.DISMISSED, FlagState.EXPIRED}
PEOPLE = st.integers(0, 2)


class _Abandoned(Exception):
    """Ends a transaction in the middle."""


class FlagMachine(RuleBasedStateMachine):
    """Three supervisors, one flag, a clock, and transactions that may be abandoned."""

    world = None

    @initialize()
    def raise_a_flag(self):
        self.flag_id = self.world.ready_flag().id
        self.now = utc_now()

    @rule(
        person=PEOPLE,
        verdict=st.sampled_from([CONFIRM, CONFIRM, DISMISS]),
        abandoned=st.sampled_from([False, False, True]),
    )
    def judge(self, person, verdict, abandoned):
        self._try(
            lambda session, flag: give_verdict(session, flag, self._officer(person), verdict, at=self.now), abandoned
        )

    @rule(person=PEOPLE)
    def open(self, person):
        self._try(lambda session, flag: take_up(session, flag, self._officer(person), at=self.now))

    @rule(person=PEOPLE)
    def step_aside(self, person):
        self._try(lambda session, flag: recuse(session, flag, self._officer(person), reason="kenal", at=self.now))

    @rule(person=PEOPLE, abandoned=st.sampled_from([False, False, True]))
    def take_back(self, person, abandoned):
        def undo(session, flag):
            mine = select(Review).where(Review.flag_id == flag.id, Review.reviewer_id == self._officer(person).id)
            review = session.scalars(mine.order_by(Review.given_at.desc(), Review.id.desc())).first()
            if review is not None:
                undo_review(session, review, self._officer(person), at=self.now)
                assert self.now - review.given_at <= dt.timedelta(seconds=30)

        self._try(undo, abandoned)

    @rule()
    def expire(self):
        self._try(lambda session, flag: expire_flag(session, flag, actor="test", reason="lewat waktu"))

    @rule(seconds=st.sampled_from([1, 20, 31]))
    def wait(self, seconds):
        self.now += dt.timedelta(seconds=seconds)

    @invariant()
    def a_confirmed_flag_rests_on_two_people_or_on_an_adjudicator(self):
        with self.world.database.read() as session:
            flag, reviews = session.get_one(Flag, self.flag_id), standing_reviews(session, self.flag_id)
        confirming = {review.reviewer_id for review in reviews if review.decision is Decision.CONFIRM}
        adjudicated = [review.decision for review in reviews if review.round is ReviewRound.ADJUDICATION]
        assert len({review.reviewer_id for review in reviews}) == len(reviews) <= 3
        if flag.state is FlagState.CONFIRMED:
            assert adjudicated == [Decision.CONFIRM] or (len(confirming) == len(reviews) == 2)
        if flag.state is FlagState.DISMISSED:
            assert adjudicated == [Decision.DISMISS] or (not confirming and len(reviews) == 2)
        if flag.state is FlagState.DISPUTED:
            assert (len(reviews), len(confirming)) == (2, 1)

    @invariant()
    def the_log_tells_every_state_once_and_leaves_final_ones_by_undo_only(self):
        with self.world.database.read() as session:
            flag = session.get_one(Flag, self.flag_id)
            about = select(LogEntry).where(LogEntry.subject == f"flags:{self.flag_id}").order_by(LogEntry.seq)
            entries = [(row.action, json.loads(row.entry)["facts"]) for row in session.scalars(about)]
            given = len(session.scalars(select(Review).where(Review.flag_id == self.flag_id)).all())
        assert sum(action == "review.given" for action, _ in entries) == given
        states = [FlagState.PENDING]
        for action, facts in entries:
            kind, _, step = action.partition(".")
            if action == "review.undone":
                assert states[-1] is not FlagState.EXPIRED
                states.append(FlagState(facts["state"]))
            elif kind == "flag" and step not in {"raised", "viewed"}:
                assert FlagState(step) in LEGAL_STEPS[states[-1]]
                states.append(FlagState(step))
        assert states[-1] is flag.state

    def _officer(self, person):
        return self.world.supervisors[person]

    def _try(self, act, abandoned=False):  # noqa: FBT002 - a rule's argument
        try:
            with self.world.database.write() as session:
                act(session, session.get_one(Flag, self.flag_id))
                if abandoned:
                    raise _Abandoned  # noqa: TRY301 - the transaction ends here
        except (NetraError, _Abandoned):
            pass


def test_no_order_of_acts_breaks_a_flags_rules(world):
    machine = type("Machine", (FlagMachine,), {"world": world})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=16, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.parametrize(
    ("state", "following"),
    [pair for pair in itertools.product(FlagState, FlagState) if pair[1] not in LEGAL_STEPS[pair[0]]],
)
def test_a_step_that_is_not_in_the_table_is_refused(sqlite_database, state, following):
    flag = Flag(post_id="p", post_version_id="v", assessment_id="a", mandate_id="m", raised_at=utc_now(), state=state)
    with sqlite_database.write() as session, pytest.raises(IllegalTransition, match="cannot become"):
        move_flag(session, flag, following, actor="test")


def test_of_two_who_read_the_same_revision_one_moves_the_flag(world):
    flag = world.ready_flag()
    with world.database.write() as session:
        held = session.get_one(Flag, flag.id)
        session.expunge(held)
        swap_flag(session, session.get_one(Flag, flag.id), FlagState.IN_REVIEW)
        session.expunge_all()
        session.add(held)
        with pytest.raises(Conflict):
            swap_flag(session, held, FlagState.EXPIRED)


def test_an_expired_flag_does_not_come_back_by_an_undo(sqlite_world):
    flag = sqlite_world.ready_flag()
    with sqlite_world.database.write() as session:
        flag = session.get_one(Flag, flag.id)
        review = give_verdict(session, flag, sqlite_world.supervisors[0], CONFIRM)
        expire_flag(session, flag, actor="test", reason="lewat waktu")
        with pytest.raises(IllegalTransition):
            undo_review(session, review, sqlite_world.supervisors[0])
        assert flag.state is FlagState.EXPIRED


def test_only_supervisors_judge(sqlite_world):
    flag = sqlite_world.ready_flag()
    for officer in (sqlite_world.operator, sqlite_world.auditor, sqlite_world.analyst):
        with sqlite_world.database.write() as session, pytest.raises(NotAllowed):
            give_verdict(session, session.get_one(Flag, flag.id), officer, CONFIRM)
