"""Rows go out to annotation tools and come back the same; what people answered there counts; odd files are refused."""

from __future__ import annotations

import copy
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier.labels.corpus import STANCES, VOICES
from classifier.labels.exchange.formats import FORMATS, TOOLS, imported, written
from classifier.labels.exported import ROW_ACTS, LabelRow, TextRow, slots_in
from models.errors import BadInput

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SLOTS = st.sampled_from(["CALON_1", "CALON_2", "PARTAI_1", "SLOGAN_9", "NOMOR", "NOMOR_2"])
IDS = st.from_regex(r"[0-9a-f]{1,24}", fullmatch=True)


@st.composite
def label_rows(draw):
    parts = draw(st.lists(st.one_of(WORDS, SLOTS), min_size=1, max_size=8))
    masked = draw(st.sampled_from([" ", ", ", "\n", "👍🏽"])).join(parts) or "x"
    stances = {slot: draw(st.sampled_from(STANCES)) for slot in slots_in(masked) if draw(st.booleans())}
    return LabelRow(
        id=draw(IDS),
        masked=masked,
        contest=draw(st.none() | IDS),
        act=draw(st.sampled_from(ROW_ACTS)),
        voice=draw(st.sampled_from(VOICES)),
        stances=stances,
        source=draw(st.sampled_from(["verdict", "sample", "import"])),
        readers=draw(st.integers(1, 9)),
    )


ROWS = st.lists(label_rows(), max_size=5, unique_by=lambda row: row.id)
ROW = LabelRow(id="a1", masked="🗳️ Ayo CALON_1, jangan CALON_2", contest="c0", act="mobilise", voice="own",
               stances={"CALON_1": "favor", "CALON_2": "against"}, source="verdict", readers=2)  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.json"


def store(path, rows, fmt):
    path.write_bytes(b"".join(written(rows, fmt)))
    return path


@pytest.mark.parametrize("fmt", FORMATS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_out_and_back_is_the_same(path, fmt, rows):
    assert imported(store(path, rows, fmt), fmt).rows == tuple(rows)


@pytest.mark.parametrize("fmt", TOOLS)
def test_a_text_without_labels_goes_out_and_is_counted_when_it_comes_back_unlabelled(path, fmt):
    back = imported(store(path, [TextRow(id="b", masked="CALON_1"), ROW], fmt), fmt)
    assert (back.rows, back.unlabelled, back.disputed) == ((ROW,), 1, 0)


@pytest.mark.parametrize("fmt", TOOLS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                                st.sampled_from(["data", "text", "fields", "annotations", "result", "value", "cats",
                                                 "entities", "responses", "suggestions", "metadata", "stance"]),
                                inner, max_size=4)))  # fmt: skip
def test_odd_files_give_one_clear_error_or_nothing(path, fmt, content):
    path.write_text(json.dumps([content]))
    try:
        rows, refused = imported(path, fmt).rows, None
    except BadInput as error:
        rows, refused = (), str(error)
    assert rows == ()
    assert refused is None or re.fullmatch(r"[^\n]*record 1: [^\n]*", refused)


@pytest.mark.parametrize("fmt", TOOLS)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[1", "not valid JSON"),
        (b"[" * 200_000, "not valid JSON"),
        (b'{"text": NaN}', "NaN"),
        (b"\xff", "UTF-8"),
        (b'{"a":1}\nx', "not valid JSON"),
        (b"[" + b"9" * 5_000 + b"]", "not valid JSON"),
    ],
)
def test_what_is_no_json_is_refused_in_one_line(path, fmt, content, words):
    path.write_bytes(content)
    with pytest.raises(BadInput) as refused:
        imported(path, fmt)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert words in str(refused.value) or "line 1: " in str(refused.value)


@pytest.mark.parametrize("fmt", TOOLS)
def test_a_record_that_stands_twice_is_named(path, fmt):
    records = [TOOLS[fmt].write(ROW)] * 2
    path.write_text(json.dumps(records))
    with pytest.raises(BadInput, match="record 2: id a1 stands twice"):
        imported(path, fmt)


@pytest.mark.parametrize("fmt", TOOLS)
def test_an_unknown_format_is_refused(path, fmt):
    with pytest.raises(BadInput, match="there are jsonl, label-studio, argilla, doccano"):
        imported(path, fmt.upper())


def task(*annotations):
    made = copy.deepcopy(TOOLS["label-studio"].write(ROW))
    made["annotations"] += annotations
    return {"id": 7, "project": 1, **made}


def annotation(act="mobilise", voice="own", *, spans=(), **more):
    chosen = [
        {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": [word]}, "id": "x"}
        for name, word in (("act", act), ("voice", voice))
        if word
    ]
    marks = [
        {"from_name": "stance", "to_name": "text", "type": "labels", "value": {"start": s, "end": e, "labels": [w]}}
        for s, e, w in spans
    ]
    return {"id": 1, "completed_by": 3, "result": chosen + marks, **more}


def read(path, fmt, *records):
    path.write_text(json.dumps(list(records)))
    return imported(path, fmt)


def test_label_studio_annotations_count_before_ours(path):
    (row,) = read(path, "label-studio", task(annotation("attack", "quote"), annotation("attack", "own"))).rows
    assert (row.act, row.voice, row.stances, row.source, row.readers) == ("attack", "unclear", {}, "import", 2)
    assert (row.id, row.masked, row.contest) == (ROW.id, ROW.masked, ROW.contest)


def test_label_studio_counts_in_utf_16_and_annotators_catch_a_space(path):
    start = len("🗳️ Ayo".encode("utf-16-le")) // 2
    (row,) = read(path, "label-studio", task(annotation(spans=[(start, start + 8, "favor")]))).rows
    assert row.stances == {"CALON_1": "favor"}


def test_people_who_disagree_whether_a_side_is_taken_give_no_row(path):
    back = read(path, "label-studio", task(annotation("none"), annotation("attack")))
    assert (back.rows, back.disputed) == ((), 1)


def test_skipped_and_empty_annotations_say_nothing(path):
    skipped = task(annotation("none", was_cancelled=True), annotation(act="", voice="own"))
    assert read(path, "label-studio", skipped).rows == (ROW,)


def test_people_who_say_the_same_as_we_leave_the_row_as_it_was(path):
    places = [(s, e, ROW.stances[slot]) for slot, (s, e) in slots_in(ROW.masked).items()]
    assert read(path, "label-studio", task(annotation(spans=places))).rows == (ROW,)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (annotation("praise"), "'praise' is none of none, support"),
        (annotation(spans=[(0, 3, "favor")]), "where no slot stands"),
        (annotation(spans=[(-9, 10**9, "favor")]), "where no slot stands"),
        (annotation(spans=[(8, 15, "loves")]), "'loves' is none of"),
        (annotation(spans=[(8, 15, "favor"), (8, 15, "against")]), "marked favor and against"),
        ({"result": [{"from_name": "act"}]}, "value"),
        ({"result": "none"}, "result"),
    ],
)
def test_answers_that_are_none_of_ours_are_named(path, broken, words):
    with pytest.raises(BadInput, match="record 2: ") as refused:
        read(path, "label-studio", task(), {**task(broken), "data": {**task()["data"], "netra_id": "b2"}})
    assert words in str(refused.value)


def test_argilla_responses_count_before_our_suggestions(path):
    record = TOOLS["argilla"].write(ROW)
    record["responses"] = {
        "act": [{"value": "support", "user_id": "u1"}, {"value": "mobilise", "user_id": "u2"},
                {"value": "none", "user_id": "u3", "status": "discarded"}],
        "voice": [{"value": "own", "user_id": "u1"}, {"value": "own", "user_id": "u2"}],
        "stance": [{"value": [{"start": 7, "end": 14, "label": "favor"}], "user_id": "u1"},
                   {"value": [{"start": 7, "end": 14, "label": "favor"}], "user_id": "u2"}],
    }  # fmt: skip
    (row,) = read(path, "argilla", {**record, "vectors": {}, "_server_id": None, "status": "completed"}).rows
    assert (row.act, row.voice, row.readers, row.source) == ("partisan", "own", 2, "import")
    assert row.stances == {"CALON_1": "favor"}


def test_doccano_lines_with_changed_categories_become_imports(path):
    example = {"id": 4, "Comments": [], **TOOLS["doccano"].write(ROW), "cats": ["voice:news", "act:none"]}
    path.write_text(json.dumps({**example, "entities": []}) + "\n")
    (row,) = imported(path, "doccano").rows
    assert (row.act, row.voice, row.stances, row.source, row.readers) == ("none", "news", {}, "import", 1)


def test_doccano_categories_that_are_none_of_ours_are_named(path):
    path.write_text("\n" + json.dumps({**TOOLS["doccano"].write(ROW), "cats": ["spam"]}) + "\n")
    with pytest.raises(BadInput, match="line 2: category 'spam'"):
        imported(path, "doccano")


def test_a_row_without_our_id_is_refused(path):
    example = TOOLS["doccano"].write(ROW)
    del example["netra_id"]
    with pytest.raises(BadInput, match="record 1: id"):
        read(path, "doccano", example)
