"""`netra doctor` says in a terminal what the operations page says."""

from __future__ import annotations

import datetime as dt

import pytest

from models.clock import utc_now
from models.health.concerns import KINDS
from models.log import record
from models.targets import Run, RunOutcome, Target
from pipeline.counting import count_health
from pipeline.doctor import AREAS, examine
from review_ui.i18n import LANGUAGES, catalogue

MINUTE = dt.timedelta(minutes=1)


def lines(app, subject):
    return [finding for finding in examine(app) if finding.subject == subject]


def ran(world, outcome, reason=""):
    at = utc_now() - MINUTE
    with world.database.write() as session:
        target = session.get_one(Target, world.target.id)
        target.next_due_at = utc_now() + MINUTE
        session.add(Run(target_id=target.id, host=target.host, due_at=at, started_at=at, ended_at=at, outcome=outcome,
                        reason=reason))  # fmt: skip


def died(world, part, *minutes):
    with world.database.write() as session:
        for ago in minutes:
            record(session, "part.died", f"parts:{part}", actor="supervisor", at=utc_now() - ago * MINUTE, exit_code=1)


def test_every_concern_stands_in_one_line_and_has_words_in_both_languages():
    assert sorted(kind for kinds, _ in AREAS.values() for kind in kinds) == sorted(KINDS)
    for language in LANGUAGES:
        for kind in KINDS:
            assert catalogue(language).has(f"concern.{kind}")
            assert catalogue(language).has(f"concern_do.{kind}")


def test_all_is_well_when_the_runs_are(app, world):
    count_health(app, now=utc_now() - 2 * MINUTE)
    ran(world, RunOutcome.DONE)
    assert [finding.state for area in AREAS for finding in lines(app, area) if not finding.healthy] == []
    (line,) = lines(app, "Sasaran")
    assert line.state == "Selesai 1"


def test_refused_runs_are_not_healthy(app, world):
    count_health(app, now=utc_now() - 2 * MINUTE)
    ran(world, RunOutcome.REFUSED, "atribusi akun belum diverifikasi petugas kedua")
    (line,) = lines(app, "Sasaran")
    assert not line.healthy
    assert line.state == "1 sasaran tidak boleh di-crawl"
    assert "verifikasi atribusi" in line.remedy


def test_a_part_that_died_is_told_for_a_while_and_then_only_mentioned(app, world):
    died(world, "crawl", 5)
    (line,) = lines(app, "Bagian")
    assert (line.healthy, line.state) == (False, "Bagian crawl baru saja mati dan dijalankan lagi")


def test_a_part_that_was_restarted_hours_ago_is_healthy_again(app, world):
    died(world, "crawl", 120)
    (line,) = lines(app, "Bagian")
    assert line.healthy
    assert line.state.startswith("1 kali mati dalam 24 jam, terakhir crawl")


def test_a_part_that_dies_again_and_again_is_not(app, world):
    died(world, "capture", 20, 30, 40)
    (line,) = lines(app, "Bagian")
    assert (line.healthy, line.state) == (False, "Bagian capture mati berulang-ulang")


def test_a_clock_that_does_not_count_is_noticed_though_doctor_counts_itself(app, world):
    ran(world, RunOutcome.DONE)
    for _ in range(2):
        (line,) = lines(app, "Jadwal crawl")
        assert (line.healthy, line.state) == (False, "Jadwal tidak berjalan")


def test_without_targets_there_is_nothing_wrong_with_the_crawling(app):
    assert all(finding.healthy for area in AREAS for finding in lines(app, area))


@pytest.mark.parametrize("extra", ["", "--help"])
def test_the_command_ends_with_one_when_something_is_wrong(netra, tmp_path, extra):
    home = tmp_path / "home"
    assert netra("init", "--home", home)[0] == 0
    code, output, _ = netra("doctor", *([extra] if extra else ["--home", home]))
    if extra:
        assert code == 0
    else:
        assert code == 1
        assert "perlu tiga" in output
        assert "✓  Ruang disk" in output
