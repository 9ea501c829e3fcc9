"""Labelled posts to measure a model on, read from CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.contest import ContestSpec
from models.errors import BadInput

Lean = Literal["support", "attack"]

LABELS: Mapping[str, tuple[bool, Lean | None]] = {
    "non_partisan": (False, None),
    "none": (False, None),
    "partisan": (True, None),
    "partisan_support": (True, "support"),
    "support": (True, "support"),
    "mobilise": (True, "support"),
    "partisan_attack": (True, "attack"),
    "attack": (True, "attack"),
}
"""Whether the author takes a side, and which way where the label says so; calling to vote for one is for them."""

_REQUIRED = ("text", "label", "source")
_MOST_NUMBER = 99


@dataclass(frozen=True)
class LabelledText:
    """One row to measure on.

    `target` is whom the author is for or against, as written in the file. `side` is the ballot number that the file
    gives; None where it leaves that to masking.
    """

    text: str
    partisan: bool
    source: str
    lean: Lean | None = None
    target: str = ""
    voice: str = ""
    register: str = ""
    side: int | None = None


def read_labelled(path: Path) -> list[LabelledText]:
    """Read a CSV file with the columns text, label and source, and perhaps target, voice, register and side.

    Raises:
        BadInput: the file cannot be read, lacks a column or holds an unknown label; names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            missing = [name for name in _REQUIRED if name not in (reader.fieldnames or ())]
            if missing:
                raise BadInput(f"no column {' and no column '.join(missing)}", path=path, line=1)
            return [_read_row(row, path, reader.line_num) for row in reader]
    except csv.Error as error:
        raise BadInput(f"malformed CSV: {error}", path=path, line=reader.line_num) from error
    except UnicodeDecodeError as error:
        raise BadInput("not UTF-8", path=path) from error
    except OSError as error:
        raise BadInput(f"cannot read: {error.strerror}", path=path) from error


def _read_row(row: dict[str, str], path: Path, line: int) -> LabelledText:
    if None in row or None in row.values():
        raise BadInput("not as many fields as the header has", path=path, line=line)
    if row["label"] not in LABELS:
        raise BadInput(f"label {row['label']!r} is none of {', '.join(LABELS)}", path=path, line=line)
    partisan, lean = LABELS[row["label"]]
    return LabelledText(
        text=row["text"],
        partisan=partisan,
        source=row["source"],
        lean=lean,
        target=row.get("target", ""),
        voice=row.get("voice", ""),
        register=row.get("register", ""),
        side=_side(row.get("side", ""), path, line),
    )


def _side(text: str, path: Path, line: int) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST_NUMBER):
        raise BadInput(f"side {text!r} is no ballot number", path=path, line=line)
    return int(text)


def require_contests(rows: list[LabelledText], contests: Mapping[str, ContestSpec], path: Path) -> None:
    """Refuse a file without rows, or with a source that no contest is given for.

    Raises:
        BadInput: as said.
    """
    if not rows:
        raise BadInput("no rows to measure on", path=path)
    missing = sorted({row.source for row in rows} - contests.keys())
    if missing:
        raise BadInput(f"no contest given for {', '.join(missing)}", path=path)
