"""What a person brought in by hand: the mark that posts and captures carry, so that nobody takes it for a machine's."""

from __future__ import annotations

from collections.abc import Iterable

from models.base import JsonObject

BY_HAND = "by_hand"
"""The `kind` of the attachment that says so. With it stand `screenshot_sha256`, `screenshot_format`, `page_sha256` and
`text_ratio` (of a page saved beside the picture, or None), `captured_by` and `captured_at` (ISO 8601)."""


def by_hand(attachments: Iterable[JsonObject]) -> JsonObject | None:
    """What was typed of how the post was captured; None when a machine read it."""
    return next((each for each in attachments if each.get("kind") == BY_HAND), None)
