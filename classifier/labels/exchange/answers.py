"""What annotation tools have in common: texts that carry our row along, and answers of people about them.

A row goes out with its labels as the tool's own suggestion or ground truth, and comes back unchanged unless somebody
answered otherwise; then it is an import, read by those who answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError

from classifier.labels.corpus import STANCES, VOICES
from classifier.labels.exported import ROW_ACTS, LabelRow, Source, TextRow, first_fault, slots_in
from models.base import JsonObject
from models.errors import BadInput

_PREFIX = "netra_"
_SOURCES = get_args(Source)


@dataclass(frozen=True)
class Answer:
    """One person's labels of one text; `stances` by slot."""

    act: str
    voice: str
    stances: Mapping[str, str]


@dataclass(frozen=True)
class Record:
    """One record as a tool gave it back: our fields beside the text, our own labels if still there, and people's."""

    text: str
    fields: Mapping[str, Any]
    ours: Answer | None
    answers: Sequence[Answer]


def carried(row: TextRow) -> JsonObject:
    """What travels beside the text, flat, since not every tool keeps nested fields."""
    fields: JsonObject = {f"{_PREFIX}id": row.id}
    if row.contest is not None:
        fields[f"{_PREFIX}contest"] = row.contest
    if isinstance(row, LabelRow):
        fields |= {f"{_PREFIX}source": row.source, f"{_PREFIX}readers": row.readers, f"{_PREFIX}given": _said(row)}
    return fields


def settled(record: Record) -> LabelRow | str:
    """The row that a record amounts to, or why there is none: `unlabelled`, or `disputed` where people disagree
    whether a side is taken. What they otherwise disagree on becomes `partisan`, `unclear`, or no stance.

    Raises:
        BadInput: a field of ours is missing or altered, or an answer is none of ours.
    """
    answers = record.answers or ([] if record.ours is None else [record.ours])
    if not answers:
        return "unlabelled"
    if len({answer.act == "none" for answer in answers}) > 1:
        return "disputed"
    agreed = _agreed(answers)
    kept = record.fields.get(f"{_PREFIX}given") == _said(agreed)
    source = record.fields.get(f"{_PREFIX}source") if kept else "import"
    readers = record.fields.get(f"{_PREFIX}readers") if kept else len(answers)
    try:
        return LabelRow.model_validate(
            {
                "id": record.fields.get(f"{_PREFIX}id"),
                "masked": record.text,
                "contest": record.fields.get(f"{_PREFIX}contest"),
                "act": agreed.act,
                "voice": agreed.voice,
                "stances": dict(agreed.stances),
                "source": source,
                "readers": readers,
            }
        )
    except ValidationError as error:
        raise BadInput(first_fault(error)) from error


def answer_of(acts: Sequence[str], voices: Sequence[str], marks: Iterable[tuple[str, str]]) -> Answer | None:
    """One person's answer from the words a tool gives; None where they chose no act.

    Raises:
        BadInput: a word is none of ours, or a slot is marked in two ways.
    """
    for word, known in (*((act, ROW_ACTS) for act in acts), *((voice, VOICES) for voice in voices)):
        if word not in known:
            raise BadInput(f"{word!r} is none of {', '.join(known)}")
    stances: dict[str, str] = {}
    for slot, stance in marks:
        if stance not in STANCES:
            raise BadInput(f"{stance!r} is none of {', '.join(STANCES)}")
        if stances.setdefault(slot, stance) != stance:
            raise BadInput(f"{slot} is marked {stances[slot]} and {stance}")
    if len(acts) > 1 or len(voices) > 1:
        raise BadInput("one person chose two acts or two voices")
    return Answer(acts[0], voices[0] if voices else "unclear", stances) if acts else None


def slot_at(text: str, start: int, end: int, *, utf16: bool = False) -> str:
    """The slot that a span marks, counted in characters or, with `utf16`, in the units of browsers; the other way is
    tried as well, and annotators catch a space too many.

    Raises:
        BadInput: the span marks no slot.
    """
    first, last = max(0, start), max(0, end)
    in_units = text.encode("utf-16-le")[2 * first : 2 * last].decode("utf-16-le", "replace")
    marked = (in_units, text[first:last]) if utf16 else (text[first:last], in_units)
    known = slots_in(text)
    found = next((part.strip() for part in marked if part.strip() in known), None)
    if found is None:
        raise BadInput(f"a stance marks characters {start} to {end}, where no slot stands")
    return found


def _agreed(answers: Sequence[Answer]) -> Answer:
    acts, voices = ({getattr(answer, part) for answer in answers} for part in ("act", "voice"))
    first, *others = answers
    stances = {
        slot: stance
        for slot, stance in first.stances.items()
        if all(other.stances.get(slot) == stance for other in others)
    }
    act = acts.pop() if len(acts) == 1 else "partisan"
    return Answer(act, voices.pop() if len(voices) == 1 else "unclear", stances)


def _said(labels: LabelRow | Answer) -> str:
    """The labels on one line, by which a change is noticed."""
    stances = ",".join(f"{slot}={stance}" for slot, stance in sorted(labels.stances.items()))
    return f"{labels.act} {labels.voice} {stances}".rstrip()
