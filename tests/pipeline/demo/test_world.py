"""The invented world is whole, invented-looking and balanced between the sides."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from models.assessments import Act
from models.contest import load_contest
from models.errors import BadInput
from models.nip import check_staff_number
from pipeline.demo.world import CONTEST_FILE, DOMAIN, demo_contest, load_world, parse_age

WORLD = load_world()


def test_handles_and_staff_numbers_are_unique_and_of_valid_form():
    people = [person for _, person in WORLD.rostered()]
    assert len({account.handle for account in WORLD.accounts}) == len(WORLD.accounts)
    assert len({check_staff_number(person.nip, person.status) for person in people}) == len(people) >= 12
    assert len({person.status for person in people}) == 3


def test_every_staff_number_ends_in_a_serial_that_marks_it_as_invented():
    serials = [int(person.nip[-3:]) for _, person in WORLD.rostered()]
    assert all(serial > 900 for serial in serials)
    assert DOMAIN.endswith(".example")


def test_the_contest_file_loads_and_one_acronym_is_an_ordinary_word():
    spec = load_contest(CONTEST_FILE)
    assert [candidate.number for candidate in spec.candidates] == [1, 2]
    assert "LOGIS" in spec.candidates[1].aliases
    ordinary = [post for account in WORLD.accounts for post in account.posts if "ogis saja" in post.text]
    assert [post.act for post in ordinary] == [Act.NONE]


@pytest.mark.parametrize("today", [dt.date(2026, 10, 20), dt.date(2028, 2, 29), dt.date(2031, 12, 31)])
def test_the_campaign_is_running_whatever_the_day(today):
    spec = demo_contest(today)
    assert spec.stage_on(today) == "Masa kampanye"
    assert (spec.election_day - today).days == 36


def test_a_quarter_of_the_posts_take_a_side_and_neither_side_is_spared():
    posts = [post for account, _ in WORLD.rostered() for post in account.posts]
    partisan = [post for post in posts if post.act is not Act.NONE]
    assert len(posts) >= 100
    assert 20 <= len(partisan) <= 32
    acts = Counter(post.act for post in partisan)
    assert min(acts.values()) >= 5
    about = Counter(
        side
        for post in partisan
        for side, names in {1: ("jenar", "nila", "1️⃣"), 2: ("lodra", "logis", "2", "nomer dua")}.items()
        if any(name in post.text.lower() for name in names)
    )
    assert abs(about[1] - about[2]) <= 4


def test_every_reply_and_reblog_names_a_post_that_exists():
    posts = [post for account in WORLD.accounts for post in account.posts]
    keys = {post.key for post in posts if post.key}
    assert {name for post in posts for name in (post.reply_to, post.reblog) if name} == keys


@pytest.mark.parametrize("text", ["", "2", "5x", "1h2d", "-3m", None])
def test_an_age_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="not an age"):
        parse_age(text)


def test_a_broken_world_file_is_one_line_that_names_the_field(tmp_path):
    path = tmp_path / "world.yaml"
    path.write_text("accounts: [{handle: A B, name: x, bio: '', posts: []}]\noffice: {}\n")
    with pytest.raises(BadInput, match=r"world\.yaml: accounts\.0\.handle: ") as caught:
        load_world(path)
    assert "\n" not in str(caught.value)
