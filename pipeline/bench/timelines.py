"""Servers with long Mastodon timelines, ready as bytes, so that the crawler and not the server is measured."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import json
import multiprocessing
import threading
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from urllib.parse import parse_qs, urlsplit

from classifier.labels.corpus import read_posts
from crawler.sources.mastodon import PAGE_SIZE
from models.clock import utc_now
from models.errors import StorageError
from pipeline.bench.entities import as_of_a_person
from pipeline.bench.size import Size
from pipeline.demo.mastodon_api import account_json, status_json
from pipeline.demo.timeline import Account, Square
from pipeline.demo.world import AccountSpec, PostSpec, World, load_world

START_SECONDS = 60.0

Pages = Mapping[str, tuple[bytes, str]]
"""By path and `max_id`: the body and the `Link` header."""


@contextlib.contextmanager
def timelines(size: Size) -> Iterator[list[str]]:
    """Serve `size.hosts` servers of `size.accounts` accounts of `size.posts` posts; the accounts' addresses."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(size, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(START_SECONDS):
            raise StorageError("the bench's servers did not start")
        yield ours.recv()
    except EOFError as error:
        raise StorageError("the bench's servers did not start") from error
    finally:
        process.kill()
        process.join()


def _serve(size: Size, started: Connection) -> None:
    texts = [post.text for post in read_posts()]
    each = size.accounts * size.posts
    addresses: list[str] = []
    for number in range(size.hosts):
        square = _square([texts[(number * each + place) % len(texts)] for place in range(each)], size.posts)
        # An address of its own for each server: the crawler keeps its pauses by host name.
        host = f"127.0.0.{number + 2}"
        server = _Server((host, 0))
        base = f"http://{host}:{server.server_address[1]}"
        server.pages = _pages(square, base)
        addresses += [f"{base}/@{handle}" for handle in square.accounts]
        threading.Thread(target=server.serve_forever, daemon=True).start()
    started.send(addresses)
    threading.Event().wait()


def _square(texts: Sequence[str], posts: int) -> Square:
    accounts = [
        AccountSpec(
            handle=f"warga_{start}",
            name=f"Warga {start}",
            bio="Akun rekaan",
            posts=[
                PostSpec(ago=f"{start + place}m", text=text)
                for place, text in enumerate(texts[start : start + posts], 1)
            ],
        )
        for start in range(0, len(texts), posts)
    ]
    return Square(World(accounts=accounts, office=load_world().office), utc_now() - dt.timedelta(hours=1))


def _pages(square: Square, base: str) -> Pages:
    pages: dict[str, tuple[bytes, str]] = {}
    for account in square.accounts.values():
        pages[f"lookup {account.handle}"] = json.dumps(account_json(account, square, base)).encode(), ""
        pages |= _timeline(account, square, base)
    return pages


def _timeline(account: Account, square: Square, base: str) -> Pages:
    """The pages of one account by the `max_id` that asks for them, the newest by none."""
    listed, path = square.listed(account), f"/api/v1/accounts/{account.id}/statuses"
    pages: dict[str, tuple[bytes, str]] = {}
    max_id = ""
    for start in range(0, len(listed) + 1, PAGE_SIZE):
        found = listed[start : start + PAGE_SIZE]
        statuses = [as_of_a_person(status_json(status, square, base)) for status in found]
        body = json.dumps(statuses, ensure_ascii=False).encode()
        lowest = str(found[-1].id) if len(found) == PAGE_SIZE else ""
        link = f'<{base}{path}?limit={PAGE_SIZE}&max_id={lowest}>; rel="next"' if lowest else ""
        pages[f"{path} {max_id}"] = body, link
        max_id = lowest
    return pages


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    pages: Pages

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body in one packet: two of them wait for each other's acknowledgement
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        lookup = f"lookup {query['acct']}" if "acct" in query else f"{parts.path} {query.get('max_id', '')}"
        body, link = self.server.pages.get(lookup, (b"", ""))
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if link:
            self.send_header("Link", link)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
