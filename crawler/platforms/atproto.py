"""What Bluesky is built on: names, keys, errors and whereabouts of accounts in the AT protocol.

Specifications: https://atproto.com/specs/did, /specs/at-uri-scheme, /specs/tid, /specs/xrpc.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from urllib.parse import urlsplit

from crawler.text.jsontext import read_json, text_at, value_at
from models.errors import BadInput

DID = re.compile(r"did:(?:plc:[a-z2-7]{1,64}|web:[A-Za-z0-9._%-]{1,253}|[a-z]{1,20}:[A-Za-z0-9._%-]{1,200})")
POST_URI = re.compile(rf"at://({DID.pattern})/app\.bsky\.feed\.post/([A-Za-z0-9._:~-]{{1,512}})")
PLC_DIRECTORY = "https://plc.directory"

_TID = re.compile(r"[234567a-j][234567a-z]{12}")
_TID_DIGITS = {digit: value for value, digit in enumerate("234567abcdefghijklmnopqrstuvwxyz")}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def web_url(uri: str) -> str | None:
    """Where people read a post. The link carries the account's id, so a new handle does not break it."""
    found = POST_URI.fullmatch(uri)
    return f"https://bsky.app/profile/{found[1]}/post/{found[2]}" if found else None


def is_post_uri(text: str) -> bool:
    """Whether it is the `at://` address of a post (and not the id we give a repost)."""
    return POST_URI.fullmatch(text) is not None


def authority(uri: str) -> str:
    """The account in an `at://` address."""
    return uri.removeprefix("at://").partition("/")[0]


def tid_moment(uri: str) -> dt.datetime | None:
    """The time in a record's key (https://atproto.com/specs/tid), by which repositories are ordered."""
    key = uri.rpartition("/")[2]
    if not _TID.fullmatch(key):
        return None
    number = 0
    for digit in key:
        number = number << 5 | _TID_DIGITS[digit]
    try:
        return _EPOCH + dt.timedelta(microseconds=number >> 10)
    except OverflowError:
        return None


def error_in(body: bytes) -> tuple[str, str]:
    """Name and message of an XRPC error; empty strings when the body is none."""
    try:
        error = read_json(body)
    except BadInput:
        return "", ""
    return text_at(error, "error"), text_at(error, "message")


def identity_url(did: str) -> str | None:
    """Where the document lies that says where the account lives."""
    if did.startswith("did:plc:"):
        return f"{PLC_DIRECTORY}/{did}"
    if did.startswith("did:web:"):
        host = did.removeprefix("did:web:").replace("%3A", ":")
        return f"https://{host}/.well-known/did.json"
    return None


def pds_in(document: Any, did: str) -> str:
    """The origin of the account's own server (PDS), as its identity document says.

    Raises:
        BadInput: the document is another one's, or names no PDS.
    """
    if text_at(document, "id") != did:
        raise BadInput("identity document of another account")
    services = value_at(document, "service")
    for service in services if isinstance(services, list) else []:
        if text_at(service, "id").endswith("#atproto_pds"):
            return _origin(text_at(service, "serviceEndpoint"))
    raise BadInput("identity document without a PDS")


def _origin(endpoint: str) -> str:
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable:
        raise BadInput(f"PDS address {endpoint[:200]!r} is not an https origin")
    return f"https://{parts.netloc}"
