"""`netra models threshold`: a day's reviews out of stored scores and verdicts."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import event

from models.assessments import Act, Finding, ModelIdentity, Voice, store_assessments
from models.clock import utc_now
from models.errors import NotFound
from models.flags import Flag, FlagState
from models.posts import PostVersion, Sighting
from pipeline.commands.thresholds import read_scores, read_verdicts, threshold_lines

OLD, NEW = ModelIdentity("netra-test", "1", "0" * 64, 0.5), ModelIdentity("netra-test", "2", "0" * 64, 0.5)


def _score(world, score, *, model=NEW, at=None, state=None):
    """One post with this score; flagged from .5 on, and judged where a state is given."""
    (post,) = world.store(f"Unggahan dengan skor {score} pada {at}")
    with world.database.write() as session:
        sighting = session.get_one(Sighting, (post.id, world.mandate.id))
        version = session.query(PostVersion).filter_by(post_id=post.id).one()
        finding = Finding(
            score=score, flagged=score >= 0.5, act=Act.SUPPORT, voice=Voice.OWN, targets=[], masked="-", spans=[]
        )
        flags = store_assessments(session, [(sighting, version, finding)], model, actor="test", at=at)
        for flag in flags:
            session.get_one(Flag, flag.id).state = state or FlagState.PENDING


def test_the_threshold_fills_the_day_with_the_newest_models_scores_of_the_last_days(world):
    now = utc_now()
    day = dt.timedelta(days=1)
    _score(world, 0.99, model=OLD, at=now - 3 * day)
    _score(world, 0.98, at=now - 30 * day)
    for score, state in (
        (0.9, FlagState.CONFIRMED),
        (0.8, FlagState.CONFIRMED),
        (0.8, FlagState.DISMISSED),
        (0.6, FlagState.CONFIRMED),
        (0.2, None),
    ):
        _score(world, score, at=now - 2 * day + dt.timedelta(seconds=1), state=state)
    with world.database.read() as session:
        scored = read_scores(session, now - 14 * day, now)
        verdicts = read_verdicts(session, scored.model, now - 14 * day)
    assert scored.model == "netra-test@2"
    assert scored.counts == {0.9: 1, 0.8: 2, 0.6: 1, 0.2: 1}
    assert scored.days == pytest.approx(2, abs=0.01)
    lines = threshold_lines(scored, verdicts, reviews=1.6)
    assert lines[1] == "ambang\t0,8000"
    assert lines[2] == "telaah sehari\t1,5"
    assert lines[3].startswith("presisi\t67 % (")
    assert lines[4].startswith("tetap ditemukan\t67 % (")


def test_without_verdicts_there_is_a_dash_and_without_scores_one_clear_line(world):
    with world.database.read() as session, pytest.raises(NotFound, match="no post was scored"):
        read_scores(session, utc_now() - dt.timedelta(days=14), utc_now())
    _score(world, 0.7)
    with world.database.read() as session:
        scored = read_scores(session, utc_now() - dt.timedelta(days=14), utc_now())
    assert scored.days == 1
    assert threshold_lines(scored, {}, reviews=40)[3].startswith("presisi\t– (belum ada putusan)")


def test_the_number_of_queries_does_not_grow_with_the_posts(sqlite_world):
    asked = []
    event.listen(sqlite_world.database.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    counts = []
    for score in (0.7, 0.4):
        _score(sqlite_world, score)
        asked.clear()
        with sqlite_world.database.read() as session:
            read_scores(session, utc_now() - dt.timedelta(days=14), utc_now())
            read_verdicts(session, NEW.label, utc_now() - dt.timedelta(days=14))
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_command_says_what_it_lacks(netra, tmp_path):
    home = tmp_path / "home"
    assert netra("init", "--home", home)[0] == 0
    code, _, error = netra("models", "threshold", "--home", home)
    assert (code, len(error.strip().splitlines())) == (2, 1)
    assert "no post was scored" in error
    assert netra("models", "threshold", "--reviews", "nan", "--home", home)[0] == 2
