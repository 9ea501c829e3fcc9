"""Errors are one line that names the place and that no terminal takes for orders."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadInput


def test_bad_input_names_file_line_and_column():
    assert str(BadInput("no name", path="calon.yaml", line=3, column=7)) == "calon.yaml:3:7: no name"


@given(st.text())
def test_a_quoted_hostile_message_stays_one_printable_line(message):
    said = str(BadInput(message))
    assert said.isprintable()
    assert len(said.splitlines()) <= 1
