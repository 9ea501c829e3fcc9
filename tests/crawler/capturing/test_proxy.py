"""The guarding proxy, spoken to byte by byte."""

import asyncio
import base64
from collections.abc import Awaitable, Callable

from crawler.capturing.proxy import GuardProxy
from crawler.guard import Guard

Talk = Callable[[bytes], Awaitable[bytes]]


async def with_proxy(
    conversation: Callable[[GuardProxy, Talk, int], Awaitable[None]], *, answer: bytes = b"", max_bytes: int = 1 << 20
) -> list[bytes]:
    """Run `conversation` beside a server that gives `answer` to whatever it hears; what it heard."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(65536))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def lookup(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    proxy = GuardProxy(Guard(frozenset({("square.example.id", port)}), lookup=lookup), max_bytes=max_bytes)
    token = base64.b64encode(f"{proxy.username}:{proxy.password}".encode())

    async def talk(request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
        writer.write(request.replace(b"TOKEN", b"Proxy-Authorization: Basic " + token))
        reply = await asyncio.wait_for(reader.read(-1), 5)
        writer.close()
        return reply

    async with proxy.listening():
        await conversation(proxy, talk, port)
    server.close()
    return heard


def get(host: str, port: int, *, headers: str = "TOKEN\r\n") -> bytes:
    return f"GET http://{host}:{port}/a?b HTTP/1.1\r\nHost: {host}:{port}\r\n{headers}\r\n".encode()


def test_a_request_is_forwarded_in_origin_form_without_the_proxys_token() -> None:
    async def conversation(_proxy: GuardProxy, talk: Talk, port: int) -> None:
        reply = await talk(get("square.example.id", port, headers="TOKEN\r\nAccept: text/html\r\n"))
        assert reply.startswith(b"HTTP/1.1 200")
        assert reply.endswith(b"\r\n\r\nhalo")

    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\nhaloHTTP/1.1 200 OK\r\n\r\nlain"
    (heard,) = asyncio.run(with_proxy(conversation, answer=answer))
    assert heard.startswith(b"GET /a?b HTTP/1.1\r\n")
    assert b"accept: text/html" in heard.lower()
    assert b"proxy-authorization" not in heard.lower()


def test_nobody_without_the_token_is_served() -> None:
    async def conversation(_proxy: GuardProxy, talk: Talk, port: int) -> None:
        for headers in ("", "Proxy-Authorization: Basic bmV0cmE6eA==\r\n"):
            assert (await talk(get("square.example.id", port, headers=headers))).startswith(b"HTTP/1.1 407")

    assert asyncio.run(with_proxy(conversation)) == []


def test_an_inner_address_is_not_dialled_by_any_method() -> None:
    async def conversation(proxy: GuardProxy, talk: Talk, port: int) -> None:
        for host in ("inner.example.id", "127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
            connect = f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nTOKEN\r\n\r\n".encode()
            for request in (get(host, port), connect):
                assert (await talk(request)).startswith(b"HTTP/1.1 403"), request
        assert ("inner.example.id", port) in proxy.traffic.refused

    assert asyncio.run(with_proxy(conversation)) == []


def test_a_tunnel_carries_bytes_both_ways() -> None:
    async def conversation(proxy: GuardProxy, talk: Talk, port: int) -> None:
        connect = f"CONNECT square.example.id:{port} HTTP/1.1\r\nHost: x\r\nTOKEN\r\n\r\napa saja"
        assert await talk(connect.encode()) == b"HTTP/1.1 200 Connection established\r\n\r\njawab"
        assert proxy.traffic.received >= 5

    assert asyncio.run(with_proxy(conversation, answer=b"jawab")) == [b"apa saja"]


def test_more_bytes_than_allowed_are_cut_off() -> None:
    async def conversation(proxy: GuardProxy, talk: Talk, port: int) -> None:
        reply = await talk(get("square.example.id", port))
        assert len(reply) < 200_000
        assert proxy.traffic.exhausted
        await proxy.begin()
        assert not proxy.traffic.exhausted

    body = b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900_000
    asyncio.run(with_proxy(conversation, answer=body, max_bytes=100_000))


def test_what_is_not_http_is_answered_or_dropped() -> None:
    async def conversation(_proxy: GuardProxy, talk: Talk, port: int) -> None:
        assert (await talk(get("square.example.id", port))).startswith(b"HTTP/1.1 502")
        assert await talk(b"\x16\x03\x01 nonsense\r\n\r\n") == b""
        assert (await talk(b"GET ftp://square.example.id/ HTTP/1.1\r\nHost: x\r\nTOKEN\r\n\r\n"))[9:12] == b"403"

    asyncio.run(with_proxy(conversation, answer=b"SSH-2.0-OpenSSH\r\n"))


def test_a_silent_site_is_told_from_a_refused_one() -> None:
    async def conversation(proxy: GuardProxy, talk: Talk, _port: int) -> None:
        silent = GuardProxy(Guard(frozenset({("square.example.id", 1)}), lookup=_nobody), max_bytes=1)
        async with silent.listening():
            proxy.url, silent.password, proxy.password = silent.url, proxy.password, silent.password
            assert (await talk(get("square.example.id", 1)))[9:12] == b"504"
        assert silent.traffic.unreachable == {("square.example.id", 1)}

    asyncio.run(with_proxy(conversation))


async def _nobody(_host: str, _port: int) -> list[str]:
    raise OSError("no such name")
