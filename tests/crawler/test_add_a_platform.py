"""The example in docs/add-a-platform.md is a connector that works."""

import datetime as dt
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.source import Answer
from models.errors import BadInput
from tests.crawler.walking import walk

GUIDE = Path(__file__).parents[2] / "docs" / "add-a-platform.md"
ADDRESS = "https://papan.example/@warga_rekaan"
START = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)


def example():
    """The guide's connector, run from the guide."""
    (code,) = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    names = {"__name__": "papan"}
    exec(compile(code, str(GUIDE), "exec"), names)  # noqa: S102 - our own page
    return names["Papan"]()


SOURCE = example()


class Board:
    """Papan's API over the texts of one member's notes."""

    def __init__(self, texts, size):
        self.texts, self.size = texts, size

    def answer(self, ask):
        below = int(parse_qs(urlsplit(ask.url).query).get("below", ["999"])[0])
        listed = [n for n in range(len(self.texts) - 1, -1, -1) if n < below]
        notes = [
            {"id": str(n), "text": self.texts[n], "at": (START + dt.timedelta(hours=n)).isoformat()}
            for n in listed[: self.size]
        ]
        body = {"member": {"id": "7", "name": "warga_rekaan"}, "notes": notes, "more": len(listed) > self.size}
        return Answer(ask.url, {}, json.dumps(body).encode())


@given(first=st.integers(0, 12), later=st.integers(0, 12), size=st.integers(1, 5), steps=st.integers(0, 4))
@settings(deadline=None)
def test_the_guides_example_leaves_no_gap_when_it_is_cut_off(first, later, size, steps):
    texts = [f"Catatan {n}" for n in range(first)]
    watermark, seen, _ = walk(SOURCE, ADDRESS, {}, Board(texts, size).answer, stop_after=steps)
    texts += [f"Catatan {n}" for n in range(first, first + later)]
    _, more, _ = walk(SOURCE, ADDRESS, watermark, Board(texts, size).answer)
    assert {post.text for post in seen + more} == set(texts)


def test_the_guides_example_looks_back_sees_edits_and_says_whose_page_it_is():
    board = Board([f"Catatan {n}" for n in range(9)], 2)
    watermark, _, _ = walk(SOURCE, ADDRESS, {}, board.answer)
    board.texts[4] = "Ralat"
    known, posts, asked = walk(SOURCE, ADDRESS, watermark, board.answer, since=START + dt.timedelta(hours=4))
    assert (known, len(asked)) == (watermark, 3)
    assert "Ralat" in [post.text for post in posts]
    assert asked[0][1].holder.platform_id == "papan.example/7"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"notes": 1}', b'{"notes": [1, {"id": {}}]}'])
def test_the_guides_example_refuses_what_it_does_not_understand(body):
    with pytest.raises(BadInput):
        SOURCE.read(ADDRESS, {}, SOURCE.begin(ADDRESS, {}), Answer(ADDRESS, {}, body))
