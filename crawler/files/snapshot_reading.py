"""Saved responses into posts of rostered accounts: by the connectors that would have fetched them, as far as they can.

Three readers are tried in turn. A response that a connector would have asked for is read by that connector, as if the
crawl had been replayed from the archive. On platforms without an open route the items in the page's own traffic are
read, each kept by itself. Any other page that lies under a rostered account's address is read as a page.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from crawler.files.captured_items import READERS
from crawler.files.embedded_items import embedded_items
from crawler.files.postlinks import platform_of
from crawler.files.records import NOT_PUBLIC, Document, NotPublic, Opened, Record
from crawler.files.roster import Roster
from crawler.files.snapshots import Snapshot, SnapshotSource
from crawler.registry import SOURCES
from crawler.source import MAX_REASON_CHARACTERS, Answer, Ask, Blocked, Gone, Page
from models.accounts import Account
from models.errors import BadInput
from models.posts import ParsedPost
from models.targets import Target

TYPE_IT = "halaman tersimpan ini tidak dapat dibaca mesin; ketik unggahannya dalam lembar (--source hand, kolom page)"

_PAGING = frozenset(
    {"after", "before", "count", "cursor", "filter", "limit", "max_id", "min_id", "page", "pinned", "since_id"}
)
_LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_OK = range(200, 300)
_MAX_ASKS = 50_000

_Key = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclasses.dataclass(frozen=True, slots=True)
class _Expected:
    """A request that a connector would make for a target, and the watermark under which it would."""

    target: Target
    account: Account
    ask: Ask
    watermark: Mapping[str, Any]


class SnapshotReading:
    """A file of saved responses as a file of posts; see `crawler.files.records.FileSource`.

    What connectors learn on the first reading (an account's id on its server) serves the second, so the order of the
    responses does not matter.
    """

    media_type = "application/json"

    def __init__(self, form: SnapshotSource, roster: Roster) -> None:
        self._form = form
        self._roster = roster
        self._expected: dict[_Key, dict[str, _Expected]] = defaultdict(dict)
        for target in roster.targets:
            self._begin(target)

    def head(self, file: Opened) -> bytes:
        """Nothing stands before the records."""
        del file
        return b""

    def records(self, file: Opened) -> Iterator[Record]:
        """The records of every response that somebody could read; one without a post for each that nobody could."""
        for snapshot in self._form.snapshots(file):
            if snapshot.status in _OK:
                found = False
                for record in self._read(snapshot):
                    found = True
                    yield record
                if snapshot.whole and not found:
                    yield Record(snapshot.number, b"", platform_of(snapshot.url), "", None, TYPE_IT)

    def _read(self, snapshot: Snapshot) -> Iterator[Record]:
        if not snapshot.readable:
            return
        expected = self._expected.get(_key(snapshot.url))
        if expected:
            for each in list(expected.values()):
                yield from self._replayed(snapshot, each)
        elif platform_of(snapshot.url):
            yield from _items(snapshot)
        elif snapshot.media_type in {"text/html", "application/xhtml+xml"}:
            yield from self._page(snapshot)

    def _begin(self, target: Target) -> None:
        account = self._roster.named(target.account_id or "")
        source = SOURCES.get(target.source)
        if account is None or source is None:
            return
        for watermark in ({}, target.watermark):
            try:
                self._expect(_Expected(target, account, source.begin(target.address, watermark, _LONG_AGO), watermark))
            except BadInput:
                return

    def _expect(self, expected: _Expected) -> None:
        """The first request of an address stays: later pages of a list have the same, but for where they begin."""
        for key in _keys(expected.ask.url, expected.account):
            if key in self._expected or len(self._expected) < _MAX_ASKS:
                self._expected[key].setdefault(expected.target.id, expected)

    def _replayed(self, snapshot: Snapshot, expected: _Expected) -> Iterator[Record]:
        source = SOURCES[expected.target.source]
        answer = Answer(snapshot.url, snapshot.headers, snapshot.body)
        try:
            page = source.read(expected.target.address, expected.watermark, expected.ask, answer)
            _same_holder(page, expected.account)
        except (BadInput, Gone, Blocked) as error:
            yield _strange(snapshot, expected.target.source, error)
            return
        for ask in (page.following, *page.histories.values()):
            if ask is not None:
                self._expect(dataclasses.replace(expected, ask=ask, watermark=page.watermark))
        yield from _posts(snapshot, page, expected.account)

    def _page(self, snapshot: Snapshot) -> Iterator[Record]:
        """A page under the address of an account that is no platform's: somebody's own site."""
        source = SOURCES.get("page")
        account = next((each for each in self._roster.accounts if _under(snapshot.url, each.url)), None)
        if source is None or account is None:
            return
        try:
            ask = source.begin(snapshot.url, {})
            page = source.read(snapshot.url, {}, ask, Answer(snapshot.url, snapshot.headers, snapshot.body))
        except (BadInput, Gone, Blocked) as error:
            yield _strange(snapshot, account.source, error)
            return
        yield from _posts(snapshot, page, account)


def _posts(snapshot: Snapshot, page: Page, account: Account) -> Iterator[Record]:
    kept = Document(snapshot.whole or snapshot.body, _media_type(snapshot), facts=_facts(snapshot))
    for post in page.parsed.posts:
        yield Record(snapshot.number, b"", account.source, account.handle, post, document=kept)
    for each in page.parsed.unparsed:
        yield Record(snapshot.number, b"", account.source, "", None, each.reason)


def _items(snapshot: Snapshot) -> Iterator[Record]:
    """Each item by itself: around it stands whatever else the page showed, of whomever."""
    for name, data in embedded_items(snapshot.url, snapshot.body):
        platform, read = READERS[name]
        try:
            item = read(data)
            post = ParsedPost(
                external_id=item.external_id,
                text=item.text,
                url=item.url,
                posted_at=item.posted_at,
                locator="",
                author=item.author,
                is_repost=item.is_repost,
                attachments=item.attachments,
            )
        except NotPublic:
            yield Record(snapshot.number, b"", platform, "", None, NOT_PUBLIC)
        except BadInput as error:
            yield _strange(snapshot, platform, error)
        else:
            body = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
            kept = Document(body, "application/json", facts=_facts(snapshot))
            yield Record(snapshot.number, b"", platform, item.author, post, author_id=item.author_id, document=kept)


def _facts(snapshot: Snapshot) -> dict[str, Any]:
    return {**snapshot.facts, "record": snapshot.number, "status": snapshot.status, "url": snapshot.url}


def _media_type(snapshot: Snapshot) -> str:
    return "multipart/related" if snapshot.whole else snapshot.media_type


def _strange(snapshot: Snapshot, platform: str, error: Exception) -> Record:
    reason = f"{snapshot.url[:100]}: {error}"[:MAX_REASON_CHARACTERS]
    return Record(snapshot.number, b"", platform, "", None, reason)


def _same_holder(page: Page, account: Account) -> None:
    """An archive is no server that was asked: what it says must be said of this account.

    Raises:
        BadInput: it is somebody else's page.
    """
    holder = page.holder
    if holder is None:
        return
    if account.external_id not in {None, "", holder.platform_id}:
        raise BadInput(f"the page of another account ({holder.handle})")


def _key(url: str) -> _Key:
    """What makes two addresses ask for the same list, wherever in it they begin."""
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, max_num_fields=100)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return "", url[:200], ()
    naming = tuple(sorted((name, value) for name, value in query if name not in _PAGING and name[:7] != "exclude"))
    return host, parts.path.rstrip("/"), naming


def _keys(url: str, account: Account) -> list[_Key]:
    """The address as the connector writes it, and with the account's lasting id where it has the handle."""
    host, path, naming = _key(url)
    if not account.external_id:
        return [(host, path, naming)]
    handle = account.handle.removeprefix("@").casefold()
    by_id = [(name, account.external_id if value.casefold() == handle else value) for name, value in naming]
    return [(host, path, naming), (host, path, tuple(by_id))]


def _under(url: str, home: str) -> bool:
    """Whether the page lies at or below somebody's own address; a platform's front page is nobody's."""
    if platform_of(home):
        return False
    host, path, _ = _key(url)
    own_host, own_path, _ = _key(home)
    return bool(own_host) and host == own_host and (path == own_path or path.startswith(f"{own_path}/"))
