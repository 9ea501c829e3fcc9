"""Files of posts: only rostered people's, each once, nothing of a malformed file."""

import contextlib
import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crawler.files.captured_items import READERS
from crawler.files.imports import import_file
from crawler.files.records import MAX_LINE_BYTES
from crawler.sources import table, zeeschuimer
from models.accounts import (
    Attribution,
    suspend_attribution,
)
from models.bodies import read_body
from models.errors import BadInput, NoMandate
from models.mandates import Mandate, revoke_mandate
from models.officers import Officer
from models.posts import PostVersion
from models.targets import Fetch, Run, RunOutcome, Target

CAPTURE = Path(__file__).parents[1] / "pages" / "zeeschuimer.ndjson"
HEADER = "id,text,author,url,posted_at\n"


def test_a_browser_capture_keeps_rostered_people_and_counts_the_rest(world, bring_in, evidence, stored):
    result = bring_in(CAPTURE.read_bytes(), "zeeschuimer")
    assert (result.records, result.new, result.off_roster, result.not_understood) == (7, 4, 1, 1)
    assert result.unknown_platforms == {"truthsocial.com": 1}
    assert sorted(stored()) == [
        ("instagram", "CXyz", "Lama"),
        ("instagram", "DAbc123", "Pagi di dermaga"),
        ("tiktok", "7100000000000000001", "Dukung #RakaNilaMenang 💪"),
        ("x", "1800000000000000001", "Ikan & udang"),
    ]
    lines = CAPTURE.read_bytes().splitlines(keepends=True)
    with world.database.read() as session:
        bodies = {read_body(session, evidence, digest) for digest in session.scalars(select(Fetch.body_sha256))}
        runs = session.scalars(select(Run)).all()
        targets = session.scalars(select(Target).where(Target.address.startswith("import:"))).all()
    assert bodies == {lines[0], lines[2], lines[3] + lines[4]}
    assert {run.outcome for run in runs} == {RunOutcome.DONE}
    assert {target.address for target in targets} == {"import:@Sari.Melur", "import:@sari.melur", "import:@sarimelur"}
    assert all(target.paused for target in targets)


def test_importing_twice_changes_nothing(bring_in, counts):
    first = bring_in(CAPTURE.read_bytes(), "zeeschuimer")
    before = counts()
    second = bring_in(CAPTURE.read_bytes(), "zeeschuimer")
    assert counts() == before
    assert (second.new, second.edited, second.known) == (0, 0, first.new)


def test_a_later_capture_of_an_edited_post_adds_a_version(bring_in, counts):
    lines = CAPTURE.read_bytes().splitlines(keepends=True)
    edited = lines[0].replace(b"Dukung", b"Batal dukung")
    result = bring_in(lines[0] + edited, "zeeschuimer")
    assert (result.new, result.edited) == (1, 1)
    before = counts()
    assert bring_in(lines[0] + edited + lines[0], "zeeschuimer").edited == 0
    assert counts() == before


def test_a_table_with_quoted_lines_is_read_and_located_in_the_kept_lines(world, bring_in, evidence):
    rows = (
        f'{HEADER}9,"milik\norang lain",warga,,\n'
        '1,"baris satu\nbaris dua",@SARI,https://x.example/1,2026-10-05T14:30:00+07:00\n2,kedua,sari,,'
    )
    result = bring_in("\ufeff" + rows)
    assert (result.new, result.off_roster) == (2, 1)
    with world.database.read() as session:
        version = session.scalars(select(PostVersion).order_by(PostVersion.locator)).all()
        body = read_body(session, evidence, session.scalars(select(Fetch.body_sha256)).one()).decode("utf-8-sig")
    assert [v.locator for v in version] == ["2", "4"]
    assert body.splitlines()[1:] == rows.splitlines()[3:]
    assert table.parse_posts(body.encode()).posts[0].text == "baris satu\nbaris dua"


def test_semicolons_platforms_and_json_lines_are_understood(bring_in, stored):
    bring_in("id;text;author;url;posted_at;platform\n1;halo, semua;sari.melur;;;TikTok\n")
    bring_in(json.dumps({"id": 5, "text": "hai", "author": "sarimelur", "platform": "twitter"}) + "\n\n", "jsonl")
    assert stored() == [("tiktok", "1", "halo, semua"), ("x", "5", "hai")]


def test_a_post_id_that_belongs_to_another_account_is_not_overwritten(bring_in, stored, verified_account):
    verified_account("csv", "sari_dua")
    bring_in(f"{HEADER}1,asli,sari,,\n")
    result = bring_in(f"{HEADER}1,palsu,sari_dua,,\n")
    assert result.conflicting == 1
    assert stored() == [("csv", "1", "asli")]


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        ("", "1", "no column id, text, author, url, posted_at"),
        ("id,text,author\n", "1", "no column url, posted_at"),
        ("id,text,author,url,posted_at,id\n", "1:6", "column id stands twice"),
        (f"{HEADER}1,a,sari,,\n2,b,sari\n", "3", "3 fields, the header has 5"),
        (
            f"{HEADER}1,a,sari,,2026-10-05T14:30:00\n",
            "2:5",
            "posted_at: '2026-10-05T14:30:00' is not a time with a zone",
        ),
        (f"{HEADER}1,a,,,\n", "2:3", "author: is empty"),
        (f"{HEADER},a,sari,,\n", "2:1", "id: post id of 0 characters"),
        (f"{HEADER}1,a,sari,javascript:x,\n", "2:4", "url: is neither http nor https"),
        (f'{HEADER}1,"a,sari,,\n', "2", "not CSV"),
        (f"{HEADER}1,a,sari,,\n2,\xff,sari,,\n".encode("latin-1"), "3:3", "not UTF-8"),
        (HEADER + "1," + "a" * 200_000 + ",sari,,\n", "2", "not CSV"),
        (b"x" * (MAX_LINE_BYTES + 10), "1", "line of more than"),
    ],
)
def test_a_malformed_table_is_refused_at_its_place_and_nothing_is_stored(bring_in, content, place, message, counts):
    before = counts()
    with pytest.raises(BadInput) as refused:
        bring_in(content, "csv")
    assert f"berkas.csv:{place}: " in str(refused.value)
    assert message in str(refused.value)
    assert counts() == before


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("jsonl", b"[]", "not a JSON object"),
        ("jsonl", b'{"id": "1", "text": "a"}', "author: missing or not text"),
        ("jsonl", b'{"id": "1", "text": ["a"], "author": "sari"}', "text: missing or not text"),
        ("jsonl", b'{"id": "1"', "not a JSON object"),
        ("zeeschuimer", b"{", "not an NDJSON line"),
        ("zeeschuimer", b"{}", "not a line of Zeeschuimer"),
        ("zeeschuimer", b'{"source_platform": "x.com", "data": []}', "not a line of Zeeschuimer"),
        ("zeeschuimer", b"[" * 100_000, "not an NDJSON line"),
    ],
)
def test_one_malformed_line_at_the_end_refuses_the_whole_file(bring_in, source, line, message, counts):
    good = {"jsonl": b'{"id": "1", "text": "a", "author": "sari.melur", "platform": "tiktok"}\n'}
    before = counts()
    with pytest.raises(BadInput) as refused:
        bring_in(good.get(source, CAPTURE.read_bytes().splitlines(keepends=True)[0]) + line + b"\n", source)
    assert f"berkas.{source}:2: {message}" in str(refused.value)
    assert counts() == before


def test_a_missing_file_and_an_unknown_format_are_bad_input(world, evidence, tmp_path):
    for path, source, message in (
        (tmp_path / "tiada.csv", "csv", "cannot be read"),
        (CAPTURE, "xls", "no file source"),
    ):
        with pytest.raises(BadInput, match=message):
            import_file(world.database, evidence, path, source=source, mandate_id=world.mandate.id, actor="test")


def test_without_a_mandate_in_force_nothing_is_read(world, bring_in):
    with world.database.write() as session:
        mandate, officer = session.get_one(Mandate, world.mandate.id), session.get_one(Officer, world.operator.id)
        revoke_mandate(session, mandate, officer, reason="uji")
    with pytest.raises(NoMandate):
        bring_in(f"{HEADER}1,a,sari,,\n")


def test_a_suspended_account_is_off_the_roster(world, bring_in, stored):
    with world.database.write() as session:
        officer = session.get_one(Officer, world.operator.id)
        for attribution in session.scalars(select(Attribution)):
            suspend_attribution(session, attribution, officer, reason="bukan akun saya")
    result = bring_in(f"{HEADER}1,a,sari,,\n")
    assert (result.new, result.off_roster, stored()) == (0, 1, [])


def test_a_long_file_is_stored_in_batches_with_its_progress_told(bring_in, stored):
    rows = [[n, f"kabar {n}", "sari" if n % 2 else "warga", "", "2026-10-05T07:00:00Z"] for n in range(2_600)]
    text = io.StringIO()
    csv.writer(text).writerows([HEADER.strip().split(","), *rows])
    told = []
    result = bring_in(text.getvalue(), progress=told.append)
    assert (result.new, result.off_roster, sum(told)) == (1_300, 1_300, 2_600)
    assert len(told) > 3
    assert {row[2] for row in stored()} == {f"kabar {n}" for n in range(1, 2_600, 2)}
    assert "1300 unggahan baru" in str(result)


def test_an_import_that_was_killed_is_finished_by_the_next_one(bring_in, stored, counts):
    told = []

    def strike(count):
        told.append(count)
        if len(told) > 1:
            raise KeyboardInterrupt

    body = HEADER + "".join(f"{n},kabar {n},sari,,\n" for n in range(1_200))
    with pytest.raises(KeyboardInterrupt):
        bring_in(body, progress=strike)
    assert 0 < len(stored()) < 1_200
    result = bring_in(body)
    assert result.new + result.known == 1_200
    assert len(stored()) == 1_200
    before = counts()
    assert bring_in(body).known == 1_200
    assert counts() == before


samples = [*CAPTURE.read_bytes().splitlines(), HEADER.encode(), b'"', b"1,a,b,,"]
lines = st.binary(max_size=80) | st.sampled_from(samples)


@given(st.lists(lines, max_size=6).map(b"\n".join))
def test_no_bytes_break_the_file_parsers(body):
    for parse in (table.parse_posts, lambda body: table.parse_posts(body, form="jsonl"), zeeschuimer.parse_posts):
        with contextlib.suppress(BadInput):
            assert len(parse(body).posts) <= body.count(b"\n") + 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["id", "desc", "createTime", "author", "code", "caption", "user", "legacy", "core", "tweet", "stickersOnItem",
     "edge_media_to_caption", "shortcode", "edit_control", "taken_at", "rest_id", "note_tweet"]
)  # fmt: skip


@given(st.sampled_from(sorted(READERS)), st.dictionaries(KEYS, json_values))
def test_no_item_of_a_platform_breaks_its_mapper(platform, data):
    line = json.dumps({"source_platform": platform, "data": data}).encode()
    parsed = zeeschuimer.parse_posts(line)
    assert len(parsed.posts) + len(parsed.unparsed) == 1
