"""Split hashtags and handles into words, and find the registered forms inside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from classifier.text.lexicon import Form

_WORD = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+|_+")
_SURE_LENGTH = 6
"""Forms at least this long count anywhere in a tag; shorter ones only where a word begins and ends."""
_EDGE_LENGTH = 4
"""Forms at least this long count at the beginning or end of a tag written without capitals."""


@dataclass(frozen=True)
class Part:
    """A piece of a tag's body: a registered form, or plain words when `form` is None."""

    start: int
    end: int
    form: Form | None


class TagForms:
    """The forms of one contest, ready to be found inside tags.

    `tags` are hashtags and handles listed whole, lower case and without their sign.
    """

    def __init__(self, forms: Sequence[Form], tags: dict[str, Form]) -> None:
        self._tags = tags
        self._forms = {form.joined: form for form in reversed(forms)}
        longest_first = sorted((name for name in self._forms if len(name) > 1), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def whole(self, body: str) -> Form | None:
        """The side whose listed tag this is."""
        return self._tags.get(body.lower())

    def split(self, body: str) -> list[Part]:
        """Cut a tag's body into registered forms and plain words, in order."""
        found = self._find(body)
        if not found and (form := self.whole(body)) is not None:
            return [Part(0, len(body), form)]
        parts: list[Part] = []
        at = 0
        for part in (*found, Part(len(body), len(body), None)):
            parts += [Part(at + m.start(), at + m.end(), None) for m in _WORD.finditer(body[at : part.start])]
            at = part.end
            if part.form is not None:
                parts.append(part)
        return parts

    def _find(self, body: str) -> list[Part]:
        lowered = body.lower()
        if len(lowered) != len(body):  # a letter whose lower case is longer: offsets would not hold
            return []
        edges = {0, len(body)} | {edge for match in _WORD.finditer(body) for edge in match.span()}
        found: list[Part] = []
        at = 0
        while match := self._pattern.search(lowered, at):
            form = self._forms[match.group()]
            at = match.start() + 1
            if _stands_alone(form, match, edges, len(body), found):
                found.append(Part(match.start(), match.end(), form))
                at = match.end()
        return found


def _stands_alone(form: Form, match: re.Match[str], edges: set[int], length: int, found: Sequence[Part]) -> bool:
    start, end = match.span()
    if (start in edges and end in edges) or (found and found[-1].end == start and end == length):
        return True
    if form.needs_care:
        return False
    if len(match.group()) >= _SURE_LENGTH:
        return True
    follows = bool(found) and found[-1].end == start
    return len(match.group()) >= _EDGE_LENGTH and (start == 0 or end == length or follows)
