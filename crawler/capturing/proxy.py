"""The browser's only way out: a forward proxy on loopback that dials nothing but what the guard lets pass.

A browser cannot be trusted to guard itself: a page may send it anywhere by redirect, frame, image, script,
WebSocket or a name that resolves to an inner address. So the browser resolves nothing. Each connection goes
through here; the name is looked up once, the addresses are judged, and exactly a judged address is dialled.
HTTP is parsed on both sides (h11), one request a connection, so that no server answers for another.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import secrets
from collections.abc import AsyncIterator
from typing import Self
from urllib.parse import urlsplit

import h11

from crawler.guard import Guard, Refused, Unresolved, endpoint

MAX_HEAD_BYTES = 64 << 10
MAX_CONNECTIONS = 128
DIAL_SECONDS = 10.0
IDLE_SECONDS = 30.0
_CHUNK = 64 << 10
_USER = "netra"
# RFC 9110 §7.6.1: these belong to one hop.
_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
     b"trailer", b"transfer-encoding", b"upgrade"}
)  # fmt: skip


class _Exhausted(OSError):
    """The capture has had all the bytes it may have."""


@dataclasses.dataclass(slots=True)
class Traffic:
    """What went through the proxy since `GuardProxy.begin`. `refused` maps host and port to the guard's reason."""

    connections: int = 0
    received: int = 0
    exhausted: bool = False
    refused: dict[tuple[str, int], str] = dataclasses.field(default_factory=dict)
    unreachable: set[tuple[str, int]] = dataclasses.field(default_factory=set)


class GuardProxy:
    """An HTTP proxy (RFC 9110 §7.3, CONNECT and absolute form) for one browser, with its own port and token."""

    def __init__(self, guard: Guard, *, max_bytes: int) -> None:
        self.url = ""
        self.username, self.password = _USER, secrets.token_urlsafe(32)
        self.traffic = Traffic()
        self._guard = guard
        self._max_bytes = max_bytes
        self._clients: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Self]:
        """Serve on a free loopback port, `url`, until the block ends."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            await self._cut()

    async def begin(self) -> None:
        """Cut what is open and count from zero; called before each capture."""
        await self._cut()
        self.traffic = Traffic()

    async def _cut(self) -> None:
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= MAX_CONNECTIONS:
            writer.close()
            return
        client = asyncio.get_running_loop().create_task(self._attend(reader, writer))
        self._clients.add(client)
        client.add_done_callback(self._clients.discard)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # On failure the browser sees a closed connection, which is all that a page may learn.
            with contextlib.suppress(OSError, TimeoutError, h11.ProtocolError):
                await self._serve(_Peer(h11.Connection(h11.SERVER, MAX_HEAD_BYTES), reader, writer))
        finally:
            writer.close()

    async def _serve(self, browser: _Peer) -> None:
        request = await browser.receive()
        if not isinstance(request, h11.Request):
            return
        if not self._authorised(request):
            await browser.answer(407, b"", [(b"proxy-authenticate", b'Basic realm="netra"')])
            return
        self.traffic.connections += 1
        tunnel = request.method == b"CONNECT"
        target = request.target.decode("latin-1")
        try:
            host, port = endpoint(f"https://{target}" if tunnel else target)
        except Refused as refused:
            await browser.answer(403, str(refused).encode())
            return
        server = await self._reach(browser, host, port)
        if server is None:
            return
        try:
            await (self._tunnel(browser, server) if tunnel else self._forward(browser, server, request))
        except h11.RemoteProtocolError:
            await browser.answer(502, b"the server does not speak HTTP")
        finally:
            server.writer.close()

    def _authorised(self, request: h11.Request) -> bool:
        expected = b"Basic " + base64.b64encode(f"{self.username}:{self.password}".encode())
        given = dict(request.headers).get(b"proxy-authorization", b"")
        return secrets.compare_digest(given, expected)

    async def _reach(self, browser: _Peer, host: str, port: int) -> _Peer | None:
        """A connection to a judged address of `host`, or None after the browser was told why not."""
        try:
            addresses = await self._guard.resolve(host, port)
        except Unresolved as unresolved:
            self.traffic.unreachable.add((host, port))
            await browser.answer(504, str(unresolved).encode())
            return None
        except Refused as refused:
            self.traffic.refused[host, port] = str(refused)
            await browser.answer(403, str(refused).encode())
            return None
        for address in addresses:
            with contextlib.suppress(OSError, TimeoutError):
                opening = asyncio.open_connection(address, port)
                reader, writer = await asyncio.wait_for(opening, DIAL_SECONDS)
                return _Peer(h11.Connection(h11.CLIENT, MAX_HEAD_BYTES), reader, writer)
        self.traffic.unreachable.add((host, port))
        await browser.answer(504, b"no address answers")
        return None

    async def _tunnel(self, browser: _Peer, server: _Peer) -> None:
        browser.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        early, _ = browser.http.trailing_data
        server.writer.write(early)
        pumps = [
            asyncio.ensure_future(self._pump(browser.reader, server.writer)),
            asyncio.ensure_future(self._pump(server.reader, browser.writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            self._count(data)
            writer.write(data)
            await writer.drain()

    async def _forward(self, browser: _Peer, server: _Peer, request: h11.Request) -> None:
        parts = urlsplit(request.target.decode("latin-1"))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = [(name, value) for name, value in _end_to_end(request.headers) if name != b"host"]
        headers += [(b"host", parts.netloc.encode("latin-1")), (b"connection", b"close"), *_framing(request.headers)]
        await server.send(h11.Request(method=request.method, target=path.encode("latin-1"), headers=headers))
        await self._copy(browser, server)
        response = await server.receive()
        while isinstance(response, h11.InformationalResponse):
            response = await server.receive()
        if not isinstance(response, h11.Response):
            raise h11.RemoteProtocolError("no response")
        headers = [*_end_to_end(response.headers), (b"connection", b"close")]
        await browser.send(h11.Response(status_code=response.status_code, headers=headers, reason=response.reason))
        await self._copy(server, browser)

    async def _copy(self, source: _Peer, sink: _Peer) -> None:
        while isinstance(event := await source.receive(), h11.Data):
            self._count(event.data)
            await sink.send(h11.Data(data=event.data))
        if not isinstance(event, h11.EndOfMessage):
            raise ConnectionResetError("ended in the middle of a message")
        await sink.send(h11.EndOfMessage())

    def _count(self, data: bytes) -> None:
        self.traffic.received += len(data)
        if self.traffic.received > self._max_bytes:
            self.traffic.exhausted = True
            raise _Exhausted(f"more than {self._max_bytes} bytes")


@dataclasses.dataclass(slots=True)
class _Peer:
    """One end of an HTTP connection: h11 knows the protocol, asyncio moves the bytes."""

    http: h11.Connection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def receive(self) -> h11.Event | type[h11.PAUSED]:
        """The next event; waits at most `IDLE_SECONDS` for each piece."""
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await asyncio.wait_for(self.reader.read(_CHUNK), IDLE_SECONDS))
        return event  # type: ignore[return-value]

    async def send(self, event: h11.Event) -> None:
        """Write one event and wait until the other side takes it."""
        data = self.http.send(event)
        if data:
            self.writer.write(data)
            await asyncio.wait_for(self.writer.drain(), IDLE_SECONDS)

    async def answer(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        """A short answer of the proxy's own; nothing when another answer has begun."""
        if self.http.our_state is not h11.SEND_RESPONSE:
            return
        length = (b"content-length", str(len(body)).encode())
        head = [*(headers or []), length, (b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        await self.send(h11.Response(status_code=status, headers=head))
        await self.send(h11.Data(data=body))
        await self.send(h11.EndOfMessage())


def _end_to_end(headers: h11._headers.Headers) -> list[tuple[bytes, bytes]]:
    """`headers` without those of one hop, named by the standard or by `Connection`."""
    named = {word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")}
    return [(name, value) for name, value in headers if name not in _HOP_BY_HOP and name not in named]


def _framing(headers: h11._headers.Headers) -> list[tuple[bytes, bytes]]:
    """How the browser's body is framed, if chunked; a length travels among the other headers."""
    return [(name, value) for name, value in headers if name == b"transfer-encoding"]
