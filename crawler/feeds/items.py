"""What a feed of any dialect comes down to."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from urllib.parse import urljoin

from crawler.text.html import html_to_text
from models.base import JsonObject, storable

MAX_ITEMS = 5_000
"""Items read from one feed; the rest are counted as not understood."""

MAX_MEDIA = 40

_MARKUP = re.compile(r"</[A-Za-z]|<(?:br|p|img|hr)\b[^<>]*>|&(?:#\d{2,7}|#[xX][0-9A-Fa-f]{2,6}|[A-Za-z]{2,31});")


@dataclasses.dataclass(frozen=True, slots=True)
class FeedItem:
    """One item as it stands; empty strings and None where it says nothing. `locator` says where in the feed it is."""

    position: int
    guid: str
    link: str
    title: str
    body: str
    author: str
    published: dt.datetime | None
    updated: dt.datetime | None
    locator: str
    media: tuple[JsonObject, ...] = dataclasses.field(default=(), kw_only=True)

    @property
    def text(self) -> str:
        """Title and body, the title once."""
        if self.body.startswith(self.title):
            return self.body
        return "\n\n".join(part for part in (self.title, self.body) if part)


def plain_text(text: str) -> str:
    """Text that says it is plain. Feeds say so of HTML too; what has end tags or entities in it is read as HTML."""
    return html_to_text(text) if _MARKUP.search(text) else storable(text).strip()


def absolute(base: str, address: str) -> str:
    """An address as seen from `base`, or an empty string."""
    try:
        return storable(urljoin(base, address.strip())) if address.strip() else ""
    except ValueError:
        return ""


def medium(address: str, media_type: str, description: str) -> JsonObject:
    """A picture, sound, video or file attached to an item; `description` is what the author says of it."""
    kind = media_type.strip().lower().partition("/")[0]
    said = {"kind": kind if kind in {"image", "audio", "video"} else "file"}
    described = {"description": description[:5_000], "url": storable(address[:2_000])}
    return {**said, **{name: value for name, value in described.items() if value}}
