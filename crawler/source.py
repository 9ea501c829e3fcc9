"""What a platform's connector is: where to ask, and how to read what comes back. No connector does I/O.

A new platform is one file in `crawler/sources/` with a subclass of `Source`, and one line in `crawler/registry.py`
(docs/add-a-platform.md).
"""

from __future__ import annotations

import abc
import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from models.base import JsonObject
from models.errors import NetraError
from models.posts import ParsedPost

MAX_REASON_CHARACTERS = 200


class Gone(NetraError):
    """The account (or, when one post was asked for, the post) is no longer there; the message says how it showed."""


class Blocked(NetraError):
    """It is there, but not shown to us: private, behind a login, withheld in this country."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ask:
    """One request to make. `kind` is the connector's own word for it; `conditional` asks only for changes.

    With `since` the run looks back: pages are walked from the newest post to the first that is older, whether their
    posts are known or not, so that edits and deletions show.
    """

    url: str
    kind: str = "page"
    conditional: bool = False
    since: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One response: where it finally came from (after redirects), its headers (names in lower case) and its body."""

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
class Holder:
    """Whose page this is, as the platform says: its own lasting id, and the handle people see today.

    Where every server gives out ids of its own, `platform_id` begins with the server's name.
    """

    platform_id: str
    handle: str


@dataclasses.dataclass(frozen=True, slots=True)
class KnownPost:
    """A stored post of the account, for asking after it by itself."""

    external_id: str
    url: str | None
    posted_at: dt.datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One response understood: its posts, the watermark that holds once they are stored, and what to ask next.

    `histories` says, for posts that were edited, where the platform lists their earlier texts (external id to
    request); it is asked only for edits that are not stored yet, and `read` gives those texts, oldest first, as posts
    of the same external id.
    """

    parsed: Parsed
    watermark: JsonObject
    following: Ask | None = None
    holder: Holder | None = None
    histories: Mapping[str, Ask] = dataclasses.field(default_factory=dict)


class Source(abc.ABC):
    """A platform that is crawled over HTTP.

    `accept` is the `Accept` header of its requests. `needs_tls`: plain http is refused, except for servers an
    operator configured. `needs_token`: requests carry the operator's token (`[crawl.tokens]`) as `Authorization:
    Bearer`; connectors never see it.
    """

    accept: ClassVar[str] = "application/json"
    needs_tls: ClassVar[bool] = True
    needs_token: ClassVar[bool] = False

    @abc.abstractmethod
    def begin(self, address: str, watermark: Mapping[str, Any], since: dt.datetime | None = None) -> Ask:
        """The first request of a run; with `since`, of one that looks back that far.

        Raises:
            BadInput: the address is not one of this platform.
        """

    @abc.abstractmethod
    def read(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> Page:
        """Understand a 2xx response.

        Raises:
            BadInput: nothing in it can be understood.
            Gone, Blocked: it says that the account is not there, or not for us.
        """

    def refused(self, address: str, watermark: Mapping[str, Any], ask: Ask, status: int, answer: Answer) -> Ask | None:
        """Judge a response of any other status: another request that may do, or None.

        None leaves it to the rules for all: 404 and 410 are gone, 401, 403 and 451 blocked, the rest has failed.

        Raises:
            Gone, Blocked: the platform says it in its own way.
            BadInput: the request fails for a reason that only the operator can mend, which the message names.
        """
        del address, watermark, ask, status, answer
        return None

    def recheck(self, address: str, watermark: Mapping[str, Any], post: KnownPost) -> Ask | None:
        """How to ask for one post that no page lists any more; None: there is no way."""
        del address, watermark
        return Ask(post.url, kind="recheck") if post.url else None

    def reread(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> ParsedPost | None:
        """The post in a 2xx response to `recheck`; None: it is there, its text is not read from this response.

        Raises:
            BadInput: nothing in it can be understood.
            Gone, Blocked: it says that the post is not there, or not for us.
        """
        del address, watermark, ask, answer
        return None


def unparsed(locator: str, error: object) -> Unparsed:
    """Note an item that was not understood, with a short reason."""
    return Unparsed(locator, str(error)[:MAX_REASON_CHARACTERS])
