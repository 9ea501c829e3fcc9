"""Canonical JSON: one value, one sequence of bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.canonical import canonical_json
from models.errors import BadInput

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé\u4e00", max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_what_was_written_reads_back_and_writes_the_same_again(value):
    data = canonical_json(value)
    assert json.loads(data) == value
    assert canonical_json(json.loads(data)) == data


@given(st.dictionaries(st.text("abc", max_size=3), st.integers(0, 9)))
def test_the_order_in_which_keys_were_set_does_not_matter(value):
    assert canonical_json(dict(reversed(value.items()))) == canonical_json(value)


@pytest.mark.parametrize("value", [2**53, -(2**60), float("nan"), float("inf"), "\ud800", {1: "a"}, b"raw", {"a": {1}}])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(BadInput, match="canonical JSON"):
        canonical_json({"fact": value})
