"""A roster on the pages: sent, shown with everything found in it, confirmed, and kept no longer than that."""

from __future__ import annotations

import datetime as dt
import re

from sqlalchemy import func, select

from models.clock import utc_now
from models.uploads import KEPT, RosterUpload


def send(browser, site, text, *, token=None, name="daftar.csv"):
    data = {"csrf_token": token or browser.token(), "mandat": site.world.mandate.id}
    return browser.client.post("/daftar", data=data, files={"berkas": (name, text.encode(), "text/csv")})


def kept(site):
    with site.world.database.read() as session:
        return session.scalar(select(func.count()).select_from(RosterUpload))


def test_a_clean_roster_is_shown_and_taken_and_then_forgotten(any_site):
    operator = any_site.sign_in("operator")
    answer = send(operator, any_site, "Sari\nDamar")
    assert answer.status_code == 303
    page = operator.get(answer.headers["location"]).text
    assert "Masukkan daftar" in page
    taken = operator.post(f"{answer.headers['location']}/masukkan", {"peringatan": "0-peringatan"})
    assert taken.status_code == 303
    assert any_site.app.state.ui.ports.rosters.taken == [(b"Sari\nDamar", "0-peringatan")]
    assert kept(any_site) == 0
    assert operator.get(answer.headers["location"]).status_code == 404


def test_errors_are_shown_by_row_and_column_and_there_is_no_button(site):
    operator = site.sign_in("operator")
    page = operator.get(send(operator, site, "Sari\n<b>galat</b>").headers["location"]).text
    assert "Baris 2" in page
    assert "A · NIP" in page
    assert "&lt;b&gt;galat&lt;/b&gt; salah" in page
    assert "/masukkan" not in page


def test_warnings_are_confirmed_by_the_name_of_exactly_these(site):
    operator = site.sign_in("operator")
    page = operator.get(send(operator, site, "ganda\nganda").headers["location"]).text
    assert "2 peringatan" in page
    assert re.search(r'name="peringatan" value="([^"]+)"', page)[1] == "2-peringatan"


def test_the_file_lies_sealed_and_a_later_one_takes_its_place(site):
    operator = site.sign_in("operator")
    send(operator, site, "Sari Melur")
    send(operator, site, "Damar Kesuma")
    with site.world.database.read() as session:
        (upload,) = session.scalars(select(RosterUpload)).all()
    assert b"Kesuma" not in upload.sealed
    assert operator.post(f"/daftar/{upload.id}/buang").status_code == 303
    assert kept(site) == 0


def test_another_officer_does_not_see_the_file_and_after_an_hour_nobody_does(site):
    operator = site.sign_in("operator")
    path = send(operator, site, "Sari").headers["location"]
    assert site.sign_in("operator2").get(path).status_code == 404
    with site.world.database.write() as session:
        session.scalars(select(RosterUpload)).one().uploaded_at = utc_now() - KEPT - dt.timedelta(seconds=1)
    assert operator.get(path).status_code == 404
    send(site.sign_in("operator2"), site, "lain")
    assert kept(site) == 1


def test_a_file_without_the_forms_token_or_role_or_of_too_many_bytes_is_refused(make_site):
    site = make_site(max_upload_bytes=20_000)
    operator = site.sign_in("operator")
    assert send(operator, site, "Sari", token="x").status_code == 403
    assert send(operator, site, "x" * 30_000).status_code == 413
    assert send(site.sign_in("supervisor1"), site, "Sari").status_code == 403
    stranger = site.stranger().post("/daftar", files={"berkas": ("a.csv", b"x")})
    assert stranger.status_code == 303
    assert kept(site) == 0


def test_a_form_without_a_file_or_with_an_unknown_mandate_is_refused_kindly(site):
    operator = site.sign_in("operator")
    assert "Pilih berkas" in operator.post("/daftar", {"mandat": site.world.mandate.id}).text
    answer = operator.client.post("/daftar", data={"csrf_token": operator.token(), "mandat": "?"},
                                  files={"berkas": ("a.csv", b"x")})  # fmt: skip
    assert answer.status_code == 404


def test_a_hostile_file_name_is_shown_without_its_tricks(site):
    operator = site.sign_in("operator")
    name = "\N{RIGHT-TO-LEFT OVERRIDE}<script>fdp.csv"
    page = operator.get(send(operator, site, "Sari", name=name).headers["location"]).text
    assert "<script>fdp" not in page
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page


def test_the_template_is_a_download(site):
    answer = site.sign_in("operator").get("/daftar/templat")
    assert answer.headers["content-disposition"] == 'attachment; filename="daftar-asn.xlsx"'
    assert answer.content.startswith(b"PK")
