"""Posts captured in a person's own browser with Zeeschuimer (https://github.com/digitalmethodsinitiative/zeeschuimer).

NDJSON: an envelope (`source_platform`, `item_id`, `data`, …) around the item as the platform's own page received it.
What is in the items is read by `crawler.files.captured_items`; an item of an unknown platform or shape is passed on
raw, with its author where it names exactly one (docs/decisions/0016).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crawler.files.authorship import stated_author
from crawler.files.captured_items import READERS
from crawler.files.records import NOT_PUBLIC, UNKNOWN_PLATFORM, NotPublic, Opened, Record, parse_records, read_lines
from crawler.source import MAX_REASON_CHARACTERS, Parsed
from crawler.text.jsontext import read_json, text_at, value_at
from models.base import storable
from models.errors import BadInput
from models.posts import ParsedPost


class Zeeschuimer:
    """The file format; see `crawler.files.records.FileSource`."""

    media_type = "application/x-ndjson"

    def head(self, file: Opened) -> bytes:
        """Nothing stands before the records."""
        del file
        return b""

    def records(self, file: Opened) -> Iterator[Record]:
        """One record for each line that is not blank."""
        for line, raw in enumerate(read_lines(file), 1):
            if raw.strip():
                yield _record(line, raw)


def parse_posts(body: bytes) -> Parsed:
    """All posts of an NDJSON body whose platform and shape are known.

    Raises:
        BadInput: a line is not an envelope of Zeeschuimer.
    """
    return parse_records(Zeeschuimer(), body)


def _record(line: int, raw: bytes) -> Record:
    envelope = _envelope(line, raw)
    host, data = envelope["source_platform"].lower(), envelope["data"]
    if host not in READERS:
        return Record(line, raw, storable(host[:32]), stated_author(data), None, UNKNOWN_PLATFORM)
    platform, read = READERS[host]
    try:
        item = read(data)
        post = ParsedPost(
            external_id=item.external_id,
            text=item.text,
            url=item.url,
            posted_at=item.posted_at,
            locator=str(line),
            author=item.author,
            is_repost=item.is_repost,
            attachments=item.attachments,
        )
    except NotPublic:
        return Record(line, raw, platform, "", None, NOT_PUBLIC)
    except BadInput as error:
        return Record(line, raw, platform, stated_author(data), None, str(error)[:MAX_REASON_CHARACTERS])
    return Record(line, raw, platform, item.author, post, author_id=item.author_id)


def _envelope(line: int, raw: bytes) -> dict[str, Any]:
    try:
        envelope = read_json(raw.decode("utf-8-sig"))
    except (BadInput, UnicodeDecodeError) as error:
        raise BadInput(f"not an NDJSON line: {error}", line=line) from error
    if not text_at(envelope, "source_platform") or not isinstance(value_at(envelope, "data"), dict):
        raise BadInput("not a line of Zeeschuimer: no source_platform or no data", line=line)
    return dict(envelope)
