"""Items in what a platform's page fetched for itself, as a web archive of a visit holds it.

The same items that Zeeschuimer takes from a running browser, found by the same marks, read by the same mappers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from crawler.files.captured_items import READERS
from crawler.files.postlinks import platform_of
from crawler.text.jsontext import read_json, value_at
from models.errors import BadInput

MAX_NODES = 2_000_000
MAX_ITEMS = 5_000

_SCRIPT = re.compile(rb"<script[^>]{0,500}type=\"application/json\"[^>]{0,500}>(.{2,20000000}?)</script>", re.DOTALL)
_MARKS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "tiktok": (
        ("tiktok.com", ("id", "desc", "createTime", "author")),
        ("tiktok-comments", ("cid", "aweme_id", "user")),
    ),
    "instagram": (
        ("instagram.com", ("code", "taken_at", "user", "caption")),
        ("instagram.com", ("shortcode", "edge_media_to_caption", "owner")),
    ),
    "threads": (("threads.com", ("code", "taken_at", "user", "caption")),),
    "x": (("x.com", ("rest_id", "legacy", "core")),),
    "facebook": (("facebook.com", ("id", "comet_sections")),),
}
"""Which keys make an object an item, and what Zeeschuimer would call it."""


def embedded_items(url: str, body: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """The items in a response of one of the platforms: (what Zeeschuimer calls the platform, item).

    What is no JSON holds none. An item inside another one (a quoted post) is not given by itself.
    """
    marks = _MARKS.get(platform_of(url), ())
    found = 0
    for document in _documents(body) if marks else ():
        for name, item in _found(document, marks):
            yield name, item
            found += 1
            if found >= MAX_ITEMS:
                return


def _documents(body: bytes) -> Iterator[Any]:
    """The JSON of a response: whole, line by line (as Facebook streams it), or in the scripts of a page."""
    texts = [body] if body.lstrip()[:1] in {b"{", b"["} else [found[1] for found in _SCRIPT.finditer(body)]
    for text in texts:
        try:
            yield read_json(text)
        except BadInput:
            for line in text.splitlines() if text is body else ():
                try:
                    yield read_json(line)
                except BadInput:
                    continue


def _found(document: Any, marks: tuple[tuple[str, tuple[str, ...]], ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk without recursion, in document order."""
    waiting, seen = [document], 0
    while waiting and seen < MAX_NODES:
        value = waiting.pop()
        seen += 1
        if isinstance(value, dict):
            name = next((name for name, keys in marks if all(key in value for key in keys)), None)
            if name is not None and _whole(name, value):
                yield name, value
            else:
                waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _whole(name: str, item: dict[str, Any]) -> bool:
    """Whether this is a post and not something that only looks like one (a user of X has `rest_id` and `legacy`)."""
    assert name in READERS  # noqa: S101 - the two tables stand in this package
    if name == "x.com":
        return value_at(item, "legacy", "full_text") is not None
    if name == "facebook.com":
        return isinstance(value_at(item, "comet_sections", "content", "story"), dict)
    return True
