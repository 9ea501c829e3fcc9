"""What a platform's connector is: where to ask, and how to read what comes back. No connector does I/O.

A new platform is one file in `crawler/sources/` with a class that has the members of `Source`, and one line
in `crawler/registry.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

from models.base import JsonObject
from models.posts import ParsedPost

MAX_REASON_CHARACTERS = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Ask:
    """One request to make. `kind` is the connector's own word for it; `conditional` asks only for changes."""

    url: str
    kind: str = "page"
    conditional: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One successful response: where it finally came from, its headers (names in lower case) and its body."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Unparsed:
    """One item the connector did not understand: where it stands in the raw bytes, and why."""

    locator: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Parsed:
    """What `parse_posts` made of one body: every item is in exactly one of the two."""

    posts: tuple[ParsedPost, ...] = ()
    unparsed: tuple[Unparsed, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One response understood: its posts, the watermark that holds once they are stored, and what to ask next."""

    parsed: Parsed
    watermark: JsonObject
    following: Ask | None = None


class Source(Protocol):
    """A platform that is crawled over HTTP."""

    accept: str
    """The `Accept` header of its requests."""
    needs_tls: bool
    """Whether plain http is refused, except for servers an operator configured."""

    def begin(self, address: str, watermark: Mapping[str, Any]) -> Ask:
        """The first request of a run.

        Raises:
            BadInput: the address is not one of this platform.
        """
        ...

    def read(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> Page:
        """Understand a 2xx response.

        Raises:
            BadInput: nothing in it can be understood.
        """
        ...


def unparsed(locator: str, error: object) -> Unparsed:
    """Note an item that was not understood, with a short reason."""
    return Unparsed(locator, str(error)[:MAX_REASON_CHARACTERS])
