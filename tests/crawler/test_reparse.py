"""What a connector did not understand is kept, counted, and found later without asking the server again."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from crawler.reparse import reparse
from crawler.sources.bluesky import Bluesky
from models.accounts import Account
from models.bodies import keep_body
from models.clock import utc_now
from models.errors import BadInput
from models.log import LogEntry
from models.mandates import Mandate, revoke_mandate
from models.officers import Officer
from models.posts import Post, PostVersion
from models.targets import Fetch, Target, start_run


def status(number, text):
    return {
        "id": str(number),
        "uri": f"https://example.invalid/statuses/{number}",
        "created_at": "2026-10-05T07:30:00Z",
        "content": text,
        "account": {"id": "7", "acct": "sari"},
    }


@pytest.fixture
def page(sqlite_world):
    """Store a response as if half of it had not been understood when it came."""

    def keep(*statuses, body=None):
        with sqlite_world.database.write() as session:
            target = session.get_one(Target, sqlite_world.target.id)
            target.watermark = {"account_id": "7"}
            run = start_run(session, target, due_at=utc_now(), actor="test")
            fetch = Fetch(
                run_id=run.id, url="https://example.invalid/api/v1/accounts/7/statuses", status=200, headers={},
                fetched_at=utc_now(), body_sha256=keep_body(session, body or json.dumps(statuses).encode()),
                media_type="application/json", kind="newest", unparsed=2,
            )  # fmt: skip
            session.add(fetch)
            session.flush()
            return fetch.id

    return keep


def again(world, evidence, **kwargs):
    return reparse(world.database, evidence, actor="test", **kwargs)


def texts(world):
    with world.database.read() as session:
        return sorted(session.scalars(select(PostVersion.text)))


def test_posts_of_a_format_that_is_understood_now_are_added_once(sqlite_world, evidence, page):
    fetch_id = page(status(1, "satu"), status(2, "dua"), {"id": "3"})
    first = again(sqlite_world, evidence)
    assert (first.responses, first.cured, first.posts, first.unparsed) == (1, 0, 2, 1)
    second = again(sqlite_world, evidence)
    assert (second.responses, second.posts) == (1, 0)
    assert texts(sqlite_world) == ["dua", "satu"]
    with sqlite_world.database.read() as session:
        fetch = session.get_one(Fetch, fetch_id)
        assert (fetch.unparsed, [problem["locator"] for problem in fetch.problems]) == (1, ["/2"])
        posts = session.scalars(select(Post)).all()
        assert {post.first_seen_at for post in posts} == {fetch.fetched_at}
        assert "fetch.reparsed" in session.scalars(select(LogEntry.action)).all()


def test_a_response_understood_whole_is_not_read_again(sqlite_world, evidence, page):
    page(status(1, "satu"))
    assert again(sqlite_world, evidence).cured == 1
    assert again(sqlite_world, evidence).responses == 0


def test_what_was_seen_since_is_not_overwritten(sqlite_world, evidence, page):
    page(status(1, "baru"))
    again(sqlite_world, evidence)
    page(status(1, "lama"), status(2, "dua"))
    again(sqlite_world, evidence)
    assert texts(sqlite_world) == ["baru", "dua"]


def test_bytes_that_still_make_no_sense_stay_counted(sqlite_world, evidence, page):
    page(body=b"<html>masuk dulu</html>")
    result = again(sqlite_world, evidence)
    assert (result.responses, result.cured, result.unparsed) == (1, 0, 1)


def test_nothing_is_read_again_after_the_mandate_ended(sqlite_world, evidence, page):
    page(status(1, "satu"))
    with sqlite_world.database.write() as session:
        officer = session.get_one(Officer, sqlite_world.operator.id)
        revoke_mandate(session, session.get_one(Mandate, sqlite_world.mandate.id), officer, reason="uji")
    assert again(sqlite_world, evidence).skipped == 1
    assert texts(sqlite_world) == []


def test_only_the_source_that_was_named_is_read_again(sqlite_world, evidence, page):
    page(status(1, "satu"))
    assert again(sqlite_world, evidence, source="feed").responses == 0
    with pytest.raises(BadInput, match="no source named"):
        again(sqlite_world, evidence, source="lapak")


def test_lines_of_an_imported_file_are_read_again_by_its_own_reader(sqlite_world, evidence, page):
    item = {"id": "7301", "desc": "Ayo berbenah", "createTime": 1_790_000_000, "author": {"uniqueId": "sari"}}
    line = json.dumps({"source_platform": "tiktok.com", "item_id": "7301", "data": item}).encode() + b"\n"
    fetch_id = page(body=line)
    with sqlite_world.database.write() as session:
        session.get_one(Fetch, fetch_id).kind = "zeeschuimer"
    assert again(sqlite_world, evidence).posts == 1
    assert texts(sqlite_world) == ["Ayo berbenah"]


def test_a_page_that_turned_out_to_be_somebody_elses_is_not_read_again(sqlite_world, evidence, page):
    item = {"post": {"uri": "at://did:plc:lain/app.bsky.feed.post/3k", "cid": "c", "author": {"did": "did:plc:lain",
            "handle": "lain.example"}, "record": {"text": "bukan milik Sari", "createdAt": "2026-10-05T07:30:00Z"},
            "indexedAt": "2026-10-05T07:30:00Z"}}  # fmt: skip
    fetch_id = page(body=json.dumps({"feed": [item]}).encode())
    with sqlite_world.database.write() as session:
        session.get_one(Fetch, fetch_id).kind = Bluesky().begin("https://bsky.app/profile/sari.example", {}).kind
        target = session.get_one(Target, sqlite_world.target.id)
        target.source, target.address = "bluesky", "https://bsky.app/profile/sari.example"
        target.watermark = {"did": "did:plc:lain", "handle": "lain.example"}
        session.get_one(Account, sqlite_world.account.id).external_id = "did:plc:sari"
    assert again(sqlite_world, evidence).skipped == 1
    assert texts(sqlite_world) == []
