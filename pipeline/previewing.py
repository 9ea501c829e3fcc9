"""A look at a page before it becomes a target: under a mandate, one at a time, with everybody's turns respected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import filelock
from sqlalchemy import select

from models.clock import utc_now
from models.errors import BadInput, Conflict, NoMandate
from models.hosts import Turn, note_news, release_hosts, states, take_hosts
from models.ids import new_id
from models.log import record
from models.mandates import Mandate, MandateState
from pipeline.application import Application
from pipeline.parts import crawl_config

if TYPE_CHECKING:  # Scrapy's world is loaded only when somebody looks
    from crawler.preview import Preview
    from crawler.wire import Resting

LEASE = dt.timedelta(seconds=180)
"""Longer than any look takes; a dead process's hosts are free again after it."""


def look(app: Application, source: str, address: str, *, actor: str) -> Preview:
    """Ask for the page and read it; what was seen is shown and not stored, that somebody looked is logged.

    Raises:
        BadInput: unknown source, or an address or selector of another form.
        NoMandate: none is in force, and nothing is collected without one.
        Conflict: somebody else is looking at this moment.
    """
    from crawler.preview import asked_host, preview  # noqa: PLC0415

    host = asked_host(source, address)
    mandate_id = _mandate_in_force(app)
    try:
        with filelock.FileLock(app.settings.home / "preview.lock", timeout=0):
            hosts = _Hosts(app, actor)
            try:
                seen = preview(source, address, crawl_config(app.settings), hosts.turn)
            finally:
                hosts.give_back()
            hosts.tell(seen)
    except filelock.Timeout as error:
        raise Conflict("another preview is under way") from error
    with app.database.write() as session:
        record(session, "preview.fetched", f"mandates:{mandate_id}", actor=actor, source=source,
               outcome=seen.outcome.value, words={"host": host})  # fmt: skip
    return seen


def with_selectors(source: str, address: str, selectors: Mapping[str, str]) -> str:
    """The address of a target, with selectors by their parts; empty ones count as not given.

    Raises:
        BadInput: the source takes none, the address has some already, or one is wrong; names the part.
    """
    from crawler.pages.selectors import selectors_of, split_address  # noqa: PLC0415

    given = {name: value for name, value in selectors.items() if value.strip()}
    if not given:
        return address
    if source != "page":
        raise BadInput(f"selektor hanya untuk sumber page, bukan {source}")
    if "#" in address:
        raise BadInput("alamat sudah memuat selektor; kosongkan salah satunya")
    whole = f"{address}#{selectors_of(given)}"
    split_address(whole)
    return whole


class _Hosts:
    """Turns to ask hosts, shared with the crawlers of all processes."""

    def __init__(self, app: Application, actor: str) -> None:
        self._app = app
        self._actor = actor
        self._worker = new_id()
        self._held: set[str] = set()

    def turn(self, host: str) -> Turn | Resting:
        """Leave to ask the host, or why there is none now."""
        from crawler.wire import Resting  # noqa: PLC0415

        now = utc_now()
        with self._app.database.write() as session:
            turns = take_hosts(session, [host], self._worker, now=now, lease=LEASE)
            known = states(session, [host]).get(host)
        if host in turns:
            self._held.add(host)
            return turns[host]
        if known is not None and known.rest_until is not None and known.rests(now):
            return Resting(
                known.rest_until, f"{host} diistirahatkan sampai {known.rest_until:%H:%M} UTC: {known.rest_reason}"
            )
        return Resting(now + LEASE, f"{host} sedang dibaca crawler; coba lagi sebentar lagi")

    def tell(self, seen: Preview) -> None:
        """Let the crawlers know what the look met."""
        with self._app.database.write() as session:
            for one in seen.news:
                note_news(session, [one], actor=self._actor, now=utc_now())

    def give_back(self) -> None:
        """Let others ask."""
        with self._app.database.write() as session:
            release_hosts(session, self._held, self._worker)


def _mandate_in_force(app: Application) -> str:
    with app.database.read() as session:
        approved = session.scalars(select(Mandate).where(Mandate.state == MandateState.APPROVED).order_by(Mandate.id))
        found = next((mandate.id for mandate in approved if mandate.covers(utc_now())), None)
    if found is None:
        raise NoMandate("no mandate is in force today; nothing is collected without one")
    return found
