"""The labelled corpus: reading, checking, and the contest that a post's own mentions amount to."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from classifier.text.ballot_numbers import value_of
from classifier.text.normalise import normalise
from models.contest import CandidateSpec, ContestSpec
from models.errors import BadInput

CORPUS = Path(__file__).parents[1] / "corpus"
POSTS = CORPUS / "posts.jsonl"
EXCLUDED = CORPUS / "excluded_sha256.txt"
"""SHA-256 of the normalised text of rows kept for evaluation; none of them may enter the corpus."""
EXCLUDED_SHINGLES = CORPUS / "excluded_shingles.txt"
"""The shingle keys of the same rows: copies with a few words changed may not enter either."""
_SHINGLE = 5

Act = Literal["support", "attack", "mobilise", "none"]
Voice = Literal["own", "quote", "news", "official", "unclear"]
Stance = Literal["favor", "against", "neutral"]
ACTS: tuple[Act, ...] = ("none", "support", "attack", "mobilise")
VOICES: tuple[Voice, ...] = ("own", "quote", "news", "official", "unclear")
STANCES: tuple[Stance, ...] = ("neutral", "favor", "against")


class Mention(BaseModel):
    """One substring that names a side, and the author's stance towards it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    kind: Literal["candidate", "party", "slogan", "number"]
    side: int
    stance: Stance


class SecondLabel(BaseModel):
    """What the second reader said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    act: Act
    voice: Voice


class LabelledPost(BaseModel):
    """One post of the corpus with its labels (GUIDELINE.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    id: str
    contest: str
    text: str
    act: Act
    voice: Voice
    genre: str = Field(alias="register")
    language: str
    mentions: tuple[Mention, ...]
    second: SecondLabel | None = None

    @model_validator(mode="after")
    def _mentions_are_substrings(self) -> Self:
        for mention in self.mentions:
            if mention.text not in self.text:
                raise ValueError(f"mention {mention.text!r} is not in the text")
        return self

    @property
    def partisan(self) -> bool:
        """Whether the author takes a side."""
        return self.act != "none"

    @property
    def writer(self) -> str:
        """Whose hand wrote it: the batch that the id begins with."""
        return self.id.split("-")[0]


def read_posts(path: Path = POSTS) -> Iterator[LabelledPost]:
    """Read labelled posts, one JSON object a line.

    Raises:
        BadInput: a line is not a labelled post; names file and line.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield LabelledPost.model_validate_json(line)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                where = ".".join(map(str, first["loc"])) or "post"
                raise BadInput(f"{where}: {first['msg']}", path=path, line=number) from error


def text_key(text: str) -> str:
    """SHA-256 of the normalised, case-folded words of a text: equal for copies that differ in dressing."""
    words = re.findall(r"\w+", normalise(text).text.casefold())
    return hashlib.sha256(" ".join(words).encode("utf-8", "replace")).hexdigest()


def shingle_keys(text: str) -> frozenset[str]:
    """The first 12 hexadecimal digits of the SHA-256 of each run of five normalised words (Broder 1997)."""
    words = re.findall(r"\w+", normalise(text).text.casefold())
    runs = {" ".join(words[at : at + _SHINGLE]) for at in range(max(1, len(words) - _SHINGLE + 1))}
    return frozenset(hashlib.sha256(run.encode("utf-8", "replace")).hexdigest()[:12] for run in runs)


@functools.cache
def excluded_keys() -> frozenset[str]:
    """Keys of texts that may not be trained on."""
    return frozenset(EXCLUDED.read_text(encoding="ascii").split())


@functools.cache
def _excluded_shingles() -> frozenset[str]:
    return frozenset(EXCLUDED_SHINGLES.read_text(encoding="ascii").split())


def is_excluded(text: str) -> bool:
    """Whether a text is kept for evaluation, or is nearly one that is: half of its runs of five words or more."""
    runs = shingle_keys(text)
    return text_key(text) in excluded_keys() or 2 * len(runs & _excluded_shingles()) >= len(runs)


_MIN_SIDES = 3
_ELECTION_DAY = dt.date(2000, 1, 1)


def own_contest(post: LabelledPost) -> ContestSpec:
    """The contest file that this post's mentions amount to.

    At least the ballot numbers 1 to 3 are taken, as in real contests, so that a "nomor 1" that is none is
    masked in training as it will be in use.
    """
    numbers = _ballot_numbers(post)
    sides = [_side(post, side, number) for side, number in numbers.items()]
    free = (number for number in range(1, 100) if number not in set(numbers.values()))
    while len(sides) < _MIN_SIDES:
        number = next(free)
        sides.append(CandidateSpec(number=number, names=[_nobody(number)]))
    parties = [mention.text for mention in post.mentions if mention.kind == "party"]
    sides[0] = sides[0].model_copy(update={"parties": [text.lstrip("#") for text in parties]})
    return ContestSpec(name=post.contest or post.id, region="-", election_day=_ELECTION_DAY, candidates=sides)


def nobodys_contest() -> ContestSpec:
    """A contest whose names no text contains: masks national parties and ballot numbers only."""
    sides = [CandidateSpec(number=number, names=[_nobody(number)]) for number in range(1, _MIN_SIDES + 1)]
    return ContestSpec(name="-", region="-", election_day=_ELECTION_DAY, candidates=sides)


def _ballot_numbers(post: LabelledPost) -> dict[int, int]:
    """Side → ballot number: the one written in the post, else the lowest free."""
    sides = dict.fromkeys(mention.side for mention in post.mentions if mention.kind != "party")
    numbers: dict[int, int] = {}
    for mention in post.mentions:
        if mention.kind == "number" and mention.side not in numbers:
            value = _value_in(mention.text)
            if value is not None and value not in numbers.values():
                numbers[mention.side] = value
    free = (number for number in range(1, 100) if number not in set(numbers.values()))
    return {side: numbers[side] if side in numbers else next(free) for side in sides}


def _value_in(text: str) -> int | None:
    words = re.findall(r"\d+\u20e3?|[^\W\d_]+", normalise(text).text)
    return next((value for word in reversed(words) if (value := value_of(word)) is not None), None)


def _side(post: LabelledPost, side: int, number: int) -> CandidateSpec:
    mine = [mention for mention in post.mentions if mention.side == side]
    names = sorted(
        {m.text for m in mine if m.kind == "candidate" and m.text[0] not in "#@"}, key=lambda t: (-len(t), t)
    )
    return CandidateSpec(
        number=number,
        names=names[:1] or [_nobody(number)],
        aliases=names[1:],
        handles=[m.text for m in mine if m.text[0] == "@"],
        slogans=[m.text for m in mine if m.kind == "slogan" and m.text[0] != "#"],
        hashtags=[m.text.lstrip("#") for m in mine if m.text[0] == "#" and m.kind in {"candidate", "slogan"}],
    )


def _nobody(number: int) -> str:
    """A name that no text contains."""
    return "Xq" + "".join(chr(ord("a") + int(digit)) for digit in str(number)) + "qx"


def write_posts(posts: list[LabelledPost], path: Path) -> None:
    """Write labelled posts, one JSON object a line, absent second labels left out."""
    lines = (json.dumps(post.model_dump(exclude_none=True, by_alias=True), ensure_ascii=False) for post in posts)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
