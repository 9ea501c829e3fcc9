"""Response headers as they are kept: short, few, with lower-case names."""

from __future__ import annotations

from scrapy.http import Response

from models.base import storable

MAX_HEADERS = 100
MAX_NAME_CHARACTERS = 100
MAX_VALUE_CHARACTERS = 2_000
MAX_CHARACTERS = 32 << 10
"""All together; what comes after is left out."""


def headers_of(response: Response) -> dict[str, str]:
    """The headers of a response, those of one name joined (RFC 9110 §5.3)."""
    kept: dict[str, str] = {}
    left = MAX_CHARACTERS
    for raw, values in list(response.headers.items())[:MAX_HEADERS]:
        name = storable(raw.decode("latin-1").lower())[:MAX_NAME_CHARACTERS]
        value = storable(b", ".join(values).decode("latin-1"))[:MAX_VALUE_CHARACTERS]
        left -= len(name) + len(value)
        if left < 0:
            break
        kept[name] = value
    return kept
