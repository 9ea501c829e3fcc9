"""Walks a connector over a simulated server, as the spider does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from crawler.source import Answer, Ask, Page, Source
from models.posts import ParsedPost


def walk(
    source: Source,
    address: str,
    watermark: Mapping[str, Any],
    answer: Callable[[Ask], Answer],
    *,
    since: datetime | None = None,
    stop_after: int | None = None,
) -> tuple[dict[str, Any], list[ParsedPost], list[tuple[Ask, Page]]]:
    """Run until the end, or until it is cut off; returns the watermark, the posts stored, and the requests made."""
    known, stored, asked = dict(watermark), [], []
    ask: Ask | None = source.begin(address, known, since)
    while ask is not None and (stop_after is None or len(asked) < stop_after):
        assert len(asked) < 500, "the walk does not end"
        page = source.read(address, known, ask, answer(ask))
        asked.append((ask, page))
        stored += page.parsed.posts
        known, ask = page.watermark, page.following
    return known, stored, asked
