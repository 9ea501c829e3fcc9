"""Addresses of Bluesky accounts: `https://bsky.app/profile/NAME`, `at://NAME`, and profiles on other hosts."""

from __future__ import annotations

import dataclasses
import re
from urllib.parse import unquote, urlsplit

from crawler.platforms.atproto import DID
from models.errors import BadInput

APPVIEW = "https://public.api.bsky.app"

_WEB_HOSTS = frozenset({"bsky.app", "www.bsky.app", "main.bsky.dev"})
_HANDLE = re.compile(r"(?=.{3,253}$)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_PATH = re.compile(r"/profile/([^/]+)/?")
_AT_ADDRESS = re.compile(r"at://([^/?#]+)/?")


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """Whom to ask for whom. `is_pds`: the asked host is also where the account's repository is looked for."""

    origin: str
    actor: str
    is_pds: bool


def parse_address(address: str) -> Address:
    """Take a profile's address apart.

    Raises:
        BadInput: it has another form.
    """
    if at_address := _AT_ADDRESS.fullmatch(address):
        return Address(APPVIEW, _actor(at_address[1], address), is_pds=False)
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError as error:
        raise BadInput(f"Bluesky address {address[:200]!r}: {error}") from error
    name = _PATH.fullmatch(parts.path)
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc or name is None:
        raise BadInput(f"Bluesky address {address[:200]!r} is not of the form https://bsky.app/profile/NAME")
    actor = _actor(unquote(name[1]), address)
    if host in _WEB_HOSTS or f"https://{host}" == APPVIEW:
        return Address(APPVIEW, actor, is_pds=False)
    return Address(f"{parts.scheme}://{parts.netloc}", actor, is_pds=True)


def _actor(name: str, address: str) -> str:
    handle = name.removeprefix("@")
    if DID.fullmatch(name):
        return name
    if _HANDLE.fullmatch(handle):
        return handle.lower()
    raise BadInput(f"Bluesky address {address[:200]!r} names neither a handle nor a DID")
