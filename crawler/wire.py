"""What the two crawling processes tell each other.

The *coordinator* holds the database; the *fetcher* speaks to servers, and has neither database nor keys. Between them
goes a pipe: runs to walk in one direction, everything seen on the way in the other, in order.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from crawler.source import Answer, Ask, KnownPost, Page
from models.base import JsonObject
from models.hosts import HostNews, Turn
from models.observations import Sight
from models.posts import ParsedPost
from models.targets import RunOutcome


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """One claimed run and what its target says. `looks_back_to`: recent posts since then are gone through again."""

    run_id: str
    source: str
    address: str
    host: str
    watermark: JsonObject
    validators: JsonObject
    looks_back_to: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    """One response of any status, `Answer` with its status code."""

    status: int
    answer: Answer


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends."""

    outcome: RunOutcome
    reason: str = ""


# --- from the coordinator ---


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """Walk this run. `turn` is the leave to ask its host."""

    job: Job
    turn: Turn


@dataclasses.dataclass(frozen=True, slots=True)
class Drop:
    """Stop walking this run: it has been ended."""

    run_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the question of this number."""

    number: int
    value: Any


# --- from the fetcher ---


@dataclasses.dataclass(frozen=True, slots=True)
class Received:
    """A response to keep. `page`: what was understood of it; None when it holds no posts or `problem` says why not.

    `history`: the page is the earlier texts of one post.
    """

    run_id: str
    ask: Ask
    response: Response
    page: Page | None = None
    problem: str = ""
    history: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Looked:
    """One post was asked for by itself. `post`: its text, where the answer holds it."""

    run_id: str
    external_id: str
    sight: Sight
    reason: str
    ask: Ask
    response: Response | None
    post: ParsedPost | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """The run is over. `returned`: it never began, because its host rests, and waits for another turn."""

    run_id: str
    ending: Ending | None
    returned: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class TurnQuestion:
    """May this host be asked? Reply: `Turn`, or `Resting`."""

    number: int
    host: str


@dataclasses.dataclass(frozen=True, slots=True)
class EditsQuestion:
    """Of these posts (external id and SHA-256 of the text), whose text is not stored? Reply: set of ids."""

    number: int
    run_id: str
    texts: dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class UnlistedQuestion:
    """Which known posts has the run not met, though it looked back to `since`? Reply: list of `KnownPost`."""

    number: int
    run_id: str
    since: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Resting:
    """The host is not to be asked before `until`."""

    until: dt.datetime
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Heartbeat:
    """The fetcher's loop turns."""


Question = TurnQuestion | EditsQuestion | UnlistedQuestion
News = Received | Looked | Ended | HostNews
FromFetcher = News | Question | Heartbeat
FromCoordinator = Work | Drop | Reply
Unlisted = list[KnownPost]
