"""Our own picture of a post whose page cannot be opened: its text, where it came from, and the raw data itself."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import itertools
import json
import re
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

MAX_PAYLOAD_CHARACTERS = 20_000
MAX_RECORD_LINES = 200
MAX_PARSED_BYTES = 16 << 20
_LINE_NUMBER = re.compile(r"([0-9]{1,9})$")


@dataclasses.dataclass(frozen=True, slots=True)
class Payload:
    """One post's raw data, as text. `cut`: there was more."""

    text: str
    cut: bool = False


def rendering(text: str, facts: dict[str, str], payload: Payload) -> str:
    """A labelled HTML page without scripts and outside references; every value is escaped."""
    return _template().render(text=text, facts=facts.items(), payload=payload.text, cut=payload.cut)


@functools.cache
def _template() -> Template:
    source = resources.files("crawler").joinpath("capture_rendering.html").read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(source)


def payload_at(body: bytes, locator: str) -> Payload:
    """The part of `body` that `locator` names: a JSON pointer (RFC 6901) or a line number from 1.

    A line of JSON is laid out; a CSV record is followed over its line breaks. Where the locator cannot be followed,
    the beginning of the body stands for it.
    """
    if locator.startswith("/") and len(body) <= MAX_PARSED_BYTES:
        try:
            return _bounded(_laid_out(_pointed_at(json.loads(body), locator)))
        except (ValueError, LookupError, TypeError, RecursionError):
            return _bounded(_decoded(body[: MAX_PAYLOAD_CHARACTERS * 4]))
    if number := _LINE_NUMBER.search(locator):
        return _bounded(_record(body, int(number[1])))
    return _bounded(_decoded(body[: MAX_PAYLOAD_CHARACTERS * 4]))


def _bounded(text: str) -> Payload:
    return Payload(text[:MAX_PAYLOAD_CHARACTERS], cut=len(text) > MAX_PAYLOAD_CHARACTERS)


def _decoded(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace")


def _laid_out(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _pointed_at(document: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def _record(body: bytes, number: int) -> str:
    start = max(number, 1) - 1
    lines = list(itertools.islice(io.BytesIO(body), start, start + MAX_RECORD_LINES))
    if not lines:
        return ""
    taken = _decoded(lines[0][:MAX_PARSED_BYTES])
    with contextlib.suppress(ValueError, RecursionError):
        return _laid_out(json.loads(taken))
    for line in lines[1:]:
        if taken.count('"') % 2 == 0:  # RFC 4180: a line break inside quotes belongs to the field
            break
        taken += _decoded(line[:MAX_PARSED_BYTES])
    return taken.rstrip("\r\n")
