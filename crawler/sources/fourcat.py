"""CSV files that 4CAT (https://github.com/digitalmethodsinitiative/4cat) exports.

The columns depend on the data source that was collected: `id`, `author`, `body` and a time stand in all of them, the
link under one of several names. The file does not say which platform it is of; each row's link does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from crawler.files.columns import BadField, check_header, web_address
from crawler.files.delimited import Rows
from crawler.files.postlinks import platform_of, post_link
from crawler.files.records import UNKNOWN_PLATFORM, Opened, Record, parse_records, read_lines
from crawler.source import Parsed
from crawler.text.moments import from_epoch, parse_moment
from models.base import storable
from models.errors import BadInput
from models.posts import ParsedPost

REQUIRED = ("id", "author", "body")
LINKS = ("url", "post_url", "tiktok_url", "link", "tweet_url")
TIMES = ("unix_timestamp", "timestamp", "created_at")
REPOSTS = ("is_retweet", "is_repost")
IDS = ("author_id", "author_user_id")


class FourCat:
    """The file format; see `crawler.files.records.FileSource`."""

    media_type = "text/csv; charset=utf-8"

    def head(self, file: Opened) -> bytes:
        """The header line."""
        return next(read_lines(file), b"")

    def records(self, file: Opened) -> Iterator[Record]:
        """One record for each row."""
        rows = Rows(read_lines(file))
        check_header(rows.names, REQUIRED)
        if not any(name in rows.names for name in LINKS):
            raise BadInput(f"the header has none of the columns {', '.join(LINKS)}", line=1)
        for line, fields, raw in rows:
            row = dict(zip(rows.names, fields, strict=True))
            try:
                yield _record(row, line, raw)
            except BadField as bad:
                raise bad.at(rows.names, line) from bad


def parse_posts(body: bytes) -> Parsed:
    """All posts of an export.

    Raises:
        BadInput: with line and column.
    """
    return parse_records(FourCat(), body)


def _record(row: Mapping[str, str], line: int, raw: bytes) -> Record:
    column = next((name for name in LINKS if row.get(name, "").strip()), "")
    url = web_address(row, column)
    platform, link = platform_of(url), post_link(url)
    if not platform:
        return Record(line, raw, "4cat", "", None, UNKNOWN_PLATFORM)
    if link is not None and link.in_group:
        return Record(line, raw, platform, "", None, "post in a group")
    author = row["author"].strip().removeprefix("@")
    if not author:
        raise BadField("author", "is empty")
    try:
        post = ParsedPost(
            external_id=row["id"].strip(),
            text=row["body"],
            url=url,
            posted_at=_moment(row),
            locator=str(line),
            author=author,
            is_repost=any(row.get(name, "").strip().lower() in {"yes", "true", "1"} for name in REPOSTS),
        )
    except BadInput as error:
        raise BadField("id", str(error)) from error
    told = next((row[name].strip() for name in IDS if row.get(name, "").strip()), "")
    return Record(line, raw, platform, storable(author), post, author_id=told)


def _moment(row: Mapping[str, str]) -> dt.datetime | None:
    """The first time that names a moment: `timestamp` is often written without a zone, and then names none."""
    texts = (row.get(name, "").strip() for name in TIMES)
    return next((found for text in texts if (found := from_epoch(text) or parse_moment(text)) is not None), None)
