"""The guard: which addresses Netra may speak to. Only public ones, plus what an operator configured by name.

Every URL Netra meets was written by somebody else, so a post, a redirect or a DNS answer may point at a router, a
cloud's metadata service or Netra itself (OWASP: server-side request forgery). The guard judges in two steps: the URL
before anything is looked up, then every address the name resolves to. Whoever dials must dial an address that
`Guard.resolve` returned and never look the name up again, or DNS rebinding walks around it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import re
import socket
import threading
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import idna

from models.errors import NetraError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to addresses as text, in the order they should be tried."""

MAX_URL_CHARACTERS = 8192
MAX_HOST_CHARACTERS = 253
LOOKUP_SECONDS = 10.0
DEFAULT_PORTS = {"http": 80, "https": 443}
FIRST_USER_PORT = 1024

# Names that never mean a public server: RFC 6761, 6762, 7686, 8375, 9476, and ICANN's reserved "internal".
INNER_SUFFIXES = frozenset(
    {"localhost", "local", "internal", "lan", "intranet", "private", "corp", "home", "onion", "alt", "test", "arpa"}
)

# IANA IPv4 special-purpose registry (RFC 6890), multicast and reserved space. The last one is no special-purpose
# block: it is where Azure keeps the metadata service of every virtual machine.
REFUSED_V4 = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",
    )
)
# RFC 4291: global unicast is 2000::/3. Inside it: protocol assignments with Teredo and ORCHID (2001::/23),
# documentation (2001:db8::/32, 3fff::/20) and 6to4 (2002::/16, deprecated by RFC 7526).
GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
REFUSED_V6 = tuple(ipaddress.IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
# RFC 6052: on IPv6-only networks every IPv4 server is reached as 64:ff9b::a.b.c.d.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

_FORBIDDEN_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# WHATWG URL §3.5 "ends in a number": browsers read such a host as an IPv4 address, however it is spelled.
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Refused(NetraError):
    """The guard does not let Netra speak to this URL or address; the message says why."""


class Unresolved(Refused):
    """The name means nothing today; another day it may."""


class Guard:
    """Judges URLs and addresses. `allowed` are the exceptions, as exact (host, port) pairs.

    An exception is for the host as it stands in the URL: another name that resolves to the same address is refused.

    Raises:
        Refused: an exception is not a well-formed host.
    """

    def __init__(self, allowed: frozenset[tuple[str, int]] = frozenset(), *, lookup: Lookup | None = None) -> None:
        self.allowed = frozenset((canonical_host(host), port) for host, port in allowed)
        self._lookup = lookup or system_lookup
        self._asking: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    def check_url(self, url: str) -> None:
        """Judge `url` without looking anything up; a literal address is judged at once.

        Raises:
            Refused: not http or https, malformed, with credentials, on a port of another protocol, an inner name
                or an inner address.
        """
        host, port = endpoint(url)
        self.check_endpoint(host, port)

    def check_endpoint(self, host: str, port: int) -> None:
        """Judge a canonical host and its port, without looking anything up.

        Raises:
            Refused: as `check_url`.
        """
        if (host, port) in self.allowed:
            return
        if port not in DEFAULT_PORTS.values() and not FIRST_USER_PORT <= port <= 0xFFFF:  # noqa: PLR2004
            raise Refused(f"port {port} is not one of the web")
        address = _literal(host)
        if address is not None:
            self.check_address(address)
        elif "." not in host or host.rpartition(".")[2] in INNER_SUFFIXES:
            raise Refused(f"{host} is an inner name")

    def check_address(self, address: str | IpAddress) -> None:
        """Let only public unicast addresses pass.

        IPv4 inside IPv6 (mapped, NAT64) is judged as the IPv4 address it reaches; other embeddings are refused.

        Raises:
            Refused: loopback, private, link-local, shared, multicast, reserved, documentation, or not an address.
        """
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError as error:
            raise Refused(f"{str(address)[:80]!r} is not an address") from error
        if not _is_public(parsed):
            raise Refused(f"{parsed} is not a public address")

    async def resolve(self, host: str, port: int) -> list[str]:
        """Look `host` up once and return only addresses that may be dialled, at least one.

        Raises:
            Refused: the host or port is not allowed, or every address is an inner one.
            Unresolved: the name is unknown, or nothing answers in ten seconds.
        """
        host = canonical_host(host)
        self.check_endpoint(host, port)
        try:
            found = await asyncio.wait_for(asyncio.shield(self._ask(host, port)), LOOKUP_SECONDS)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise Unresolved(f"{host} cannot be looked up") from error
        if (host, port) in self.allowed:
            return found
        passed = [address for address in found if self._passes(address)]
        if not passed:
            raise Refused(f"{host} has no public address (found: {', '.join(found[:3]) or 'none'})")
        return passed

    def _ask(self, host: str, port: int) -> asyncio.Future[list[str]]:
        """The answer to come. A question still open is not asked again: a dead name server costs one thread a name."""
        asking = self._asking.get((host, port))
        if asking is None:
            asking = self._asking[host, port] = asyncio.ensure_future(self._lookup(host, port))
            asking.add_done_callback(lambda answered: self._answered((host, port), answered))
        return asking

    def _answered(self, question: tuple[str, int], answered: asyncio.Future[list[str]]) -> None:
        del self._asking[question]
        if not answered.cancelled():
            answered.exception()  # whoever asked may have stopped waiting

    def _passes(self, address: str) -> bool:
        try:
            self.check_address(address)
        except Refused:
            return False
        return True


async def system_lookup(host: str, port: int) -> list[str]:
    """Ask the operating system's resolver; each address once. A literal address is its own answer.

    Every question has a thread of its own: it may be stuck for as long as a dead name server likes, and in a pool a
    few such names would keep all others from being asked.

    Raises:
        OSError: it has no answer.
    """
    if _literal(host) is not None:
        return [host]
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str]] = loop.create_future()
    threading.Thread(target=_look_up, args=(host, port, loop, answer), daemon=True, name=f"lookup {host}").start()
    return await answer


def _look_up(host: str, port: int, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[list[str]]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
        hand_over = functools.partial(_settle, answer, addresses)
    except (OSError, UnicodeError) as error:
        hand_over = functools.partial(_settle, answer, error)
    with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(hand_over)


def _settle(answer: asyncio.Future[list[str]], found: list[str] | Exception) -> None:
    if answer.done():
        return
    if isinstance(found, Exception):
        answer.set_exception(found)
    else:
        answer.set_result(found)


def endpoint(url: str) -> tuple[str, int]:
    """The canonical host and the port of an http(s) URL.

    Raises:
        Refused: another scheme, malformed, with credentials.
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise Refused(f"URL of {len(url)} characters")
    if _FORBIDDEN_IN_URL.search(url):
        raise Refused("URL with blanks, control characters or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused(f"malformed URL: {error}") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise Refused(f"scheme {parts.scheme[:20]!r} is not http or https")
    if "@" in parts.netloc:
        raise Refused("URL with credentials")
    if port is None:
        port = DEFAULT_PORTS[parts.scheme]
    host = parts.hostname or ""
    if "[" in parts.netloc and ":" not in host:
        raise Refused(f"{parts.netloc[:80]!r} is not a host name")
    return canonical_host(host), port


def canonical_host(host: str) -> str:
    """`host` as the network sees it: lower case, IDNA (UTS 46), no trailing dot, addresses in their one spelling.

    Raises:
        Refused: not a host name, or an address in a disguise (decimal, octal, hexadecimal, shortened, zoned).
    """
    if ":" in host:
        return _canonical_v6(host.removeprefix("[").removesuffix("]"))
    name = _ascii(host).removesuffix(".")
    labels = name.split(".")
    if len(name) > MAX_HOST_CHARACTERS or not all(_LABEL.fullmatch(label) for label in labels):
        raise Refused(f"{host[:80]!r} is not a host name")
    if _NUMERIC_LABEL.fullmatch(labels[-1]) and _literal(name) is None:
        raise Refused(f"{host[:80]!r} is an address in disguise")
    return name


def _ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise Refused(f"{host[:80]!r} is not a host name") from error


def _canonical_v6(text: str) -> str:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError as error:
        raise Refused(f"{text[:80]!r} is not an address") from error
    if address.scope_id is not None:
        raise Refused(f"{text[:80]!r} names a network interface")
    return str(address)


def _literal(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_public(address: IpAddress) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in block for block in REFUSED_V4)
    if address.scope_id is not None:
        return False
    inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else address.ipv4_mapped
    if inner is not None:
        return _is_public(inner)
    return address in GLOBAL_V6 and not any(address in block for block in REFUSED_V6)
