"""What a model makes of a post when another name stands in it.

Registered names are masked, so exchanging them must change nothing; names that no contest lists are not, so they might.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from classifier.assess import Model
from classifier.evaluation.answers import Answered, Asked, batches
from classifier.evaluation.metrics import Figure, Floats, mean, share
from classifier.text.mask import Masked, Masker
from classifier.training.watch import Watch
from models.contest import CandidateSpec, ContestSpec

T = TypeVar("T")

UNLISTED_NAMES = (
    "Bramantyo Sugondo", "Ratih Kumalasari", "Daeng Patarai", "Nyoman Sukrawati", "Togar Panggabean", "Maisaroh Hanum",
    "Lalu Wirajaya", "Yosefina Kelen", "Kurniadi Tarmizi", "Endang Puspawati", "Zulhendri Koto", "Wulandari Prasetyo",
    "Asep Suryaman", "Halimah Tusadi", "Petrus Wamafma", "Sulastri Winangun", "Iskandar Muda Nasri", "Mangku Rahardi",
    "Fatmawaty Lakoro", "Gunadi Harsono",
)  # fmt: skip
"""Invented people; a contest that lists one of them leaves that name out."""

_TRIES = 4
_SLOT = re.compile(r"(?:CALON|SLOGAN|NOMOR)_\d")
_WORD = re.compile(r"\w+")
_KEYCAP = "\ufe0f\u20e3"
_SEED = 20261127


@dataclass(frozen=True)
class Mention:
    """A side named in the original text: where, as what (the mask token's stem), and its ballot number."""

    start: int
    end: int
    stem: str
    number: int


@dataclass(frozen=True)
class RenamedFigures:
    """Shares over the rows that name a registered candidate.

    `swapped_changed`: rows whose score changes when the contest's candidates change places; `swapped_most` the largest
    change. `unlisted_flips`: how often the flag flips between one unlisted name and another in the same row;
    `unlisted_differs`: how often it differs between the registered name and an unlisted one.
    """

    swapped_rows: int
    swapped_changed: Figure
    swapped_most: float
    unlisted_rows: int
    unlisted_flips: Figure
    unlisted_differs: Figure


def measure_renamed(model: Model, asked: Asked, answered: Answered, watch: Watch) -> RenamedFigures:
    """Score rows again with their candidates exchanged, and with names that no contest lists."""
    swapped = list(_versions(asked, swap_candidates))
    after = _scores(model, asked, swapped, watch, "Menukar calon")
    changes = np.abs(after - answered.scores[[place for place, _ in swapped]])
    replaced = [(place, text) for place, texts in _versions(asked, _unlisted) for text in texts]
    flags = _scores(model, asked, replaced, watch, "Mengganti nama") >= model.threshold
    by_row = flags.reshape(-1, _TRIES)
    before = answered.flags[[place for place, _ in replaced[::_TRIES]]]
    yes = by_row.sum(axis=1)
    return RenamedFigures(
        swapped_rows=len(changes),
        swapped_changed=share(changes > 0),
        swapped_most=float(changes.max(initial=0.0)),
        unlisted_rows=len(by_row),
        # Of the pairs of names that can stand in a row, those that get different flags.
        unlisted_flips=_rate(2 * yes * (_TRIES - yes) / (_TRIES * (_TRIES - 1))),
        unlisted_differs=_rate((by_row != before[:, None]).mean(axis=1)),
    )


def mentions(masked: Masked) -> list[Mention]:
    """Every place where the text names a side of the contest."""
    owner = {slot: target.key for target in masked.targets for slot in target.slots}
    found = []
    for match in _SLOT.finditer(masked.text):
        number = owner.get(match.group())
        if isinstance(number, int):
            found.append(Mention(*masked.aligned.span(*match.span()), match.group().partition("_")[0], number))
    return found


def swap_candidates(text: str, masker: Masker, contest: ContestSpec) -> str | None:
    """The text with every candidate exchanged for the next on the ballot; None where that cannot be written, because
    nobody is named, one stands alone, or the other has no slogan or handle.
    """
    found = mentions(masker.mask(text))
    order = list(contest.candidates)
    after = {side.number: order[(at + 1) % len(order)] for at, side in enumerate(order)}
    if not found or len(order) == 1:
        return None
    written = [_as(after[mention.number], text, mention) for mention in found]
    edits = [(m.start, m.end, new) for m, new in zip(found, written, strict=True) if new is not None]
    return replace(text, edits) if len(edits) == len(found) else None


def replace(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    """The text with disjoint ascending ranges replaced."""
    for start, end, new in reversed(edits):
        text = text[:start] + new + text[end:]
    return text


def _as(side: CandidateSpec, text: str, mention: Mention) -> str | None:
    """How the mention would read of another side, in the form it has: number, hashtag, handle, slogan or name."""
    old = text[mention.start : mention.end]
    if mention.stem == "NOMOR":
        written_number = f"{side.number:0{len(old) if old.isdigit() else 1}}"
        return f"{written_number}{_KEYCAP}" if _KEYCAP[-1] in old and side.number < 10 else written_number  # noqa: PLR2004
    if old.startswith("@"):
        return f"@{side.handles[0].lstrip('@')}" if side.handles else None
    written = side.names if mention.stem == "CALON" else side.slogans
    if not written:
        return None
    return "".join(_WORD.findall(written[0].title())) if _in_tag(text, mention.start) else written[0]


def _in_tag(text: str, at: int) -> bool:
    return bool(re.search(r"#\w*$", text[:at]))


def _unlisted(text: str, masker: Masker, _contest: ContestSpec) -> list[str] | None:
    """The text with each candidate's name replaced by one that nobody lists, `_TRIES` times; None without names."""
    names = [mention for mention in mentions(masker.mask(text)) if mention.stem == "CALON"]
    if not names or any(text[name.start] == "@" or _in_tag(text, name.start) for name in names):
        return None
    free = [name for name in UNLISTED_NAMES if not masker.mask(f"calon {name}").targets]
    draw = random.Random(f"{_SEED} {text}")  # noqa: S311 - sampling, no secret
    sides = list(dict.fromkeys(name.number for name in names))
    if len(sides) > len(free):
        return None
    chosen = [dict(zip(sides, draw.sample(free, len(sides)), strict=True)) for _try in range(_TRIES)]
    return [replace(text, [(name.start, name.end, new[name.number]) for name in names]) for new in chosen]


def _versions(asked: Asked, rewrite: Callable[[str, Masker, ContestSpec], T | None]) -> Iterator[tuple[int, T]]:
    """The rows that can be rewritten, as place and what became of them."""
    maskers = {source: Masker(contest) for source, contest in asked.contests.items()}
    for place, row in enumerate(asked.rows):
        version = rewrite(row.text, maskers[row.source], asked.contest_of(row))
        if version is not None:
            yield place, version


def _scores(model: Model, asked: Asked, texts: Sequence[tuple[int, str]], watch: Watch, label: str) -> Floats:
    """Scores of rewritten rows, each in the contest of the row at its place."""
    scores = np.zeros(len(texts))
    for chosen in watch.each(list(batches(asked, [place for place, _ in texts])), label):
        contest = asked.contest_of(asked.rows[texts[chosen[0]][0]])
        found = model.assess([texts[at][1] for at in chosen], contest, explain=False)
        scores[chosen] = [score.score for score in found]
    return scores


def _rate(values: Floats) -> Figure:
    """The mean of shares; where no row has any, or every row all, as a share of rows."""
    return share(values > 0) if values.size == 0 or values.min() == values.max() else mean(values)
