"""Each page is open to the roles it is for, and kind to the others."""

from __future__ import annotations

import pytest

EVERYONE = {"supervisor1", "operator", "auditor", "analyst", "admin"}
ALLOWED = {
    "/": EVERYONE,
    "/telaah": {"supervisor1"},
    "/temuan/{flag}": {"supervisor1", "auditor", "analyst"},
    "/sampel": {"supervisor1", "analyst"},
    "/kelompok": {"supervisor1", "auditor"},
    "/laporan": {"supervisor1", "auditor"},
    "/operasi": {"operator", "auditor", "admin"},
    "/sasaran": {"supervisor1", "operator", "auditor"},
    "/sasaran/{target}": {"supervisor1", "operator", "auditor"},
    "/atribusi": {"supervisor1", "operator", "auditor"},
    "/mandat": {"supervisor1", "operator", "auditor"},
    "/pratinjau": {"operator"},
    "/jejak/{flag}": {"supervisor1", "auditor"},
    "/pengawasan": {"auditor", "admin"},
    "/petugas": {"admin"},
}


@pytest.mark.parametrize("username", sorted(EVERYONE))
def test_each_role_sees_its_pages_and_no_others(site, username):
    flag = site.world.ready_flag()
    browser = site.sign_in(username)
    for path, allowed in ALLOWED.items():
        answer = browser.get(path.format(flag=flag.id, target=site.world.target.id))
        assert answer.status_code == (200 if username in allowed else 403), path
        if username not in allowed:
            assert "Halaman ini bukan untuk peran Anda" in answer.text


def test_an_unknown_address_or_id_is_answered_kindly(site):
    browser = site.sign_in("supervisor1")
    for path in ("/tidak-ada", "/temuan/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/laporan/x", "/sasaran/x", "/jejak/x"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert "Tidak ditemukan" in answer.text


def test_an_auditor_changes_nothing(site, verdict):
    flag = site.world.ready_flag()
    auditor = site.sign_in("auditor")
    assert auditor.post(f"/temuan/{flag.id}/putusan", verdict()).status_code == 403
    assert auditor.post(f"/sasaran/{site.world.target.id}/jeda").status_code == 403
    assert auditor.post("/laporan", {"temuan": [flag.id], "nomor": "1"}).status_code == 403


def test_analysts_see_the_text_but_not_the_person(site):
    flag = site.world.ready_flag()
    assert "Sari Melur Wening" not in site.sign_in("analyst").get(f"/temuan/{flag.id}").text
    assert "Sari Melur Wening" in site.sign_in("supervisor1").get(f"/temuan/{flag.id}").text


def test_nobody_is_shown_a_personnel_number(site):
    flag = site.world.ready_flag()
    for username in ("supervisor1", "auditor", "operator"):
        for path in (f"/temuan/{flag.id}", "/atribusi?tab=terverifikasi", "/telaah"):
            assert "198501012010012001" not in site.sign_in(username).get(path).text
