"""Many small servers in one process: each is a host of its own, with accounts that have a few posts."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import itertools
import json
import multiprocessing
import resource
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from urllib.parse import parse_qs, urlsplit

from models.clock import utc_now
from models.errors import StorageError

POSTS = 2
START_SECONDS = 60.0
_LISTENING = 1024
_LAST_OCTETS = 250
_SENTENCE = "Hari ini rapat koordinasi kecamatan selesai lebih awal, terima kasih semua yang hadir. "


@dataclasses.dataclass(frozen=True, slots=True)
class Manners:
    """How the servers were asked: the shortest time (seconds) between two requests to one, and the most at once."""

    shortest_gap: float
    most_at_once: int
    requests: int


class Crowd:
    """Seen from outside: `hosts` are (address, port)."""

    def __init__(self, connection: Connection, hosts: Sequence[tuple[str, int]]) -> None:
        self._connection = connection
        self.hosts = hosts

    def manners(self) -> Manners:
        """How it was asked so far."""
        self._connection.send(None)
        found: Manners = self._connection.recv()
        return found


@contextlib.contextmanager
def crowd(hosts: int) -> Iterator[Crowd]:
    """Serve the accounts `/@warga_N` of so many hosts."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(hosts, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(START_SECONDS):
            raise StorageError("the bench's servers did not start")
        yield Crowd(ours, ours.recv())
    except EOFError as error:
        raise StorageError("the bench's servers ended") from error
    finally:
        process.kill()
        process.join()


def _serve(hosts: int, connection: Connection) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * hosts + _LISTENING)), hard))
    asyncio.run(_Servers(connection).serve(hosts))


class _Servers:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last: dict[str, float] = {}
        self._now: collections.Counter[str] = collections.Counter()
        self._shortest, self._most = float("inf"), 0
        self._requests = 0

    async def serve(self, hosts: int) -> None:
        names = [f"127.{1 + number // _LAST_OCTETS}.0.{2 + number % _LAST_OCTETS}" for number in range(hosts)]
        async with contextlib.AsyncExitStack() as stack:
            places = []
            for name in names:
                server = await stack.enter_async_context(await asyncio.start_server(self._talk, name, 0))
                places.append((name, int(server.sockets[0].getsockname()[1])))
            self._connection.send(places)
            loop = asyncio.get_running_loop()
            loop.add_reader(self._connection.fileno(), self._tell)
            await asyncio.Event().wait()

    def _tell(self) -> None:
        self._connection.recv()
        self._connection.send(Manners(self._shortest, self._most, self._requests))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("sockname")
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                began = time.monotonic()
                self._note(host, began)
                status, body = _answer(f"http://{host}:{port}", head.split(b" ", 2)[1].decode("ascii"))
                heads = ["Content-Type: application/json", f"Content-Length: {len(body)}", 'Link: </>; rel="prev"']
                writer.write("\r\n".join([f"HTTP/1.1 {status}", *heads, "\r\n"]).encode() + body)
                await writer.drain()
                self._now[host] -= 1
        writer.close()

    def _note(self, host: str, now: float) -> None:
        self._requests += 1
        self._now[host] += 1
        self._most = max(self._most, self._now[host])
        if host in self._last:
            self._shortest = min(self._shortest, now - self._last[host])
        self._last[host] = now


def _answer(base: str, target: str) -> tuple[str, bytes]:
    parts = urlsplit(target)
    if parts.path == "/api/v1/accounts/lookup":
        handle = parse_qs(parts.query)["acct"][0]
        return "200 OK", json.dumps({"id": handle.rpartition("_")[2], "acct": handle}).encode()
    if parts.path.endswith("/statuses"):
        return "200 OK", json.dumps(list(_statuses(base, parts.path.split("/")[4]))).encode()
    return "404 Not Found", b""


def _statuses(base: str, account: str) -> Iterator[dict[str, object]]:
    now = utc_now().isoformat()
    for number in itertools.islice(itertools.count(POSTS, -1), POSTS):
        post = f"{account}{number:02}"
        yield {
            "id": post,
            "uri": f"{base}/users/warga_{account}/statuses/{post}",
            "url": f"{base}/@warga_{account}/{post}",
            "created_at": now,
            "content": f"<p>{_SENTENCE * 2}({post})</p>",
            "account": {"id": account, "acct": f"warga_{account}"},
        }
