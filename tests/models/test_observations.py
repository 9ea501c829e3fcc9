"""What became of posts: each change is noted once, with the answer that shows it."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from models.claims import Due, claim_runs, queue_runs
from models.clock import utc_now
from models.ids import new_id
from models.log import LogEntry
from models.observations import Observation, Sight, observe, observe_account, unlisted_posts
from models.posts import ParsedPost, Post, PostState, store_history, store_posts
from models.targets import Fetch, Run, Target

LONG_AGO = utc_now() - dt.timedelta(days=7)


@pytest.fixture
def look(world):
    """A run that looks back, begun after the world's posts were stored."""

    def begin():
        now = utc_now()
        with world.database.write() as session:
            target = session.get_one(Target, world.target.id)
            queue_runs(session, [Due(target, now, now)], actor="test", now=now)
            ((run, _),) = claim_runs(session, {target.host: 1}, new_id(), actor="test", now=now, lease=dt.timedelta(1))
            fetch = Fetch(
                run_id=run.id, url="https://example.invalid/api", status=404, headers={}, fetched_at=now,
                body_sha256="0" * 64, media_type="",
            )  # fmt: skip
            session.add(fetch)
            session.flush()
            return run.id, fetch.id

    return begin


def see(world, post, sight, run_id, fetch_id, reason="uji"):
    with world.database.write() as session:
        observe(session, session.get_one(Run, run_id), session.get_one(Post, post.id), sight,
                fetch=session.get_one(Fetch, fetch_id), reason=reason, actor="test", at=utc_now())  # fmt: skip


def state(world, post):
    with world.database.read() as session:
        return session.get_one(Post, post.id).state


def sights(world, post):
    with world.database.read() as session:
        asked = select(Observation.sight).where(Observation.post_id == post.id).order_by(Observation.id)
        return session.scalars(asked).all()


def test_posts_that_a_look_back_did_not_meet_are_asked_for(world, look):
    old, lost = world.store("satu", "dua")
    run_id, _ = look()
    with world.database.write() as session:
        session.get_one(Post, old.id).last_seen_at = utc_now()
    with world.database.read() as session:
        found = unlisted_posts(session, session.get_one(Run, run_id), since=LONG_AGO, limit=10)
        assert [post.id for post in found] == [lost.id]
        assert unlisted_posts(session, session.get_one(Run, run_id), since=utc_now(), limit=10) == []


@pytest.mark.parametrize(
    ("sight", "expected"),
    [
        (Sight.DELETED, PostState.DELETED),
        (Sight.BLOCKED, PostState.UNAVAILABLE),
        (Sight.ACCOUNT_GONE, PostState.ACCOUNT_GONE),
        (Sight.FAILED, PostState.SEEN),
        (Sight.SEEN_AGAIN, PostState.SEEN),
    ],
)
def test_each_sight_is_a_state_of_its_own_and_noted_once(world, look, sight, expected):
    (post,) = world.store("satu")
    run_id, fetch_id = look()
    see(world, post, sight, run_id, fetch_id)
    see(world, post, sight, run_id, fetch_id)
    assert state(world, post) is expected
    assert sights(world, post) == ([] if sight is Sight.SEEN_AGAIN else [sight])


def test_a_deleted_post_that_comes_back_is_seen_again_and_the_log_tells_both(world, look):
    (post,) = world.store("satu")
    run_id, fetch_id = look()
    see(world, post, Sight.DELETED, run_id, fetch_id)
    with world.database.write() as session:
        parsed = [ParsedPost(post.external_id, "satu", None, None, "/0", author="sari")]
        store_posts(session, session.get_one(Run, run_id), session.get_one(Fetch, fetch_id), parsed, actor="test")
    assert state(world, post) is PostState.SEEN
    with world.database.read() as session:
        actions = session.scalars(
            select(LogEntry.action).where(LogEntry.action.startswith("posts.")).order_by(LogEntry.seq)
        ).all()
    assert actions == ["posts.stored", "posts.deleted", "posts.seen_again"]


def test_an_account_that_is_gone_takes_its_recent_posts_along(world, look):
    posts = world.store("satu", "dua")
    run_id, fetch_id = look()
    for expected in (2, 0):
        with world.database.write() as session:
            changed = observe_account(
                session, session.get_one(Run, run_id), Sight.ACCOUNT_GONE, since=LONG_AGO,
                fetch=session.get_one(Fetch, fetch_id), reason="HTTP 410", actor="test", at=utc_now(),
            )  # fmt: skip
        assert changed == expected
    assert {state(world, post) for post in posts} == {PostState.ACCOUNT_GONE}
    with world.database.read() as session:
        assert set(session.scalars(select(Observation.fetch_id))) == {fetch_id}


def test_a_history_fills_in_the_texts_between_two_visits_in_their_order(world, look):
    (post,) = world.store("pertama")
    run_id, fetch_id = look()
    texts = [
        ParsedPost(post.external_id, text, None, None, f"/{n}") for n, text in enumerate(["pertama", "kedua", "ketiga"])
    ]
    for expected in (2, 0):
        with world.database.write() as session:
            run, fetch = session.get_one(Run, run_id), session.get_one(Fetch, fetch_id)
            assert store_history(session, run, fetch, texts, actor="test") == expected
    with world.database.read() as session:
        stored = session.get_one(Post, post.id)
        assert (stored.versions, stored.state) == (3, PostState.EDITED)
