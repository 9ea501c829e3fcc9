"""Labels of real tweets, whose texts are not in the project.

`corpus/pool_labels.tsv` holds the ids of tweets and two independent readings of each.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from classifier.labels.corpus import ACTS, CORPUS, VOICES
from models.errors import BadInput

LABELS = CORPUS / "pool_labels.tsv"
UNDECIDABLE = "undecidable"


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
