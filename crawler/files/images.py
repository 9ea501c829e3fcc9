"""Screenshots from outside: what they are is read from their headers, and none is decoded.

PNG: https://www.w3.org/TR/png-3/ §5; JPEG: ITU T.81 annex B.
"""

from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Iterator

from models.errors import BadInput

MAX_BYTES = 32 << 20
MAX_PIXELS = 100_000_000
"""About seventy screens below each other; whoever looks at the picture has to hold it in memory."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_SCAN = 0xDA


@dataclasses.dataclass(frozen=True, slots=True)
class Image:
    """`width` and `height` in pixels."""

    media_type: str
    width: int
    height: int


def read_image(data: bytes) -> Image:
    """What kind of picture these bytes are.

    Raises:
        BadInput: neither PNG nor JPEG, damaged, cut off, or larger than any screenshot.
    """
    if len(data) > MAX_BYTES:
        raise BadInput(f"a picture of {len(data)} bytes; at most {MAX_BYTES}")
    try:
        if data.startswith(_PNG):
            image = Image("image/png", *_png_size(data))
        elif data.startswith(_JPEG):
            image = Image("image/jpeg", *_jpeg_size(data))
        else:
            raise BadInput("neither a PNG nor a JPEG picture")
    except struct.error as error:
        raise BadInput("the picture is cut off") from error
    if not 0 < image.width * image.height <= MAX_PIXELS:
        raise BadInput(f"a picture of {image.width} × {image.height} pixels; at most {MAX_PIXELS} in all")
    return image


def _png_size(data: bytes) -> tuple[int, int]:
    kinds = list(_png_chunks(data))
    if kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or b"IDAT" not in kinds:
        raise BadInput("not a whole PNG picture")
    width, height = struct.unpack_from(">II", data, len(_PNG) + 8)
    return width, height


def _png_chunks(data: bytes) -> Iterator[bytes]:
    """The kinds of chunks up to the last, each with its checksum found right."""
    place = len(_PNG)
    while True:
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 8 + length
        (checksum,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(memoryview(data)[place + 4 : end]) != checksum:
            raise BadInput("the PNG picture is damaged")
        yield kind
        place = end + 4
        if kind == b"IEND":
            return


def _jpeg_size(data: bytes) -> tuple[int, int]:
    place, size = len(_JPEG), (0, 0)
    while True:
        mark, kind = struct.unpack_from(">BB", data, place)
        if mark != 0xFF:  # noqa: PLR2004 - what every marker begins with
            raise BadInput("the JPEG picture is damaged")
        if kind in _ALONE or kind == mark:  # without a length, or a byte that only fills
            place += 1 if kind == mark else 2
            continue
        (length,) = struct.unpack_from(">H", data, place + 2)
        if kind in _FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 5)
            size = (width, height)
        place += 2 + length
        if kind == _SCAN:
            break
    if data.find(b"\xff\xd9", place) < 0:
        raise BadInput("the JPEG picture is cut off")
    return size
