"""One post stays one post, whatever its guid, address and text do."""

import dataclasses
import datetime as dt
import html
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.feeds.identity import remembered
from crawler.sources.feed import parse_posts

ADDRESS = "https://warta.example/feed.xml"
START = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
WORDS = ["pasar", "dermaga", "upacara", "jembatan", "lomba", "guru", "nelayan", "kapal", "pasir", "laut", "sawah"]


@dataclasses.dataclass
class Article:
    """What the site's own database holds."""

    number: int
    title: str
    body: str
    host: str = "satu.warta.example"
    slug: str = ""
    edits: int = 0

    @property
    def link(self):
        return f"https://{self.host}/berita/{self.slug}-{self.number}"


def feed(*items):
    parts = [
        "<item>" + "".join(f"<{name}>{html.escape(str(value))}</{name}>" for name, value in item.items()) + "</item>"
        for item in items
    ]
    return f"<rss version='2.0'><channel>{''.join(parts)}</channel></rss>".encode()


def read(body, memory):
    """Parse, and carry the memory over as JSON, as the watermark does."""
    parsed, known = parse_posts(body, address=ADDRESS, memory=memory)
    assert not parsed.unparsed
    return parsed.posts, remembered(json.loads(json.dumps([entry.as_row() for entry in known])))


def ids(*states):
    memory, result = [], []
    for state in states:
        posts, memory = read(feed(*state), memory)
        result.append([post.external_id for post in posts])
    return result


def item(title, link=None, guid=None, at="Mon, 05 Oct 2026 07:00:00 GMT", **more):
    fields = {"title": title, "link": link, "guid": guid, "pubDate": at, **more}
    return {name: value for name, value in fields.items() if value is not None}


A, B = "https://warta.example/pasar-baru", "https://warta.example/dermaga-tutup"


def test_positional_guids_name_nothing():
    (before,), after = ids([item("Pasar", A, 1)], [item("Dermaga", B, 1), item("Pasar", A, 2)])
    assert after[1] == before
    assert after[0] != before


def test_an_edited_text_at_the_same_address_is_the_same_post():
    (before,), (after,) = ids([item("Pasar buka", A)], [item("Pasar tutup", A, description="Ralat")])
    assert after == before


def test_a_moved_address_with_a_stable_guid_is_the_same_post():
    (before,), (after,) = ids([item("Pasar", A, "tag:x,1")], [item("Pasar", B, "tag:x,1")])
    assert after == before


def test_a_guid_that_is_used_again_for_another_post_names_two():
    later = "Tue, 06 Oct 2026 07:00:00 GMT"
    (before,), (after,) = ids([item("Pasar", A, "tag:x,1")], [item("Dermaga", B, "tag:x,1", later)])
    assert after != before


def test_a_guid_that_all_items_share_names_none():
    ((first, second),) = ids([item("Pasar", A, "https://warta.example/"), item("Dermaga", B, "https://warta.example/")])
    assert first != second


def test_a_guid_that_was_the_address_and_becomes_a_position_changes_nothing():
    (before,), (after,) = ids([item("Pasar", A, A)], [item("Pasar", A, 1)])
    assert after == before


def test_a_feed_whose_links_all_lead_home_is_told_apart_by_guid():
    home = "https://warta.example/"
    (first, second), (third, again) = ids(
        [item("Satu", home, "tag:x,1"), item("Dua", home, "tag:x,2")],
        [item("Tiga", home, "tag:x,3"), item("Satu", home, "tag:x,1")],
    )
    assert again == first
    assert len({first, second, third}) == 3


def test_one_item_at_a_time_on_one_page_is_many_posts():
    later = "Tue, 06 Oct 2026 07:00:00 GMT"
    (first,), (second,) = ids([item("Satu", A, "tag:x,1")], [item("Dua", A, "tag:x,2", later)])
    assert first != second


def test_the_same_item_twice_in_one_response_is_one_post():
    ((only,),) = ids([item("Pasar", A, 1), item("Pasar", A, 1)])
    assert only


def test_an_article_listed_at_two_positions_is_one_post():
    (before,), (after,) = ids([item("Pasar", A, 1)], [item("Pasar (ralat)", A, 1), item("Pasar", A, 2)])
    assert after == before


def test_an_address_that_moves_while_title_and_time_stay_is_the_same_post():
    (before,), (after,) = ids([item("Pasar tutup", A)], [item("Pasar tutup", "https://warta.example/x/y", 1)])
    assert after == before


def test_a_weak_sign_does_not_take_the_post_that_a_strong_one_names():
    moved = "https://warta.example/lain/pasar-baru-sekali"
    (before,), (stranger, after) = ids([item("Pasar", A)], [item("Pasar", moved), item("Pasar", A)])
    assert after == before
    assert stranger != before


def test_items_without_guid_and_link_are_known_by_title_and_time():
    (before,), after = ids([item("Pasar")], [item("Dermaga", at="Tue, 06 Oct 2026 07:00:00 GMT"), item("Pasar")])
    assert after[1] == before
    assert after[0] != before


def test_tracking_parameters_scheme_and_www_are_no_part_of_an_address():
    (before,), (after,) = ids(
        [item("Pasar", "http://www.warta.example/pasar/?utm_source=rss")],
        [item("Pasar (ralat)", "https://warta.example/pasar#x")],
    )
    assert after == before


def test_two_feeds_with_the_same_items_do_not_write_into_each_other():
    body = feed(item("Pasar", A, "tag:x,1"))
    (one,), (other,) = (parse_posts(body, address=address)[0].posts for address in (ADDRESS, "https://lain.example/f"))
    assert one.external_id != other.external_id


def test_dates_at_the_end_of_addresses_are_no_article_numbers():
    (before,), (after,) = ids(
        [item("Harga ikan hari ini", "https://x.example/harga-20261005")],
        [item("Harga ikan hari ini", "https://x.example/ikan-20261005", at="Tue, 06 Oct 2026 07:00:00 GMT")],
    )
    assert before != after


changes = st.sampled_from(["new", "edit body", "edit title", "new slug", "new host", "nothing"])


@settings(max_examples=60)
@given(st.lists(st.tuples(changes, st.integers(0, 200)), min_size=1, max_size=40), st.integers(1, 8), st.booleans())
def test_a_site_that_edits_and_moves_its_articles_loses_none_and_doubles_none(steps, window, positional):
    articles, memory = [], []
    given_ids, texts = {}, {}
    for change, pick in steps:
        if change == "new" or not articles:
            n = len(articles)
            title = f"{WORDS[pick % len(WORDS)]} {WORDS[(pick + n) % len(WORDS)]} kejadian {n}"
            articles.append(Article(1_800_001 + n, title, f"Isi {n}", slug=title.replace(" ", "-")))
        else:
            mutate(articles[-1 - pick % min(len(articles), window)], change)
        shown = articles[-window:][::-1]
        state = [shown_as(a, n if positional else a.link) for n, a in enumerate(shown, 1)]
        posts, memory = read(feed(*state), memory)
        assert len(posts) == len(shown)
        for article, post in zip(shown, posts, strict=True):
            assert given_ids.setdefault(article.number, post.external_id) == post.external_id
            assert post.text == f"{article.title}\n\n{article.body}"
            texts.setdefault(post.external_id, set()).add(article.number)
    assert all(len(numbers) == 1 for numbers in texts.values())


def shown_as(article, guid):
    published = (START + dt.timedelta(hours=article.number)).isoformat()
    return item(article.title, article.link, guid, at=published, description=article.body)


def mutate(article, change):
    article.edits += 1
    if change == "edit body":
        article.body += f" ralat {article.edits}"
    elif change == "edit title":
        article.title += f" (ralat {article.edits})"
    elif change == "new slug":
        article.slug = f"judul-lain-{article.edits}"
    elif change == "new host":
        article.host = "www.warta.example"
