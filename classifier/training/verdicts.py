"""Label rows as training examples: they are masked already, so nothing is masked again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from classifier.labels.corpus import STANCES, VOICES
from classifier.labels.exported import LabelRow, read_label_rows
from classifier.network.model import PARTISAN_ACTS
from classifier.training.examples import NO_ACT, Example


def example_of_row(row: LabelRow) -> Example:
    """A label row as an example: `partisan` teaches the side, not the act. Rows of one contest are one group."""
    return Example(
        text=row.masked,
        partisan=row.partisan,
        act=PARTISAN_ACTS.index(row.act) if row.act in PARTISAN_ACTS else NO_ACT,
        voice=VOICES.index(row.voice),
        stances={slot: STANCES.index(stance) for slot, stance in row.stances.items()},
        group=f"verdict-{row.contest or row.id}",
    )


def verdict_examples(path: Path) -> Iterator[Example]:
    """The examples of a file of label rows.

    Raises:
        BadInput: a line is no label row; names file and line.
    """
    return (example_of_row(row) for row in read_label_rows(path))
