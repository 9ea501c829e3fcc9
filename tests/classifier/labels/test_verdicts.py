"""Verdicts and sample labels become rows that say what was said, and never about whom."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from sqlalchemy import select

from classifier.labels.exported import row_lines
from classifier.labels.suggest import suggest
from classifier.labels.verdicts import label_rows
from models.assessments import Act, Assessment, Finding, ModelIdentity, Voice, store_assessments
from models.clock import utc_now
from models.flags import Flag
from models.mandates import Mandate, revoke_mandate
from models.posts import PostVersion, Sighting
from models.reviews import Answer, Verdict, give_verdict
from models.samples import SampleAct, draw_sample, label_sample, next_sample

YES, NO, UNSURE = Answer.YES, Answer.NO, Answer.UNSURE
EARLIER = utc_now() - dt.timedelta(minutes=10)


def judge(world, *answers, body="Ayo pilih Bang Raka", at=EARLIER):
    """A flag with one verdict for each (is_person, takes_side, voice, acts)."""
    flag = world.ready_flag(body)
    with world.database.write() as session:
        for officer, (person, side, voice, acts) in zip(world.supervisors, answers, strict=False):
            verdict = Verdict(person, side, "alasan-rahasia", "tidak ada", voice=voice, acts=acts)
            give_verdict(session, session.get_one(Flag, flag.id), officer, verdict, at=at)
    return flag


def rows(world, **options):
    with world.database.read() as session:
        return label_rows(session, world.vault, **options)


def assess(world, *texts, score=0.1, unsure=False):
    posts = world.store(*texts)
    with world.database.write() as session:
        findings = [
            (
                session.get_one(Sighting, (post.id, world.mandate.id)),
                version := session.scalars(select(PostVersion).where(PostVersion.post_id == post.id)).one(),
                Finding(score, flagged=False, act=Act.NONE, voice=Voice.OWN, targets=[], masked=version.text, spans=[],
                        unsure=unsure),
            )
            for post in posts
        ]  # fmt: skip
        store_assessments(session, findings, ModelIdentity("m", "1", "0" * 64, 0.5), actor="test")


@pytest.mark.parametrize(
    ("answers", "act", "voice", "readers"),
    [
        ([(YES, YES, "own", ("ON-4",)), (YES, YES, "own", ("ON-2", "ON-4"))], "mobilise", "own", 2),
        ([(YES, YES, "own", ("ON-4",)), (YES, YES, "quote", ("ON-2",))], "partisan", "unclear", 2),
        ([(YES, NO, "news", ()), (YES, NO, "news", ())], "none", "news", 2),
        ([(NO, YES, "own", ()), (NO, YES, "own", ())], "partisan", "own", 2),
        ([(YES, YES, "own", ("ON-2",)), (YES, NO, "own", ()), (YES, NO, "own", ())], "none", "own", 2),
    ],
)
def test_what_two_people_said_of_the_text_becomes_its_label(world, answers, act, voice, readers):
    judge(world, *answers)
    (row,) = rows(world)
    assert (row.act, row.voice, row.readers, row.source, row.stances) == (act, voice, readers, "verdict", {})
    assert row.masked == "Ayo pilih CALON_1, nomor NOMOR!"


def test_doubt_gives_no_label(sqlite_world):
    judge(sqlite_world, (YES, UNSURE, "own", ()), (YES, UNSURE, "own", ()))
    judge(sqlite_world, (YES, YES, "own", ("ON-2",)))
    judge(sqlite_world, (YES, YES, "own", ("ON-2",)), (NO, NO, "own", ()))
    assert rows(sqlite_world) == []


def test_a_verdict_that_can_be_taken_back_waits_for_the_next_export(sqlite_world):
    judge(sqlite_world, (YES, NO, "own", ()), (YES, NO, "own", ()), at=utc_now())
    assert rows(sqlite_world) == []
    assert len(rows(sqlite_world, at=utc_now() + dt.timedelta(minutes=1))) == 1


def test_since_counts_from_the_last_word(sqlite_world):
    judge(sqlite_world, (YES, NO, "own", ()), (YES, NO, "own", ()))
    assert len(rows(sqlite_world, since=EARLIER)) == 1
    assert rows(sqlite_world, since=EARLIER + dt.timedelta(seconds=1)) == []


def test_no_row_says_whom_it_is_about(world):
    flag = judge(world, (YES, YES, "own", ("ON-4",)), (YES, YES, "own", ("ON-4",)))
    with world.database.write() as session:
        row = session.get_one(Assessment, flag.assessment_id)
        row.masked = "Sari Melur Wening (@sari) guru SMP Negeri 3 Tanjung Seruni: pilih CALON_1, WA 081234567890"
        version = session.get_one(PostVersion, flag.post_version_id)
    (row,) = rows(world)
    assert row.masked == "NAMA (AKUN) guru NAMA: pilih CALON_1, WA ANGKA"
    (line,) = row_lines([row])
    assert set(json.loads(line)) == {"id", "masked", "contest", "act", "voice", "source", "readers"}
    told = line.decode().casefold()
    known = ["sari", "melur", "example.invalid", "mastodon", "alasan-rahasia", "seruni", "supervisor", "2026"]
    ids = [flag.id, flag.post_id, version.id, world.mandate.id, world.contest.id, world.person.id, world.account.id]
    assert [word for word in (*known, *(one.casefold() for one in ids)) if word in told] == []


def test_ids_are_stable_in_one_office_and_order_tells_nothing(world):
    for n in range(6):
        judge(world, (YES, NO, "own", ()), (YES, NO, "own", ()), body=f"kabar {n}")
    first, second = rows(world), rows(world)
    assert first == second
    assert [row.id for row in first] == sorted(row.id for row in first)
    assert len({row.id for row in first}) == 6
    assert len({row.contest for row in first}) == 1


def test_samples_that_two_people_read_alike_become_rows(world):
    assess(world, "satu CALON_1", "dua CALON_1", "tiga CALON_1", "empat CALON_1")
    said = [(SampleAct.SUPPORT, SampleAct.SUPPORT), (SampleAct.SUPPORT, SampleAct.ATTACK),
            (SampleAct.NONE, SampleAct.NONE), (SampleAct.NONE, SampleAct.UNSURE)]  # fmt: skip
    with world.database.write() as session:
        draw_sample(session, world.vault, session.get_one(Mandate, world.mandate.id), count=4, actor="test")
    for acts in zip(*said, strict=True):
        reader = world.analyst if acts == tuple(pair[0] for pair in said) else world.supervisors[0]
        for act in acts:
            with world.database.write() as session:
                label_sample(session, next_sample(session, reader), reader, act, Voice.OWN, at=EARLIER)
    found = rows(world)
    assert sorted(row.act for row in found) == ["none", "partisan", "support"]
    assert {(row.source, row.voice, row.readers) for row in found} == {("sample", "own", 2)}


def test_only_what_nobody_judges_is_suggested_the_unsure_first(world):
    judge(world, (YES, NO, "own", ()), (YES, NO, "own", ()))
    assess(world, "kabar biasa tentang hujan", score=0.05)
    assess(world, "entah CALON_1 Sari", score=0.4)
    assess(world, "ragu PARTAI_1", score=0.2, unsure=True)
    with world.database.read() as session:
        texts = suggest(session, world.vault, count=10)
    assert [row.masked for row in texts] == ["ragu PARTAI_1", "entah CALON_1 NAMA", "kabar biasa tentang hujan"]
    with world.database.write() as session:
        draw_sample(session, world.vault, session.get_one(Mandate, world.mandate.id), count=3, actor="test")
    with world.database.read() as session:
        assert suggest(session, world.vault, count=10) == []


def test_nothing_is_suggested_without_a_mandate_in_force(sqlite_world):
    assess(sqlite_world, "entah CALON_1", score=0.4)
    with sqlite_world.database.write() as session:
        mandate = session.get_one(Mandate, sqlite_world.mandate.id)
        revoke_mandate(session, mandate, sqlite_world.operator, reason="selesai")
    with sqlite_world.database.read() as session:
        assert suggest(session, sqlite_world.vault, count=10) == []
