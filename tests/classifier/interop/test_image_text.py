"""Letters in images are read; hostile images end in one clear error."""

from __future__ import annotations

import importlib.util
import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from classifier.assess import Model
from classifier.classify_file import classify_file
from classifier.interop import image_text
from classifier.interop.image_text import ImageReader
from models.contest import ContestSpec
from models.errors import BadInput, NetraError

installed = pytest.mark.skipif(
    not image_text.is_installed(), reason="the extra netra[ocr] is not installed (it is larger than all other tools)"
)
LINES = ("PILIH NOMOR 2", "Lodra Samantha dan Ganis Tarumala", "Kerja tuntas untuk Seruni")


@pytest.fixture(scope="module")
def reader() -> Iterator[ImageReader]:
    with ImageReader() as started:
        yield started


def poster(kind: str = "JPEG", mode: str = "RGB", lines: tuple[str, ...] = LINES) -> bytes:
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - comes with the extra

    behind, ink = ((20, 60, 150), "white") if mode == "RGB" else ((0, 0, 0, 0), "black")
    image = Image.new(mode, (900, 500), behind)
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        draw.text((40, 60 + 130 * row), line, font=ImageFont.load_default(46), fill=ink)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@installed
@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("PNG", "RGBA"), ("WEBP", "RGB"), ("GIF", "RGB")])
def test_the_lines_of_a_poster_are_read_from_the_top(reader: ImageReader, kind: str, mode: str) -> None:
    assert reader.read_text(poster(kind, mode)).split("\n") == list(LINES)


@installed
def test_an_image_without_letters_has_no_text(reader: ImageReader) -> None:
    from PIL import Image  # noqa: PLC0415 - comes with the extra

    out = io.BytesIO()
    Image.new("RGB", (300, 200), "green").save(out, "PNG")
    assert reader.read_text(out.getvalue()) == ""


@installed
@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"\0" * 100,
        b"<svg width='9'/>",
        b"%PDF-1.7",
        b"\xff\xd8\xff\xe0" + b"\0" * 50,
        b"BM",
    ],
)
def test_what_is_no_image_is_refused_and_the_reader_reads_on(reader: ImageReader, image: bytes) -> None:
    with pytest.raises(BadInput, match="not a readable image"):
        reader.read_text(image)
    assert "NOMOR" in reader.read_text(poster())


@installed
def test_a_truncated_image_is_refused(reader: ImageReader) -> None:
    with pytest.raises(BadInput, match="not a readable image"):
        reader.read_text(poster()[:2_000])


@installed
def test_a_decompression_bomb_is_refused_before_it_is_decoded(reader: ImageReader) -> None:
    with pytest.raises(BadInput, match="60000 x 60000 pixels"):
        reader.read_text(png_that_claims(60_000, 60_000))


@installed
def test_too_many_bytes_are_refused(reader: ImageReader) -> None:
    with pytest.raises(BadInput, match="bytes"):
        reader.read_text(b"\0" * (image_text.MAX_BYTES + 1))


@installed
def test_an_image_that_takes_too_long_is_given_up_and_the_next_one_read() -> None:
    with ImageReader(seconds=0.0) as hasty:
        with pytest.raises(BadInput, match="longer than 0 s"):
            hasty.read_text(poster())
        hasty._seconds = image_text.SECONDS
        assert "NOMOR" in hasty.read_text(poster())


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(NetraError, match=r"netra\[ocr\]"):
        ImageReader()


@installed
def test_classify_scores_the_text_of_an_image_with_the_post(model: Model, contest: ContestSpec, tmp_path: Path) -> None:
    (tmp_path / "poster.jpg").write_bytes(poster(lines=("AYO COBLOS NOMOR 1", "Wirya Sanjata pasti menang")))
    source, out = tmp_path / "posts.csv", tmp_path / "scores.jsonl"
    source.write_text("id,text,photo\n1,Pagi semua,poster.jpg\n2,Pagi semua,\n")
    classify_file(source, contest, out, model, images="photo")
    with_image, plain = (json.loads(line) for line in out.read_text().splitlines())
    assert with_image["masked"].startswith("Pagi semua\n[gambar] ")
    assert with_image["flag"]
    assert plain["masked"] == "Pagi semua"


@installed
@pytest.mark.parametrize("name", ["nowhere.jpg", "posts.csv", ".", "a\0b"])
def test_classify_names_an_image_that_it_cannot_read(
    model: Model, contest: ContestSpec, tmp_path: Path, name: str
) -> None:
    source, out = tmp_path / "posts.jsonl", tmp_path / "scores.jsonl"
    source.write_text(json.dumps({"id": 1, "text": "Pagi", "photo": name}))
    (tmp_path / "posts.csv").write_text("id,text\n")
    with pytest.raises(BadInput, match="image"):
        classify_file(source, contest, out, model, images="photo")
    assert not out.exists()
