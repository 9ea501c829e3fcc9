"""Posts as Bluesky's AppView and an account's own server send them, and as nobody should."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.platforms.bluesky_posts import read_feed, read_records
from crawler.source import Answer, Ask, Blocked, Gone, KnownPost
from crawler.sources.bluesky import Bluesky, parse_posts
from models.errors import BadInput

PAGES = Path(__file__).parent / "pages"
FEED, RECORDS = (PAGES / "bluesky_feed.json").read_bytes(), (PAGES / "bluesky_records.json").read_bytes()
DID, OTHER = "did:plc:warga2rekaan3dermaga4xy", "did:plc:warta5rekaan6pasar7dermag"
ADDRESS = "https://bsky.app/profile/sari.seruni.example"
URI = f"at://{DID}/app.bsky.feed.post/3mimagesaaa2a"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def posts():
    return {post.external_id.rpartition("/")[2]: post for post in parse_posts(FEED).posts}


def attached(key, kind):
    return [each for each in posts()[key].attachments if each["kind"] == kind]


def test_a_post_keeps_its_uri_text_time_author_and_a_link_that_outlives_handles():
    post = posts()["3mimagesaaa2a"]
    assert post.external_id == URI
    assert post.text == "Selamat pagi @rakanila.seruni.example\nBaca warta.seruni.example/panj... #SeruniBangkit"
    assert post.url == f"https://bsky.app/profile/{DID}/post/3mimagesaaa2a"
    assert (post.author, post.is_repost, post.locator) == ("sari.seruni.example", False, "/feed/1")
    assert post.posted_at.isoformat() == "2026-10-05T07:30:00+00:00"


def test_images_hidden_tags_and_whole_links_are_attached():
    assert [image.get("description") for image in attached("3mimagesaaa2a", "image")] == [
        "Spanduk di tepi dermaga",
        None,
    ]
    assert attached("3mimagesaaa2a", "link") == [{"kind": "link", "url": "https://warta.seruni.example/panjang/sekali"}]
    assert attached("3mimagesaaa2a", "tags") == [{"kind": "tags", "texts": ["dermaga"]}]
    assert attached("3mgalleryaa2a", "image")[0]["description"] == "Peta"


def test_a_quoted_text_is_told_apart_from_the_authors_own_words():
    (quote,) = attached("3mquoteaaaa2a", "quote")
    assert posts()["3mquoteaaaa2a"].text == "Akhirnya!"
    assert (quote["author"], quote["text"]) == ("warta.seruni.example", "Jembatan diresmikan pekan ini.")
    assert "description" not in quote


def test_videos_vanished_quotes_cards_lists_and_replies_are_attached():
    assert posts()["3mvideoaaaa2a"].text == ""
    assert attached("3mvideoaaaa2a", "video")[0]["description"] == "Arak-arakan kapal"
    assert attached("3mvideoaaaa2a", "quote")[0]["url"].endswith("/post/3mgoneaaaaa2a")
    assert attached("3mcardaaaaa2a", "link")[0]["title"] == "Debat pertama"
    assert attached("3mcardaaaaa2a", "reply")[0]["url"] == f"https://bsky.app/profile/{OTHER}/post/3mwartaaaaa2b"
    assert attached("3mlistaaaaa2a", "quote")[0]["title"] == "Warga Seruni"


def test_a_repost_is_by_its_first_author_and_leaves_that_authors_id_alone():
    (repost,) = [post for post in parse_posts(FEED).posts if post.is_repost]
    assert (repost.author, repost.text) == ("warta.seruni.example", "Jembatan diresmikan pekan ini.")
    assert repost.external_id == f"at://{OTHER}/app.bsky.feed.post/3mwartaaaaa2b#repost:{DID}"
    assert repost.posted_at.isoformat() == "2026-10-05T05:00:00+00:00"


def test_a_pinned_post_is_the_accounts_own_and_stands_outside_the_order():
    assert not posts()["3mpinnedaaa2a"].is_repost
    assert min(read_feed(FEED, DID).moments).year == 2026


def test_what_is_not_understood_or_of_another_account_is_counted():
    strange = parse_posts(FEED, DID).unparsed
    assert [(item.locator, item.reason) for item in strange] == [
        ("/feed/8", "post of another account"),
        ("/feed/9", "post without text"),
        ("/feed/10", "repost by another account"),
        ("/feed/11", "post of another account"),
    ]


def test_records_of_the_accounts_own_server_are_the_same_posts():
    listing = read_records(RECORDS, "", "sari.seruni.example")
    first, second = listing.parsed.posts
    assert listing.did == DID
    assert (first.external_id, first.url) == (URI, posts()["3mimagesaaa2a"].url)
    assert (first.author, first.attachments[0]["description"]) == ("sari.seruni.example", "Spanduk di tepi dermaga")
    assert second.attachments[0]["url"].endswith("3mwartaaaaa2b")
    assert [item.locator for item in listing.parsed.unparsed] == ["/records/2", "/records/3"]


@pytest.mark.parametrize(
    "address",
    [
        "https://bsky.app/profile/sari.seruni.example",
        "https://bsky.app/profile/sari.seruni.example/",
        "https://bsky.app/profile/@Sari.Seruni.Example",
        "at://sari.seruni.example",
        f"https://bsky.app/profile/{DID}",
        f"https://bsky.app/profile/{DID.replace(':', '%3A')}",
        f"at://{DID}",
    ],
)
def test_profiles_are_asked_of_the_public_appview(address):
    ask = Bluesky().begin(address, {})
    assert ask.url.startswith("https://public.api.bsky.app/xrpc/app.bsky.feed.getAuthorFeed?actor=")
    assert "sari.seruni.example&" in ask.url or DID.replace(":", "%3A") in ask.url


def test_another_host_is_asked_itself():
    ask = Bluesky().begin("https://alun.seruni.example:8443/profile/sari.seruni.example", {})
    assert ask.url.startswith("https://alun.seruni.example:8443/xrpc/app.bsky.feed.getAuthorFeed?")


@pytest.mark.parametrize(
    "address",
    [
        "https://bsky.app/profile/",
        "https://bsky.app/profile/sari",
        "https://bsky.app/profile/sari.example/post/3m",
        "https://bsky.app/",
        "ftp://bsky.app/profile/a.example",
        "https://u@bsky.app/profile/a.example",
        "at://did:plc:../../x",
        "https://[/profile/a.example",
        "sari.seruni.example",
    ],
)
def test_other_addresses_are_bad_input(address):
    with pytest.raises(BadInput):
        Bluesky().begin(address, {})


def refuse(body, status=400, watermark=None, ask=None):
    source = Bluesky()
    ask = ask or source.begin(ADDRESS, watermark or {})
    answer = Answer(ask.url, {}, body if isinstance(body, bytes) else json.dumps(body).encode())
    return source.refused(ADDRESS, watermark or {}, ask, status, answer)


@pytest.mark.parametrize(
    ("name", "message", "error"),
    [
        ("InvalidRequest", "Profile not found", Gone),
        ("InvalidRequest", "Unable to resolve handle", Gone),
        ("AccountTakedown", "Account has been suspended", Gone),
        ("AccountDeactivated", "Account is deactivated", Gone),
        ("BlockedActor", "Requester has blocked actor", Blocked),
        ("BlockedByActor", "Requester is blocked by actor", Blocked),
    ],
)
def test_errors_say_by_name_that_an_account_is_gone_or_hidden(name, message, error):
    with pytest.raises(error):
        refuse({"error": name, "message": message})


def test_an_appview_that_does_not_serve_is_replaced_once_by_the_accounts_server():
    watermark = {"did": DID, "pds": "https://pds.seruni.example"}
    for status in (401, 403, 500, 502, 503):
        instead = refuse(b"<html>", status, watermark)
        assert instead.url.startswith("https://pds.seruni.example/xrpc/com.atproto.repo.listRecords?repo=did%3Aplc")
        assert refuse(b"<html>", status, watermark, ask=instead) is None


def test_a_server_that_asks_to_wait_is_not_gone_around():
    assert refuse({"error": "RateLimitExceeded"}, 429, {"did": DID, "pds": "https://pds.seruni.example"}) is None


def test_without_a_did_there_is_nobody_else_to_ask():
    assert refuse(b"", 503) is None


@pytest.mark.parametrize(
    ("did", "document"),
    [
        (DID, f"https://plc.directory/{DID}"),
        ("did:web:dermaga.seruni.example", "https://dermaga.seruni.example/.well-known/did.json"),
    ],
)
def test_the_accounts_server_is_found_through_its_identity_document(did, document):
    source, watermark = Bluesky(), {"did": did}
    ask = refuse(b"", 502, watermark)
    assert ask.url == document
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example/"}
    body = json.dumps({"id": did, "service": [{"id": "#other"}, service]}).encode()
    page = source.read(ADDRESS, watermark, ask, Answer(ask.url, {}, body))
    assert page.watermark == {"did": did, "pds": "https://pds.example"}
    assert page.following.url.startswith("https://pds.example/xrpc/com.atproto.repo.listRecords?")


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"id": DID},
        {"id": DID, "service": {}},
        {"id": "did:plc:lain", "service": []},
        {"id": DID, "service": [{"id": "#atproto_pds", "serviceEndpoint": "http://pds.example"}]},
        {"id": DID, "service": [{"id": "#atproto_pds", "serviceEndpoint": "https://["}]},
        {"id": DID, "service": [{"id": "#atproto_pds", "serviceEndpoint": ["https://pds.example"]}]},
    ],
)
def test_an_identity_document_without_a_usable_server_is_bad_input(document):
    ask = Ask(f"https://plc.directory/{DID}", "identity")
    with pytest.raises(BadInput):
        Bluesky().read(ADDRESS, {"did": DID}, ask, Answer(ask.url, {}, json.dumps(document).encode()))


def test_an_account_that_moved_is_looked_for_again_and_gone_when_it_did_not():
    source, watermark = Bluesky(), {"did": DID, "pds": "https://lama.example"}
    ask = refuse(b"", 503, watermark)
    again = refuse({"error": "InvalidRequest", "message": f"Could not find repo: {DID}"}, 400, watermark, ask)
    assert again.url == f"https://plc.directory/{DID}"

    def located(endpoint):
        body = json.dumps({"id": DID, "service": [{"id": "#atproto_pds", "serviceEndpoint": endpoint}]}).encode()
        return source.read(ADDRESS, watermark, again, Answer(again.url, {}, body))

    assert located("https://baru.example").watermark["pds"] == "https://baru.example"
    with pytest.raises(Gone):
        located("https://lama.example")


def test_a_page_missing_at_what_should_be_the_accounts_server_says_nothing_of_the_account():
    ask = Ask("https://pds.example/xrpc/com.atproto.repo.listRecords?repo=x", "records:newest")
    with pytest.raises(BadInput, match="404"):
        refuse(b"<html>", 404, {"did": DID, "pds": "https://pds.example"}, ask)
    unknown = Ask(f"https://plc.directory/{DID}", "identity")
    assert refuse({"message": "DID not registered"}, 404, {"did": DID}, unknown) is None


def test_an_account_for_signed_in_visitors_only_is_left_alone():
    page = json.loads(FEED)
    page["feed"][1]["post"]["author"]["labels"] = [{"src": DID, "val": "!no-unauthenticated"}]
    ask = Bluesky().begin(ADDRESS, {})
    with pytest.raises(Blocked):
        Bluesky().read(ADDRESS, {}, ask, Answer(ask.url, {}, json.dumps(page).encode()))


def recheck(body):
    source = Bluesky()
    ask = source.recheck(ADDRESS, {"did": DID}, KnownPost(URI, None, None))
    assert ask.url.startswith("https://public.api.bsky.app/xrpc/app.bsky.feed.getPosts?uris=at%3A%2F%2Fdid%3Aplc")
    return source.reread(ADDRESS, {"did": DID}, ask, Answer(ask.url, {}, json.dumps(body).encode()))


def test_a_post_that_is_left_out_of_the_answer_is_gone():
    with pytest.raises(Gone):
        recheck({"posts": []})
    with pytest.raises(BadInput):
        recheck([])


def test_a_post_asked_for_by_itself_is_read():
    view = json.loads(FEED)["feed"][1]["post"]
    view["record"]["text"] = "Ralat"
    again = recheck({"posts": [view]})
    assert (again.external_id, again.text) == (URI, "Ralat")


def test_a_post_the_appview_does_not_tell_about_is_asked_of_the_accounts_server():
    source, watermark = Bluesky(), {"did": DID, "handle": "sari.seruni.example", "pds": "https://pds.example"}
    ask = source.recheck(ADDRESS, watermark, KnownPost(URI, None, None))
    at_home = refuse(b"", 503, watermark, ask)
    assert at_home.url.startswith("https://pds.example/xrpc/com.atproto.repo.getRecord?repo=did%3Aplc")
    record = json.dumps(json.loads(RECORDS)["records"][0]).encode()
    assert source.reread(ADDRESS, watermark, at_home, Answer(at_home.url, {}, record)).text == "Selamat pagi"
    with pytest.raises(Gone):
        refuse({"error": "RecordNotFound", "message": "Could not locate record"}, 400, watermark, at_home)


def test_of_a_repost_there_is_nothing_to_ask_for():
    assert Bluesky().recheck(ADDRESS, {}, KnownPost(f"{URI}#repost:{OTHER}", None, None)) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"feed": {}}', b'{"feed": 1}'])
def test_a_body_that_is_no_page_is_bad_input(body):
    with pytest.raises(BadInput):
        parse_posts(body, DID)
    with pytest.raises(BadInput):
        read_records(body, DID, "")


def paths(value, prefix=()):
    found = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in found:
        yield (*prefix, key)
        yield from paths(inner, (*prefix, key))


@given(st.data(), st.sampled_from([FEED, RECORDS]), st.integers(1, 4))
def test_no_json_breaks_the_connector(data, body, changes):
    page = json.loads(body)
    for _ in range(changes):
        *way, last = data.draw(st.sampled_from(list(paths(page))))
        place = page
        for step in way:
            place = place[step]
        place[last] = data.draw(json_values)
        if not isinstance(page.get("feed", page.get("records")), list) or not list(paths(page)):
            break
    raw = json.dumps(page).encode()
    kind = "feed:newest" if body is FEED else "records:older"
    watermark = {"did": DID, "pds": "https://pds.example"}
    with contextlib.suppress(BadInput, Blocked):
        page = Bluesky().read(ADDRESS, watermark, Ask("https://x.example/", kind), Answer("", {}, raw))
        assert json.loads(json.dumps(page.watermark)) == page.watermark
    with contextlib.suppress(BadInput, Blocked, Gone):
        Bluesky().refused(ADDRESS, watermark, Ask("https://x.example/", kind), 400, Answer("", {}, raw))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_connector(body):
    for kind in ("feed:newest", "records:newest", "identity"):
        with contextlib.suppress(BadInput):
            Bluesky().read(ADDRESS, {"did": DID}, Ask("https://x.example/", kind), Answer("", {}, body))
    ask = Bluesky().recheck(ADDRESS, {}, KnownPost(URI, None, None))
    with contextlib.suppress(BadInput, Gone):
        Bluesky().reread(ADDRESS, {}, ask, Answer(ask.url, {}, body))
