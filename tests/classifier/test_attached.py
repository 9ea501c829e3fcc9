"""What is attached to a post is scored with it; who posted it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from classifier.assess import Model
from classifier.attached import with_attached, with_image_text
from classifier.pending import assess_pending
from models.assessments import Assessment
from models.posts import PostVersion


def test_descriptions_stickers_and_polls_become_lines() -> None:
    attachments = [
        {"kind": "image", "description": "Spanduk di\n tepi dermaga", "url": "https://x.example/a.png"},
        {"kind": "image", "description": "", "url": "https://x.example/b.png"},
        {"kind": "stickers", "texts": ["PILIH", "NOMOR 2"]},
        {"kind": "poll", "options": ["Nomor satu", "Nomor dua"]},
    ]
    assert with_attached("Pagi", attachments).split("\n") == [
        "Pagi", "[gambar] Spanduk di tepi dermaga", "[stiker] PILIH / NOMOR 2", "[polling] Nomor satu / Nomor dua",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("description", "line"),
    [
        ("Photo by Sarwono Hadipati on May 01, 2031. May be an image of 2 people and text that says 'PILIH NOMOR 2'.",
         "\n[gambar] PILIH NOMOR 2"),
        ("Photo shared by Sarwono Hadipati on May 01, 2031. May be an image of one or more people.", ""),
        ("Foto oleh Sarwono Hadipati pada 1 Mei. Mungkin gambar 2 orang dan teks yang menyatakan “Ayo coblos”.",
         "\n[gambar] Ayo coblos"),
        ("Foto dari lapangan: menangkan nomor 2", "\n[gambar] Foto dari lapangan: menangkan nomor 2"),
    ],
)  # fmt: skip
def test_of_descriptions_by_a_machine_only_the_letters_in_the_image_are_scored(description: str, line: str) -> None:
    assert with_attached("Pagi", [{"kind": "image", "description": description}]) == f"Pagi{line}"


def test_text_read_in_an_image_is_one_line() -> None:
    assert with_image_text("", "PILIH\nNOMOR 2") == "\n[gambar] PILIH / NOMOR 2"
    assert with_image_text("Pagi", "") == "Pagi"


VALUES = st.none() | st.integers() | st.text() | st.lists(st.text() | st.none())
KEYS = st.sampled_from(["kind", "description", "texts", "options"])


@given(st.text(), st.lists(st.dictionaries(KEYS, VALUES)))
def test_attachments_of_any_shape_leave_the_text_in_front(text: str, attachments: list[dict[str, object]]) -> None:
    assert with_attached(text, attachments).startswith(text)


def test_a_post_is_scored_with_the_description_of_its_image(sqlite_world, model: Model) -> None:
    sqlite_world.store("Pagi semua", "Pagi semua ya")
    described = [{"kind": "image", "description": "Ayo coblos nomor 1, Bang Raka pasti menang!"}]
    with sqlite_world.database.write() as session:
        session.scalars(select(PostVersion).where(PostVersion.text == "Pagi semua ya")).one().attachments = described
    assert assess_pending(sqlite_world.database, model).flags == 1
    with sqlite_world.database.read() as session:
        plain, with_image = sorted(session.scalars(select(Assessment)), key=lambda each: each.score)
    assert "[gambar]" not in plain.masked
    assert with_image.masked.startswith("Pagi semua ya\n[gambar] Ayo coblos")
    assert all(end <= len("Pagi semua ya") for _start, end, _weight in with_image.spans)
