"""HTML to text, times and JSON from outside."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.text.html import html_to_text
from crawler.text.jsontext import read_json, value_at
from crawler.text.moments import from_epoch, parse_moment
from models.errors import BadInput


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("biasa saja", "biasa saja"),
        ("5 < 6 & 7 > 2", "5 < 6 & 7 > 2"),
        ("<p>a</p><p>b<br>c</p>", "a\n\nb\nc"),
        ("a <b>tebal</b> <i>miring</i>.", "a tebal miring."),
        ("<ul><li>satu</li><li>dua</li></ul>", "satu\ndua"),
        ("lihat<script>alert(1)</script><style>p{}</style> ini<!-- tidak -->", "lihat ini"),
        ("&lt;bukan tag&gt; &#128170; &copy;", "<bukan tag> 💪 ©"),
        ("  banyak \n\t ruang  ", "banyak ruang"),
        ("<div>" * 3_000 + "dalam", "dalam"),
        ("", ""),
        ("\x00\ud800", "\N{REPLACEMENT CHARACTER}?"),
    ],
)
def test_html_reads_as_a_person_sees_it(html, text):
    assert html_to_text(html) == text


@given(
    st.text()
    | st.lists(st.sampled_from(["<", ">", "p", "/", "!", "[", "--", "&", "#x", ";", "'", "\x00"])).map("".join)
)
def test_no_html_raises(html):
    assert isinstance(html_to_text(html), str)


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-05T14:30:00+07:00",
        "2026-10-05T07:30:00Z",
        "Mon, 05 Oct 2026 14:30:00 +0700",
        "Mon, 05 Oct 2026 07:30:00 GMT",
        "Mon, 05 Oct 2026 07:30:00 -0000",
        "Senin, 05 Oktober 2026 14:30:00 WIB",
        "05 Okt 2026 15:30:00 WITA",
        "Mon Oct 05 07:30:00 +0000 2026",
    ],
)
def test_one_moment_in_many_spellings(text):
    assert parse_moment(text) == dt.datetime(2026, 10, 5, 7, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text", ["", "2026-10-05T14:30:00", "kemarin", None, 5, "9" * 1000, "0001-01-01T00:00:00+14:00"]
)
def test_what_names_no_moment_is_none(text):
    assert parse_moment(text) is None


@given(st.text(max_size=100))
def test_no_text_breaks_the_reading_of_times(text):
    assert parse_moment(text) is None or parse_moment(text).tzinfo is dt.UTC


@given(st.floats() | st.integers() | st.text(max_size=10) | st.none() | st.booleans())
def test_no_number_breaks_the_reading_of_epochs(value):
    assert from_epoch(value) is None or from_epoch(value).tzinfo is dt.UTC


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 200_000, b"\xff", b"9" * 10_000])
def test_json_that_cannot_be_read_is_bad_input(data):
    with pytest.raises(BadInput):
        read_json(data)


def test_paths_that_lead_nowhere_give_none():
    value = {"a": [{"b": 1}]}
    assert value_at(value, "a", 0, "b") == 1
    assert value_at(value, "a", 1) is value_at(value, "b", "c") is value_at(None, "a") is value_at("text", 0) is None
