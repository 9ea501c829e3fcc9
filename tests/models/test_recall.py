"""The estimate of what was missed: right on average, honest in its interval, silent when it knows too little."""

from __future__ import annotations

import datetime as dt
import random
import statistics

import pytest
from sqlalchemy import select

from models.assessments import Act, Finding, ModelIdentity, Voice, store_assessments
from models.clock import utc_now
from models.mandates import Mandate
from models.posts import PostVersion, Sighting
from models.recall import Drawn, Interval, Reading, missed_posts, recall_of, recalls
from models.reviews import Answer, Verdict, agreed_side, give_verdict
from models.samples import Sample, SampleAct, draw_sample, label_sample

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def reading(draw, sided, assessed_at=NOW):
    return Reading(draw, assessed_at, sided=sided)


def test_one_draw_scales_the_share_to_its_population():
    readings = [reading("a", sided=n < 2) for n in range(50)]
    missed = missed_posts(readings, {"a": Drawn(NOW + DAY, 5_000)})
    assert missed.value == pytest.approx(200)
    assert 2 <= missed.low < 60
    assert 500 < missed.high < 900


def test_nothing_found_still_leaves_room_for_what_was_not_drawn():
    missed = missed_posts([reading("a", sided=False)] * 50, {"a": Drawn(NOW + DAY, 5_000)})
    assert missed.value == missed.low == 0
    assert 300 < missed.high < 400


def test_reading_everything_leaves_no_doubt():
    readings = [reading("a", sided=n < 3) for n in range(40)]
    assert missed_posts(readings, {"a": Drawn(NOW + DAY, 40)}) == Interval(3, 3, 3)


def test_too_few_readings_say_nothing():
    assert missed_posts([reading("a", sided=True)] * 4, {"a": Drawn(NOW + DAY, 40)}) is None
    assert recall_of(10, None) is None
    assert recall_of(0, Interval(0, 0, 9)) is None


def test_recall_falls_where_more_may_be_missed():
    assert recall_of(30, Interval(10, 5, 30)) == Interval(0.75, 0.5, 30 / 35)


def test_over_draws_of_a_growing_population_the_estimate_is_right_on_average_and_covers():
    """Two draws, the second from what the first left and what came since (seeded simulation)."""
    chance = random.Random(7)  # noqa: S311 - a simulation
    old = [n < 40 for n in range(400)]
    new = [n < 10 for n in range(400)]
    estimates, covered = [], 0
    for _ in range(400):
        first = chance.sample(range(400), 60)
        left = [(NOW, old[n]) for n in set(range(400)) - set(first)] + [(NOW + 2 * DAY, sided) for sided in new]
        second = chance.sample(left, 90)
        readings = [reading("a", sided=old[n]) for n in first]
        readings += [reading("b", sided, at) for at, sided in second]
        draws = {"a": Drawn(NOW + DAY, 400), "b": Drawn(NOW + 3 * DAY, len(left))}
        missed = missed_posts(readings, draws)
        estimates.append(missed.value)
        covered += missed.low <= 50 <= missed.high
    assert statistics.mean(estimates) == pytest.approx(50, rel=0.05)
    assert covered / 400 > 0.92


def test_answers_agree_where_two_people_say_the_same():
    yes, no, unsure = Answer.YES, Answer.NO, Answer.UNSURE
    assert agreed_side([yes, yes]) is agreed_side([yes, no, yes]) is yes
    assert agreed_side([no, no]) is no
    assert agreed_side([yes, no]) is agreed_side([unsure, unsure]) is agreed_side([yes]) is agreed_side([]) is None


def test_the_numbers_of_a_mandate(world):
    confirmed, undecided = world.ready_flag("Ayo pilih nomor 1!"), world.ready_flag("Coblos nomor 2!")
    verdict = Verdict(Answer.YES, Answer.YES, "jelas", "tidak ada", acts=("ON-4",))
    long_ago = utc_now() - dt.timedelta(minutes=5)
    with world.database.write() as session:
        flag = session.get_one(type(confirmed), confirmed.id)
        for officer in world.supervisors[:2]:
            give_verdict(session, flag, officer, verdict, at=long_ago)
    posts = world.store(*(f"kabar {n}" for n in range(8)))
    with world.database.write() as session:
        findings = [
            (
                session.get_one(Sighting, (post.id, world.mandate.id)),
                session.scalars(select(PostVersion).where(PostVersion.post_id == post.id)).one(),
                Finding(0.1, flagged=False, act=Act.NONE, voice=Voice.OWN, targets=[], masked="kabar", spans=[]),
            )
            for post in posts
        ]
        # Assessed before the flags were raised: older flags have no place in the estimate.
        store_assessments(session, findings, ModelIdentity("m", "1", "0" * 64, 0.5), actor="test", at=long_ago)
    with world.database.write() as session:
        mandate = session.get_one(Mandate, world.mandate.id)
        draw_sample(session, world.vault, mandate, count=8, actor="test")
        drawn = list(session.scalars(select(Sample).order_by(Sample.id)))
        readers = (world.analyst, world.supervisors[0])
        for place, sample in enumerate(drawn[:7]):
            for reader, officer in enumerate(readers):
                act = SampleAct.SUPPORT if place == 0 or (place == 1 and reader) else SampleAct.NONE
                at = utc_now() if place == 6 else long_ago  # the last can still be taken back
                label_sample(session, sample, officer, act, Voice.OWN, at=at)
    with world.database.read() as session:
        (numbers,) = recalls(session)
    assert undecided.id != confirmed.id
    assert (numbers.drawn, numbers.agreed, numbers.disputed, numbers.waiting) == (8, 5, 1, 2)
    assert (numbers.missed_seen, numbers.found, numbers.undecided) == (1, 1, 1)
    assert numbers.missed.value == pytest.approx(8 / 5)
    assert numbers.recall.value == pytest.approx(1 / (1 + 8 / 5))
    assert numbers.recall.low < numbers.recall.value < numbers.recall.high
