"""Training examples: corpus posts masked by their own mentions, and natural non-partisan text."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from classifier.labels.corpus import STANCES, VOICES, LabelledPost, Voice, own_contest
from classifier.network.model import PARTISAN_ACTS
from classifier.text.mask import Masker
from models.contest import ContestSpec
from models.errors import BadInput

NO_ACT = -1
NATURAL = "natural"
"""The group of natural text: it is never held out."""


@dataclass(frozen=True)
class Example:
    """One masked text with what the heads should say.

    `act` indexes PARTISAN_ACTS (NO_ACT where no side is taken), `voice` VOICES, and `stances` maps mask
    tokens to an index of STANCES. Examples of one `group` are never split between a fold's two halves; those
    not `measured` teach only. Versions of one post that differ in nothing but names bear the same `twin`.
    """

    text: str
    partisan: bool
    act: int
    voice: int
    stances: dict[str, int]
    group: str
    weight: float = 1.0
    measured: bool = True
    twin: str = ""


def example_of(post: LabelledPost) -> Example:
    """Mask a corpus post by its own mentions, as use will mask it by the contest file."""
    contest = own_contest(post)
    masked = Masker(contest).mask(post.text)
    known = _stance_by_key(post, contest)
    stances = {
        slot: STANCES.index(known[target.key])
        for target in masked.targets
        if target.key in known
        for slot in target.slots
    }
    act = NO_ACT if post.act == "none" or _is_act_disputed(post) else PARTISAN_ACTS.index(post.act)
    return Example(masked.text, post.partisan, act, VOICES.index(post.voice), stances, post.writer)


def _is_act_disputed(post: LabelledPost) -> bool:
    """Whether one reader saw support and the other an attack: a post that does both teaches stances only."""
    return post.second is not None and {post.act, post.second.act} == {"support", "attack"}


def _stance_by_key(post: LabelledPost, contest: ContestSpec) -> dict[int | str, str]:
    """The author's stance by target: ballot numbers for sides, names for parties."""
    by_text = {mention.text: mention.stance for mention in post.mentions}
    known: dict[int | str, str] = {m.text.lstrip("#"): m.stance for m in post.mentions if m.kind == "party"}
    for side in contest.candidates:
        forms = (*side.names, *side.aliases, *side.handles, *side.slogans, *(f"#{tag}" for tag in side.hashtags))
        found = [by_text[form] for form in forms if form in by_text]
        if found:
            known[side.number] = next((stance for stance in found if stance != "neutral"), "neutral")
    return known


def natural_negatives(
    path: Path, contest: ContestSpec, *, voice: Voice, limit: int, weight: float
) -> Sequence[Example]:
    """Non-partisan examples from the `text` column of a CSV file, sampled evenly over the file.

    Raises:
        BadInput: the file cannot be read or has no such column.
    """
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            texts = [row["text"] for row in csv.DictReader(lines)]
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise BadInput("not a readable CSV file with a column `text`", path=path) from error
    masker = Masker(contest)
    step = max(1, len(texts) // limit)
    return [
        Example(
            masker.mask(text).text,
            partisan=False,
            act=NO_ACT,
            voice=VOICES.index(voice),
            stances={},
            group=NATURAL,
            weight=weight,
        )
        for text in texts[::step][:limit]
    ]
