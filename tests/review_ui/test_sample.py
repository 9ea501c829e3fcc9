"""The sample page: two people read drawn posts by keyboard, blind to each other, to the score and to whose it is."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import shutil
import socket
import threading
import time

import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import select, update

from models.assessments import Act, Assessment, Finding, ModelIdentity, Voice, store_assessments
from models.clock import utc_now
from models.mandates import Mandate
from models.posts import PostVersion, Sighting
from models.reviews import Answer, Verdict, give_verdict
from models.samples import Sample, SampleAct, SampleDraw, SampleLabel, draw_sample
from review_ui.hostile_text import with_slots

WORDS = {"CALON": "Calon {n}", "PARTAI": "Partai {n}", "SLOGAN": "Slogan {n}", "NOMOR": "Nomor urut {n}"}


@pytest.fixture
def assess():
    def store(world, *texts):
        posts = world.store(*texts)
        with world.database.write() as session:
            findings = []
            for post in posts:
                version = session.scalars(select(PostVersion).where(PostVersion.post_id == post.id)).one()
                finding = Finding(0.4321, flagged=False, act=Act.NONE, voice=Voice.OWN, targets=[],
                                  masked=version.text, spans=[])  # fmt: skip
                findings.append((session.get_one(Sighting, (post.id, world.mandate.id)), version, finding))
            store_assessments(session, findings, ModelIdentity("m", "1", "0" * 64, 0.5), actor="test")

    return store


def draw(site, count=50):
    answer = site.sign_in("analyst").post("/sampel/undi", {"mandat": site.world.mandate.id, "jumlah": count})
    assert answer.status_code == 303, answer.text


def shown(browser):
    """The id of the sample on the page, or None."""
    found = re.search(r'action="/sampel/(\w+)/label"', browser.get("/sampel").text)
    return found and found.group(1)


def give(browser, act="none", voice="own"):
    return browser.post(f"/sampel/{shown(browser)}/label", {"perbuatan": act, "suara": voice})


def test_the_empty_page_teaches(site):
    page = site.sign_in("analyst").get("/sampel").text
    assert "Belum ada sampel" in page
    assert "netra sample draw --count 50" in page
    assert "Undi sampel baru" in page
    assert "Undi sampel baru" not in site.sign_in("supervisor1").get("/sampel").text


def test_only_analysts_draw(site, assess):
    assess(site.world, "kabar")
    form = {"mandat": site.world.mandate.id, "jumlah": 1}
    assert site.sign_in("supervisor1").post("/sampel/undi", form).status_code == 403
    assert site.sign_in("auditor").post("/sampel/undi", form).status_code == 403


@pytest.mark.parametrize("count", ["0", "1001", "x", ""])
def test_a_wrong_number_is_refused_kindly(site, assess, count):
    assess(site.world, "kabar")
    answer = site.sign_in("analyst").post("/sampel/undi", {"mandat": site.world.mandate.id, "jumlah": count})
    assert answer.status_code == 422
    assert "Jumlah undian 1 sampai 1000." in answer.text


def test_the_page_shows_the_text_in_slots_and_nothing_of_score_or_author(any_site, assess):
    assess(any_site.world, "Ayo CALON_1 dan PARTAI_2, nomor NOMOR! <b>tebal</b> Sari")
    draw(any_site)
    for username in ("analyst", "supervisor1"):
        page = any_site.sign_in(username).get("/sampel").text
        assert '<span class="slot">Calon 1</span> dan <span class="slot">Partai 2</span>' in page
        assert '<span class="slot">Nomor calon</span>!' in page
        assert "&lt;b&gt;tebal" in page
        for hidden in ("sari", "0.43", "43 %", "example.invalid", "melur"):
            assert hidden not in page.casefold()


def test_two_people_read_blind_to_each_other(site, assess):
    assess(site.world, "kabar satu", "kabar dua")
    draw(site)
    first, second, third = (site.sign_in(name) for name in ("analyst", "supervisor1", "supervisor2"))
    sample = shown(second)
    before = second.get("/sampel").text
    assert give(first, "attack").status_code == 303
    assert second.get("/sampel").text.replace(second.token(), "") == before.replace(second.token(), "")
    assert give(second, "attack", "quote").status_code == 303
    assert shown(third) != sample
    answer = third.post(f"/sampel/{sample}/label", {"perbuatan": "none", "suara": "own"})
    assert answer.status_code == 409
    assert "Dua orang lain sudah membaca" in answer.text
    again = first.post(f"/sampel/{sample}/label", {"perbuatan": "none", "suara": "own"})
    assert again.status_code == 403
    assert "Anda sudah memberi label" in again.text


@pytest.mark.parametrize(("act", "voice"), [("praise", "own"), ("none", "choir"), ("", "")])
def test_an_answer_that_is_not_offered_is_refused(site, assess, act, voice):
    assess(site.world, "kabar")
    draw(site)
    assert give(site.sign_in("analyst"), act, voice).status_code == 422


def test_a_label_can_be_taken_back_by_its_reader_alone(site, assess):
    assess(site.world, "kabar")
    draw(site)
    first, second = site.sign_in("analyst"), site.sign_in("supervisor1")
    moved = give(first, "support")
    page = first.get(moved.headers["location"]).text
    assert "Label Anda tersimpan" in page
    (label_id,) = re.findall(r"/sampel/label/(\w+)/batal", page)
    assert second.post(f"/sampel/label/{label_id}/batal").status_code == 403
    assert "batal" not in second.get(moved.headers["location"]).text
    assert first.post(f"/sampel/label/{label_id}/batal").status_code == 303
    assert shown(first) is not None


def test_unknown_ids_are_answered_kindly(site):
    browser = site.sign_in("analyst")
    assert browser.post("/sampel/x/label", {"perbuatan": "none", "suara": "own"}).status_code == 404
    assert browser.post("/sampel/label/x/batal").status_code == 404
    assert browser.post("/sampel/undi", {"mandat": "x", "jumlah": 1}).status_code == 404


def test_the_estimate_is_shown_with_its_interval_once_labels_stand(any_site, assess):
    world = any_site.world
    assess(world, *(f"kabar {n}" for n in range(8)))
    flag = world.ready_flag()
    with world.database.write() as session:
        verdict = Verdict(Answer.YES, Answer.YES, "jelas", "tidak ada", acts=("ON-4",))
        for officer in world.supervisors[:2]:
            at = utc_now() - dt.timedelta(minutes=5)
            give_verdict(session, session.get_one(type(flag), flag.id), officer, verdict, at=at)
    draw(any_site, 6)
    readers = [any_site.sign_in(name) for name in ("analyst", "supervisor1")]
    for n in range(6):
        for reader in readers:
            give(reader, "support" if n == 0 else "none")
    assert "Belum cukup sampel" in readers[0].get("/sampel").text
    with world.database.write() as session:
        session.execute(update(SampleLabel).values(given_at=utc_now() - dt.timedelta(minutes=2)))
    page = readers[0].get("/sampel").text
    assert '<span class="figure">43 %</span>' in page  # 1 found, 8/6 missed
    assert "Taksiran unggahan memihak yang terlewat" in page


def test_an_unsure_model_says_so_after_the_verdicts_only(site):
    flag = site.world.ready_flag()
    with site.world.database.write() as session:
        session.execute(update(Assessment).values(unsure=True))
    assert "Model ragu (minta telaah)" not in site.sign_in("supervisor1").get(f"/temuan/{flag.id}").text
    assert "Model ragu (minta telaah)" in site.sign_in("analyst").get(f"/temuan/{flag.id}").text


def test_slots_are_boxed_and_everything_else_is_shown_as_it_is():
    html = str(with_slots("CALON_1 KECALON_1 <x> \u202e NOMOR_2", WORDS))
    assert html.count('class="slot"') == 2
    assert "KECALON_1 &lt;x&gt;" in html
    assert "U+202E" in html


@contextlib.contextmanager
def served(make_site):
    with socket.create_server(("127.0.0.1", 0)) as bound:
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        site = make_site(origins=(origin,))
        server = uvicorn.Server(uvicorn.Config(site.app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield origin, site
        finally:
            server.should_exit = True
            thread.join()


@contextlib.contextmanager
def analyst_page(origin, password, **view):
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_context(base_url=origin, **view).new_page()
        trouble = []
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto("/masuk")
        page.get_by_label("Nama pengguna").fill("analyst")
        page.get_by_label("Kata sandi").fill(password)
        page.get_by_role("button", name="Masuk", exact=True).click()
        page.wait_for_url(f"{origin}/")
        yield page
        browser.close()
        assert trouble == []


@pytest.mark.browser
def test_one_key_labels_one_text_and_goes_on(make_site, assess):
    with served(make_site) as (origin, site):
        assess(site.world, *(f"kabar {n}" for n in range(6)))
        with analyst_page(origin, site.PASSWORD) as page:
            page.goto("/sampel")
            page.get_by_label("Jumlah").fill("6")
            page.get_by_role("button", name="Undi", exact=True).click()
            for left, key in zip(range(6, 1, -1), "sAmn?", strict=True):
                expect(page.get_by_text(f"{left} menunggu Anda")).to_be_visible()
                page.wait_for_load_state("load")
                page.keyboard.press("2" if key == "m" else "1")
                page.keyboard.press(key)
            expect(page.get_by_text("1 menunggu Anda")).to_be_visible()
            page.wait_for_load_state("load")
            page.locator(".undo").get_by_role("button").click()
            expect(page.get_by_text("2 menunggu Anda")).to_be_visible()
        with site.world.database.read() as session:
            labels = list(session.scalars(select(SampleLabel).order_by(SampleLabel.given_at)))
            assert len(session.scalars(select(Sample)).all()) == session.scalars(select(SampleDraw.size)).one() == 6
    assert [label.act for label in labels] == list(SampleAct)
    assert [label.voice for label in labels] == [Voice.OWN, Voice.OWN, Voice.QUOTE, Voice.OWN, Voice.OWN]
    assert labels[-1].undone_at is not None


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_sample_page_fits_the_screen(make_site, assess, width):
    with served(make_site) as (origin, site):
        assess(site.world, "kata" * 80 + " CALON_1 https://example.invalid/" + "x" * 200)
        with site.world.database.write() as session:
            mandate = session.get_one(Mandate, site.world.mandate.id)
            draw_sample(session, site.world.vault, mandate, count=1, actor="test")
        with analyst_page(origin, site.PASSWORD, viewport={"width": width, "height": 800}) as page:
            page.goto("/sampel")
            expect(page.locator(".slot")).to_have_text("Calon 1")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
