"""Posts are stored once, every text is kept, and an edit is read again."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from models import posts as posts_module
from models.assessments import Act, Finding, ModelIdentity, Voice, store_assessments
from models.base import storable
from models.clock import utc_now
from models.errors import BadInput
from models.log import LogEntry
from models.mandates import Mandate
from models.posts import (
    ParsedPost,
    Post,
    PostState,
    PostVersion,
    Sighting,
    SightingState,
    Stored,
    store_posts,
)
from models.targets import Fetch, Run, Target, add_target, start_run
from models.vault import commitment


def item(key="1", text="Selamat pagi", **more):
    fields = {"url": None, "posted_at": None, "locator": "/0", **more}
    return ParsedPost(external_id=f"https://example.invalid/{key}", text=text, **fields)


def open_run(world, target=None):
    with world.database.write() as session:
        target = session.get_one(Target, (target or world.target).id)
        run = start_run(session, target, due_at=utc_now(), actor="test")
        fetch = Fetch(run_id=run.id, url="https://example.invalid/", status=200, headers={}, fetched_at=utc_now(),
                      body_sha256="0" * 64, media_type="application/json")  # fmt: skip
        session.add(fetch)
    return run.id, fetch.id


def store(world, items, place=None):
    run_id, fetch_id = place or open_run(world)
    with world.database.write() as session:
        return store_posts(session, session.get_one(Run, run_id), session.get_one(Fetch, fetch_id), items, actor="test")


def table(world, kind):
    with world.database.read() as session:
        return session.scalars(select(kind)).all()


def test_storing_twice_changes_nothing(world):
    items, place = [item("1"), item("2"), item("2", "yang terakhir")], open_run(world)
    assert store(world, items, place) == Stored(seen=2, new=2, edited=0)
    entries = len(table(world, LogEntry))
    assert store(world, items, place) == Stored(seen=2, new=0, edited=0)
    assert sorted(version.text for version in table(world, PostVersion)) == ["Selamat pagi", "yang terakhir"]
    assert len(table(world, LogEntry)) == entries
    (run,) = table(world, Run)
    assert (run.posts_seen, run.posts_new, run.posts_edited) == (4, 2, 0)


def test_an_edit_is_a_new_version_and_is_read_again(world):
    store(world, [item()])
    with world.database.write() as session:
        session.scalars(select(Sighting)).one().state = SightingState.ASSESSED
    assert store(world, [item(text="Ayo pilih")]) == Stored(seen=1, new=0, edited=1)
    (post,), (sighting,) = table(world, Post), table(world, Sighting)
    assert (post.versions, post.state, sighting.state) == (2, PostState.EDITED, SightingState.NEW)
    assert [(version.number, version.text) for version in table(world, PostVersion)] == [
        (1, "Selamat pagi"),
        (2, "Ayo pilih"),
    ]


def test_a_repost_is_kept_but_put_before_nobody(sqlite_world):
    store(sqlite_world, [item(is_repost=True)])
    assert len(table(sqlite_world, Post)) == 1
    assert table(sqlite_world, Sighting) == []


def test_a_post_seen_under_two_mandates_targets_is_one_post(world):
    with world.database.write() as session:
        target = add_target(session, world.mandate, source="mastodon", address="https://example.invalid/@dua",
                            account=world.account, actor="test")  # fmt: skip
    store(world, [item()])
    store(world, [item()], open_run(world, target))
    assert len(table(world, Post)) == len(table(world, Sighting)) == 1


def test_another_accounts_target_cannot_rewrite_a_post(sqlite_world):
    world = sqlite_world
    store(world, [item(text="Selamat pagi")])
    with world.database.write() as session:
        mandate = session.get_one(Mandate, world.mandate.id)
        feed = add_target(
            session, mandate, source="mastodon", address="https://other.invalid/@x", account=None, actor="test"
        )
    assert store(world, [item(text="Pilih nomor 1!")], open_run(world, feed)) == Stored(seen=1, new=0, edited=0)
    with world.database.read() as session:
        assert session.scalars(select(PostVersion.text)).all() == ["Selamat pagi"]


def test_a_post_that_was_gone_and_is_back_is_seen_again(sqlite_world):
    store(sqlite_world, [item()])
    with sqlite_world.database.write() as session:
        session.scalars(select(Post)).one().state = PostState.UNAVAILABLE
    store(sqlite_world, [item()])
    assert table(sqlite_world, Post)[0].state is PostState.SEEN


def test_the_log_commits_to_each_text_without_telling_it(sqlite_world):
    store(sqlite_world, [item(text="Rahasia")])
    (post,) = table(sqlite_world, Post)
    (entry,) = [row.entry for row in table(sqlite_world, LogEntry) if row.action == "posts.stored"]
    assert json.loads(entry)["facts"]["posts"] == [[post.id, 1, commitment(post.salt, "Rahasia")]]
    assert b"Rahasia" not in entry
    assert post.text_sha256.encode() not in entry


def test_nothing_parsed_stores_nothing(sqlite_world):
    assert store(sqlite_world, []) == Stored(0, 0, 0)


def test_hostile_text_is_stored_on_both_databases(world):
    hostile = "a\x00b\ud800c\u202e😀" + "x" * 200_000
    store(world, [item("a\x00\udfff", hostile, author="\x00", url="https://x/\x00", locator="/\x00",
                       attachments=({"alt": "\x00 ada"},))])  # fmt: skip
    (version,) = table(world, PostVersion)
    assert version.text == storable(hostile)[:100_000]


def test_a_file_of_many_posts_costs_few_statements_and_is_logged_in_batches(sqlite_world):
    count, items = [], [item(str(n)) for n in range(2_500)]
    place = open_run(sqlite_world)
    event.listen(sqlite_world.database.engine, "before_cursor_execute", lambda *_: count.append(1))
    assert store(sqlite_world, items, place).new == 2_500
    assert len(count) < 60
    logged = [row for row in table(sqlite_world, LogEntry) if row.action == "posts.stored"]
    assert [len(json.loads(row.entry)["facts"]["posts"]) for row in logged] == [1_000, 1_000, 500]


def test_runs_that_meet_the_same_posts_at_once_store_each_once(world):
    places = [open_run(world) for _ in range(4)]
    gate = threading.Barrier(4)

    def crawl(number):
        items = [item(str(n), f"versi {number}") for n in range(20)]
        gate.wait()
        return store(world, items[number:] + items[:number], places[number])

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        stored = list(pool.map(crawl, range(4)))
    assert sum(one.new for one in stored) == 20
    assert sum(one.edited for one in stored) == 60
    with world.database.read() as session:
        numbers = session.execute(
            select(PostVersion.post_id, func.max(PostVersion.number)).group_by(PostVersion.post_id)
        )
        assert {newest for _, newest in numbers} == {4}
    assert {post.versions for post in table(world, Post)} == {4}


def test_a_post_edited_while_it_was_being_scored_stays_new(world):
    store(world, [item()])
    with world.database.read() as session:
        (old,) = session.scalars(select(PostVersion)).all()
    store(world, [item(text="Ayo pilih")])
    finding = Finding(0.1, flagged=False, act=Act.NONE, voice=Voice.OWN, targets=[], masked="", spans=[])
    with world.database.write() as session:
        sighting = session.scalars(select(Sighting)).one()
        store_assessments(session, [(sighting, old, finding)], ModelIdentity("m", "1", "0" * 64, 0.5), actor="test")
        assert sighting.state is SightingState.NEW


@given(st.text(st.characters(), max_size=50))
def test_storable_text_is_what_every_database_takes(text):
    cleaned = storable(text)
    assert "\x00" not in cleaned
    assert cleaned.encode().decode() == cleaned
    assert storable(cleaned) == cleaned


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"posted_at": dt.datetime(2026, 1, 1)}, "posted_at"),  # noqa: DTZ001 - a time without a zone is the point
        ({"edited_at": dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=5)))}, "edited_at"),
    ],
)
def test_a_time_nobody_can_place_is_bad_input(more, said):
    with pytest.raises(BadInput, match=said):
        item(**more)


@pytest.mark.parametrize("key", ["", "x" * (posts_module.MAX_ID_CHARACTERS + 1)])
def test_a_post_needs_an_id_of_bearable_length(key):
    with pytest.raises(BadInput, match="post id"):
        ParsedPost(external_id=key, text="", url=None, posted_at=None, locator="")
