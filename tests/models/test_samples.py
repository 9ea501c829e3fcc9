"""Random samples of unflagged posts: who is drawn, who may read, what stays when the post goes."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import pytest
from sqlalchemy import select

from models.assessments import Act, Finding, ModelIdentity, Voice, store_assessments
from models.clock import utc_now
from models.errors import BadInput, Conflict, IllegalTransition, NoMandate, NotAllowed
from models.log import LogEntry
from models.mandates import Mandate, revoke_mandate
from models.posts import PostVersion, Sighting
from models.retention import purge
from models.samples import (
    UNDO_SECONDS,
    Sample,
    SampleAct,
    SampleLabel,
    count_readable,
    draw_sample,
    label_sample,
    next_sample,
    undo_label,
)

MODEL = ModelIdentity("netra-test", "1", "0" * 64, 0.5)


def assess(world, texts, *, flagged=(), score=0.1):
    """Store and assess posts; those whose place is in `flagged` raise a flag."""
    posts = world.store(*texts)
    with world.database.write() as session:
        findings = []
        for place, post in enumerate(posts):
            version = session.scalars(select(PostVersion).where(PostVersion.post_id == post.id)).one()
            sighting = session.get_one(Sighting, (post.id, world.mandate.id))
            finding = Finding(score, place in flagged, Act.NONE, Voice.OWN, [], f"{version.text} CALON_1", [])
            findings.append((sighting, version, finding))
        store_assessments(session, findings, MODEL, actor="test")
    return posts


def draw(world, count=5, **options):
    with world.database.write() as session:
        mandate = session.get_one(Mandate, world.mandate.id)
        return draw_sample(session, world.vault, mandate, count=count, actor="test", **options)


def samples(world):
    with world.database.read() as session:
        return list(session.scalars(select(Sample).order_by(Sample.id)))


def label(world, officer, act=SampleAct.NONE, **options):
    with world.database.write() as session:
        sample = next_sample(session, officer)
        return label_sample(session, sample, officer, act, Voice.OWN, **options)


def test_only_assessed_posts_without_a_flag_are_drawn_and_nobody_twice(world):
    posts = assess(world, [f"kabar {n}" for n in range(6)], flagged={0})
    world.store("belum dinilai")
    first = draw(world, 3)
    second = draw(world, 10)
    assert (first.population, first.size, second.population, second.size) == (5, 3, 2, 2)
    assert {sample.post_id for sample in samples(world)} == {post.id for post in posts[1:]}
    assert {sample.probability for sample in samples(world) if sample.draw_id == first.id} == {3 / 5}
    with pytest.raises(BadInput, match="left to draw"):
        draw(world)


def test_the_recorded_seed_draws_the_same_posts_again(world):
    assess(world, [f"kabar {n}" for n in range(20)])
    made = draw(world, 4)
    with world.database.read() as session:
        versions = sorted(session.scalars(select(PostVersion.id)))
        entry = json.loads(session.scalars(select(LogEntry.entry).where(LogEntry.action == "sample.drawn")).one())
    seed = bytes.fromhex(made.seed)
    ranked = sorted(versions, key=lambda version: hashlib.sha256(seed + version.encode()).digest())
    assert {sample.post_version_id for sample in samples(world)} == set(ranked[:4])
    assert entry["facts"]["seed"] == made.seed
    assert entry["facts"]["frame_sha256"] == hashlib.sha256("".join(f"{v}\n" for v in versions).encode()).hexdigest()
    assert {version for _, version in entry["facts"]["samples"]} == set(ranked[:4])


def test_every_post_is_drawn_about_equally_often(sqlite_world):
    assess(sqlite_world, [f"kabar {n}" for n in range(6)])
    with sqlite_world.database.read() as session:
        versions = sorted(session.scalars(select(PostVersion.id)))
    seeds = (n.to_bytes(16) for n in range(3000))
    first = [min(versions, key=lambda v, s=seed: hashlib.sha256(s + v.encode()).digest()) for seed in seeds]
    counts = [first.count(version) for version in versions]
    assert min(counts) > 400
    assert max(counts) < 600


def test_the_text_has_no_trace_of_its_author(sqlite_world):
    assess(sqlite_world, ["Salam dari Sari Melur, SMP Negeri 3 Tanjung Seruni, 0812-3456-7890, @kawan fb.com/sari.m"])
    draw(sqlite_world, 1)
    (sample,) = samples(sqlite_world)
    assert sample.masked == "Salam dari NAMA NAMA, NAMA, ANGKA, AKUN URL CALON_1"


def test_nothing_is_drawn_without_a_mandate_in_force(sqlite_world):
    assess(sqlite_world, ["kabar"])
    with sqlite_world.database.write() as session:
        mandate = session.get_one(Mandate, sqlite_world.mandate.id)
        revoke_mandate(session, mandate, sqlite_world.operator, reason="selesai")
    with pytest.raises(NoMandate):
        draw(sqlite_world)
    assert samples(sqlite_world) == []


def test_two_different_people_read_and_a_third_is_not_needed(world):
    assess(world, ["kabar"])
    draw(world, 1)
    first, second, third = world.analyst, *world.supervisors[:2]
    label(world, first)
    with world.database.write() as session, pytest.raises(NotAllowed):
        label_sample(session, session.scalars(select(Sample)).one(), first, SampleAct.NONE, Voice.OWN)
    label(world, second, SampleAct.SUPPORT)
    with world.database.read() as session:
        assert [count_readable(session, officer) for officer in (first, second, third)] == [0, 0, 0]
    with world.database.write() as session, pytest.raises(Conflict):
        label_sample(session, session.scalars(select(Sample)).one(), third, SampleAct.NONE, Voice.OWN)


@pytest.mark.parametrize("role", ["operator", "auditor"])
def test_others_do_not_label(sqlite_world, role):
    assess(sqlite_world, ["kabar"])
    draw(sqlite_world, 1)
    with pytest.raises(NotAllowed):
        label(sqlite_world, getattr(sqlite_world, role))


def test_a_label_can_be_taken_back_for_a_while_and_given_again(world):
    assess(world, ["kabar"])
    draw(world, 1)
    now = utc_now()
    given = label(world, world.analyst, at=now)
    late = now + dt.timedelta(seconds=UNDO_SECONDS + 1)
    for officer, at in ((world.supervisors[0], now), (world.analyst, late)):
        with world.database.write() as session, pytest.raises(NotAllowed):
            undo_label(session, session.get_one(SampleLabel, given.id), officer, at=at)
    with world.database.write() as session:
        undo_label(session, session.get_one(SampleLabel, given.id), world.analyst, at=now)
    with world.database.write() as session, pytest.raises(IllegalTransition):
        undo_label(session, session.get_one(SampleLabel, given.id), world.analyst, at=now)
    label(world, world.analyst, SampleAct.SUPPORT)
    with world.database.read() as session:
        actions = list(
            session.scalars(select(LogEntry.action).where(LogEntry.action.like("sample.%")).order_by(LogEntry.seq))
        )
    assert actions == ["sample.drawn", "sample.labelled", "sample.label_undone", "sample.labelled"]


def test_a_purged_post_takes_its_text_along_and_leaves_label_and_score(world, evidence):
    assess(world, ["kabar pertama", "kabar kedua"], score=0.25)
    draw(world, 2)
    label(world, world.analyst, SampleAct.ATTACK)
    purge(world.database, evidence, before=utc_now() + dt.timedelta(minutes=1), actor="purge")
    kept = samples(world)
    assert [(s.masked, s.post_id, s.post_version_id, s.score) for s in kept] == [(None, None, None, 0.25)] * 2
    with world.database.read() as session:
        assert session.scalars(select(SampleLabel.act)).one() is SampleAct.ATTACK
        assert next_sample(session, world.supervisors[0]) is None
    with world.database.write() as session, pytest.raises(IllegalTransition):
        label_sample(session, session.get_one(Sample, kept[0].id), world.supervisors[0], SampleAct.NONE, Voice.OWN)


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_a_draw_has_a_size(sqlite_world, count):
    assess(sqlite_world, ["kabar"])
    with pytest.raises(BadInput, match="1 to 1000"):
        draw(sqlite_world, count)


def test_of_several_models_the_newest_score_is_kept(sqlite_world):
    (post,) = assess(sqlite_world, ["kabar"], score=0.1)
    with sqlite_world.database.write() as session:
        version = session.scalars(select(PostVersion).where(PostVersion.post_id == post.id)).one()
        sighting = session.get_one(Sighting, (post.id, sqlite_world.mandate.id))
        finding = Finding(0.4, flagged=False, act=Act.NONE, voice=Voice.OWN, targets=[], masked="kabar", spans=[])
        newer = ModelIdentity("netra-test", "2", "1" * 64, 0.5)
        store_assessments(session, [(sighting, version, finding)], newer, actor="test")
    made = draw(sqlite_world, 1)
    assert made.population == 1
    assert [(s.score, s.model) for s in samples(sqlite_world)] == [(0.4, "netra-test@2")]


def test_the_order_of_reading_is_the_same_for_everybody(sqlite_world):
    assess(sqlite_world, [f"kabar {n}" for n in range(4)])
    draw(sqlite_world, 4)
    readers = (sqlite_world.analyst, sqlite_world.supervisors[0])
    first, second = ([label(sqlite_world, officer).sample_id for _ in range(4)] for officer in readers)
    assert first == second
    assert len(set(first)) == 4
