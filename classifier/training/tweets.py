"""Real tweets as training examples: who trains brings the texts (CSV: id, text) and the contest that masks them."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

from classifier.labels.corpus import VOICES, is_excluded
from classifier.labels.pool import LABELS, Readings, read_readings
from classifier.network.model import PARTISAN_ACTS
from classifier.text.mask import Masker
from classifier.training.examples import NO_ACT, Example
from models.contest import ContestSpec
from models.errors import BadInput

GROUPS = 60
"""Tweets are held out in this many parts, by the SHA-256 of their id."""


def pool_examples(texts: Path, contest: ContestSpec, labels: Path = LABELS) -> list[Example]:
    """Agreed tweets, masked by their contest, copies left out; both classes weigh alike in sum.

    Nearly all tweets that name a ticket take a side: unweighted, the model would learn that tweets do.

    Raises:
        BadInput: a text is missing or is kept for evaluation, or a file is malformed.
    """
    by_id = _read_texts(texts)
    masker = Masker(contest)
    examples: dict[str, Example] = {}
    for readings in read_readings(labels):
        if readings.agreed:
            text = by_id.get(readings.id)
            if text is None or is_excluded(text):
                raise BadInput(f"the text of {readings.id} is missing or kept for evaluation", path=texts)
            example = _example(readings, masker.mask(text).text)
            examples.setdefault(example.text, example)
    return _balanced(list(examples.values()))


def _read_texts(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            return {row["id"]: row["text"] for row in csv.DictReader(lines)}
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise BadInput("not a readable CSV file with the columns id and text", path=path) from error


def _example(readings: Readings, text: str) -> Example:
    first, second = readings.acts
    act = PARTISAN_ACTS.index(first) if first == second != "none" else NO_ACT
    part = int(hashlib.sha256(readings.id.encode()).hexdigest(), 16) % GROUPS
    voice = VOICES.index(readings.voices[0])
    return Example(text, first != "none", act, voice, stances={}, group=f"tweet-{part}")


def _balanced(examples: Sequence[Example]) -> list[Example]:
    count = {side: sum(example.partisan is side for example in examples) for side in (True, False)}
    return [dataclasses.replace(example, weight=len(examples) / (2 * count[example.partisan])) for example in examples]
