"""Contest files are hostile input: a contest comes out, or one line that names the place."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.contest import ContestSpec, load_contest, parse_contest
from models.errors import BadInput

GOOD = """\
name: Pilbup Tanjung Seruni 2026
region: Kabupaten Tanjung Seruni
election_day: 2026-11-25
candidates:
  - number: 1
    names: [Raka Wibisana, Nila Paramita]
    slogans: ["Seruni: Bangkit!"]
  - number: 2
    names: [Kotak Kosong]
stages:
  - {name: Masa tenang, from: 2026-11-22, to: 2026-11-24}
"""


def refused(text: str | bytes) -> BadInput:
    with pytest.raises(BadInput) as caught:
        parse_contest(text.encode() if isinstance(text, str) else text, path="calon.yaml")
    assert str(caught.value).startswith("calon.yaml")
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


def test_a_good_file_is_read_and_survives_its_own_json():
    spec = parse_contest(GOOD.encode())
    assert spec.candidates[0].title == "Raka Wibisana – Nila Paramita"
    assert ContestSpec.model_validate(spec.model_dump(mode="json", by_alias=True)) == spec
    assert spec.stage_on(dt.date(2026, 11, 24)) == "Masa tenang"
    assert spec.stage_on(dt.date(2026, 11, 25)) is None


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("number: 1", "number: satu", 5, "number"),
        ("number: 2", "number: 1", 5, "same number"),
        ("[Kotak Kosong]", "[]", 9, "names"),
        ("[Kotak Kosong]", "[ya]\n    colour: red", 10, "colour"),
        ("2026-11-25", "kapan-kapan", 3, "election_day"),
        ("to: 2026-11-24", "to: 2026-11-01", 11, "ends before"),
        ("region: Kabupaten Tanjung Seruni", "region: [", 4, "YAML"),
        ("[Kotak Kosong]", '["a\\0b"]', 9, "names"),
        ("[Kotak Kosong]", "[!!python/object:os.system x]", 9, "YAML"),
        ("[Kotak Kosong]", "&a [*a]", 9, "aliases"),
        ("stages:", "candidates: []\nstages:", 10, "twice"),
    ],
)
def test_a_mistake_is_named_with_its_line(old, new, line, said):
    error = refused(GOOD.replace(old, new, 1))
    assert said in str(error)
    if "same number" not in said:
        assert error.line == line


def test_a_missing_field_is_named():
    assert "election_day" in str(refused(GOOD.replace("election_day: 2026-11-25\n", "")))


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"\xff\xfe\x00",
        b"- a\n- b\n",
        b"[" * 5_000,
        b"{" * 5_000,
        b"a: 2024-13-45",
        b"\x1b[2J: 1",
        b"? [a]\n: b\n",
        b"a: !!binary x\n",
        b"n: " + b"9" * 5_000,
    ],
)
def test_hostile_files_are_refused_in_one_line(hostile):
    refused(hostile)


def test_an_alias_bomb_is_refused_before_it_grows():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    began = time.monotonic()
    assert refused("\n".join(lines)).line == 2
    assert time.monotonic() - began < 5


def test_a_file_beyond_the_limit_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "calon.yaml"
    path.write_bytes(b"#" * 2_000_000)
    with pytest.raises(BadInput, match="larger"):
        load_contest(path)


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="cannot read"):
        load_contest(tmp_path / "tidak-ada.yaml")


def broken(position: int, cut: int, inserted: str) -> bytes:
    data = GOOD.encode()
    at = position % len(data)
    return data[:at] + inserted.encode("utf-8", "replace") + data[at + cut :]


@settings(max_examples=150, deadline=None)
@given(
    st.builds(
        broken, st.integers(0, 10_000), st.integers(0, 30), st.text("[]{}:,-&*!|>%@`'\"#\n \t0a\x85é", max_size=5)
    )
)
@example(b"election_day: 0001-01-01 00:00:00 +23:59")
@example(b"election_day: 2001-12-14 21:59:43 -99:99")
def test_a_broken_file_is_either_a_contest_or_bad_input(raw):
    try:
        outcome = parse_contest(raw)
    except BadInput as error:
        outcome = error
    assert isinstance(outcome, ContestSpec) or len(str(outcome).splitlines()) == 1
