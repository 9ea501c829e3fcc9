"""The kinds of files that posts come in, by name and by what they look like."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from crawler.files.records import FileSource
from crawler.files.roster import Roster
from crawler.files.snapshot_reading import SnapshotReading
from crawler.files.snapshots import SnapshotSource
from crawler.sources.fourcat import FourCat
from crawler.sources.hand import ByHand
from crawler.sources.mhtml import Mhtml
from crawler.sources.table import Csv, Jsonl
from crawler.sources.twarc import Twarc
from crawler.sources.warc import Wacz, Warc
from crawler.sources.workbook import Workbook
from crawler.sources.zeeschuimer import Zeeschuimer
from crawler.text.jsontext import read_json, value_at
from models.errors import BadInput

FILE_SOURCES: dict[str, FileSource] = {
    "csv": Csv(),
    "jsonl": Jsonl(),
    "xlsx": Workbook(),
    "zeeschuimer": Zeeschuimer(),
    "4cat": FourCat(),
    "twarc": Twarc(),
    "hand": ByHand(),
}
SNAPSHOT_SOURCES: dict[str, SnapshotSource] = {"warc": Warc(), "wacz": Wacz(), "mhtml": Mhtml()}

NAMES = (*FILE_SOURCES, *SNAPSHOT_SOURCES)

_HEAD_BYTES = 1 << 16


def form_named(name: str, roster: Roster) -> FileSource:
    """The reader of this kind of file, for posts of this roster.

    Raises:
        BadInput: there is none.
    """
    if name in FILE_SOURCES:
        return FILE_SOURCES[name]
    if name in SNAPSHOT_SOURCES:
        return SnapshotReading(SNAPSHOT_SOURCES[name], roster)
    raise BadInput(f"no file source named {name[:40]!r}; there are {', '.join(NAMES)}")


def recognised(path: Path) -> str:
    """The kind of a file, told by its content.

    Raises:
        BadInput: it cannot be read, or could be anything.
    """
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEAD_BYTES)
            name = _zipped(path) if head.startswith(b"PK\x03\x04") else _told(_unzipped(head), path)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", path=path) from error
    if not name:
        raise BadInput(f"the kind of file cannot be told; name it with --source ({', '.join(NAMES)})", path=path)
    return name


def _zipped(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return ""
    if "xl/workbook.xml" in names:
        return "xlsx"
    return "wacz" if "datapackage.json" in names else ""


def _unzipped(head: bytes) -> bytes:
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, _HEAD_BYTES)
    except zlib.error:
        return b""


def _told(head: bytes, path: Path) -> str:
    if head.startswith(b"WARC/"):
        return "warc"
    text = head.decode("utf-8-sig", "replace").lstrip()
    first, _, _ = text.partition("\n")
    if text.startswith("{"):
        return _json_lines(first)
    if "multipart/related" in text[:4_000].lower() and first.partition(":")[0].lower() in {"from", "mime-version"}:
        return "mhtml"
    if path.suffix.lower() in {".yaml", ".yml"}:
        return "hand"
    return _columns({name.strip(' "').lower() for name in first.replace(";", ",").replace("\t", ",").split(",")})


def _columns(names: set[str]) -> str:
    if {"url", "author", "text", "image"} <= names:
        return "hand"
    if {"id", "text", "author"} <= names:
        return "csv"
    return "4cat" if {"id", "author", "body"} <= names else ""


def _json_lines(first: str) -> str:
    if '"source_platform"' in first:
        return "zeeschuimer"
    if '"__twarc"' in first or '"includes"' in first:
        return "twarc"
    try:
        item = read_json(first)
    except BadInput:
        return ""
    if any(value_at(item, name) is not None for name in ("id_str", "edit_history_tweet_ids", "author_id")):
        return "twarc"
    return "jsonl" if isinstance(value_at(item, "text"), str) else ""
