"""Real tweets as training examples: labels are in the project, texts are not.

`corpus/pool_labels.tsv` holds the ids of tweets and two independent readings of each. Who trains brings the
text (a CSV file with the columns id and text) and the contest file that masks it.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from classifier.labels.corpus import ACTS, CORPUS, VOICES, excluded_keys, text_key
from classifier.network.model import PARTISAN_ACTS
from classifier.text.mask import Masker
from classifier.training.examples import NO_ACT, Example
from models.contest import ContestSpec
from models.errors import BadInput

LABELS = CORPUS / "pool_labels.tsv"
UNDECIDABLE = "undecidable"
GROUPS = 60
"""Tweets are held out in this many parts, by the SHA-256 of their id."""


@dataclass(frozen=True)
class Readings:
    """What two readers said of one tweet; an act may be `undecidable`."""

    id: str
    acts: tuple[str, str]
    voices: tuple[str, str]

    @property
    def agreed(self) -> bool:
        """Whether both readers could decide, and decided alike, if a side is taken."""
        return UNDECIDABLE not in self.acts and (self.acts[0] == "none") == (self.acts[1] == "none")


def read_readings(path: Path = LABELS) -> Iterator[Readings]:
    """Read the label list.

    Raises:
        BadInput: a line has other columns or an unknown label; names file and line.
    """
    with path.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.reader(lines, delimiter="\t"), 1):
            if number > 1:
                yield _readings(row, path, number)


def _readings(row: Sequence[str], path: Path, number: int) -> Readings:
    try:
        tweet, act, voice, second_act, second_voice = row
    except ValueError as error:
        raise BadInput(f"{len(row)} columns instead of 5", path=path, line=number) from error
    if not {act, second_act} <= {*ACTS, UNDECIDABLE} or not {voice, second_voice} <= set(VOICES):
        raise BadInput("an unknown label", path=path, line=number)
    return Readings(tweet, (act, second_act), (voice, second_voice))


def pool_examples(texts: Path, contest: ContestSpec, labels: Path = LABELS) -> list[Example]:
    """Agreed tweets, masked by their contest, copies left out; both classes weigh alike in sum.

    Nearly all tweets that name a ticket take a side: unweighted, the model would learn that tweets do.

    Raises:
        BadInput: a text is missing or is kept for evaluation, or a file is malformed.
    """
    by_id = _read_texts(texts)
    masker, kept = Masker(contest), excluded_keys()
    examples: dict[str, Example] = {}
    for readings in read_readings(labels):
        if readings.agreed:
            text = by_id.get(readings.id)
            if text is None or text_key(text) in kept:
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
