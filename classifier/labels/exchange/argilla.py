"""Argilla 2 records (https://docs.argilla.io/latest/reference/argilla/records/records/), as `records.to_json` writes
and `from_json` reads them: a JSON array of `{id, fields, metadata, suggestions, responses}`.

Our labels go out as suggestions, since a response belongs to a user of that server; submitted responses count before
them. Questions: `act`, `voice` (one label each) and `stance` (spans of the field `text`).
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from classifier.labels.exchange.answers import Answer, Record, answer_of, carried, slot_at
from classifier.labels.exported import LabelRow, TextRow, slots_in
from models.base import JsonObject

_AGENT = "netra"


class _Span(BaseModel):
    start: int
    end: int
    label: str


class _Response(BaseModel):
    value: Any
    user_id: str = ""
    status: str | None = None


class _Fields(BaseModel):
    model_config = ConfigDict(extra="ignore")

    text: str


class _Record(BaseModel):
    fields: _Fields
    metadata: dict[str, Any] = {}
    suggestions: dict[str, _Response] = {}
    responses: dict[str, list[_Response]] = {}


class _Words(BaseModel):
    act: str | None = None
    voice: str | None = None
    stance: list[_Span] = []


def record_of(row: TextRow) -> JsonObject:
    """The row as a record; a labelled one carries suggestions."""
    record: JsonObject = {"id": row.id, "fields": {"text": row.masked}, "metadata": carried(row), "responses": {}}
    suggestions: JsonObject = {}
    if isinstance(row, LabelRow):
        places = slots_in(row.masked)
        spans = [
            {"start": places[slot][0], "end": places[slot][1], "label": stance} for slot, stance in row.stances.items()
        ]
        said = {"act": row.act, "voice": row.voice, **({"stance": spans} if spans else {})}
        suggestions = {name: {"value": value, "score": None, "agent": _AGENT} for name, value in said.items()}
    return {**record, "suggestions": suggestions}


def read_record(data: JsonObject) -> Record:
    """A record as an export gives it."""
    record = _Record.model_validate(data)
    text = record.fields.text
    ours = _answer({name: suggestion.value for name, suggestion in record.suggestions.items()}, text)
    given: dict[str, dict[str, Any]] = {}
    for name, responses in record.responses.items():
        for response in responses:
            if response.status in (None, "submitted"):
                given.setdefault(response.user_id, {})[name] = response.value
    answers = [answer for values in given.values() if (answer := _answer(values, text)) is not None]
    return Record(text, record.metadata, ours, answers)


def _answer(values: JsonObject, text: str) -> Answer | None:
    words = _Words.model_validate({name: value for name, value in values.items() if value is not None})
    marks = [(slot_at(text, span.start, span.end), span.label) for span in words.stance]
    return answer_of([words.act] if words.act else [], [words.voice] if words.voice else [], marks)
