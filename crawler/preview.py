"""One look at a page, feed or account: what a crawl would find there. Nothing is stored.

The look is a run like any other, walked by the fetching process with all its manners; only its coordinator is this
module, which keeps what comes over the pipe just long enough to show it.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from crawler.config import CrawlConfig
from crawler.fetcher.manners import host_name
from crawler.pages.outline import Hint
from crawler.registry import SOURCES, source_named
from crawler.source import Answer, Unparsed
from crawler.wire import (
    EditsQuestion,
    Ended,
    Ending,
    Job,
    Received,
    Reply,
    Resting,
    TurnQuestion,
    UnlistedQuestion,
    Work,
)
from models.errors import BadInput
from models.hosts import HostNews, Turn
from models.posts import ParsedPost
from models.targets import RunOutcome

LOOK_SECONDS = 60.0
START_SECONDS = 30.0
"""What a process may take to come up on a busy machine."""

READ_SECONDS = 60.0
MAX_PAGES = 2
"""An account's own page and its first posts."""

AskTurn = Callable[[str], Turn | Resting]
"""Host to leave to ask it."""

_JOB = "pratinjau"


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What one way of reading made of the answer; `problem` says why it made nothing."""

    reader: str
    posts: tuple[ParsedPost, ...] = ()
    unparsed: tuple[Unparsed, ...] = ()
    problem: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Readings:
    """All ways side by side. A crawl would store the posts of `chosen`; where that is empty, `problem` says why none.

    `hints`: for a page, selectors worth trying.
    """

    chosen: str = ""
    problem: str = ""
    each: tuple[Reading, ...] = ()
    hints: tuple[Hint, ...] = ()


@dataclasses.dataclass(slots=True)
class Look:
    """One look as it goes: the answers so far, how it ended, what was seen of hosts."""

    received: list[Received] = dataclasses.field(default_factory=list)
    ending: Ending | None = None
    news: list[HostNews] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """How a look ended, and what was read. `news` is what was seen of hosts."""

    outcome: RunOutcome
    reason: str
    readings: Readings
    news: tuple[HostNews, ...] = ()


def asked_host(source: str, address: str) -> str:
    """The host that a look would ask first.

    Raises:
        BadInput: unknown source, one that is paid by the request and whose cap counts runs alone, or an address of
            another form; for a page also a wrong selector, naming its part.
    """
    connector = source_named(source)
    if connector.needs_token:
        raise BadInput(f"sumber {source} memakai token berbatas; tidak ada pratinjaunya")
    return host_name(connector.begin(address, {}).url)


def previewed_sources() -> tuple[str, ...]:
    """The names of the sources that can be looked at."""
    return tuple(name for name, source in SOURCES.items() if not source.needs_token)


def any_turn(host: str) -> Turn:
    """Leave for whoever shares no hosts with other processes."""
    return Turn(host, probe=False, not_before=None, spent=0, crawl_delay=0.0)


def preview(source: str, address: str, config: CrawlConfig, ask_turn: AskTurn = any_turn) -> Preview:
    """Look once, a minute at most. `ask_turn` is asked for every host that the look comes to.

    Raises:
        BadInput: as `asked_host`.
    """
    look = _look(Job(_JOB, source, address, asked_host(source, address), {}, {}), config, ask_turn)
    ending = look.ending or Ending(RunOutcome.FAILED, f"batas waktu {LOOK_SECONDS:g} detik habis")
    answered = [received for received in look.received if 200 <= received.response.status < 300]  # noqa: PLR2004
    readings = Readings()
    if answered and source == "page":
        readings = _in_child(_read_saved, source, address, answered[-1].response.answer)
    elif answered:
        readings = _as_crawled(source, answered)
    reason = "" if ending.outcome is RunOutcome.DONE else ending.reason  # that more could be walked is no trouble here
    return Preview(ending.outcome, reason, readings, tuple(look.news))


def preview_saved(source: str, address: str, body: bytes, content_type: str = "") -> Preview:
    """What would be read from an answer that was kept; nobody is asked.

    Raises:
        BadInput: as `asked_host`.
    """
    url = source_named(source).begin(address, {}).url
    headers = {"content-type": content_type} if content_type else {}
    readings = _in_child(_read_saved, source, address, Answer(url, headers, body))
    outcome = RunOutcome.FAILED if readings.problem else RunOutcome.DONE
    return Preview(outcome, readings.problem, readings)


def _look(job: Job, config: CrawlConfig, ask_turn: AskTurn) -> Look:
    """Let a fetching process walk the run, and answer what it asks."""
    turn = ask_turn(job.host)
    if isinstance(turn, Resting):
        return Look(ending=Ending(RunOutcome.FAILED, turn.reason))
    limited = dataclasses.replace(config, max_pages=MAX_PAGES, attempts=1, run_seconds=LOOK_SECONDS)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_fetch, args=(there, limited), daemon=True)
    process.start()
    there.close()
    look, until = Look(), time.monotonic() + START_SECONDS + LOOK_SECONDS
    try:
        here.send(Work(job, turn))
        while look.ending is None and here.poll(max(0.0, until - time.monotonic())):
            _take(look, here, here.recv(), ask_turn)
        _last_words(look, here)
    except (EOFError, OSError):
        look.ending = look.ending or Ending(RunOutcome.FAILED, "proses pratinjau mati")
    finally:
        here.close()
        process.kill()
        process.join()
    return look


def _take(look: Look, fetcher: Connection, message: object, ask_turn: AskTurn) -> None:
    """One message of the fetching process."""
    match message:
        case Received():
            look.received.append(message)
        case HostNews():
            look.news.append(message)
        case Ended():
            look.ending = message.ending or Ending(RunOutcome.FAILED, "situs sedang diistirahatkan")
        case TurnQuestion(number, host):
            fetcher.send(Reply(number, ask_turn(host)))
        case EditsQuestion(number):
            fetcher.send(Reply(number, set()))
        case UnlistedQuestion(number):
            fetcher.send(Reply(number, []))
        case _:
            pass  # heartbeats


def _last_words(look: Look, fetcher: Connection) -> None:
    """What the process has to say about hosts comes after the ending."""
    while fetcher.poll(1.0):
        message = fetcher.recv()
        if isinstance(message, HostNews):
            look.news.append(message)
            return


def _fetch(coordinator: Connection, config: CrawlConfig) -> None:
    from crawler.fetcher.process import fetch_for  # noqa: PLC0415 - Scrapy lives in this process only

    fetch_for(coordinator, config)


def _as_crawled(source: str, answered: list[Received]) -> Readings:
    pages = [received.page for received in answered if received.page is not None]
    problem = next((received.problem for received in answered if received.problem), "")
    posts = tuple(post for page in pages for post in page.parsed.posts)
    strange = tuple(one for page in pages for one in page.parsed.unparsed)
    return Readings(source if posts else "", problem, (Reading(source, posts, strange, problem),))


def _read_saved(source: str, address: str, answer: Answer) -> Readings:
    from crawler.pages.preview_reading import readings  # noqa: PLC0415 - the parsers of foreign bytes stay in the child

    return readings(source, address, answer)


def _in_child(work: Callable[..., Readings], *arguments: Any) -> Readings:
    """Do it in a process of its own: a page made to cost time or memory costs that process alone."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_send_back, args=(there, work, arguments), daemon=True)
    process.start()
    there.close()
    try:
        answer = here.recv() if here.poll(READ_SECONDS) else None
    except EOFError:
        answer = None
    finally:
        process.kill()
        process.join()
        here.close()
    return (
        answer
        if isinstance(answer, Readings)
        else Readings(each=(Reading("", problem="halaman tidak selesai dibaca"),))
    )


def _send_back(answers: Connection, work: Callable[..., Readings], arguments: tuple[Any, ...]) -> None:
    answers.send(work(*arguments))
