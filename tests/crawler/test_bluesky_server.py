"""Whole crawls of a Bluesky account over loopback HTTP."""

import json

from models.targets import RunOutcome
from tests.crawler.conftest import Crawls, Reply

DID = "did:plc:warga2rekaan3dermaga4xy"
FEED, RECORDS = "/xrpc/app.bsky.feed.getAuthorFeed", "/xrpc/com.atproto.repo.listRecords"


def post(n, text):
    uri = f"at://{DID}/app.bsky.feed.post/3mkabar{n:06}"
    record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": f"2026-10-05T07:{n:02}:00Z"}
    author = {"did": DID, "handle": "sari.seruni.example"}
    return {"uri": uri, "author": author, "record": record, "indexedAt": record["createdAt"]}


def test_an_account_is_crawled_edited_served_from_elsewhere_and_gone(sqlite_world, sqlite_url, evidence, site):
    server = site()
    texts = {n: f"Kabar {n}" for n in range(1, 6)}

    def feed(asked, _):
        older = [n for n in sorted(texts, reverse=True) if n < int(asked.query.get("cursor", 99))][:2]
        page = {"feed": [{"post": post(n, texts[n])} for n in older]}
        return Reply(json.dumps({**page, "cursor": str(older[-1])} if older else page).encode())

    def records(asked, _):
        assert asked.query["repo"] == DID
        listed = [post(n, texts[n]) for n in sorted(texts, reverse=True)]
        page = {"records": [{"uri": each["uri"], "value": each["record"]} for each in listed]}
        return Reply(json.dumps(page).encode())

    server.pages[FEED], server.pages[RECORDS] = feed, records
    crawls = Crawls(sqlite_world.database, sqlite_url, evidence, sqlite_world.mandate)
    crawls.allow(server)
    target = crawls.target("bluesky", f"{server.url}/profile/sari.seruni.example", sqlite_world.account)

    (first,) = crawls.run(target)
    assert (first.outcome, first.posts_new, first.unparsed) == (RunOutcome.DONE, 5, 0)
    assert server.asked[-1].query["actor"] == DID

    server.serve(FEED, b"<html>", 503)
    texts |= {5: "Ralat", 6: "Kabar dari server sendiri"}
    (second,) = crawls.run(target)
    assert (second.outcome, second.posts_new, second.posts_edited) == (RunOutcome.DONE, 1, 1)

    server.serve(FEED, b'{"error": "AccountDeactivated", "message": "Account is deactivated"}', 400)
    (third,) = crawls.run(target)
    assert (third.outcome, "dinonaktifkan" in third.reason) == (RunOutcome.GONE, True)
    assert len(crawls.texts()) == 6
