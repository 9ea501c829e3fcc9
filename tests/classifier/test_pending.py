"""The assessing stage takes new posts and leaves assessments and flags, once."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from classifier.assess import Model
from classifier.pending import assess_pending
from models.assessments import Assessment
from models.flags import Flag, FlagState
from models.posts import Sighting, SightingState

TEXTS = ("Ayo coblos nomor 1, Bang Raka pasti menang! #RakaNilaMenang", "Hujan dari subuh, jemuran nggak kering", "")


def test_new_posts_are_assessed_once_and_the_partisan_flagged(world, model: Model) -> None:
    world.store(*TEXTS)
    done = assess_pending(world.database, model)
    assert (done.posts, done.flags) == (3, 1)
    again = assess_pending(world.database, model)
    assert (again.posts, again.flags) == (0, 0)
    with world.database.read() as session:
        flag = session.scalars(select(Flag)).one()
        assessment = session.get_one(Assessment, flag.assessment_id)
        assert flag.state is FlagState.PENDING
        assert assessment.model == model.label
        assert assessment.targets == [{"name": "Raka Wibisana – Nila Paramita", "stance": "favor"}]
        assert assessment.spans
        assert (
            session.scalar(select(func.count()).select_from(Sighting).where(Sighting.state == SightingState.NEW)) == 0
        )


def test_the_limit_leaves_the_rest_for_the_next_call(sqlite_world, model: Model) -> None:
    sqlite_world.store(*TEXTS)
    assert [assess_pending(sqlite_world.database, model, limit=2).posts for _ in range(3)] == [2, 1, 0]


def test_a_post_assessed_meanwhile_by_another_is_left_alone(
    sqlite_world, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_world.store(*TEXTS)
    assess, rival = Model.assess, []

    def slow(self, *args, **kwargs):
        if not rival:
            rival.append(True)
            rival.append(assess_pending(sqlite_world.database, model))
        return assess(self, *args, **kwargs)

    monkeypatch.setattr(Model, "assess", slow)
    assert assess_pending(sqlite_world.database, model).posts == 0
    assert rival[1].posts == 3
