"""WARC, WACZ and MHTML made by hand: read as a crawl would have, altered files refused, hostile ones survived."""

import base64
import contextlib
import gzip
import hashlib
import io
import json
import zipfile
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crawler.files.encodings import decoded
from crawler.files.records import Opened
from crawler.files.saved_page import read_saved_page
from crawler.sources import warc
from crawler.sources.warc import Wacz, Warc
from models.bodies import read_body
from models.errors import BadInput
from models.mandates import Mandate
from models.posts import Post
from models.targets import Fetch, Target, add_target

HOST = "https://warga.example"
STATUS = {
    "id": "101",
    "uri": f"{HOST}/users/sari/statuses/101",
    "url": f"{HOST}/@sari/101",
    "created_at": "2026-10-05T07:30:00.000Z",
    "content": "<p>Dukung Bang Raka</p>",
    "account": {"id": "9", "acct": "sari", "username": "sari", "url": f"{HOST}/@sari"},
    "media_attachments": [],
}
TIKTOK = "https://www.tiktok.com/api/post/item_list/?aid=1988&count=30"


def video(number, author, **more):
    return {"id": f"71000{number}", "desc": f"kabar {number}", "createTime": 1790000000, "author": author, **more}


def entry(kind, url, block, payload=b""):
    """One record of a WARC file, with the hashes of its block and its payload."""

    def digest(data):
        return b"sha256:" + base64.b32encode(hashlib.sha256(data).digest())

    lines = [
        b"WARC/1.1",
        b"WARC-Type: " + kind.encode(),
        b"WARC-Record-ID: <urn:uuid:" + hashlib.sha256(block).hexdigest()[:32].encode() + b">",
        b"WARC-Date: 2026-10-05T07:40:00Z",
        b"WARC-Target-URI: " + url.encode(),
        b"WARC-Payload-Digest: " + digest(payload),
        b"WARC-Block-Digest: " + digest(block),
        b"Content-Type: application/http",
        b"Content-Length: " + str(len(block)).encode(),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + block + b"\r\n\r\n"


def archive(*responses, packed=True, requests=()):
    """A WARC file of (url, body, headers) responses and of requests that carry a cookie."""
    entries = [entry("warcinfo", "urn:rekaan", b"software: uji\r\n")]
    for url, body, headers in responses:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        entries.append(entry("response", url, f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body, body))
    entries += [entry("request", url, b"GET / HTTP/1.1\r\nCookie: sesi=rahasia\r\n\r\n") for url in requests]
    return b"".join(gzip.compress(each) if packed else each for each in entries)


def as_json(value, **headers):
    return json.dumps(value).encode(), {"Content-Type": "application/json; charset=utf-8", **headers}


def snapshots(data, form=Warc):
    return list(form().snapshots(Opened(io.BytesIO(data))))


def wacz(warcs, *, alter="", manifest=None):
    """A WACZ file; `alter` names an entry whose bytes are changed after its hash was written down."""
    resources = [{"path": f"archive/{name}", "hash": f"sha256:{hashlib.sha256(data).hexdigest()}"}
                 for name, data in warcs.items()]  # fmt: skip
    package = json.dumps({"profile": "data-package", "resources": manifest or resources}).encode()
    digest = {"path": "datapackage.json", "hash": f"sha256:{hashlib.sha256(package).hexdigest()}"}
    entries = {f"archive/{name}": data for name, data in warcs.items()}
    entries |= {"datapackage.json": package, "datapackage-digest.json": json.dumps(digest).encode()}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for name, data in entries.items():
            file.writestr(name, data + b" " if name == alter else data)
    return target.getvalue()


@pytest.fixture
def on_mastodon(world, verified_account):
    """A target on a Mastodon server, for an account of the roster."""
    account = verified_account("mastodon", "sari", f"{HOST}/@sari")
    with world.database.write() as session:
        mandate = session.get_one(Mandate, world.mandate.id)
        return add_target(
            session, mandate, source="mastodon", address=f"{HOST}/@sari", account=account, actor="test"
        ).id


def visit(*, order=1):
    """What a browser asks while somebody looks at the account: lookup, statuses, things of no interest."""
    other = {**STATUS, "id": "102", "account": {**STATUS["account"], "id": "8", "acct": "warga"}}
    return [
        (f"{HOST}/api/v1/accounts/lookup?acct=sari", *as_json({"id": "9", "acct": "sari", "username": "sari"})),
        (f"{HOST}/api/v1/accounts/9/statuses?exclude_replies=true", *as_json([STATUS])),
        (f"{HOST}/api/v1/accounts/8/statuses", *as_json([other])),
        (f"{HOST}/gambar.png", b"\x89PNG", {"Content-Type": "image/png"}),
    ][::order]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("packed", [True, False])
def test_a_visit_is_read_by_the_connector_that_would_have_fetched_it(
    world, bring_in, stored, evidence, on_mastodon, order, packed
):
    result = bring_in(archive(*visit(order=order), packed=packed, requests=[f"{HOST}/"]))
    assert (result.source, result.new, result.off_roster, result.not_understood) == ("warc", 1, 0, 0)
    assert stored() == [("mastodon", f"{HOST}/users/sari/statuses/101", "Dukung Bang Raka")]
    with world.database.read() as session:
        fetch = session.scalars(select(Fetch)).one()
        assert json.loads(read_body(session, evidence, fetch.body_sha256)) == [STATUS]
        assert fetch.headers["url"] == f"{HOST}/api/v1/accounts/9/statuses?exclude_replies=true"
        assert fetch.headers["digests"] == "cocok"
        assert {"warc-date", "warc-record-id", "file_sha256"} <= set(fetch.headers)
        assert "rahasia" not in str(fetch.headers)
        assert session.get_one(Target, on_mastodon).watermark == {}


def test_importing_an_archive_twice_changes_nothing(bring_in, counts, on_mastodon):
    del on_mastodon
    bring_in(archive(*visit()))
    before = counts()
    assert bring_in(archive(*visit())).known == 1
    assert counts() == before


def test_a_visit_that_asked_for_the_accounts_lasting_id_is_read_too(world, bring_in, verified_account, pages):
    handle, did = "sari.seruni.example", "did:plc:warga2rekaan3dermaga4xy"
    account = verified_account("bluesky", handle, platform_id=did)
    with world.database.write() as session:
        mandate = session.get_one(Mandate, world.mandate.id)
        address = f"https://bsky.app/profile/{handle}"
        add_target(session, mandate, source="bluesky", address=address, account=account, actor="test")
    url = f"https://public.api.bsky.app/xrpc/app.bsky.feed.getAuthorFeed?actor={did}&limit=30"
    feed = (pages / "bluesky_feed.json").read_bytes()
    assert bring_in(archive((url.replace(did, "did:plc:lain"), feed, as_json(0)[1]))).records == 0
    assert bring_in(archive((url, feed, as_json(0)[1]))).new > 3


def test_items_in_a_platforms_own_traffic_are_kept_each_by_itself(world, bring_in, stored, evidence):
    items = [
        video(1, {"uniqueId": "sari.melur"}),
        video(2, {"uniqueId": "warga"}),
        video(3, {"uniqueId": "sari.melur"}, privateItem=True),
    ]
    streamed = b'{"label":"a"}\n' + json.dumps({"data": {"node": {"id": "U1", "comet_sections": {}}}}).encode()
    result = bring_in(
        archive(
            (TIKTOK, *as_json({"itemList": items})),
            ("https://www.facebook.com/api/graphql/", streamed, {"Content-Type": "text/html"}),
        )
    )
    assert (result.new, result.off_roster, result.not_public) == (1, 1, 1)
    assert stored() == [("tiktok", "710001", "kabar 1")]
    with world.database.read() as session:
        fetch = session.scalars(select(Fetch)).one()
        assert json.loads(read_body(session, evidence, fetch.body_sha256)) == items[0]
        assert not fetch.url.startswith("http")  # nobody opens the page again for a capture


def test_items_in_a_pages_scripts_are_found(bring_in, stored):
    script = json.dumps(
        {"__DEFAULT_SCOPE__": {"webapp.video-detail": {"itemInfo": {"itemStruct": video(4, "sari.melur")}}}}
    )
    page = f'<html><script id="__U" type="application/json">{script}</script></html>'.encode()
    bring_in(archive(("https://www.tiktok.com/@sari.melur/video/710004", page, {"Content-Type": "text/html"})))
    assert stored() == [("tiktok", "710004", "kabar 4")]


ARTICLE = b"""<html><head><meta property="og:type" content="article"><meta property="og:title" content="Catatan">
<script type="application/ld+json">{"@type": "BlogPosting", "headline": "Catatan", "articleBody": "Dukung Bang Raka",
"datePublished": "2026-10-05T07:30:00Z", "url": "https://sari.example/catatan/1"}</script></head><body></body></html>"""


def test_a_page_under_an_accounts_own_address_is_read_as_a_page(bring_in, stored, verified_account):
    verified_account("page", "sari.example", "https://sari.example/catatan")
    elsewhere = ("https://sari.example/lain", ARTICLE, {"Content-Type": "text/html"})
    assert bring_in(archive(elsewhere)).records == 0
    bring_in(archive(("https://sari.example/catatan/1", ARTICLE, {"Content-Type": "text/html"})))
    ((source, _, text),) = stored()
    assert source == "page"
    assert "Dukung Bang Raka" in text


@pytest.mark.parametrize(
    ("name", "pack"), [("gzip", gzip.compress), ("br", brotli.compress), ("deflate", zlib.compress)]
)
def test_encoded_bodies_are_decoded_and_bombs_refused(name, pack):
    body, headers = as_json([STATUS], **{"Content-Encoding": name})
    (found,) = snapshots(archive((f"{HOST}/a", pack(body), headers)))
    assert found.body == body
    with pytest.raises(BadInput, match="record 2: a response of more than 33554432 bytes once unpacked"):
        snapshots(archive((f"{HOST}/a", pack(bytes(40 << 20)), headers)))


def test_a_body_that_the_browser_had_decoded_already_is_taken_as_it_is():
    for name in ("gzip", "br", "zstd", "entah"):
        assert decoded(b'{"a": 1}', name, limit=100) == b'{"a": 1}'


def test_chunked_bodies_are_joined():
    chunked = b"5\r\n[1, 2\r\n1\r\n]\r\n0\r\n\r\n"
    (found,) = snapshots(archive((f"{HOST}/a", chunked, as_json(0, **{"Transfer-Encoding": "chunked"})[1])))
    assert found.body in {b"[1, 2]", chunked}


def test_an_altered_record_is_refused():
    data = archive((f"{HOST}/a", *as_json({"kata": "dukung"})), packed=False)
    altered = data.replace(b"dukung", b"serang")
    with pytest.raises(BadInput, match="record 2: its content does not match its WARC-Block-Digest: the file was alt"):
        snapshots(altered)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-40],
        lambda data: data.replace(b"Content-Length: ", b"Content-Length: 9"),
        lambda data: data.replace(b"Content-Length: ", b"Content-Length: -"),
        lambda data: data.replace(b"WARC-Target-URI", b"WARC-Tidak-Ada"),
        lambda _: b"WARC/1.1\r\nX: " + b"a" * (3 << 20),
        lambda _: gzip.compress(b"WARC/1.1\r\nX: " + b"a" * (100 << 20)),
        lambda data: gzip.compress(data)[:-20],
        lambda _: b"bukan arsip\r\n\r\n",
    ],
)
def test_a_damaged_or_lying_archive_is_refused_at_its_record(spoil, capsys):
    data = archive((f"{HOST}/a", *as_json({"kata": "dukung"})), packed=False)
    with pytest.raises(BadInput, match=r"^record [0-9]"):
        snapshots(spoil(data))
    assert capsys.readouterr() == ("", "")


@given(st.binary(max_size=300), st.integers(min_value=0), st.booleans())
def test_no_bytes_break_the_reader_of_archives(noise, place, packed):
    data = archive((f"{HOST}/a", b"[]", {"Content-Type": "application/json"}), packed=packed)
    place %= len(data)
    with contextlib.suppress(BadInput):
        snapshots(data[:place] + noise + data[place + len(noise) // 2 :])


def test_a_wacz_file_is_read_once_its_hashes_are_found_right(bring_in, stored):
    inner = archive((TIKTOK, *as_json({"itemList": [video(1, {"uniqueId": "sari.melur"})]})))
    result = bring_in(wacz({"data.warc.gz": inner}))
    assert (result.source, result.new) == ("wacz", 1)
    assert stored() == [("tiktok", "710001", "kabar 1")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alter": "archive/data.warc.gz"}, "'archive/data.warc.gz' does not match its hash in datapackage.json"),
        ({"alter": "datapackage.json"}, "datapackage.json does not match datapackage-digest.json"),
        ({"manifest": [{"path": "lain", "hash": "sha256:00"}]}, "'lain' stands in datapackage.json and is missing"),
        ({"manifest": [{"path": "archive/data.warc.gz"}]}, "is not vouched for by datapackage.json"),
    ],
)
def test_a_wacz_file_that_was_altered_is_refused(bring_in, counts, options, message):
    before = counts()
    with pytest.raises(BadInput, match=message):
        bring_in(wacz({"data.warc.gz": archive((TIKTOK, *as_json({})))}, **options))
    assert counts() == before


def test_a_wacz_file_that_claims_to_unpack_to_gigabytes_is_refused(monkeypatch):
    monkeypatch.setattr(warc, "MAX_UNPACKED_BYTES", 1_000_000)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/a.warc", bytes(2_000_000))
    with pytest.raises(BadInput, match="would be 2000000 bytes unpacked"):
        snapshots(target.getvalue(), Wacz)


def saved(html, url="https://sari.example/catatan/1", encoding="quoted-printable"):
    body = html.replace("=", "=3D") if encoding == "quoted-printable" else html
    return (
        "From: <Saved by Blink>\r\n"
        f"Snapshot-Content-Location: {url}\r\nSubject: Catatan\r\nDate: Mon, 5 Oct 2026 14:30:00 +0700\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/related; type="text/html"; boundary="----batas"\r\n\r\n'
        f"------batas\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n"
        f"Content-Location: {url}\r\n\r\n{body}\r\n------batas--\r\n"
    ).encode()


def test_a_saved_page_is_read_and_kept_whole(world, bring_in, stored, verified_account, evidence):
    verified_account("page", "sari.example", "https://sari.example/")
    whole = saved(ARTICLE.decode())
    assert bring_in(whole).source == "mhtml"
    assert "Dukung Bang Raka" in stored()[0][2]
    with world.database.read() as session:
        fetch = session.scalars(select(Fetch)).one()
        assert (evidence.get(fetch.body_sha256), fetch.media_type) == (whole, "multipart/related")
        assert session.scalars(select(Post)).one().url == "https://sari.example/catatan/1"


def test_a_saved_page_that_no_machine_can_read_asks_for_a_typed_sheet(bring_in, stored):
    result = bring_in(saved("<p>Dukung</p>", "https://www.facebook.com/sari.melur.77/posts/12345678"))
    assert (result.records, result.not_understood, stored()) == (1, 1, [])
    assert "--source hand" in result.problems[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        saved("a", url="file:///etc/passwd"),
        saved("a").replace(b"multipart/related", b"text/plain"),
        saved("a").replace(b"text/html; charset", b"text/css; charset"),
        b"Content-Type: multipart/related; boundary=a\r\n\r\n"
        + b"--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" * 3000,
    ],
)
def test_what_is_no_saved_page_is_refused(data):
    with pytest.raises(BadInput):
        read_saved_page(data)


@given(st.lists(st.binary(max_size=60) | st.sampled_from(saved("<p>a</p>").split(b"\r\n")), max_size=14))
def test_no_bytes_break_the_reader_of_saved_pages(lines):
    with contextlib.suppress(BadInput):
        read_saved_page(b"\r\n".join(lines))
