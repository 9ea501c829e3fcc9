"""Label Studio tasks (https://labelstud.io/guide/task_format): a JSON array of `{data, annotations}`.

Our labels go out as a ground-truth annotation; other annotations that were not skipped count before it. Text spans
are counted in UTF-16 units, as browsers do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict

from classifier.labels.exchange.answers import Answer, Record, answer_of, carried, slot_at
from classifier.labels.exported import LabelRow, TextRow, slots_in
from models.base import JsonObject

_CHOSEN = ("act", "voice")


class _Value(BaseModel):
    choices: list[str] = []
    labels: list[str] = []
    start: int = 0
    end: int = 0


class _Result(BaseModel):
    from_name: str
    value: _Value


class _Annotation(BaseModel):
    result: list[_Result] = []
    was_cancelled: bool = False
    ground_truth: bool = False


class _Data(BaseModel):
    model_config = ConfigDict(extra="allow")

    text: str


class _Task(BaseModel):
    data: _Data
    annotations: list[_Annotation] = []


def task_of(row: TextRow) -> JsonObject:
    """The row as a task; a labelled one carries its annotation."""
    task: JsonObject = {"data": {"text": row.masked, **carried(row)}}
    if isinstance(row, LabelRow):
        task["annotations"] = [{"ground_truth": True, "result": [*_choices(row), *_spans(row)]}]
    return task


def read_task(data: JsonObject) -> Record:
    """A task as an export gives it."""
    task = _Task.model_validate(data)
    text = task.data.text
    ours: Answer | None = None
    answers: list[Answer] = []
    for annotation in task.annotations:
        answer = None if annotation.was_cancelled else _answer(annotation, text)
        if answer is not None and annotation.ground_truth:
            ours = answer
        elif answer is not None:
            answers.append(answer)
    return Record(text, task.data.model_extra or {}, ours, answers)


def _answer(annotation: _Annotation, text: str) -> Answer | None:
    chosen = {name: _chosen(annotation, name) for name in _CHOSEN}
    marks = [
        (slot_at(text, result.value.start, result.value.end, utf16=True), label)
        for result in annotation.result
        if result.from_name == "stance"
        for label in result.value.labels
    ]
    return answer_of(chosen["act"], chosen["voice"], marks)


def _chosen(annotation: _Annotation, name: str) -> list[str]:
    return [choice for result in annotation.result if result.from_name == name for choice in result.value.choices]


def _choices(row: LabelRow) -> Iterator[JsonObject]:
    for name in _CHOSEN:
        yield _result(name, "choices", {"choices": [getattr(row, name)]})


def _spans(row: LabelRow) -> Iterator[JsonObject]:
    places = slots_in(row.masked)
    for slot, stance in row.stances.items():
        start, end = (_units(row.masked[:place]) for place in places[slot])
        yield _result("stance", "labels", {"start": start, "end": end, "text": slot, "labels": [stance]})


def _result(name: str, kind: Literal["choices", "labels"], value: JsonObject) -> JsonObject:
    return {"from_name": name, "to_name": "text", "type": kind, "value": value}


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
