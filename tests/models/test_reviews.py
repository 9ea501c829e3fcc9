"""Two people judge each flag independently; only agreement confirms."""

from __future__ import annotations

import pytest

from models.errors import NotAllowed
from models.flags import Flag, FlagState
from models.reviews import Answer, Verdict, give_verdict

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
