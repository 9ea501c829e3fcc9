"""Items from people's browsers: public words of rostered accounts, whatever their shape; nothing private."""

import json

import pytest
from sqlalchemy import select

from crawler.files.authorship import stated_author
from crawler.sources import twarc, zeeschuimer
from models.bodies import read_body
from models.errors import BadInput
from models.posts import Post, PostVersion, Sighting
from models.targets import Fetch, Run


def envelope(platform, data):
    return json.dumps({"source_platform": platform, "item_id": "1", "data": data}).encode() + b"\n"


def test_facebook_threads_and_comments_are_read_and_private_ones_are_not(bring_in, stored, pages):
    result = bring_in((pages / "zeeschuimer_meta.ndjson").read_bytes())
    assert (result.source, result.records, result.new) == ("zeeschuimer", 11, 6)
    assert (result.off_roster, result.not_public, result.not_understood) == (2, 3, 0)
    assert sorted(stored()) == [
        ("facebook", "90001", "Dukung Bang Raka, nomor 1!"),
        ("facebook", "90005", "Hari pasar"),
        ("facebook", "90006", ""),
        ("threads", "DTaa01", "Cuaca dermaga"),
        ("threads", "DTaa03", ""),
        ("tiktok", "7300", "Nomor 1 juara"),
    ]


def test_words_that_were_only_shared_are_not_assessed_as_the_accounts_own(bring_in, world, pages):
    bring_in((pages / "zeeschuimer_meta.ndjson").read_bytes())
    with world.database.read() as session:
        rows = session.execute(select(Post.external_id, Sighting.post_id).join(Sighting, isouter=True)).all()
    assert sorted(external_id for external_id, sighting in rows if sighting is None) == ["90006", "DTaa03"]


def test_a_facebook_post_has_its_time_its_link_and_the_number_of_its_account(pages):
    line = (pages / "zeeschuimer_meta.ndjson").read_bytes().splitlines()[0]
    (post,) = zeeschuimer.parse_posts(line).posts
    assert post.posted_at is not None
    assert post.posted_at.isoformat() == "2026-09-21T14:13:20+00:00"
    assert post.url == "https://www.facebook.com/sari.melur.77/posts/pfbid090001abcdefghij"
    assert post.author == "sari.melur.77"


def test_the_platforms_own_number_decides_whose_post_it_is(world, bring_in, verified_account, stored, pages):
    del world
    verified_account("facebook", "nama.lama.rekaan", platform_id="100078")
    verified_account("threads", "dipakai_orang", platform_id="111")
    bring_in((pages / "zeeschuimer_meta.ndjson").read_bytes())
    assert ("facebook", "90004", "Kabar warga") in stored()  # the account was renamed since it was verified
    item = {
        "code": "DTbb01",
        "taken_at": 1,
        "user": {"username": "dipakai_orang", "pk": "222"},
        "caption": {"text": "x"},
    }
    result = bring_in(envelope("threads.com", item))
    assert (result.new, result.off_roster) == (0, 1)  # somebody else took the handle


def test_an_item_of_an_unknown_platform_is_kept_raw_for_the_account_it_names(
    world, bring_in, verified_account, evidence
):
    verified_account("kampungku", "sari.melur")
    own = envelope("kampungku.example", {"author": {"username": "sari.melur"}, "words": "Dukung Bang Raka"})
    strangers = [
        envelope("kampungku.example", {"author": {"username": "warga_rekaan"}, "words": "a"}),
        envelope("kampungku.example", {"author": {"username": "sari.melur"}, "user": {"username": "warga"}}),
        envelope("kampungku.example", {"author": {"username": "sari.melur", "is_private": True}}),
        envelope("kampungku.example", {"post": {"author": {"username": "sari.melur"}}}),
    ]
    result = bring_in(own + b"".join(strangers))
    assert (result.kept_raw, result.unknown_platforms) == (1, {"kampungku.example": 4})
    with world.database.read() as session:
        fetch = session.scalars(select(Fetch)).one()
        assert read_body(session, evidence, fetch.body_sha256) == own
        assert (fetch.kind, fetch.unparsed, session.scalars(select(Run)).one().unparsed) == ("zeeschuimer", 1, 1)
        assert session.scalars(select(PostVersion)).all() == []
    assert bring_in(own + b"".join(strangers)).kept_raw == 0


def test_an_item_whose_shape_changed_is_kept_raw_and_told(bring_in):
    changed = {"id": "7100000000000000011", "caption_v2": "Dukung", "author": {"uniqueId": "sari.melur"}}
    result = bring_in(envelope("tiktok.com", changed))
    assert (result.new, result.kept_raw, result.problems) == (0, 1, ["item without desc"])


@pytest.mark.parametrize(
    ("data", "author"),
    [
        ({"author": "@Sari"}, "@Sari"),
        ({"user": {"screen_name": "sari"}, "author": {"acct": "@SARI"}}, "sari"),
        ({"user": {"screen_name": "sari"}, "owner": {"username": "bayu"}}, ""),
        ({"quoted": {"user": {"screen_name": "sari"}}}, ""),
        ({"user": {"screen_name": "sari", "protected": True}}, ""),
        ([{"user": {"screen_name": "sari"}}], ""),
        ({"user": "x" * 300}, ""),
    ],
)
def test_an_author_is_told_only_where_the_item_leaves_no_doubt(data, author):
    assert stated_author(data) == author


def test_tweets_of_twarc_are_read_in_all_its_shapes(bring_in, stored, pages):
    result = bring_in((pages / "twarc.jsonl").read_bytes())
    assert (result.source, result.records, result.new, result.off_roster, result.not_public) == ("twarc", 7, 5, 1, 1)
    assert sorted(stored()) == [
        ("x", "1800", "Dukung #RakaNilaMenang & kawan"),
        ("x", "1802", "RT @warga_rekaan: kabar"),
        ("x", "1805", "Tulisan yang panjang sekali"),
        ("x", "1806", "Ikan & udang"),
        ("x", "1807", "RT @w: x"),
    ]


def test_of_a_page_of_tweets_only_the_kept_ones_are_stored(world, bring_in, evidence, pages):
    bring_in((pages / "twarc.jsonl").read_bytes())
    with world.database.read() as session:
        bodies = [read_body(session, evidence, digest) for digest in session.scalars(select(Fetch.body_sha256))]
        reposts = session.scalars(select(Post.external_id).where(Post.is_repost).order_by(Post.external_id)).all()
    assert reposts == ["1802", "1807"]
    assert not any(b"milik orang lain" in body or b"terkunci" in body for body in bodies)


@pytest.mark.parametrize("line", [b"[]", b"{}", b"{", b'{"data": [1]}', b"\xff", b"[" * 100_000])
def test_what_twarc_does_not_write_is_refused_with_its_line(line):
    with pytest.raises(BadInput, match=r"^2: not a line of twarc"):
        twarc.parse_posts(b'{"meta": {}}\n' + line)
