"""Evidence bytes: only those of the flag, and never as a page."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.posts import PostVersion
from models.targets import Fetch


def test_a_screenshot_is_a_picture_in_a_sealed_answer(site):
    flag = site.picture_flag()
    digest = site.evidence.put(site.PNG)
    answer = site.sign_in("supervisor1").get(f"/bukti/{flag.id}/{digest}")
    assert (answer.content, answer.headers["content-type"]) == (site.PNG, "image/png")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_bytes_that_are_no_picture_are_only_downloaded(site):
    page = b"<script>alert(1)</script>"
    flag = site.picture_flag(picture=page)
    answer = site.sign_in("supervisor1").get(f"/bukti/{flag.id}/{site.evidence.put(page)}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("digest", ["0" * 64, "..%2f..%2fetc", "x"])
def test_a_hash_that_is_not_the_flags_is_not_found(site, digest):
    flag = site.picture_flag()
    assert site.sign_in("supervisor1").get(f"/bukti/{flag.id}/{digest}").status_code == 404


def test_another_flags_evidence_is_not_found_under_this_one(site):
    flag, other = site.picture_flag(), site.picture_flag(picture=site.PNG + b"other")
    digest = site.evidence.put(site.PNG + b"other")
    browser = site.sign_in("supervisor1")
    assert browser.get(f"/bukti/{other.id}/{digest}").status_code == 200
    assert browser.get(f"/bukti/{flag.id}/{digest}").status_code == 404


def test_raw_responses_hold_other_posts_too_so_only_auditors_get_them(site):
    flag = site.picture_flag()
    digest = site.evidence.put(b'[{"content": "another post"}]')
    with site.world.database.write() as session:
        version = session.scalars(select(PostVersion).where(PostVersion.post_id == flag.post_id)).one()
        session.get_one(Fetch, version.fetch_id).body_sha256 = digest
    path = f"/bukti/{flag.id}/{digest}"
    assert site.sign_in("supervisor1").get(path).status_code == 404
    answer = site.sign_in("auditor").get(path)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.content == b'[{"content": "another post"}]'


def test_a_stranger_gets_no_evidence(site):
    flag = site.picture_flag()
    assert site.stranger().get(f"/bukti/{flag.id}/{site.evidence.put(site.PNG)}").status_code == 303
