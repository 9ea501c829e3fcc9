"""Two people judge each flag independently; only agreement confirms."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import threading

import pytest

from models.clock import utc_now
from models.errors import BadInput, Conflict, NotAllowed
from models.flags import Flag, FlagState
from models.reviews import (
    UNDO_SECONDS,
    Answer,
    Decision,
    Verdict,
    give_verdict,
    may_see_score,
    state_shown_to,
    take_up,
)

CONFIRM = Verdict(Answer.YES, Answer.YES, "menyebut nomor dan mengajak", "tidak ditemukan", acts=("ON-4",))
DISMISS = Verdict(Answer.YES, Answer.NO, "hanya membagikan jadwal", "kutipan berita")


def test_two_confirming_verdicts_of_different_people_confirm(world):
    flag = world.ready_flag()
    with world.database.write() as session:
        flag = session.get_one(Flag, flag.id)
        give_verdict(session, flag, world.supervisors[0], CONFIRM)
        assert flag.state is FlagState.IN_REVIEW
        give_verdict(session, flag, world.supervisors[1], CONFIRM)
        assert flag.state is FlagState.CONFIRMED


def test_one_person_cannot_give_both_verdicts(world):
    flag = world.ready_flag()
    with world.database.write() as session:
        flag = session.get_one(Flag, flag.id)
        give_verdict(session, flag, world.supervisors[0], CONFIRM)
        with pytest.raises(NotAllowed):
            give_verdict(session, flag, world.supervisors[0], CONFIRM)


def test_a_disagreement_is_adjudicated_by_a_third_person(world):
    flag = world.ready_flag()
    with world.database.write() as session:
        flag = session.get_one(Flag, flag.id)
        give_verdict(session, flag, world.supervisors[0], CONFIRM)
        give_verdict(session, flag, world.supervisors[1], DISMISS)
        assert flag.state is FlagState.DISPUTED
        with pytest.raises(NotAllowed):
            give_verdict(session, flag, world.supervisors[1], CONFIRM)
        give_verdict(session, flag, world.supervisors[2], CONFIRM)
        assert flag.state is FlagState.CONFIRMED


def test_two_verdicts_at_the_same_instant_both_count(world):
    flag_id, gate = world.ready_flag().id, threading.Barrier(2)

    def judge(officer):
        gate.wait()
        with world.database.write() as session:
            give_verdict(session, session.get_one(Flag, flag_id), officer, CONFIRM)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(judge, world.supervisors[:2]))
    with world.database.read() as session:
        assert session.get_one(Flag, flag_id).state is FlagState.CONFIRMED


def test_three_who_open_a_flag_at_once_get_two_leases(world):
    flag_id, gate = world.ready_flag().id, threading.Barrier(3)

    def hold(officer):
        gate.wait()
        try:
            with world.database.write() as session:
                take_up(session, session.get_one(Flag, flag_id), officer)
        except Conflict:
            return "full"
        return "held"

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(hold, world.supervisors)) == ["full", "held", "held"]


def test_the_score_is_hidden_until_ones_own_verdict_stands(sqlite_world):
    flag_id = sqlite_world.ready_flag().id
    first, second, _ = sqlite_world.supervisors
    with sqlite_world.database.write() as session:
        flag = session.get_one(Flag, flag_id)
        long_ago = utc_now() - dt.timedelta(seconds=UNDO_SECONDS + 1)
        give_verdict(session, flag, first, CONFIRM, at=long_ago)
        assert [may_see_score(session, flag, one) for one in (first, second, sqlite_world.auditor)] == [
            True,
            False,
            True,
        ]
        give_verdict(session, flag, second, CONFIRM, at=long_ago)
        assert may_see_score(session, flag, sqlite_world.supervisors[2])


def test_a_verdict_that_can_be_taken_back_opens_neither_score_nor_outcome(sqlite_world):
    flag_id = sqlite_world.ready_flag().id
    first, second, _ = sqlite_world.supervisors
    with sqlite_world.database.write() as session:
        flag, now = session.get_one(Flag, flag_id), utc_now()
        give_verdict(session, flag, first, CONFIRM, at=now - dt.timedelta(hours=1))
        give_verdict(session, flag, second, CONFIRM, at=now)
        fresh, lasting = now + dt.timedelta(seconds=UNDO_SECONDS), now + dt.timedelta(seconds=UNDO_SECONDS + 1)
        assert not may_see_score(session, flag, second, at=fresh)
        assert state_shown_to(session, flag, second, at=fresh) is FlagState.IN_REVIEW
        assert may_see_score(session, flag, second, at=lasting)
        assert state_shown_to(session, flag, second, at=lasting) is FlagState.CONFIRMED


@pytest.mark.parametrize("missing", [{"reason": " "}, {"exculpatory": ""}, {"acts": ()}])
def test_a_verdict_without_its_parts_is_refused(missing):
    parts = {"reason": "a", "exculpatory": "b", "acts": ("ON-1",), **missing}
    with pytest.raises(BadInput):
        Verdict(Answer.YES, Answer.YES, **parts)


@pytest.mark.parametrize(
    ("person", "side"), [(a, b) for a in Answer for b in Answer if (a, b) != (Answer.YES, Answer.YES)]
)
def test_doubt_dismisses(person, side):
    assert Verdict(person, side, "a", "b", acts=("ON-1",)).decision is Decision.DISMISS
