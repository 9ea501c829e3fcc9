"""Whole crawls over loopback HTTP, each in a process of its own."""

import gzip
import json
import random
import re
import signal
import threading
import time

import pytest
from sqlalchemy import func, select

from models.bodies import is_whole, read_body
from models.claims import take_back
from models.clock import utc_now
from models.hosts import Host
from models.mandates import Mandate, revoke_mandate
from models.officers import Officer
from models.posts import Post, Sighting
from models.targets import Fetch, RunOutcome, Target
from tests.crawler.conftest import Crawls, Reply, Site


def feed(*titles):
    items = "".join(
        f"<item><title>{title}</title><link>https://warta.example/{title}</link></item>" for title in titles
    )
    return f"<rss version='2.0'><channel>{items}</channel></rss>".encode()


class Timeline:
    """The two endpoints of a Mastodon server for one account, with paging, ETags and edits."""

    def __init__(self, site, count, name="sari"):
        self.site, self.name = site, name
        self.texts = {n: f"Unggahan {n}" for n in range(1, count + 1)}
        site.pages["/api/v1/accounts/lookup"] = self.lookup
        site.pages["/api/v1/accounts/7/statuses"] = self.statuses
        self.before_page = lambda _: None

    @property
    def address(self):
        return f"{self.site.url}/@{self.name}"

    def uri(self, n):
        return f"{self.site.url}/users/{self.name}/statuses/{n}"

    def lookup(self, asked, _):
        if asked.query["acct"] != self.name:
            return Reply(b'{"error":"Record not found"}', 404)
        return Reply(b'{"id": "7", "acct": "sari"}')

    def statuses(self, asked, _):
        self.before_page(asked)
        upper, lower = int(asked.query.get("max_id", 10**9)), int(asked.query.get("since_id", 0))
        page = [n for n in sorted(self.texts, reverse=True) if lower < n < upper][: int(asked.query["limit"])]
        body = json.dumps([self.status(n) for n in page]).encode()
        headers = {"ETag": f'W/"{hash(body)}"', "Content-Type": "application/json"}
        if page:
            headers["Link"] = f'<https://elsewhere.example/?min_id={page[0]}>; rel="prev"'
        if len(page) == int(asked.query["limit"]):
            headers["Link"] = f'<https://elsewhere.example/?max_id={page[-1]}>; rel="next", ' + headers["Link"]
        if asked.headers.get("if-none-match") == headers["ETag"]:
            return Reply(b"", 304, headers)
        return Reply(body, 200, headers)

    def status(self, n):
        return {
            "id": str(n),
            "uri": self.uri(n),
            "url": f"{self.site.url}/@{self.name}/{n}",
            "created_at": "2026-10-05T07:30:00Z",
            "content": f"<p>{self.texts[n]}</p>",
            "account": {"id": "7", "acct": self.name},
        }


@pytest.fixture
def crawls(sqlite_world, sqlite_url, evidence):
    return Crawls(sqlite_world.database, sqlite_url, evidence, sqlite_world.mandate)


def test_a_timeline_is_crawled_whole_then_only_its_changes(world, database_url, evidence, site):
    crawls, timeline = Crawls(world.database, database_url, evidence, world.mandate), Timeline(site(), 95)
    crawls.allow(timeline.site)
    target = crawls.target("mastodon", timeline.address, world.account)
    (first,) = crawls.run(target)
    assert (first.outcome, first.posts_new, first.fetches) == (RunOutcome.DONE, 95, 4)
    assert crawls.watermark(target) == {"account_id": "7", "newest": "95"}

    (second,) = crawls.run(target)
    assert (second.outcome, second.posts_seen, second.fetches) == (RunOutcome.UNCHANGED, 0, 1)

    timeline.texts[90] = "Unggahan 90, diralat"
    timeline.texts |= {n: f"Unggahan {n}" for n in range(96, 140)}
    (third,) = crawls.run(target)
    assert (third.outcome, third.posts_new, third.posts_edited) == (RunOutcome.DONE, 44, 0)
    assert crawls.watermark(target)["newest"] == "139"
    del timeline.texts[139]
    timeline.texts[110] = "Unggahan 110, diralat"
    (fourth,) = crawls.run(target)
    assert (fourth.posts_new, fourth.posts_edited) == (0, 1)

    texts = crawls.texts()
    assert texts.pop(timeline.uri(110)) == ["Unggahan 110", "Unggahan 110, diralat"]
    assert texts == {timeline.uri(n): [f"Unggahan {n}"] for n in range(1, 140) if n != 110}
    with world.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Sighting)) == 139
        assert all(is_whole(session, evidence, digest) for digest in session.scalars(select(Fetch.body_sha256)))
    agent = timeline.site.asked[0].headers["user-agent"]
    assert agent.startswith("Netra/")
    assert "operator@example.invalid" in agent


def drip(_, handler):
    """Headers at once, then one byte at a time for ever."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/rss+xml")
    handler.end_headers()
    while True:
        handler.wfile.write(b" ")
        time.sleep(0.2)


def endless(_, handler):
    handler.send_response(200)
    handler.send_header("Content-Type", "application/rss+xml")
    handler.end_headers()
    while True:
        handler.wfile.write(b"<item>" * 10_000)


def hang_up(_, handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"<rss>")


def bad_servers(site, canary):
    """Hostile feeds by name: the site, and a pattern that outcome and reason must match."""
    bomb = gzip.compress(gzip.compress(b"<rss>" + b" " * 60_000_000))
    inner = f"http://127.0.0.1:{canary.port}/feed"
    replies = {
        "redirect to an inner address": ({"Location": inner}, 302, b"", "refused: alamat ditolak"),
        "redirect to a file": ({"Location": "file:///etc/passwd"}, 301, b"", "failed: .*HTTP 301"),
        "redirect to itself": ({"Location": "/feed"}, 302, b"", "failed: jawaban ditolak: .*redirections"),
        "gone": ({}, 404, b"", "gone: .*404"),
        "forbidden": ({}, 403, b"", "blocked: .*HTTP 403"),
        "broken": ({}, 500, b"", "failed: server menjawab HTTP 500"),
        "not a feed": ({}, 200, b"<html>Galat</html>", "failed: isi tidak dikenali: .*not a feed"),
        "bomb": ({"Content-Encoding": "gzip, gzip"}, 200, bomb, "failed: jawaban ditolak: .*MAXSIZE"),
        "asks for an hour": ({"Retry-After": "3600"}, 429, b"", "failed: diminta menunggu sampai"),
        "too large": ({}, 200, b" " * 3_000_000, "failed: jawaban terlalu besar"),
    }
    found = {}
    for name, (headers, status, body, expected) in replies.items():
        made = site()
        made.serve("/feed", body, status, **{key.replace("-", "_"): value for key, value in headers.items()})
        found[name] = (made, expected)
    for name, page, expected in (
        ("slow", drip, "failed: server terlalu lambat"),
        ("endless", endless, "failed: jawaban terlalu besar"),
        ("hangs up", hang_up, "failed: (jawaban terpotong|sambungan terputus)"),
    ):
        made = site()
        made.pages["/feed"] = page
        found[name] = (made, expected)
    for name, body, status, expected in (
        ("robots forbid", b"User-agent: Netra\nDisallow: /feed\n", 200, "refused: robots.txt melarang"),
        ("robots unreadable", b"", 503, "failed: robots.txt tidak dapat dibaca"),
    ):
        made = site()
        made.serve("/robots.txt", body, status)
        made.serve("/feed", feed("rahasia"))
        found[name] = (made, expected)
    return found


REBINDING = """
import socket
import crawler.guard
real_lookup, real_getaddrinfo = crawler.guard.system_lookup, socket.getaddrinfo
async def lookup(host, port):
    return ["127.0.0.99"] if host == "rebind.example.com" else await real_lookup(host, port)
def getaddrinfo(host, *args, **kwargs):
    rebound = host in ("rebind.example.com", b"rebind.example.com")
    return real_getaddrinfo("127.0.0.1" if rebound else host, *args, **kwargs)
crawler.guard.system_lookup, socket.getaddrinfo = lookup, getaddrinfo
"""
"""The guard is told one address; whoever asked the system again would be told the canary's."""


def test_bad_servers_end_their_own_runs_with_a_reason_and_no_inner_server_is_reached(crawls, site):
    good, canary = site(), Site("127.0.0.1")
    canary.serve("/feed", feed("bocor"))
    servers = bad_servers(site, canary)
    good.serve("/feed", feed("baik"))
    crawls.allow(good, *(made for made, _ in servers.values()))
    targets = {name: crawls.target("feed", f"{made.url}/feed") for name, (made, _) in servers.items()}
    expected = {name: pattern for name, (_, pattern) in servers.items()}
    crawls.allowed.append(("rebind.example.com", canary.port))
    for name, host, pattern in (
        ("inner target", "127.0.0.1", "refused: alamat ditolak"),
        ("rebinding name", "rebind.example.com", "failed: robots.txt tidak dapat dibaca: .*Refused"),
    ):
        targets[name] = crawls.target("feed", f"http://{host}:{canary.port}/feed")
        expected[name] = pattern
    targets["timeline without TLS"] = crawls.target("mastodon", f"http://127.0.0.1:{canary.port}/@sari")
    expected["timeline without TLS"] = "refused: alamat mastodon harus https"
    targets["good"] = crawls.target("feed", f"{good.url}/feed")
    expected["good"] = "done: $"

    started = time.monotonic()
    runs = dict(zip(targets, crawls.run(*targets.values(), prelude=REBINDING, max_bytes=2_000_000), strict=True))
    assert time.monotonic() - started < 30

    outcomes = {name: f"{run.outcome.value}: {run.reason}" for name, run in runs.items()}
    assert {name: line for name, line in outcomes.items() if not re.match(expected[name], line)} == {}
    canary.close()
    assert canary.asked == []
    assert servers["robots forbid"][0].paths() == ["/robots.txt"]
    assert list(crawls.texts().values()) == [["baik"]]
    assert (runs["good"].ended_at - runs["good"].started_at).total_seconds() < 10
    with crawls.database.read() as session:
        busy = session.get_one(Host, servers["asks for an hour"][0].host)
        assert 3500 < (busy.rest_until - utc_now()).total_seconds() <= 3600
        kept = session.scalar(select(Fetch.body_sha256).where(Fetch.run_id == runs["not a feed"].id))
        assert read_body(session, crawls.evidence, kept) == b"<html>Galat</html>"
    assert runs["not a feed"].unparsed == 1


def test_a_host_is_asked_by_one_request_at_a_time_and_waited_for_when_it_asks(crawls, site):
    busy, limited = site(), site()

    def slowly(asked, _):
        time.sleep(0.1)
        return Reply(feed(asked.path.strip("/")))

    addresses = [f"{busy.url}/feed{n}" for n in range(6)]
    for n in range(6):
        busy.pages[f"/feed{n}"] = slowly
    answers = [
        Reply(b"", 429, {"Retry-After": "1"}),
        Reply(feed("akhirnya"), 200, {"RateLimit": "remaining=0, reset=1"}),
    ]
    limited.pages["/a"] = lambda *_: answers.pop(0)
    limited.serve("/b", feed("kemudian"))
    crawls.allow(busy, limited)
    addresses += [f"{limited.url}/a", f"{limited.url}/b"]
    runs = crawls.run(*(crawls.target("feed", address) for address in addresses), longest_wait=5.0)
    assert [run.outcome for run in runs] == [RunOutcome.DONE] * 8
    assert (busy.most_at_once, busy.paths().count("/robots.txt")) == (1, 1)
    first, second, third = [asked.at for asked in limited.asked if asked.path != "/robots.txt"]
    assert second - first >= 1
    assert third - second >= 0.9


def test_a_paging_server_that_fails_is_resumed_where_it_stopped(crawls, site, sqlite_world):
    timeline = Timeline(site(), 130)
    crawls.allow(timeline.site)
    target = crawls.target("mastodon", timeline.address, sqlite_world.account)
    working = timeline.site.pages["/api/v1/accounts/7/statuses"]
    timeline.site.pages["/api/v1/accounts/7/statuses"] = lambda asked, handler: (
        Reply(b"", 500) if asked.query.get("max_id") == "51" else working(asked, handler)
    )
    (failed,) = crawls.run(target)
    assert (failed.outcome, failed.posts_new) == (RunOutcome.FAILED, 80)
    assert crawls.watermark(target) == {"account_id": "7", "pending": {"top": "130", "max_id": "51"}}
    timeline.site.pages["/api/v1/accounts/7/statuses"] = working
    timeline.texts |= {n: f"Unggahan {n}" for n in range(131, 140)}
    (resumed,) = crawls.run(target)
    assert (resumed.outcome, resumed.posts_new) == (RunOutcome.DONE, 59)
    assert crawls.watermark(target) == {"account_id": "7", "newest": "139"}
    assert crawls.texts() == {timeline.uri(n): [f"Unggahan {n}"] for n in range(1, 140)}


def test_a_crawl_that_is_killed_loses_nothing_and_doubles_nothing(crawls, site, sqlite_world):
    timeline = Timeline(site(), 400)
    crawls.allow(timeline.site)
    target = crawls.target("mastodon", timeline.address, sqlite_world.account)
    for pages in (1, 3, 4):
        due = threading.Event()
        left = iter(range(pages))
        timeline.before_page = lambda _, due=due, left=left: next(left, None) is None and due.set()
        process = crawls.spawn(crawls.begin(target))
        assert due.wait(30)
        process.kill()
        process.communicate()
        with crawls.database.write() as session:
            assert take_back(session, actor="test", now=utc_now(), worker="test") == 1
        mark = crawls.watermark(target)
        stored = {int(external_id.rpartition("/")[2]) for external_id in crawls.texts()}
        assert "newest" not in mark
        assert stored == set(range(int(mark["pending"]["max_id"]), 401)) if "pending" in mark else stored == set()
    timeline.before_page = lambda _: None
    (run,) = crawls.run(target)
    assert run.outcome is RunOutcome.DONE
    assert crawls.texts() == {timeline.uri(n): [f"Unggahan {n}"] for n in range(1, 401)}
    assert crawls.watermark(target) == {"account_id": "7", "newest": "400"}


def test_a_crawl_told_to_stop_leaves_its_runs_interrupted_and_due(crawls, site):
    slow = site()
    reached = threading.Event()

    def wait(*_):
        reached.set()
        time.sleep(2)
        return Reply(feed("terlambat"))

    slow.pages["/feed"] = slow.pages["/other"] = wait
    crawls.allow(slow)
    targets = [crawls.target("feed", f"{slow.url}/feed"), crawls.target("feed", f"{slow.url}/other")]
    runs = crawls.begin(*targets)
    process = crawls.spawn(runs)
    assert reached.wait(30)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    outcomes = [run.outcome for run in crawls.ended(runs)]
    assert outcomes[1] is RunOutcome.INTERRUPTED
    with crawls.database.read() as session:
        assert session.get_one(Target, targets[1]).next_due_at <= utc_now()


def test_a_mandate_revoked_in_the_middle_stops_the_crawl(crawls, site, sqlite_world):
    timeline = Timeline(site(), 130)
    crawls.allow(timeline.site)
    target = crawls.target("mastodon", timeline.address, sqlite_world.account)

    def revoke(asked):
        if asked.query.get("max_id") == "91":
            while len(crawls.texts()) < 40:  # the page before is on its way to the database
                time.sleep(0.01)
            with crawls.database.write() as session:
                mandate = session.get_one(Mandate, sqlite_world.mandate.id)
                officer = session.get_one(Officer, sqlite_world.operator.id)
                revoke_mandate(session, mandate, officer, reason="uji")

    timeline.before_page = revoke
    (run,) = crawls.run(target)
    assert (run.outcome, run.posts_new) == (RunOutcome.REFUSED, 40)
    assert "dicabut" in run.reason
    assert len(crawls.texts()) == 40


FULL_DISK = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
"""
"""No file grows beyond this, the database's write-ahead log among them."""


def test_a_full_disk_stops_the_crawl_and_stores_no_row_without_its_bytes(crawls, site):
    good = site()
    good.serve("/feed", feed(random.Random(7).randbytes(400_000).hex()))  # noqa: S311 - bytes that do not compress
    crawls.allow(good)
    runs = crawls.begin(crawls.target("feed", f"{good.url}/feed"))
    crawls.database.settle()  # the log of what was written so far would fill it already
    process = crawls.spawn(runs, FULL_DISK)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "StorageError" in errors
    assert [run.outcome for run in crawls.ended(runs)] == [RunOutcome.INTERRUPTED]
    with crawls.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Fetch)) == 0
        assert session.scalar(select(func.count()).select_from(Post)) == 0


def test_time_over_for_the_whole_crawl_leaves_the_rest_due(crawls, site):
    slow, over = site(), threading.Event()
    slow.serve("/a", feed("cepat"))
    slow.pages["/b"] = lambda *_: over.wait(60) and None
    crawls.allow(slow)
    targets = [crawls.target("feed", f"{slow.url}{path}") for path in ("/a", "/b")]
    runs = crawls.run(*targets, total_seconds=4.0, request_seconds=60.0, run_seconds=60.0)
    over.set()
    assert [run.outcome for run in runs] == [RunOutcome.DONE, RunOutcome.INTERRUPTED]
