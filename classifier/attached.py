"""A post with what its author attached to it: descriptions of images, texts laid over videos, options of polls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_NAMES = {
    "image": "gambar",
    "video": "video",
    "gifv": "video",
    "audio": "audio",
    "stickers": "stiker",
    "poll": "polling",
}
_MAX_CHARACTERS = 5_000

_BY_MACHINE = re.compile(
    r"\s*(?:photo|video|reel|image|foto|gambar)\s+(?:(?:shared|posted|(?:yang\s+)?dibagikan)\s+)?(?:by|oleh)\b",
    re.IGNORECASE,
)
"""How platforms begin descriptions of their own making: with the account's name, which the model never sees."""
_READ_BY_MACHINE = re.compile(r"\b(?:text|teks)\b[^'\"“‘]{0,60}['\"“‘](.+)['\"”’]", re.IGNORECASE | re.DOTALL)


def with_attached(text: str, attachments: Iterable[Mapping[str, Any]]) -> str:
    """The text, then a line for each attachment that says something: `[gambar] Spanduk di tepi dermaga`.

    Of a description that the platform wrote, only the letters that it read in the image are taken.
    """
    lines = [f"[{_name(each)}] {said}" for each in attachments if (said := " / ".join(_said(each)))]
    return "\n".join([text, *lines])


def with_image_text(text: str, read: str) -> str:
    """The text, then what was read in its image, on one line."""
    return with_attached(text, [{"kind": "image", "texts": read.split("\n")}])


def _name(attachment: Mapping[str, Any]) -> str:
    return _NAMES.get(str(attachment.get("kind")), "lampiran")


def _said(attachment: Mapping[str, Any]) -> Iterator[str]:
    described = attachment.get("description")
    told = [_own_words(described)] if isinstance(described, str) else []
    for key in ("texts", "options"):
        found = attachment.get(key)
        told += [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
    yield from (line for each in told if (line := " ".join(each[:_MAX_CHARACTERS].split())))


def _own_words(description: str) -> str:
    described = description[:_MAX_CHARACTERS]
    if not _BY_MACHINE.match(described):
        return described
    read = _READ_BY_MACHINE.search(described)
    return read[1] if read else ""
