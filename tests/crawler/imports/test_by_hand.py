"""Posts that people typed from their screens: checked, marked as theirs, and shown with their own screenshots."""

import contextlib
import datetime as dt
import io
import json
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crawler.capture import capture_pending
from crawler.capturing.config import CaptureConfig
from crawler.files.images import Image, read_image
from crawler.files.postlinks import PostLink, author_in, post_link
from crawler.files.records import Opened
from crawler.sources.hand import ByHand
from models.assessments import Act, Finding, ModelIdentity, Voice, store_assessments
from models.bodies import read_body
from models.captures import CaptureQuality, newest_capture
from models.errors import BadInput
from models.flags import Flag, FlagState
from models.hand import by_hand
from models.posts import Post, PostVersion, Sighting
from models.retention import purge
from models.targets import Fetch

URL = "https://www.facebook.com/sari.melur.77/posts/pfbid0abcdefghijkl"
TEXT = "Dukung Bang Raka, nomor 1!"
HEADER = "url,author,text,posted_at,image,captured_by,captured_at,page\n"
ROW = f'{URL},@Sari.Melur.77,"{TEXT}",2026-10-05 14:30 WIB,layar.png,Bayu Rekaan,2026-10-05 15:00,'
WIB = dt.timezone(dt.timedelta(hours=7))


def png(width=2, height=2):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\x00" + bytes(3 * min(width, 9))) * min(height, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg(width=4, height=3):
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xe0\x00\x04ab" + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"data\xff\xd9"


def saved(text, url=URL):
    html = f"<html><body><div>{text}</div></body></html>"
    return (
        f"From: <Saved by Blink>\r\nSnapshot-Content-Location: {url}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/related; type="text/html"; boundary="batas"\r\n\r\n--batas\r\n'
        f"Content-Type: text/html; charset=utf-8\r\nContent-Location: {url}\r\n\r\n{html}\r\n--batas--\r\n"
    ).encode()


@pytest.fixture
def desk(tmp_path):
    """A directory with screenshots beside which sheets are put."""
    (tmp_path / "layar.png").write_bytes(png())
    (tmp_path / "layar.jpg").write_bytes(jpeg())
    (tmp_path / "layar.mhtml").write_bytes(saved(TEXT))
    return tmp_path


def read(directory, sheet, name="lembar.csv"):
    path = directory / name
    path.write_text(sheet)
    with path.open("rb") as handle:
        return list(ByHand().records(Opened(handle, path, zone=WIB)))


def test_a_typed_post_is_kept_with_its_screenshot_and_says_that_a_person_typed_it(world, bring_in, evidence, desk):
    del desk
    result = bring_in(HEADER + ROW + "\n", name="lembar.csv")
    assert (result.source, result.new) == ("hand", 1)
    with world.database.read() as session:
        post, version = session.scalars(select(Post)).one(), session.scalars(select(PostVersion)).one()
        typed = by_hand(version.attachments)
        fetches = {fetch.media_type: fetch for fetch in session.scalars(select(Fetch))}
        body = json.loads(read_body(session, evidence, fetches["application/json"].body_sha256))
    assert (post.source, post.external_id, post.url) == ("facebook", "pfbid0abcdefghijkl", URL)
    assert post.posted_at == dt.datetime(2026, 10, 5, 7, 30, tzinfo=dt.UTC)
    assert typed is not None
    assert (typed["captured_by"], typed["captured_at"]) == ("Bayu Rekaan", "2026-10-05T15:00:00+07:00")
    assert evidence.get(typed["screenshot_sha256"]) == png()
    assert fetches["image/png"].body_sha256 == typed["screenshot_sha256"]
    assert (body["text"], fetches["application/json"].headers["typed_by_a_person"]) == (TEXT, True)


def test_typing_a_post_twice_changes_nothing(bring_in, counts, desk):
    del desk
    bring_in(HEADER + ROW + "\n", name="lembar.csv")
    before = counts()
    assert bring_in(HEADER + ROW + "\n", name="lembar.csv").known == 1
    assert counts() == before


def test_a_post_of_nobody_on_the_roster_leaves_no_screenshot_behind(bring_in, counts, desk, evidence):
    del desk
    before = counts()
    strange = ROW.replace("@Sari.Melur.77", "warga.rekaan").replace("sari.melur.77", "warga.rekaan")
    assert bring_in(HEADER + strange + "\n", name="lembar.csv").off_roster == 1
    assert counts() == before
    assert [path for path in Path(evidence.root).rglob("*") if path.is_file()] == []


def test_a_sheet_may_be_yaml(desk):
    sheet = (
        f"- url: {URL}\n  author: sari.melur.77\n  text: |-\n    Baris satu\n    Baris dua\n"
        "  posted_at: 2026-10-05T14:30:00+07:00\n  image: layar.jpg\n"
        "  captured_by: Bayu\n  captured_at: 2026-10-05 15:00 WITA\n"
    )
    (record,) = read(desk, sheet, "lembar.yaml")
    assert record.post is not None
    assert record.post.text == "Baris satu\nBaris dua"
    assert record.beside[0].media_type == "image/jpeg"
    assert record.post.attachments[0]["captured_at"] == "2026-10-05T15:00:00+08:00"


def test_the_typed_text_is_looked_for_on_the_page_that_was_saved_with_it(desk):
    (found,) = read(desk, HEADER + ROW + "layar.mhtml\n")
    (desk / "layar.mhtml").write_bytes(saved("Resep rendang"))
    (missing,) = read(desk, HEADER + ROW + "layar.mhtml\n")
    (unsaved,) = read(desk, HEADER + ROW + "\n")
    assert [each.post.attachments[0]["text_ratio"] for each in (found, missing, unsaved) if each.post] == [
        1.0,
        0.0,
        None,
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (URL, "https://www.facebook.com/groups/desa/posts/12345678/", "2:1: url: is of a post in a group"),
        (URL, "ftp://x", "2:1: url: is neither http nor https"),
        (URL, "", "2:1: url: is empty"),
        ("@Sari.Melur.77", "bayu", "2:2: author: 'bayu', and the address is of a post by 'sari.melur.77'"),
        ("@Sari.Melur.77", " ", "2:2: author: "),
        (f'"{TEXT}"', "", "2:3: text: is empty"),
        ("2026-10-05 14:30 WIB", "kemarin", "2:4: posted_at: 'kemarin' is not a date with a time"),
        ("2026-10-05 14:30 WIB", "2026-10-05", "2:4: posted_at: '2026-10-05' is not a date with a time"),
        ("layar.png", "../layar.png", "2:5: image: '../layar.png' is no file in the sheet's directory"),
        ("layar.png", "/etc/hostname", "2:5: image: '/etc/hostname' is no file in the sheet's directory"),
        ("layar.png", "tiada.png", "2:5: image: 'tiada.png' is no file"),
        ("layar.png", "layar.mhtml", "2:5: image: neither a PNG nor a JPEG"),
        ("Bayu Rekaan", "", "2:6: captured_by: is empty"),
        ("2026-10-05 15:00", "", "2:7: captured_at: is empty"),
    ],
)
def test_a_bad_row_is_named_by_line_and_column(desk, old, new, message):
    with pytest.raises(BadInput) as refused:
        read(desk, HEADER + ROW.replace(old, new, 1) + "\n")
    assert str(refused.value).startswith(message)


def test_a_page_that_was_saved_from_another_post_is_refused(desk):
    (desk / "layar.mhtml").write_bytes(saved(TEXT, URL.replace("abc", "xyz")))
    with pytest.raises(BadInput, match="2:8: page: was saved from another post"):
        read(desk, HEADER + ROW + "layar.mhtml\n")


def test_a_link_out_of_the_directory_is_not_followed(desk, tmp_path_factory):
    secret = tmp_path_factory.mktemp("lain") / "rahasia.png"
    secret.write_bytes(png())
    (desk / "layar.png").unlink()
    (desk / "layar.png").symlink_to(secret)
    with pytest.raises(BadInput, match="is no file in the sheet's directory"):
        read(desk, HEADER + ROW + "\n")


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        ("a: 1", "a sheet is a list of posts"),
        ("- a\n", "1: the post has no url, author"),
        ("- url: [a]\n", "1: a post has plain texts only"),
        ("- url: a\n  url: b\n", "2: 'url' stands twice"),
        ("- lain: a\n", "1: 'lain' stands twice, or is nothing"),
        ("- &a {x: 1}\n- *a\n", "aliases"),
        ("- [\n", "2: not valid YAML"),
        ("[" * 5_000, "1: a sheet has neither aliases"),
        ("- url: \x00", "not valid YAML"),
    ],
)
def test_a_malformed_yaml_sheet_is_refused_with_its_line(desk, sheet, message):
    with pytest.raises(BadInput) as refused:
        read(desk, sheet, "lembar.yaml")
    assert message in str(refused.value)


def test_pictures_are_told_by_their_headers():
    assert read_image(png(1280, 16_000)) == Image("image/png", 1280, 16_000)
    assert read_image(jpeg()) == Image("image/jpeg", 4, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        png()[:-12],
        png()[:40],
        png().replace(b"IDAT", b"IDAX"),
        png(60_000, 60_000),
        png(0, 5),
        jpeg()[:-2],
        jpeg()[:12],
        b"\xff\xd8\xff\xd8" * 20,
        jpeg(0, 0),
    ],
)
def test_what_is_no_whole_picture_is_refused(data):
    with pytest.raises(BadInput):
        read_image(data)


@given(st.binary(max_size=80), st.sampled_from([png(), jpeg(), b"\x89PNG\r\n\x1a\n", b"\xff\xd8"]), st.integers(0, 90))
def test_no_bytes_break_the_reader_of_pictures(noise, picture, place):
    with contextlib.suppress(BadInput):
        read_image(picture[:place] + noise + picture[place:])


def flagged(world):
    """Let the only post be flagged, as the assessing stage would."""
    finding = Finding(score=0.97, flagged=True, act=Act.SUPPORT, voice=Voice.OWN, targets=[], masked="", spans=[])
    with world.database.write() as session:
        sighting, version = session.scalars(select(Sighting)).one(), session.scalars(select(PostVersion)).one()
        model = ModelIdentity("uji", "1", "0" * 64, 0.5)
        (flag,) = store_assessments(session, [(sighting, version, finding)], model, actor="test")
        return flag


def forget(world, evidence):
    """Retention, years later."""
    later = dt.datetime(2036, 1, 1, tzinfo=dt.UTC)
    purge(world.database, evidence, before=later, actor="test", unused_for=dt.timedelta(0))


def test_the_persons_screenshot_becomes_the_flags_capture_without_a_browser(world, bring_in, evidence, desk):
    del desk
    bring_in(HEADER + ROW + "layar.mhtml\n", name="lembar.csv")
    flag = flagged(world)
    assert capture_pending(world.database, evidence, CaptureConfig(chromium=Path("/tidak/ada"))) == 1
    with world.database.read() as session:
        capture = newest_capture(session, flag.id)
        assert session.get_one(Flag, flag.id).state is FlagState.READY
    assert capture is not None
    assert (capture.quality, capture.url, capture.text_found) == (CaptureQuality.HAND, URL, True)
    assert capture.reason == (
        "gambar layar dibuat Bayu Rekaan pada 2026-10-05 15:00 +0700; teks diketik dari layar; "
        "100% teks ketikan ditemukan di halaman yang disimpan bersamanya"
    )
    assert evidence.get(str(capture.screenshot_sha256)) == png()
    assert evidence.get(str(capture.page_sha256)) == saved(TEXT)
    purge(
        world.database,
        evidence,
        before=dt.datetime(2030, 1, 1, tzinfo=dt.UTC),
        actor="test",
        unused_for=dt.timedelta(0),
    )
    assert evidence.verify(str(capture.screenshot_sha256))


def test_a_screenshot_that_was_altered_in_the_store_is_a_broken_capture(world, bring_in, evidence, desk):
    del desk
    bring_in(HEADER + ROW + "\n", name="lembar.csv")
    flag = flagged(world)
    for path in Path(evidence.root).rglob("*"):
        if path.is_file():
            path.write_bytes(b"lain")
    capture_pending(world.database, evidence, CaptureConfig(chromium=Path("/tidak/ada")))
    with world.database.read() as session:
        capture = newest_capture(session, flag.id)
    assert capture is not None
    assert (capture.quality, capture.text_found) == (CaptureQuality.BROKEN, False)


def test_an_unflagged_posts_screenshot_goes_with_the_post(world, bring_in, evidence, desk):
    del desk
    bring_in(HEADER + ROW + "layar.mhtml\n", name="lembar.csv")
    purge(
        world.database,
        evidence,
        before=dt.datetime(2030, 1, 1, tzinfo=dt.UTC),
        actor="test",
        unused_for=dt.timedelta(0),
    )
    assert [path for path in Path(evidence.root).rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("url", "link"),
    [
        (
            "https://www.instagram.com/sari.melur/reel/Cabc12_-x/?igsh=1",
            PostLink("instagram", "Cabc12_-x", "sari.melur"),
        ),
        ("https://www.instagram.com/p/Cabc12/", PostLink("instagram", "Cabc12")),
        ("https://m.tiktok.com/@sari.melur/video/71000001", PostLink("tiktok", "71000001", "sari.melur")),
        ("https://twitter.com/sarimelur/status/180000/photo/1", PostLink("x", "180000", "sarimelur")),
        ("https://x.com/i/web/status/180000", PostLink("x", "180000")),
        ("https://www.threads.com/@sari.melur/post/DTaa01", PostLink("threads", "DTaa01", "sari.melur")),
        ("https://m.facebook.com/story.php?story_fbid=123456&id=1000", PostLink("facebook", "123456", "1000")),
        ("https://www.facebook.com/sari.melur/posts/judul-kabar/123456", PostLink("facebook", "123456", "sari.melur")),
        ("https://facebook.com/groups/desa/permalink/123456/", PostLink("facebook", "123456", in_group=True)),
        ("https://vm.tiktok.com/ZSabc/", None),
        ("https://facebook.example/sari/posts/123456", None),
        ("https://[", None),
        ("javascript:alert(1)", None),
    ],
)
def test_addresses_of_posts_are_taken_apart(url, link):
    assert post_link(url) == link


@given(st.text(max_size=60), st.sampled_from(["https://www.facebook.com/", "https://x.com/", "https://", ""]))
def test_no_address_breaks_the_reader_of_addresses(text, start):
    post_link(start + text)
    author_in(start + text)


def test_a_sheet_of_any_bytes_is_read_or_refused(desk):
    for noise in (b"\xff\xfe", b"\x00" * 40, b'url,"', b"{" * 2_000, HEADER.encode() + b'"' + b"a" * 300_000):
        for name in ("lembar.csv", "lembar.yaml"):
            with contextlib.suppress(BadInput):
                list(ByHand().records(Opened(io.BytesIO(noise), desk / name)))
