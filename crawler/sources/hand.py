"""Posts typed by a person from what they saw, with their screenshots: a sheet in CSV or YAML beside the pictures.

Columns: `url`, `author`, `text`, `posted_at`, `image` (PNG or JPEG in the sheet's directory), `captured_by`,
`captured_at`; if wanted `page` (the page saved as MHTML, in which the text is then looked for), and `platform` and `id`
where the address is of no platform that `crawler.files.postlinks` knows. Times without a zone are those of the mandate.
"""

from __future__ import annotations

import codecs
import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from crawler.files.columns import BadField, check_header, platform_name, web_address
from crawler.files.delimited import Rows
from crawler.files.images import MAX_BYTES, Image, read_image
from crawler.files.postlinks import PostLink, post_link
from crawler.files.records import Document, Opened, Record, read_lines
from crawler.files.saved_page import MAX_BYTES as MAX_PAGE_BYTES
from crawler.files.saved_page import read_saved_page, share_on_page
from crawler.text.moments import parse_moment
from models.base import JsonObject
from models.canonical import sha256_hex
from models.errors import BadInput
from models.hand import BY_HAND
from models.posts import ParsedPost

REQUIRED = ("url", "author", "text", "posted_at", "image", "captured_by", "captured_at")
OPTIONAL = ("page", "platform", "id")
MAX_SHEET_BYTES = 1 << 20
MAX_DEPTH = 3

_ZONES = {"WIB": "+07:00", "WITA": "+08:00", "WIT": "+09:00"}


class ByHand:
    """The sheet; see `crawler.files.records.FileSource`.

    What is kept of a row is what was typed, and the files it names.
    """

    media_type = "application/json"

    def head(self, file: Opened) -> bytes:
        """Nothing stands before the records."""
        del file
        return b""

    def records(self, file: Opened) -> Iterator[Record]:
        """One record for each row."""
        for line, row, names in _rows(file):
            try:
                yield _record(row, line, file)
            except BadField as bad:
                raise bad.at(names, line) from bad


def _rows(file: Opened) -> Iterator[tuple[int, dict[str, str], list[str]]]:
    """Lines, rows and the columns' names in order (empty for YAML, which has no columns)."""
    if file.path.suffix.lower() in {".yaml", ".yml"}:
        for line, row in _yaml_rows(file.handle.read(MAX_SHEET_BYTES + 1)):
            yield line, row, []
        return
    rows = Rows(read_lines(file))
    check_header(rows.names, REQUIRED)
    for line, fields, _ in rows:
        yield line, dict(zip(rows.names, fields, strict=True)), rows.names


def _yaml_rows(data: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """A list of mappings; every value is taken as the text that stands there."""
    if len(data) > MAX_SHEET_BYTES:
        raise BadInput(f"a sheet of more than {MAX_SHEET_BYTES} bytes")
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
        _check_plain(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise BadInput(f"not valid YAML: {error.problem}", line=None if mark is None else mark.line + 1) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInput(f"not valid YAML: {str(error)[:100]}") from error
    if not isinstance(node, yaml.SequenceNode):
        raise BadInput("a sheet is a list of posts, each with url, author, text, …")
    for entry in node.value:
        yield entry.start_mark.line + 1, _yaml_row(entry)


def _check_plain(text: str) -> None:
    """Let pass only YAML that cannot grow while it is read: no aliases, no depth.

    Raises:
        BadInput: with the line.
    """
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > MAX_DEPTH:
            line = None if event.start_mark is None else event.start_mark.line + 1
            raise BadInput("a sheet has neither aliases (*name) nor lists within posts", line=line)


def _yaml_row(entry: yaml.Node) -> dict[str, str]:
    pairs = entry.value if isinstance(entry, yaml.MappingNode) else []
    row: dict[str, str] = {}
    for key, value in pairs:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
            raise BadInput("a post has plain texts only", line=line)
        if key.value in row or key.value not in (*REQUIRED, *OPTIONAL):
            raise BadInput(f"{key.value[:40]!r} stands twice, or is nothing that a sheet holds", line=line)
        row[key.value] = value.value
    if missing := [name for name in REQUIRED if name not in row]:
        raise BadInput(f"the post has no {', '.join(missing)}", line=entry.start_mark.line + 1)
    return row


def _record(row: Mapping[str, str], line: int, file: Opened) -> Record:
    url, author = web_address(row, "url"), row["author"].strip().removeprefix("@")
    link = _link(row, url, author)
    for name in ("author", "text", "captured_by"):
        if not row[name].strip():
            raise BadField(name, "is empty")
    captured_at = _moment(row, "captured_at", file.zone)
    if captured_at is None:
        raise BadField("captured_at", "is empty")
    image, picture = _image(row, file)
    page, share = _page(row, file, link)
    typed: JsonObject = {
        "kind": BY_HAND,
        "screenshot_sha256": sha256_hex(picture.body),
        "screenshot_format": image.media_type,
        "page_sha256": None if page is None else sha256_hex(page.body),
        "captured_by": row["captured_by"].strip()[:200],
        "captured_at": captured_at.isoformat(),
        "text_ratio": share,
    }
    try:
        post = ParsedPost(
            external_id=link.external_id,
            text=row["text"],
            url=url,
            posted_at=_moment(row, "posted_at", file.zone),
            locator="",
            author=author,
            attachments=(typed,),
        )
    except BadInput as error:
        raise BadField("id", str(error)) from error
    body = json.dumps({**row, **typed}, ensure_ascii=False, indent=2).encode("utf-8", "replace")
    kept = Document(body, "application/json", facts={"typed_by_a_person": True})
    return Record(line, b"", link.platform, author, post, document=kept, beside=(picture, *([page] if page else [])))


def _link(row: Mapping[str, str], url: str, author: str) -> PostLink:
    """Which post the row is about.

    Raises:
        BadField: no address, one of a group, or one that names another author.
    """
    if not url:
        raise BadField("url", "is empty")
    link = post_link(url)
    if link is None:
        return PostLink(platform_name(row, "hand"), row.get("id", "").strip() or url)
    if link.in_group:
        raise BadField("url", "is of a post in a group; only posts that everybody can see may be brought in")
    if link.author and link.author.casefold() != author.casefold() and not link.author.isdecimal():
        raise BadField("author", f"{author[:40]!r}, and the address is of a post by {link.author[:40]!r}")
    return link


def _moment(row: Mapping[str, str], name: str, zone: dt.tzinfo | None) -> dt.datetime | None:
    text = row[name].strip()
    if not text:
        return None
    written, _, abbreviation = text.rpartition(" ")
    if abbreviation.upper() in _ZONES:
        text = f"{written}{_ZONES[abbreviation.upper()]}"
    try:
        local = dt.datetime.fromisoformat(text)
        if local.tzinfo is not None:
            return local
        if zone is not None and len(text) > len("2026-10-05"):
            return local.replace(tzinfo=zone)
    except ValueError:
        pass
    found = parse_moment(text)
    if found is None:
        raise BadField(name, f"{row[name][:40]!r} is not a date with a time, such as 2026-10-05 14:30 WIB")
    return found


def _image(row: Mapping[str, str], file: Opened) -> tuple[Image, Document]:
    body = _beside(row, "image", file, MAX_BYTES)
    try:
        image = read_image(body)
    except BadInput as error:
        raise BadField("image", error.message) from error
    facts: JsonObject = {"width": image.width, "height": image.height, "made_by_a_person": True}
    return image, Document(body, image.media_type, row["image"].strip(), facts)


def _page(row: Mapping[str, str], file: Opened, link: PostLink) -> tuple[Document | None, float | None]:
    """The saved page, and the share of the typed text that stands on it."""
    if not row.get("page", "").strip():
        return None, None
    body = _beside(row, "page", file, MAX_PAGE_BYTES)
    try:
        page = read_saved_page(body)
        there = post_link(page.url)
        if there is not None and there.external_id != link.external_id:
            raise BadField("page", f"was saved from another post, {page.url[:100]}")
        return Document(body, "multipart/related", row["page"].strip(), page.facts), share_on_page(row["text"], page)
    except BadInput as error:
        raise BadField("page", error.message) from error


def _beside(row: Mapping[str, str], name: str, file: Opened, limit: int) -> bytes:
    """The bytes of a file in the sheet's directory.

    Raises:
        BadField: not named, elsewhere, too large, or not to be read.
    """
    named = row[name].strip()
    if not named:
        raise BadField(name, "is empty")
    home = file.path.parent.resolve()
    try:
        path = (home / Path(named)).resolve()
        if not path.is_relative_to(home) or not path.is_file():
            raise BadField(name, f"{named[:80]!r} is no file in the sheet's directory")
        with path.open("rb") as handle:
            body = handle.read(limit + 1)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadField(name, f"{named[:80]!r} cannot be read: {error}") from error
    if len(body) > limit:
        raise BadField(name, f"{named[:80]!r} has more than {limit} bytes")
    return body
