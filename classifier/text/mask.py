"""Hide who a post is about: names, parties, slogans and ballot numbers become slots by first mention.

The same sentence about any candidate of a contest becomes the same text, so it gets the same score. The one
masker serves training and use.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from classifier.text.ballot_numbers import Token, find_numbers, value_of
from classifier.text.hashtags import Part, TagForms
from classifier.text.lexicon import HONORIFICS, Form, Kind, contest_forms
from classifier.text.normalise import Aligned, normalise
from classifier.text.phrases import Phrases
from models.contest import ContestSpec

MAX_SLOTS = 9
"""Sides or parties beyond the ninth in one text share the last slot."""

MASK_TOKENS = (
    *(f"{kind.value}_{slot}" for kind in Kind for slot in range(1, MAX_SLOTS + 1)),
    Kind.NUMBER.value,
)
"""Every token that masking can write; `NOMOR` alone is a ballot number that no listed side carries."""

_TOKEN = re.compile(r"@\w[\w.]*|#\w+|[^\W\d_]+(?:['’][^\W\d_]+)*|0\u20e3\d\u20e3|\d+\u20e3?|[^\w\s]|_")
_LINK = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)
_COUNTERFEIT = re.compile(r"\b(CALON|PARTAI|SLOGAN|NOMOR)(?=_\d)|\bNOMOR\b")
_CLITICS = ("nya", "lah", "kah", "pun")
_JOINT = re.compile(
    r"\s*(?:[-–—&/+,|×]|x|dan|lan|jeung|sareng|bersama|n|wan)?\s*"
    rf"(?:(?:{'|'.join(sorted(HONORIFICS))})\.?\s+)*",
    re.IGNORECASE,
)
_INTRODUCERS = HONORIFICS | frozenset(
    """
    paslon pasangan calon kandidat capres cawapres cagub cawagub cabup cawabup cawali cakades dukung mendukung pilih
    milih memilih coblos nyoblos mencoblos menangkan memenangkan jagoan tim relawan pendukung bersama partai kubu
    versi tolak jangan hidup ganti sama
    """.split()  # noqa: SIM905 - prose reads better than forty quoted words
)
_SHOUTING = 0.8
"""A text with this share of upper-case words tells nothing by its capitals."""


@dataclass(frozen=True)
class Target:
    """Somebody the text names: `name` as reports call it, `key` of the side, `slots` met in the text."""

    name: str
    key: int | str
    slots: tuple[str, ...]


@dataclass(frozen=True)
class Masked:
    """The text the model sees, its offset map, and whom the slots stand for (first mention first)."""

    aligned: Aligned
    targets: tuple[Target, ...]

    @property
    def text(self) -> str:
        """The masked text."""
        return self.aligned.text


@dataclass(frozen=True)
class _Mention:
    start: int
    end: int
    kind: Kind
    side: int | str | None


class Masker:
    """Masks posts of one contest. Building one takes milliseconds; keep it for many posts."""

    def __init__(self, contest: ContestSpec) -> None:
        forms = contest_forms(contest)
        self._titles: dict[int | str, str] = {candidate.number: candidate.title for candidate in contest.candidates}
        self._numbers = frozenset(candidate.number for candidate in contest.candidates)
        self._tags = TagForms(forms, _listed_tags(contest))
        self._single = frozenset(form.words[0] for form in forms if len(form.words) == 1)
        self._phrases = Phrases(forms)

    def mask(self, text: str) -> Masked:
        """Normalise and mask one post."""
        plain = normalise(text).sub(_COUNTERFEIT, lambda match: match.group().lower())
        plain = plain.sub(_LINK, lambda _match: "URL")
        tokens = list(self._tokens(plain.text))
        names = _merge(self._names(tokens), plain.text)
        numbers = self._ballot_numbers(tokens, names)
        tags = [mention for token in tokens if token.text[0] in "#@" for mention in self._tag(token)]
        return self._write(plain, sorted([*names, *numbers, *tags], key=lambda mention: mention.start))

    def _tokens(self, text: str) -> Iterator[Token]:
        for match in _TOKEN.finditer(text):
            word, start = match.group(), match.start()
            stem = self._stem(word)
            yield Token(word[: len(stem)], start, start + len(stem))
            if len(stem) < len(word):
                yield Token(word[len(stem) :], start + len(stem), match.end())

    def _stem(self, word: str) -> str:
        """The registered name within a word such as `Khofifahnya`, or the word itself."""
        lowered = word.lower()
        if lowered in self._single or not lowered.endswith(_CLITICS):
            return word
        for clitic in _CLITICS:
            if lowered.endswith(clitic) and lowered[: -len(clitic)] in self._single:
                return word[: -len(clitic)]
        return word

    def _names(self, tokens: Sequence[Token]) -> list[_Mention]:
        """Names, parties and slogans outside tags; the longest match wins, then the first."""
        words = [index for index, token in enumerate(tokens) if token.text[0].isalnum()]
        shouting = _is_shouting(tokens)
        taken: set[int] = set()
        mentions: list[_Mention] = []
        for start, end, form in self._phrases.find([_plain_word(tokens[index].text) for index in words]):
            inside = words[start:end]
            if (
                taken.isdisjoint(inside)
                and _is_one_phrase(tokens, inside)
                and _counts(form, tokens, inside, shouting=shouting)
            ):
                taken.update(inside)
                mentions.append(_Mention(tokens[inside[0]].start, tokens[inside[-1]].end, form.kind, form.side))
        return sorted(mentions, key=lambda mention: mention.start)

    def _ballot_numbers(self, tokens: Sequence[Token], names: Sequence[_Mention]) -> list[_Mention]:
        free = [token for token in tokens if not any(name.start <= token.start < name.end for name in names)]
        return [
            _Mention(number.token.start, number.token.end, Kind.NUMBER, self._side(number.value))
            for number in find_numbers(free, self._numbers)
        ]

    def _side(self, number: int) -> int | None:
        return number if number in self._numbers else None

    def _tag(self, token: Token) -> Iterator[_Mention]:
        """The mentions inside a hashtag or handle; an unlisted handle yields none."""
        body = token.text[1:]
        if token.text[0] == "@":
            form = self._tags.whole(body.rstrip("."))
            if form is not None:
                yield _Mention(token.start, token.start + 1 + len(body.rstrip(".")), Kind.CANDIDATE, form.side)
            return
        parts = self._tags.split(body)
        political = any(part.form for part in parts) or any(
            body[part.start : part.end].lower() in _INTRODUCERS | {"salam", "menang", "nomor", "no"} for part in parts
        )
        for part in _merge_parts(parts):
            start, end = token.start + 1 + part.start, token.start + 1 + part.end
            if part.form is not None:
                yield _Mention(start, end, part.form.kind, part.form.side)
            elif political and (value := value_of(body[part.start : part.end])) in self._numbers:
                yield _Mention(start, end, Kind.NUMBER, value)

    def _write(self, plain: Aligned, mentions: Sequence[_Mention]) -> Masked:
        slots = _Slots()
        edits = [(mention.start, mention.end, slots.token(mention)) for mention in mentions]
        edits += _open_tags(plain.text, edits)
        targets = tuple(
            Target(self._titles.get(key, str(key)), key, tuple(sorted(tokens))) for key, tokens in slots.used.items()
        )
        return Masked(plain.edit(sorted(edits)), targets)


class _Slots:
    """Hands out slot numbers by first mention: candidate sides and parties count apart."""

    def __init__(self) -> None:
        self.used: dict[int | str, set[str]] = {}
        self._sides: list[int | str] = []
        self._parties: list[int | str] = []

    def token(self, mention: _Mention) -> str:
        if mention.side is None:
            return Kind.NUMBER.value
        order = self._parties if mention.kind is Kind.PARTY else self._sides
        if mention.side not in order:
            order.append(mention.side)
        token = f"{mention.kind.value}_{min(order.index(mention.side) + 1, MAX_SLOTS)}"
        self.used.setdefault(mention.side, set()).add(token)
        return token


def _listed_tags(contest: ContestSpec) -> dict[str, Form]:
    tags: dict[str, Form] = {}
    for candidate in contest.candidates:
        for handle in candidate.handles:
            tags.setdefault(handle.lstrip("@").lower(), Form((handle.lower(),), Kind.CANDIDATE, candidate.number))
        for tag in candidate.hashtags:
            tags.setdefault(tag.lstrip("#").lower(), Form((tag.lower(),), Kind.SLOGAN, candidate.number))
    return tags


def _plain_word(text: str) -> str:
    """The word as forms write it."""
    return text.lower().replace("’", "'")


def _is_shouting(tokens: Sequence[Token]) -> bool:
    words = [token.text for token in tokens if len(token.text) > 3 and token.text.isalpha()]  # noqa: PLR2004
    return bool(words) and sum(word.isupper() for word in words) >= _SHOUTING * len(words)


def _is_one_phrase(tokens: Sequence[Token], inside: Sequence[int]) -> bool:
    """Whether only gaps, points or hyphens lie between the words."""
    between = set(range(inside[0], inside[-1])) - set(inside)
    return all(tokens[index].text in ".-–'’," for index in between)


def _counts(form: Form, tokens: Sequence[Token], inside: Sequence[int], *, shouting: bool) -> bool:
    """Whether a form that is an ordinary word or very short stands here for a name."""
    if not form.needs_care:
        return True
    token = tokens[inside[0]].text
    before = tokens[inside[0] - 1].text.lower() if inside[0] else ""
    if before == "." and inside[0] > 1:
        before = tokens[inside[0] - 2].text.lower()
        before = before if before in HONORIFICS else ""
    if before in _INTRODUCERS:
        return True
    if shouting:
        return False
    return token.isupper() if form.whole_upper else token[0].isupper()


def _merge(mentions: Sequence[_Mention], text: str) -> list[_Mention]:
    """Join neighbouring names of one side ("Raka & Bu Nila") into one mention."""
    merged: list[_Mention] = []
    for mention in mentions:
        last = merged[-1] if merged else None
        if (
            last is not None
            and last.kind is mention.kind is Kind.CANDIDATE
            and last.side == mention.side
            and _JOINT.fullmatch(text, last.end, mention.start)
        ):
            merged[-1] = _Mention(last.start, mention.end, last.kind, last.side)
        else:
            merged.append(mention)
    return merged


def _merge_parts(parts: Sequence[Part]) -> Iterator[Part]:
    def key(part: Part) -> tuple[Kind, int | str] | int:
        return (part.form.kind, part.form.side) if part.form is not None else part.start

    for _key, run in itertools.groupby(parts, key):
        same = list(run)
        yield Part(same[0].start, same[-1].end, same[0].form)


def _open_tags(text: str, edits: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Spaces between the words of hashtags, and `@USER` for handles that no side owns."""
    if "#" not in text and "@" not in text:
        return []
    covered = {at for start, end, _new in edits for at in range(start, end)}
    starts = {start for start, _end, _new in edits}
    opened: list[tuple[int, int, str]] = []
    for match in _TOKEN.finditer(text):
        if match.group()[0] == "@" and match.start() not in starts:
            opened.append((match.start(), match.end(), "@USER"))
        elif match.group()[0] == "#":
            opened += [(at, at, " ") for at in _word_starts(match, covered, starts)]
    return opened


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d])(?=\d)|(?<=\d)(?=[^\W\d])|(?<=[A-Z])(?=[A-Z][a-z])")


def _word_starts(match: re.Match[str], covered: set[int], starts: set[int]) -> list[int]:
    first = match.start() + 1
    cuts = {cut.start() for cut in _CAMEL.finditer(match.string, first, match.end())}
    free = {at for at in cuts if not (at in covered and at - 1 in covered and at not in starts)}
    borders = {at for at in range(first + 1, match.end()) if (at in covered) != (at - 1 in covered) or at in starts}
    return sorted((free | borders) - {first})
