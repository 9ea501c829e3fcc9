"""Whose item is this, when nobody knows its shape? Told only where the item itself leaves no doubt."""

from __future__ import annotations

from typing import Any

from crawler.text.jsontext import text_at, value_at

MAX_NAME_CHARACTERS = 255

_ROLES = ("author", "user", "owner", "account", "actor", "creator", "poster", "from")
_NAMES = ("username", "uniqueId", "unique_id", "screen_name", "acct", "handle", "preferredUsername", "publicIdentifier")
_CLOSED = ("is_private", "private", "privateAccount", "privateItem", "protected", "locked")


def stated_author(data: Any) -> str:
    """The one account name that stands at the head of an item as its author's; empty when there is none, or two, or
    when the item says that it is not for everybody.

    Only the item's own level is looked at: what lies deeper may be a quoted post, a comment, a like.
    """
    if any(value_at(each, mark) is True for each in (data, *_roles(data)) for mark in _CLOSED):
        return ""
    found = {name.strip().removeprefix("@").casefold(): name.strip() for name in _stated(data)}
    return next(iter(found.values())) if len(found) == 1 else ""


def _roles(data: Any) -> list[Any]:
    return [value_at(data, role) for role in _ROLES]


def _stated(data: Any) -> list[str]:
    values = _roles(data)
    nested = [text_at(value, name) for value in values for name in _NAMES]
    plain = [value for value in values if isinstance(value, str)]
    own = [text_at(data, name) for name in _NAMES]
    return [name for name in (*nested, *plain, *own) if name.strip() and len(name) <= MAX_NAME_CHARACTERS]
