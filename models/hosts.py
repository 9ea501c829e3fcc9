"""Hosts: who may ask a server now, for all crawling processes on all machines together.

A host is asked by one worker at a time (a lease), never while it rests (it said so, its budget is used up, or the
circuit breaker is open), and half-open with one run as a probe (M. Nygard, Release It!, ch. 5).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import random
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import String, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, insert_into, storable
from models.errors import BadInput, NotFound
from models.ids import ID_LENGTH
from models.log import record

FAILURES_TO_OPEN = 5
FIRST_REST = dt.timedelta(minutes=5)
LONGEST_REST = dt.timedelta(hours=6)
JITTER = 0.2
LONGEST_ORDERED_REST = dt.timedelta(days=31)
BUDGET_WINDOW = dt.timedelta(hours=1)
MAX_HOST_CHARACTERS = 253
MAX_REASON_CHARACTERS = 300
MAX_SUBJECT_CHARACTERS = 64


class Breaker(enum.StrEnum):
    """closed: asked as usual. open: left alone. half_open: one run may try."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Host(Base):
    """One server by its name. `rest_until` and `rest_reason`: until when nobody asks it, and why.

    `failures` counts those in a row; `openings` how often in a row the breaker opened. `window_requests` are those
    since `window_started_at`, an hour at most. `crawl_delay`: what its robots.txt asks for, in seconds.
    """

    __tablename__ = "hosts"

    name: Mapped[str] = mapped_column(String(MAX_HOST_CHARACTERS), primary_key=True)
    holder: Mapped[str | None] = mapped_column(String(ID_LENGTH), default=None, index=True)
    held_until: Mapped[dt.datetime | None] = mapped_column(default=None)
    rest_until: Mapped[dt.datetime | None] = mapped_column(default=None)
    rest_reason: Mapped[str] = mapped_column(String(MAX_REASON_CHARACTERS), default="")
    failures: Mapped[int] = mapped_column(default=0)
    openings: Mapped[int] = mapped_column(default=0)
    last_failure: Mapped[str] = mapped_column(String(MAX_REASON_CHARACTERS), default="")
    last_request_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    last_success_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    crawl_delay: Mapped[float] = mapped_column(default=0.0)
    window_started_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    window_requests: Mapped[int] = mapped_column(default=0)

    def breaker(self, at: dt.datetime) -> Breaker:
        """The state of its circuit breaker."""
        if not self.openings:
            return Breaker.CLOSED
        return Breaker.OPEN if self.rests(at) else Breaker.HALF_OPEN

    def rests(self, at: dt.datetime) -> bool:
        """Whether nobody may ask it now."""
        return self.rest_until is not None and self.rest_until > at

    def spent(self, at: dt.datetime) -> int:
        """Requests of the hour that is running for it."""
        if self.window_started_at is None or at - self.window_started_at >= BUDGET_WINDOW:
            return 0
        return self.window_requests


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """Leave to ask a host, taken at `taken_at`.

    `probe`: by one run only, until an answer comes. `not_before`: when the host was last asked, as far as others told.
    `spent`: requests of this hour. `crawl_delay` in seconds, as far as known.
    """

    host: str
    probe: bool
    not_before: dt.datetime | None
    spent: int
    crawl_delay: float
    taken_at: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class HostNews:
    """What a worker saw of a host since its last news.

    `failures` since then (0: the last request succeeded), `requests` made, `rest_until` what the server or the budget
    asks for.
    """

    host: str
    requests: int = 0
    failures: int = 0
    failure: str = ""
    rest_until: dt.datetime | None = None
    rest_reason: str = ""
    crawl_delay: float | None = None
    succeeded: bool = False


_NEW = {
    "rest_reason": "",
    "failures": 0,
    "openings": 0,
    "last_failure": "",
    "crawl_delay": 0.0,
    "window_requests": 0,
}
"""A host that nobody asked yet."""


def take_hosts(
    session: Session, names: Collection[str], worker: str, *, now: dt.datetime, lease: dt.timedelta
) -> dict[str, Turn]:
    """Lease those of the hosts that neither rest nor are held by another worker; returns these by name."""
    if not names:
        return {}
    known = set(session.scalars(select(Host.name).where(Host.name.in_(names))))
    rows = [{**_NEW, "name": name} for name in sorted(set(names) - known)]
    if rows:
        session.execute(insert_into(session, Host).on_conflict_do_nothing(), rows)
    free = or_(Host.holder.is_(None), Host.holder == worker, Host.held_until < now)
    rested = or_(Host.rest_until.is_(None), Host.rest_until <= now)
    wanted = select(Host).where(Host.name.in_(names), free, rested).order_by(Host.name)
    turns = {}
    for host in session.scalars(wanted.with_for_update(skip_locked=True).execution_options(populate_existing=True)):
        host.holder, host.held_until = worker, now + lease
        turns[host.name] = Turn(
            host.name, host.openings > 0, host.last_request_at, host.spent(now), host.crawl_delay, taken_at=now
        )
    return turns


def renew_leases(session: Session, worker: str, *, now: dt.datetime, lease: dt.timedelta) -> set[str]:
    """Go on holding what the worker still holds; returns these hosts. The others were taken while it slept."""
    held = update(Host).where(Host.holder == worker).values(held_until=now + lease).returning(Host.name)
    return set(session.scalars(held.execution_options(synchronize_session=False)))


def release_hosts(session: Session, names: Iterable[str], worker: str) -> None:
    """Let others ask these hosts."""
    given_back = update(Host).where(Host.name.in_(list(names)), Host.holder == worker).values(holder=None)
    session.execute(given_back.execution_options(synchronize_session=False))


def note_news(session: Session, news: Iterable[HostNews], *, actor: str, now: dt.datetime) -> None:
    """Write down what was seen, and open or close the circuit breakers."""
    by_name = {one.host: one for one in news}
    rows = session.scalars(select(Host).where(Host.name.in_(by_name)).order_by(Host.name).with_for_update())
    for host in rows:
        _apply(session, host, by_name[host.name], actor, now)


def states(session: Session, names: Collection[str]) -> Mapping[str, Host]:
    """The known ones of these hosts by name."""
    return {host.name: host for host in session.scalars(select(Host).where(Host.name.in_(names)))}


def rest_host(session: Session, name: str, *, until: dt.datetime, reason: str, actor: str, now: dt.datetime) -> None:
    """Let nobody ask the host until then, because a person says so. Requests under way are finished.

    Raises:
        NotFound: no such host was ever asked. BadInput: `until` is not ahead, or more than `LONGEST_ORDERED_REST`.
    """
    if not now < until <= now + LONGEST_ORDERED_REST:
        raise BadInput(f"a rest ends within {LONGEST_ORDERED_REST.days} days from now")
    host = _known(session, name)
    host.rest_until, host.rest_reason = until, f"oleh petugas: {reason}"[:MAX_REASON_CHARACTERS]
    record(session, "host.rested", _subject(name), actor=actor, at=now, host=name, until=until.isoformat(),
           words={"reason": reason})  # fmt: skip


def wake_host(session: Session, name: str, *, actor: str, now: dt.datetime) -> None:
    """End the host's rest and close its circuit breaker: it may be asked at once.

    Raises:
        NotFound: no such host was ever asked.
    """
    host = _known(session, name)
    host.rest_until, host.rest_reason, host.openings, host.failures = None, "", 0, 0
    record(session, "host.woken", _subject(name), actor=actor, at=now, host=name)


def _known(session: Session, name: str) -> Host:
    host = session.get(Host, name[:MAX_HOST_CHARACTERS], with_for_update=True)
    if host is None:
        raise NotFound(f"no host {name[:60]}")
    return host


def _subject(name: str) -> str:
    """The log's name for a host; longer ones are whole in the entry's facts."""
    return f"hosts:{name}"[:MAX_SUBJECT_CHARACTERS]


def _apply(session: Session, host: Host, news: HostNews, actor: str, now: dt.datetime) -> None:
    if news.requests:
        spent = host.spent(now)
        host.window_started_at = host.window_started_at if spent else now
        host.window_requests = spent + news.requests
        host.last_request_at = now
    if news.crawl_delay is not None:
        host.crawl_delay = news.crawl_delay
    if news.succeeded:
        host.last_success_at, host.failures = now, 0
        if host.openings:
            host.openings = 0
            record(session, "host.closed", _subject(host.name), actor=actor, at=now, host=host.name)
    if news.failures:
        host.last_failure = _stored(news.failure)
        host.failures = news.failures if news.succeeded else host.failures + news.failures
        if host.failures >= FAILURES_TO_OPEN or host.openings:
            _open(session, host, actor, now)
    if news.rest_until is not None and (host.rest_until is None or host.rest_until < news.rest_until):
        host.rest_until, host.rest_reason = news.rest_until, _stored(news.rest_reason)


def _stored(words: str) -> str:
    """A server's words without what no database stores, cut."""
    return storable(words)[:MAX_REASON_CHARACTERS]


def _open(session: Session, host: Host, actor: str, now: dt.datetime) -> None:
    """Leave the host alone, twice as long each time, with jitter so that no two hosts wake together."""
    if host.rests(now) and host.openings:
        return
    rest = min(FIRST_REST * 2**host.openings, LONGEST_REST) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    host.openings, host.failures = min(host.openings + 1, 30), 0
    host.rest_until = now + rest
    host.rest_reason = f"pemutus arus terbuka: {host.last_failure}"[:MAX_REASON_CHARACTERS]
    record(session, "host.opened", _subject(host.name), actor=actor, at=now, host=host.name,
           until=host.rest_until.isoformat())  # fmt: skip
