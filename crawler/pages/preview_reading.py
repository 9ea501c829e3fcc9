"""What every way of reading makes of one answer, side by side."""

from __future__ import annotations

from crawler.pages.document import Document, read_document
from crawler.pages.outline import Hint, field_hints, item_hints
from crawler.pages.readers import READERS, SELECTORS, read_with
from crawler.pages.selectors import Selectors, split_address
from crawler.preview import Reading, Readings
from crawler.registry import source_named
from crawler.source import Answer, Blocked, Gone, Parsed
from crawler.sources.page import recognised_posts
from models.errors import BadInput


def readings(source: str, address: str, answer: Answer) -> Readings:
    """What a crawl would read; of a page, what each reader finds and what may serve as selectors."""
    connector, problem, parsed = source_named(source), "", Parsed()
    try:
        parsed = connector.read(address, {}, connector.begin(address, {}), answer).parsed
    except (BadInput, Gone, Blocked) as error:
        problem = str(error)
    if source == "page":
        return _page_readings(address, answer, problem)
    return Readings(source if parsed.posts else "", problem, (Reading(source, parsed.posts, parsed.unparsed, problem),))


def _page_readings(address: str, answer: Answer, problem: str) -> Readings:
    url, selectors = split_address(address)
    wanted = [name for name in READERS if name != SELECTORS or selectors.fields]
    try:
        each = tuple(_reading(name, url, selectors, answer) for name in wanted)
        chosen = "" if problem else next((one.reader for one in each if one.posts or one.unparsed), "")
        return Readings(chosen, problem, each, _hints(answer, selectors))
    except BadInput:  # no page at all
        return Readings(problem=problem)


def _reading(name: str, url: str, selectors: Selectors, answer: Answer) -> Reading:
    document = _document(answer)
    try:
        items = read_with(name, document, selectors)
    except BadInput as error:
        return Reading(name, problem=str(error))
    parsed, _ = recognised_posts(url, items, [])
    return Reading(name, parsed.posts, parsed.unparsed)


def _hints(answer: Answer, selectors: Selectors) -> tuple[Hint, ...]:
    """Selectors of items; with an item that is found, of what stands inside."""
    try:
        found = field_hints(_document(answer), selectors) if selectors.fields else ()
    except BadInput:
        found = ()
    return found or item_hints(_document(answer))


def _document(answer: Answer) -> Document:
    """The page anew: reading takes it apart."""
    return read_document(answer.body, url=answer.url, content_type=answer.headers.get("content-type", ""))
