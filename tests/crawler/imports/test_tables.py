"""Workbooks and exports: the same rows, whatever wrote them; hostile files cost one line of complaint."""

import contextlib
import datetime as dt
import io
import zipfile

import openpyxl
import pytest
from sqlalchemy import select

from crawler.files.formats import recognised
from crawler.files.records import Opened
from crawler.sources.fourcat import parse_posts
from crawler.sources.workbook import Workbook
from models.bodies import read_body
from models.errors import BadInput
from models.posts import Post
from models.targets import Fetch

WIB = dt.timezone(dt.timedelta(hours=7))
HEADER = ["id", "text", "author", "url", "posted_at", "platform"]
ROW = ["1", "Dukung Bang Raka", "@SARI", "https://x.example/1", "2026-10-05T14:30:00+07:00", "csv"]


def workbook(*rows, sheet="Unggahan", more=None):
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    if more is not None:
        book.create_sheet("Lain").append(more)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def read(data, **options):
    return list(Workbook().records(Opened(io.BytesIO(data), zone=WIB, **options)))


def test_a_workbook_is_recognised_and_its_rows_become_posts(world, bring_in, stored, evidence):
    typed = [2, "Pagi", "sari", None, dt.datetime(2026, 10, 5, 14, 30), "csv"]  # noqa: DTZ001 - cells have no zone
    other = ["3", "bukan kami", "warga", "", "", "csv"]
    result = bring_in(workbook(HEADER, ROW, typed, [None] * 6, other))
    assert (result.source, result.new, result.off_roster) == ("xlsx", 2, 1)
    assert stored() == [("csv", "1", "Dukung Bang Raka"), ("csv", "2", "Pagi")]
    with world.database.read() as session:
        moments = set(session.scalars(select(Post.posted_at)))
        fetch = session.scalars(select(Fetch)).one()
        body = read_body(session, evidence, fetch.body_sha256)
    assert moments == {dt.datetime(2026, 10, 5, 7, 30, tzinfo=dt.UTC)}
    assert b'"row": 3' in body
    assert b"bukan kami" not in body
    assert len(fetch.headers["file_sha256"]) == 64


def test_another_sheet_is_read_when_it_is_named():
    data = workbook(["catatan"], [1], more=HEADER)
    assert read(data, sheet="Lain") == []
    with pytest.raises(BadInput, match="no sheet named 'Tiada'; there are Unggahan, Lain"):
        read(data, sheet="Tiada")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (2, "=HYPERLINK(A1)", "2:2: the cell holds a formula"),
        (1, 12345678901234567, "2:1: a number of more than 15 digits"),
        (2, 1.5, "2:2: the cell holds neither text"),
        (2, True, "2:2: the cell holds neither text"),
        (3, None, "2:3: author: is empty"),
        (4, "javascript:x", "2:4: url: is neither http nor https"),
        (5, "kemarin", "2:5: posted_at: 'kemarin' is not a time"),
    ],
)
def test_a_bad_cell_is_named_by_row_and_column(column, value, message):
    row = [*ROW]
    row[column - 1] = value
    with pytest.raises(BadInput, match=f"^{message}"):
        read(workbook(HEADER, row))


def repacked(data, name, content, **options):
    """The same zip file with one entry replaced."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, content if entry.filename == name else old.read(entry), **options)
    return target.getvalue()


def test_a_workbook_that_would_unpack_to_hundreds_of_megabytes_is_refused():
    bomb = repacked(workbook(HEADER, ROW), "xl/worksheets/sheet1.xml", b" " * (129 << 20))
    assert len(bomb) < 1 << 20
    with pytest.raises(BadInput, match="would be 135266304 bytes unpacked"):
        read(bomb)


@pytest.mark.parametrize("entry", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_entities_in_a_workbook_are_not_resolved(entry, tmp_path):
    secret = tmp_path / "rahasia"
    secret.write_text("isi-rahasia")
    laughs = f'<!DOCTYPE a [<!ENTITY b SYSTEM "file://{secret}"><!ENTITY c "&b;&b;">]><worksheet>&c;</worksheet>'
    try:
        told = str(read(repacked(workbook(HEADER, ROW), entry, laughs.encode())))
    except BadInput as refused:
        told = str(refused)
    assert told
    assert "isi-rahasia" not in told


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), workbook(HEADER, ROW)[:-200]])
def test_what_is_no_workbook_is_refused(data):
    with pytest.raises(BadInput):
        read(data)


def test_damaged_workbooks_raise_nothing_but_bad_input():
    whole = workbook(HEADER, ROW)
    for entry in zipfile.ZipFile(io.BytesIO(whole)).namelist():
        for content in (b"", b"<a/>", b"\xff\xfe\x00", b"<worksheet" * 10):
            with contextlib.suppress(BadInput):
                read(repacked(whole, entry, content))


FOURCAT = (
    "id,thread_id,author,author_id,body,timestamp,unix_timestamp,url,is_retweet\n"
    "71000001,71000001,sari.melur,55,Dukung Bang Raka,2026-10-05 07:30:00,1791185400,"
    "https://www.tiktok.com/@sari.melur/video/71000001,\n"
    "1801,1801,sarimelur,7,RT @w: kabar,2026-10-05 07:30:00,,https://x.com/sarimelur/status/1801,yes\n"
    "9,9,warga_rekaan,8,Bukan kami,2026-10-05 07:30:00,,https://www.instagram.com/p/Cabc12/,\n"
    "10,10,sari,8,di grup,2026-10-05 07:30:00,,https://www.facebook.com/groups/desa/posts/12345678/,\n"
    "11,11,sari,8,entah,2026-10-05 07:30:00,,https://forum.example/11,\n"
)


def test_an_export_of_4cat_is_read_by_each_rows_link(world, bring_in, stored):
    result = bring_in(FOURCAT)
    assert (result.source, result.new, result.off_roster, result.not_understood) == ("4cat", 2, 1, 1)
    assert result.unknown_platforms == {"4cat": 1}
    assert sorted(stored()) == [("tiktok", "71000001", "Dukung Bang Raka"), ("x", "1801", "RT @w: kabar")]
    with world.database.read() as session:
        rows = {(p.external_id, p.posted_at, p.is_repost) for p in session.scalars(select(Post))}
    known = dt.datetime(2026, 10, 5, 7, 30, tzinfo=dt.UTC)
    assert rows == {("71000001", known, False), ("1801", None, True)}  # a time without a zone names no moment


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,author,body\n", "1: the header has none of the columns url"),
        ("id,author,url\n", "1: the header has no column body"),
        ("id,author,body,url\n1,,a,https://x.com/sari/status/12345\n", "2:2: author: is empty"),
        ("id,author,body,url\n,sari,a,https://x.com/sari/status/12345\n", "2:1: id: post id of 0"),
        ("id,author,body,url\n1,sari,a,file:///etc/passwd\n", "2:4: url: is neither http nor https"),
    ],
)
def test_a_malformed_export_is_refused_at_its_place(content, message):
    with pytest.raises(BadInput, match=f"^{message}"):
        parse_posts(content.encode())


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", b"\xef\xbb\xbfid;text;author;url;posted_at\n", "csv"),
        ("a.csv", b"id,thread_id,author,body,timestamp\n", "4cat"),
        ("a.csv", b"url,author,text,posted_at,image,captured_by,captured_at\n", "hand"),
        ("a.yaml", b"- url: x\n", "hand"),
        ("a.txt", b'{"source_platform": "x.com"}\n', "zeeschuimer"),
        ("a.txt", b'{"data": [], "includes": {}}\n', "twarc"),
        ("a.txt", b'{"id_str": "1"}', "twarc"),
        ("a.txt", b'{"id": 1, "text": "a", "author": "b"}', "jsonl"),
        ("a", b"WARC/1.1\r\n", "warc"),
        ("a", b"From: <Saved by Blink>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n", "mhtml"),
    ],
)
def test_the_kind_of_a_file_is_told_by_its_content(tmp_path, name, content, kind):
    (tmp_path / name).write_bytes(content)
    assert recognised(tmp_path / name) == kind


@pytest.mark.parametrize("content", [b"", b"\x00" * 50, b"halo\n", b"{", b"PK\x03\x04rusak", b"\x1f\x8brusak"])
def test_a_file_that_could_be_anything_must_be_named(tmp_path, content):
    (tmp_path / "berkas").write_bytes(content)
    with pytest.raises(BadInput, match="berkas: the kind of file cannot be told; name it with --source"):
        recognised(tmp_path / "berkas")
