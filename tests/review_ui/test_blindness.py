"""Before one's own verdict stands, no byte of any answer tells the score or what others think."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from models.reviews import Review

SCORE = 0.8473
SECRETS = ("0.8473", "0,8473", "84.7", "85 %", "CALON_1", "<mark", "nomor NOMOR")
COLLEAGUE = "alasan-rahasia-rekan"


@pytest.fixture
def flag(site):
    """A flag with a telling score."""
    return site.picture_flag(score=SCORE)


def answers_to(browser, flag):
    """Everything a supervisor can get about a flag, as text with its headers."""
    paths = ["/", "/telaah", "/telaah?tab=sengketa", "/telaah?tab=selesai", "/laporan", f"/temuan/{flag.id}"]
    answers = [browser.get(path) for path in [*paths, f"/jejak/{flag.id}"]]
    answers.append(browser.post(f"/temuan/{flag.id}/pegang"))
    return [f"{answer.headers}\n{answer.text}" for answer in answers]


def let_undo_pass(site):
    """As if every verdict had been given a minute earlier."""
    with site.world.database.write() as session:
        for review in session.scalars(select(Review)):
            review.given_at -= dt.timedelta(minutes=1)


def test_a_reviewer_sees_no_score_before_their_verdict(site, flag):
    for answer in answers_to(site.sign_in("supervisor1"), flag):
        assert not [secret for secret in SECRETS if secret in answer]


def test_a_reviewer_does_not_see_a_colleagues_verdict_before_their_own(site, flag, verdict):
    site.sign_in("supervisor2").post(f"/temuan/{flag.id}/putusan", verdict(alasan=COLLEAGUE))
    for answer in answers_to(site.sign_in("supervisor1"), flag):
        assert COLLEAGUE not in answer
        assert not [secret for secret in SECRETS if secret in answer]
        assert "Dugaan pelanggaran</h3>" not in answer


def test_after_the_verdict_score_text_and_highlights_open(site, flag, verdict):
    browser = site.sign_in("supervisor1")
    browser.post(f"/temuan/{flag.id}/putusan", verdict())
    let_undo_pass(site)
    page = browser.get(f"/temuan/{flag.id}").text
    for secret in ("85 %", "CALON_1", "<mark"):
        assert secret in page


def test_nobody_looks_at_score_or_outcome_and_then_takes_their_verdict_back(site, flag, verdict):
    site.sign_in("supervisor2").post(f"/temuan/{flag.id}/putusan", verdict(alasan=COLLEAGUE))
    let_undo_pass(site)
    browser = site.sign_in("supervisor1")
    browser.post(f"/temuan/{flag.id}/putusan", verdict("no"))
    pages = [browser.get(path).text for path in (f"/temuan/{flag.id}", "/telaah?tab=selesai", f"/jejak/{flag.id}")]
    for page in pages:
        assert COLLEAGUE not in page
        assert "flag.disputed" not in page
        assert not [secret for secret in SECRETS if secret in page]
    assert "Sedang ditelaah" in pages[0]
    let_undo_pass(site)
    assert COLLEAGUE in browser.get(f"/temuan/{flag.id}").text
    assert "flag.disputed" in browser.get(f"/jejak/{flag.id}").text


def test_an_undone_verdict_closes_everything_again(site, flag, verdict):
    browser = site.sign_in("supervisor1")
    answer = browser.post(f"/temuan/{flag.id}/putusan", verdict())
    review = answer.headers["location"].split("putusan=")[1]
    browser.post(f"/telaah/{review}/batal")
    for answer in answers_to(browser, flag):
        assert not [secret for secret in SECRETS if secret in answer]


def test_one_who_steps_aside_does_not_see_the_score_while_the_flag_is_open(site, flag):
    browser = site.sign_in("supervisor1")
    browser.post(f"/temuan/{flag.id}/mundur", {"alasan": "tetangga"})
    for answer in answers_to(browser, flag):
        assert not [secret for secret in SECRETS if secret in answer]


def test_an_adjudicator_sees_both_reasons_but_neither_names_nor_score(site, flag, verdict):
    site.sign_in("supervisor1").post(f"/temuan/{flag.id}/putusan", verdict(alasan="alasan-pertama"))
    site.sign_in("supervisor2").post(f"/temuan/{flag.id}/putusan", verdict("no", alasan="alasan-kedua"))
    browser = site.sign_in("supervisor3")
    page = browser.get(f"/temuan/{flag.id}").text
    assert "alasan-pertama" in page
    assert "alasan-kedua" in page
    for name in ("Supervisor1", "Supervisor2"):
        assert name not in page
        assert name not in browser.get(f"/jejak/{flag.id}").text
    for answer in answers_to(browser, flag):
        assert not [secret for secret in SECRETS if secret in answer]


def test_the_queue_is_in_the_models_order(site):
    low, high = site.world.ready_flag("rendah", score=0.6), site.world.ready_flag("tinggi", score=0.95)
    page = site.sign_in("supervisor1").get("/telaah").text
    assert page.index(high.id) < page.index(low.id)
