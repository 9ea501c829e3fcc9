"""What the oversight page shows of drift."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest
from playwright.sync_api import sync_playwright

from models.clock import utc_now
from models.drift import SCORE_BINS, Drift, DriftDay, Shift, Tally, store_measurement
from review_ui.queries.drifting import bars

LAST = dt.date(2026, 11, 19)
BEFORE = Tally(posts=4_000, flagged=40, scores=(3_000, 600, 200, 100, 50, 30, 20, *[0] * (SCORE_BINS - 7)),
               words=40_000, unknown_words=4_400, pieces=60_000, unknown_pieces=60, naming={"CALON": 200})  # fmt: skip
NOW = Tally(posts=2_000, flagged=160, scores=(700, 400, 250, 150, 100, 80, 60, 40, 40, 20, *[16] * 10),
            words=20_000, unknown_words=4_900, pieces=30_000, unknown_pieces=45, naming={"CALON": 420})  # fmt: skip
REFERENCE = Tally(posts=900, words=9_000, unknown_words=900, pieces=14_000, unknown_pieces=20)


def _shift(psi):
    return Shift(first_day=LAST - dt.timedelta(days=41), last_day=LAST - dt.timedelta(days=14), tally=BEFORE, psi=psi,
                 floor=0.08)  # fmt: skip


def _store(world, drift, last=LAST):
    day = DriftDay(mandate_id=world.mandate.id, model="netra-uji@1", weights_sha256="0" * 64, day=last, tally={})
    with world.database.write() as session:
        first = last - dt.timedelta(days=13)
        assert store_measurement(session, day, drift, first_day=first, actor="test", at=utc_now())


def test_before_anything_was_measured_the_page_says_so(site):
    assert "Belum diukur" in site.sign_in("auditor").get("/pengawasan").text


def test_an_alarm_stands_with_its_figures_and_what_to_do(any_site):
    _store(any_site.world, Drift(now=NOW, previous=_shift(0.41), reference=REFERENCE))
    page = any_site.sign_in("auditor").get("/pengawasan").text
    assert "Bawaslu Kabupaten Tanjung Seruni · 001/ST/2026" in page
    for words in ("Sebaran skor berubah.", "Undi dan baca sampel", "Kata yang tidak dikenal model berlipat."):
        assert words in page
    for figure in ("24,5 %", "11,0 %", "10,0 %", "8,0 %", "0,41", "0,08"):
        assert figure in page


def test_a_newer_quiet_measurement_takes_the_alarms_place(site):
    _store(site.world, Drift(now=NOW, previous=_shift(0.41)))
    _store(site.world, Drift(now=BEFORE, previous=_shift(0.02)), LAST + dt.timedelta(days=1))
    page = site.sign_in("auditor").get("/pengawasan").text
    assert "Tidak ada pergeseran berarti" in page
    assert "Sebaran skor berubah." not in page
    assert "tidak membawa acuan latih" in page


def test_bars_are_shares_so_that_more_posts_are_not_taller():
    drawn = bars(Drift(now=BEFORE, previous=_shift(0).model_copy(update={"tally": BEFORE + BEFORE})))
    assert [bar.now for bar in drawn] == [bar.before for bar in drawn]
    assert max(bar.now for bar in drawn) == 1
    assert all(bar.now == 0 and bar.before is None for bar in bars(Drift(now=Tally())))


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_a_desk_and_a_telephone(site, width, tmp_path):
    _store(site.world, Drift(now=NOW, previous=_shift(0.41), first=_shift(0.5), reference=REFERENCE))
    browser = site.sign_in("auditor")
    sheet = browser.get("/static/netra.css").text
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": width, "height": 900})
        page.set_content(browser.get("/pengawasan").text)
        page.add_style_tag(content=sheet)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        heights = page.locator(".histogram rect.now").evaluate_all(
            "rows => rows.map(r => r.getBoundingClientRect().height)"
        )
        page.locator(".drift").screenshot(path=tmp_path / "drift.png")
        chromium.close()
    assert len(heights) == SCORE_BINS
    assert heights[0] > heights[1] > heights[5] > 0
