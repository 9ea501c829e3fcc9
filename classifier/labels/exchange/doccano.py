"""doccano's JSON Lines of “intent detection and slot filling” projects (https://doccano.github.io/doccano/): `text`,
`cats`, `entities` as `[start, end, label]`, other keys as metadata.

Categories are one list in doccano, so ours are written `act:none`, `voice:own`. Several acts on one text, as projects
with shared annotation give them, are taken as one answer each.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from classifier.labels.exchange.answers import Answer, Record, answer_of, carried, slot_at
from classifier.labels.exported import LabelRow, TextRow, slots_in
from models.base import JsonObject
from models.errors import BadInput


class _Example(BaseModel):
    model_config = ConfigDict(extra="allow")

    text: str
    cats: list[str] = []
    entities: list[tuple[int, int, str]] = []


def example_of(row: TextRow) -> JsonObject:
    """The row as an example."""
    cats, entities = [], []
    if isinstance(row, LabelRow):
        places = slots_in(row.masked)
        cats = [f"act:{row.act}", f"voice:{row.voice}"]
        entities = [[*places[slot], stance] for slot, stance in row.stances.items()]
    return {"text": row.masked, "cats": cats, "entities": entities, **carried(row)}


def read_example(data: JsonObject) -> Record:
    """An example as an export gives it."""
    example = _Example.model_validate(data)
    words: dict[str, list[str]] = {"act": [], "voice": []}
    for category in example.cats:
        part, _, word = category.partition(":")
        if part not in words:
            raise BadInput(f"category {category!r} is neither act:… nor voice:…")
        words[part].append(word)
    marks = [(slot_at(example.text, start, end), label) for start, end, label in example.entities]
    voices = words["voice"] if len(words["voice"]) == 1 else []
    answers = _answers(words["act"], voices, marks)
    return Record(example.text, example.model_extra or {}, None, answers)


def _answers(acts: Iterable[str], voices: list[str], marks: list[tuple[str, str]]) -> list[Answer]:
    return [answer for act in acts if (answer := answer_of([act], voices, marks)) is not None]
