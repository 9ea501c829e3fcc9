"""Content-Encoding (RFC 9110 §8.4.1) of saved responses, undone under a limit."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator

import brotli

from models.errors import BadInput

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_CHUNK = 1 << 16
_MAX_LAYERS = 3
_ANY_HEADER = 47  # gzip or zlib, whatever the header says
_GZIP = b"\x1f"


def decoded(body: bytes, encoding: str, *, limit: int) -> bytes:
    """`body` without the encodings that its header names; as it is when a browser undid them before saving.

    Raises:
        BadInput: more than `limit` bytes would come out.
    """
    layers = [name for part in encoding.lower().split(",") if (name := part.strip()) not in {"", "identity"}]
    if len(layers) > _MAX_LAYERS:
        raise BadInput(f"{len(layers)} encodings on top of each other")
    for name in reversed(layers):
        if name not in _DECODERS:
            return body
        try:
            body = _joined(_DECODERS[name](body), limit)
        except (zlib.error, brotli.error, zstd.ZstdError, EOFError):
            return body
    return body


def _joined(chunks: Iterator[bytes], limit: int) -> bytes:
    kept, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise BadInput(f"a response of more than {limit} bytes once unpacked")
        kept.append(chunk)
    return b"".join(kept)


def _gunzip(data: bytes) -> Iterator[bytes]:
    member = zlib.decompressobj(wbits=_ANY_HEADER)
    for start in range(0, len(data), _CHUNK):
        rest = data[start : start + _CHUNK]
        while rest:
            if member.eof and not rest.startswith(_GZIP):
                return  # padding after the last member
            member = zlib.decompressobj(wbits=_ANY_HEADER) if member.eof else member
            yield member.decompress(rest, _CHUNK)
            rest = member.unused_data or member.unconsumed_tail
    if not member.eof:
        raise EOFError


def _unbrotli(data: bytes) -> Iterator[bytes]:
    decoder = brotli.Decompressor()
    chunk = decoder.process(data, output_buffer_limit=_CHUNK)
    while chunk:
        yield chunk
        chunk = b"" if decoder.is_finished() else decoder.process(b"", output_buffer_limit=_CHUNK)
    if not decoder.is_finished():
        raise EOFError


def _unzstd(data: bytes) -> Iterator[bytes]:
    decoder = zstd.ZstdDecompressor()
    chunk = decoder.decompress(data, _CHUNK)
    yield chunk
    while not decoder.eof and not decoder.needs_input:
        yield decoder.decompress(b"", _CHUNK)
    if not decoder.eof:
        raise EOFError


_DECODERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _gunzip,
    "br": _unbrotli,
    "zstd": _unzstd,
}
