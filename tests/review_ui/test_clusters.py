"""Copies of a text are shown side by side as posts; verdicts stay one by one, and nobody is counted or ranked."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from sqlalchemy import select

from models.accounts import Confidence, claim_attribution, save_account, verify_attribution
from models.clock import utc_now
from models.clustering import Likeness, join_posts, place_texts
from models.clusters import Cluster
from models.flags import Flag
from models.posts import Post
from models.reviews import Review
from models.targets import add_target

CIRCULAR = "Warga RT 04 kerja bakti Minggu pagi, bawa cangkul dan sapu."
COPY = "Warga RT 04 kerja bakti Sabtu pagi, bawa cangkul dan sapu."
BAND = (7,)


def accounts(world, count, first=0):
    """The world as seen from each of so many verified accounts."""
    seen = []
    with world.database.write() as session:
        for number in range(first, first + count):
            handle = f"@warga_rekaan_{number}@example.invalid"
            account = save_account(
                session, source="mastodon", handle=handle, url=f"https://example.invalid/{handle}", actor="test"
            )
            claim = claim_attribution(
                session, account, world.person, world.operator, evidence="uji", confidence=Confidence.OFFICIAL_RECORD
            )
            verify_attribution(session, claim, world.second_operator)
            target = add_target(
                session, world.mandate, source="mastodon", address=handle, account=account, actor="test"
            )
            seen.append(dataclasses.replace(world, account=account, target=target))
    return seen


def cluster(world, keys):
    """Put posts into clusters, as the stage would: by the number that stands for the text."""
    likes = [Likeness(post_id, world.mandate.id, 1, utc_now(), key, BAND) for post_id, key in keys.items()]
    with world.database.write() as session:
        join_posts(session, likes)
        place_texts(session)
        return session.scalars(select(Cluster.id)).one()


@dataclasses.dataclass
class Copies:
    """Two flagged copies and an unflagged one, of three accounts."""

    cluster_id: str
    flags: list[Flag]
    posts: list[Post]


@pytest.fixture
def copies(any_site) -> Copies:
    first, second, third = accounts(any_site.world, 3)
    flags = [first.ready_flag(CIRCULAR, score=0.8473), second.ready_flag(COPY, score=0.8473)]
    (plain,) = third.store(CIRCULAR)
    with any_site.world.database.write() as session:
        ids = [*(flag.post_id for flag in flags), plain.id]
        posts = list(session.scalars(select(Post).where(Post.id.in_(ids)).order_by(Post.id)))
        for days, post in enumerate(posts):
            post.posted_at = utc_now() - dt.timedelta(days=9 - days)
    keys = {posts[0].id: 1, posts[1].id: 2, posts[2].id: 1}
    return Copies(cluster(any_site.world, keys), flags, posts)


def test_a_reviewer_is_told_how_many_accounts_carry_the_text(any_site, copies):
    browser = any_site.sign_in("supervisor1")
    item = browser.get(f"/temuan/{copies.flags[0].id}").text
    assert "3 akun memuat teks yang sama atau hampir sama" in item
    assert f'href="/kelompok/{copies.cluster_id}"' in item
    assert browser.get("/telaah").text.count("3 akun memuat teks ini") == 2


def test_analysts_learn_the_number_alone(any_site, copies):
    page = any_site.sign_in("analyst").get(f"/temuan/{copies.flags[0].id}").text
    assert "3 akun memuat teks yang sama" in page
    assert "/kelompok/" not in page


def test_a_cluster_lists_its_posts_by_time_with_their_differences(any_site, copies):
    page = any_site.sign_in("supervisor1").get(f"/kelompok/{copies.cluster_id}").text
    places = [page.index(f"warga_rekaan_{number}") for number in range(3)]
    assert places == sorted(places)
    assert "<del>Minggu </del><ins>Sabtu </ins>" in page
    assert page.count("Sama dengan yang paling awal.") == 2
    assert page.count("Bukan temuan") == 1


def test_no_score_and_no_verdict_of_others_is_on_the_pages(any_site, copies, verdict):
    for name in ("supervisor2", "supervisor3"):
        any_site.sign_in(name).post(f"/temuan/{copies.flags[1].id}/putusan", verdict(alasan="alasan-rekan"))
    browser = any_site.sign_in("supervisor1")
    for path in ("/telaah", "/kelompok", f"/kelompok/{copies.cluster_id}", f"/temuan/{copies.flags[0].id}"):
        page = browser.get(path).text
        for secret in ("84.7", "85 %", "0.8473", "alasan-rekan", "Terkonfirmasi", "<mark"):
            assert secret not in page, path
    assert "Terkonfirmasi" in any_site.sign_in("auditor").get(f"/kelompok/{copies.cluster_id}").text


def test_a_reviewer_sees_the_outcome_of_what_they_judged(any_site, copies, verdict):
    for name in ("supervisor1", "supervisor2"):
        any_site.sign_in(name).post(f"/temuan/{copies.flags[1].id}/putusan", verdict())
    browser = any_site.sign_in("supervisor1")
    assert "Terkonfirmasi" not in browser.get(f"/kelompok/{copies.cluster_id}").text
    with any_site.world.database.write() as session:
        for review in session.scalars(select(Review)):
            review.given_at -= dt.timedelta(minutes=1)
    assert "Terkonfirmasi" in browser.get(f"/kelompok/{copies.cluster_id}").text


def test_the_list_shows_texts_of_at_least_two_accounts(any_site, copies):
    (alone,) = accounts(any_site.world, 1, first=3)
    posts = alone.store("Hujan lagi di pasar.", "Hujan lagi di pasar.")
    likes = [Likeness(post.id, any_site.world.mandate.id, 1, utc_now(), 9) for post in posts]
    with any_site.world.database.write() as session:
        join_posts(session, likes)
        place_texts(session)
    for tab in ("terbesar", "terbaru", "lain"):
        page = any_site.sign_in("auditor").get(f"/kelompok?tab={tab}").text
        assert f"/kelompok/{copies.cluster_id}" in page
        assert "2 di antaranya temuan awal" in page
        assert "Hujan lagi" not in page


def test_a_cluster_offers_no_verdict_for_all(any_site, copies):
    page = any_site.sign_in("supervisor1").get(f"/kelompok/{copies.cluster_id}").text
    assert "/putusan" not in page


def test_a_cluster_that_is_gone_is_answered_kindly(site):
    answer = site.sign_in("supervisor1").get("/kelompok/01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert answer.status_code == 404
    assert "Tidak ditemukan" in answer.text
