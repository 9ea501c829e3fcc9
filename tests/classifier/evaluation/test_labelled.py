"""Labelled files: read with what they bring, refused by line."""

from __future__ import annotations

import pytest

from classifier.evaluation.labelled import read_labelled
from models.errors import BadInput


def written(tmp_path, text):
    path = tmp_path / "berlabel.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_optional_columns_are_read_where_the_file_has_them(tmp_path):
    (row,) = read_labelled(
        written(
            tmp_path,
            "id,text,label,source,target,register,side\n1,Ayo Wirya,partisan_support,grup,wirya,komentar,2\n",
        )
    )
    assert (row.partisan, row.lean, row.target, row.register, row.side) == (True, "support", "wirya", "komentar", 2)


def test_a_plain_file_leaves_them_empty_and_may_begin_with_a_byte_order_mark(tmp_path):
    (row,) = read_labelled(written(tmp_path, b"\xef\xbb\xbftext,label,source\nhalo,non_partisan,grup\n"))
    assert (row.partisan, row.lean, row.target, row.side) == (False, None, "", None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,text,label\n1,halo,none\n", "berlabel.csv:1: no column source"),
        ("text,label,source\nhalo,mungkin,grup\n", "berlabel.csv:2: label 'mungkin'"),
        ("text,label,source\nhalo,none\n", "berlabel.csv:2: not as many fields"),
        ("text,label,source\nhalo,none,grup,lebih\n", "berlabel.csv:2: not as many fields"),
        ("text,label,source,side\nhalo,none,grup,satu\n", "berlabel.csv:2: side 'satu'"),
        ('text,label,source\n"halo,none,grup\n', "malformed CSV"),
        (b"text,label,source\n\xff,none,grup\n", "not UTF-8"),
        ("", "no column text"),
    ],
)
def test_a_malformed_file_is_refused_by_line(tmp_path, text, words):
    with pytest.raises(BadInput) as refused:
        read_labelled(written(tmp_path, text))
    assert words in str(refused.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(BadInput, match="cannot read"):
        read_labelled(tmp_path / "tiada.csv")
