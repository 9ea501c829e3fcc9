"""Judging a flag through the pages."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.flags import Flag, FlagState
from models.reviews import Lease, Review


def state_of(site, flag):
    """Where the flag stands now."""
    with site.world.database.read() as session:
        return session.get_one(Flag, flag.id).state


def test_two_people_confirm_and_the_flag_waits_for_a_report(any_site, verdict):
    flag = any_site.world.ready_flag()
    for username in ("supervisor1", "supervisor2"):
        answer = any_site.sign_in(username).post(f"/temuan/{flag.id}/putusan", verdict())
        assert answer.status_code == 303
    assert state_of(any_site, flag) is FlagState.CONFIRMED
    assert flag.id in any_site.sign_in("supervisor3").get("/laporan").text


def test_after_a_verdict_the_next_flag_comes_with_a_way_back(site, verdict):
    first, second = site.world.ready_flag(score=0.9), site.world.ready_flag(score=0.8)
    browser = site.sign_in("supervisor1")
    answer = browser.post(f"/temuan/{first.id}/putusan", verdict())
    path, _, review = answer.headers["location"].partition("?putusan=")
    assert path == f"/temuan/{second.id}"
    page = browser.get(answer.headers["location"]).text
    assert f'action="/telaah/{review}/batal"' in page
    assert browser.post(f"/telaah/{review}/batal").headers["location"].startswith(f"/temuan/{first.id}")
    assert f'action="/temuan/{first.id}/putusan"' in browser.get(f"/temuan/{first.id}").text


def test_nobody_is_offered_to_undo_anothers_verdict(site, verdict):
    flag = site.world.ready_flag()
    answer = site.sign_in("supervisor1").post(f"/temuan/{flag.id}/putusan", verdict())
    review = answer.headers["location"].split("putusan=")[1]
    other = site.sign_in("supervisor2")
    assert review not in other.get(f"/telaah?putusan={review}").text
    assert other.post(f"/telaah/{review}/batal").status_code == 403


def test_a_disagreement_is_settled_by_a_third_person(site, verdict):
    flag = site.world.ready_flag()
    site.sign_in("supervisor1").post(f"/temuan/{flag.id}/putusan", verdict())
    site.sign_in("supervisor2").post(f"/temuan/{flag.id}/putusan", verdict("no"))
    assert state_of(site, flag) is FlagState.DISPUTED
    assert flag.id not in site.sign_in("supervisor1").get("/telaah?tab=sengketa").text
    third = site.sign_in("supervisor3")
    assert flag.id in third.get("/telaah?tab=sengketa").text
    assert "Menengahi sengketa" in third.get(f"/temuan/{flag.id}").text
    third.post(f"/temuan/{flag.id}/putusan", verdict("no"))
    assert state_of(site, flag) is FlagState.DISMISSED


def test_the_same_person_is_not_asked_twice(site, verdict):
    flag = site.world.ready_flag()
    browser = site.sign_in("supervisor1")
    browser.post(f"/temuan/{flag.id}/putusan", verdict())
    assert flag.id not in browser.get("/telaah").text
    answer = browser.post(f"/temuan/{flag.id}/putusan", verdict())
    assert answer.status_code == 403
    assert "dua orang yang berbeda" in answer.text


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"alasan": " "}, "Tuliskan alasan."),
        ({"meringankan": ""}, "Tuliskan apa yang meringankan"),
        ({"bentuk": []}, "pilih sedikitnya satu bentuk"),
        ({"bentuk": ["ON-9"]}, "Jawab setiap pertanyaan"),
        ({"orang": ""}, "Jawab setiap pertanyaan"),
        ({"memihak": "maybe"}, "Jawab setiap pertanyaan"),
        ({"suara": "x"}, "Jawab setiap pertanyaan"),
    ],
)
def test_an_incomplete_verdict_changes_nothing_and_says_what_is_missing(site, verdict, changes, line):
    flag = site.world.ready_flag()
    answer = site.sign_in("supervisor1").post(f"/temuan/{flag.id}/putusan", verdict(**changes))
    assert answer.status_code == 422
    assert line in answer.text
    with site.world.database.read() as session:
        assert session.scalars(select(Review)).all() == []


def test_for_htmx_a_refusal_is_one_line_beside_the_form(site, verdict):
    flag = site.world.ready_flag()
    browser = site.sign_in("supervisor1")
    answer = browser.post(f"/temuan/{flag.id}/putusan", verdict(alasan=""), headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert answer.headers["hx-retarget"] == "#galat"
    assert "<html" not in answer.text
    browser.client.cookies.clear()
    answer = browser.client.post(f"/temuan/{flag.id}/putusan", headers={"HX-Request": "true"})
    assert answer.headers["hx-redirect"].startswith("/masuk")


def test_stepping_aside_needs_a_reason_and_leaves_the_flag_to_others(site):
    flag = site.world.ready_flag()
    browser = site.sign_in("supervisor1")
    assert browser.post(f"/temuan/{flag.id}/mundur", {"alasan": ""}).status_code == 422
    assert browser.post(f"/temuan/{flag.id}/mundur", {"alasan": "satu kantor"}).status_code == 303
    assert flag.id not in browser.get("/telaah").text
    assert flag.id in site.sign_in("supervisor2").get("/telaah").text


def test_reading_a_flag_takes_no_lease_and_holding_it_shows_the_holder(site):
    flag = site.world.ready_flag()
    first, second, third = (site.sign_in(f"supervisor{n}") for n in (1, 2, 3))
    first.get(f"/temuan/{flag.id}")
    with site.world.database.read() as session:
        assert session.scalars(select(Lease)).all() == []
        assert session.get_one(Flag, flag.id).first_viewed_at is None
    first.post(f"/temuan/{flag.id}/pegang")
    assert "Dibuka Supervisor1" in second.get("/telaah").text
    assert "dibuka juga oleh Supervisor1" in second.post(f"/temuan/{flag.id}/pegang").text
    assert "sedang menelaah temuan ini" in third.post(f"/temuan/{flag.id}/pegang").text


def test_the_queue_ends_where_the_days_capacity_does(make_site, verdict):
    site = make_site(reviews_per_day=2)
    flags = [site.world.ready_flag(f"unggahan {n}", score=0.9 - n / 100) for n in range(4)]
    browser = site.sign_in("supervisor1")
    page = browser.get("/telaah").text
    assert [flag.id in page for flag in flags] == [True, True, False, False]
    assert "Ditampilkan 2 dari 4" in page
    for flag in flags[:2]:
        browser.post(f"/temuan/{flag.id}/putusan", verdict())
    assert "Jatah telaah hari ini selesai" in browser.get("/telaah").text


def test_an_edited_post_shows_what_changed(site):
    site.world.store("Terima kasih Bu Lodra", url="https://example.invalid/edited")
    flag = site.world.ready_flag("Terima kasih Bu Lodra, lanjutkan")
    with site.world.database.write() as session:
        from models.posts import PostVersion  # noqa: PLC0415

        first = session.scalars(select(PostVersion).where(PostVersion.post_id == flag.post_id)).one()
        later = PostVersion(
            post_id=flag.post_id,
            number=2,
            text="Terima kasih Pemkab",
            text_sha256="0" * 64,
            seen_at=first.seen_at,
            edited_at=first.seen_at,
            fetch_id=first.fetch_id,
            locator="/0",
        )
        session.add(later)
    page = site.sign_in("supervisor1").get(f"/temuan/{flag.id}").text
    assert "<del>Bu" in page
    assert "<ins>Pemkab</ins>" in page
