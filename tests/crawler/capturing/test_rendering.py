"""Our own picture of raw data: the right piece, escaped, labelled."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.capturing.rendering import MAX_PAYLOAD_CHARACTERS, Payload, payload_at, rendering

CSV = b'\xef\xbb\xbfid,teks\r\n1,"baris satu\r\nbaris ""dua"""\r\n2,lain\r\n'


@pytest.mark.parametrize(
    ("body", "locator", "expected"),
    [
        (b'[{"a": 1}, {"b": "\xc3\xa9"}]', "/1", '{\n  "b": "é"\n}'),
        (b'{"x/y": [7]}', "/x~1y/0", "7"),
        (b'{"n": 1}\n{"n": 2}\n', "line 2", '{\n  "n": 2\n}'),
        (CSV, "line 2", '1,"baris satu\r\nbaris ""dua"""'),
        (CSV, "4", "2,lain"),
        (b"<rss/>", "(//item|//entry)[1]", "<rss/>"),
        (b"[]", "/5", "[]"),
        (b"not json", "/0", "not json"),
        (b"one line", "line 9", ""),
        (b"\xff\xfe", "line 1", "\ufffd\ufffd"),
    ],
)
def test_the_payload_is_what_the_locator_names(body: bytes, locator: str, expected: str) -> None:
    assert payload_at(body, locator) == Payload(expected)


def test_a_long_payload_is_cut_and_says_so() -> None:
    payload = payload_at(json.dumps(["x" * 100_000]).encode(), "/0")
    assert payload.cut
    assert len(payload.text) == MAX_PAYLOAD_CHARACTERS
    assert "(dipotong)" in rendering("x", {}, payload)


@given(st.binary(max_size=300), st.sampled_from(["/0", "/a/0", "line 1", "line 0", "7", "x"]) | st.text(max_size=12))
def test_no_body_and_no_locator_break_the_reading(body: bytes, locator: str) -> None:
    assert len(payload_at(body, locator).text) <= MAX_PAYLOAD_CHARACTERS


def test_a_rendering_is_labelled_and_nothing_in_it_is_markup() -> None:
    html = rendering("<b>ayo</b>", {"Penulis": "<script>"}, Payload("<img src=x>"))
    assert "RENDER DATA MENTAH – bukan tangkapan halaman asli" in html
    for raw in ("<b>", "<script>", "<img"):
        assert raw not in html
