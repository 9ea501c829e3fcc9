"""Web archives made by hand, with ArchiveWeb.page and the like: WARC (ISO 28500) and WACZ 1.1.1.

Of a WARC file only responses are read. Requests are passed over: they hold the cookies of whoever browsed.
https://specs.webrecorder.net/wacz/1.1.1/
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import itertools
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import ChunkedDataReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeadersParserException

from crawler.files.archive_limits import open_zip
from crawler.files.encodings import decoded
from crawler.files.records import Opened
from crawler.files.snapshots import MAX_BODY_BYTES, Snapshot
from crawler.text.jsontext import read_json, text_at, value_at
from models.base import JsonObject
from models.errors import BadInput

MAX_UNPACKED_BYTES = 4 << 30
MAX_HEADER_BYTES = 1 << 20
MAX_MANIFEST_BYTES = 16 << 20

_BLOCK = 1 << 16
_MANIFEST = "datapackage.json"
_ARCHIVE = re.compile(r"archive/.+\.warc(\.gz)?")
_TEXTUAL = re.compile(r"(?:text|application)/(?:[\w.+-]*(?:json|xml|html)|javascript|plain)\b", re.IGNORECASE)
_FACTS = ("warc-date", "warc-record-id", "warc-payload-digest", "warc-block-digest")
_KEPT_HEADERS = ("content-type", "date", "last-modified", "etag", "link")
_DAMAGED = (
    *(ArchiveLoadFailed, StatusAndHeadersParserException, EOFError),
    *(ValueError, AttributeError, TypeError, AssertionError),
)
"""What warcio raises at a file that is none: its own errors, and whatever a missing header leads to."""


class Warc:
    """One WARC file, packed with gzip or plain; see `crawler.files.snapshots.SnapshotSource`."""

    def snapshots(self, file: Opened) -> Iterator[Snapshot]:
        """Its responses."""
        yield from _responses(file.handle, 1, {})


class Wacz:
    """A WACZ file: a zip file of WARC files with a manifest that names their hashes."""

    def snapshots(self, file: Opened) -> Iterator[Snapshot]:
        """The responses of all WARC files in it, once the hashes of the manifest are found right."""
        with open_zip(file.handle, max_bytes=MAX_UNPACKED_BYTES, max_entry=MAX_UNPACKED_BYTES) as archive:
            vouched = _verify(archive)
            told = {"manifest_sha256": hashlib.sha256(_small(archive, _MANIFEST)).hexdigest()}
            number = 1
            for name in sorted(entry for entry in archive.namelist() if _ARCHIVE.fullmatch(entry)):
                if name not in vouched:
                    raise BadInput(f"{name[:80]!r} is not vouched for by {_MANIFEST}: the file was altered")
                with archive.open(name) as inner:
                    for snapshot in _responses(inner, number, {"file": name, **told}):
                        number = snapshot.number + 1
                        yield snapshot


class _Bounded(io.RawIOBase):
    """Unpacked bytes for warcio, which reads header lines of any length: between two grants it gets no more."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._left = 0
        self._total = 0

    def grant(self, size: int) -> None:
        """Allow this many bytes from here, and what warcio reads ahead."""
        self._left = size + _BLOCK

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes.

        Raises:
            BadInput: more than was granted, or more than any archive needs.
        """
        try:
            data: bytes = self._inner.read(_BLOCK if size is None or size < 0 else min(size, _BLOCK))
        except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
            raise BadInput(f"the packed file is damaged or cut off: {error}") from error
        self._left -= len(data)
        self._total += len(data)
        if self._left < 0:
            raise BadInput(f"a header of more than {MAX_HEADER_BYTES} bytes")
        if self._total > MAX_UNPACKED_BYTES:
            raise BadInput(f"more than {MAX_UNPACKED_BYTES} bytes once unpacked")
        return data

    def tell(self) -> int:
        """How much was read."""
        return self._total


def _responses(handle: Any, number: int, facts: Mapping[str, Any]) -> Iterator[Snapshot]:
    """Responses, the first record being `number`; every error names the record."""
    stream = _Bounded(_unpacked(handle))
    # Blocks no larger than a grant; warcio complains of damage on standard error, and the error below says it better.
    records = ArchiveIterator(stream, check_digests=True, block_size=_BLOCK)
    for place in itertools.count(number):
        try:
            record = _next(records, stream)
            if record is None:
                return
            found = _response(record, stream, place, facts)
        except BadInput as error:
            raise BadInput(f"record {place}: {error.message}") from error
        except _DAMAGED as error:
            raise BadInput(f"record {place} cannot be read: {str(error)[:200]}") from error
        if found is not None:
            yield found


def _next(records: Any, stream: _Bounded) -> Any:
    """The next record with its headers, None at the end.

    Raises:
        BadInput: the one before it was not as long as it said.
    """
    stream.grant(MAX_HEADER_BYTES)
    with contextlib.redirect_stderr(io.StringIO()):
        record = next(records, None)
    if records.err_count:
        raise BadInput("what stands before it is not as long as it says")
    return record


def _unpacked(handle: BinaryIO) -> Any:
    start = handle.read(2)
    handle.seek(0)
    return gzip.GzipFile(fileobj=handle) if start == b"\x1f\x8b" else handle


def _response(record: Any, stream: _Bounded, number: int, facts: Mapping[str, Any]) -> Snapshot | None:
    """The record as a snapshot; None for any other kind. Either way it is read to its end, and its hash checked."""
    http = record.http_headers if record.rec_type == "response" else None
    headers = {str(name).lower(): str(value) for name, value in (http.headers if http else [])}
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()[:120]
    size = record.payload_length if record.http_headers else record.length
    if size is None:
        raise BadInput("it does not say how long it is")
    wanted = http is not None and size <= MAX_BODY_BYTES and _TEXTUAL.match(media_type) is not None
    body, read = _drained(record, stream, keep=wanted)
    if read < size:
        raise BadInput(f"cut off after {read} of {size} bytes")
    if any(problem.startswith("block digest failed") for problem in record.digest_checker.problems):
        raise BadInput("its content does not match its WARC-Block-Digest: the file was altered")
    if http is None:
        return None
    told: JsonObject = {name: value for name in _FACTS if (value := record.rec_headers.get_header(name))}
    told["digests"] = {True: "cocok", False: "tidak cocok", None: "tidak ada"}[record.digest_checker.passed]
    return Snapshot(
        number=number,
        url=str(record.rec_headers.get_header("WARC-Target-URI") or "")[:2_000],
        status=_status(http),
        headers={name: headers[name] for name in _KEPT_HEADERS if name in headers},
        body=_content(body, headers) if wanted else b"",
        media_type=media_type,
        facts={**facts, **told},
        readable=wanted,
    )


def _status(http: Any) -> int:
    code = str(http.get_statuscode() or "")
    return int(code) if code.isascii() and code.isdecimal() and len(code) == len("200") else 0


def _drained(record: Any, stream: _Bounded, *, keep: bool) -> tuple[bytes, int]:
    kept: list[bytes] = []
    read = 0
    while True:
        stream.grant(_BLOCK)
        block = record.raw_stream.read(_BLOCK)
        if not block:
            return b"".join(kept), read
        read += len(block)
        if keep:
            kept.append(block)


def _content(body: bytes, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = ChunkedDataReader(io.BytesIO(body)).read()
    return decoded(body, headers.get("content-encoding", ""), limit=MAX_BODY_BYTES)


def _verify(archive: zipfile.ZipFile) -> set[str]:
    """Check every hash that the manifest names, and that of the manifest; returns the files that were found right.

    Raises:
        BadInput: there is no manifest, a file is missing, or one does not match.
    """
    manifest = _small(archive, _MANIFEST)
    digest = _small(archive, "datapackage-digest.json", optional=True)
    if digest and text_at(read_json(digest), "hash") not in {"", _named(hashlib.sha256(manifest))}:
        raise BadInput(f"{_MANIFEST} does not match datapackage-digest.json: the file was altered")
    resources = value_at(read_json(manifest), "resources")
    vouched = set()
    for resource in resources if isinstance(resources, list) else []:
        path, expected = text_at(resource, "path"), text_at(resource, "hash")
        if path and expected.startswith("sha256:"):
            if _hash_of(archive, path) != expected:
                raise BadInput(f"{path[:80]!r} does not match its hash in {_MANIFEST}: the file was altered")
            vouched.add(path)
    return vouched


def _small(archive: zipfile.ZipFile, name: str, *, optional: bool = False) -> bytes:
    try:
        if archive.getinfo(name).file_size > MAX_MANIFEST_BYTES:
            raise BadInput(f"{name} is larger than {MAX_MANIFEST_BYTES} bytes")
        return archive.read(name)
    except KeyError as error:
        if optional:
            return b""
        raise BadInput(f"not a WACZ file: no {name}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise BadInput(f"{name} cannot be unpacked: {error}") from error


def _hash_of(archive: zipfile.ZipFile, path: str) -> str:
    hasher = hashlib.sha256()
    try:
        with archive.open(path) as entry:
            while block := entry.read(_BLOCK):
                hasher.update(block)
    except KeyError as error:
        raise BadInput(f"{path[:80]!r} stands in {_MANIFEST} and is missing") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise BadInput(f"{path[:80]!r} cannot be unpacked: {error}") from error
    return _named(hasher)


def _named(hasher: Any) -> str:
    return f"sha256:{hasher.hexdigest()}"
