"""`netra models drift`, the daily stage and doctor's line, over counts of known days."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from rich.console import Console

from classifier.evaluation.drift import drift_of
from models.clock import utc_now
from models.drift import SCORE_BINS, DriftDay, Tally, newest_measurements, store_days, store_measurement
from pipeline.doctor import examine
from pipeline.drift_table import advice, drift_table
from pipeline.stages import STAGES, countable

QUIET = (80, 10, 10, *[0] * (SCORE_BINS - 3))
LOUD = (20, 10, 10, *[0] * (SCORE_BINS - 9), 10, 10, 10, 10, 10, 10)
REFERENCE = Tally(posts=50, words=1_000, unknown_words=100, pieces=1_500, unknown_pieces=3)


def _days(last, shapes):
    """One day of a hundred posts for each shape, up to `last`."""
    return [
        DriftDay(
            mandate_id="m",
            model="netra-uji@1",
            weights_sha256="0" * 64,
            day=last - dt.timedelta(days=len(shapes) - 1 - number),
            tally=Tally(posts=100, flagged=1, scores=shape, words=1_000, unknown_words=110).model_dump(mode="json"),
        )
        for number, shape in enumerate(shapes)
    ]


def _measured(world, last, shapes):
    """Store the measurement of these days for the world's mandate."""
    days = _days(last, shapes)
    for day in days:
        day.mandate_id = world.mandate.id
    with world.database.write() as session:
        drift = drift_of(days, 14, REFERENCE)
        first = days[-1].day - dt.timedelta(days=13)
        assert store_measurement(session, days[-1], drift, first_day=first, actor="test", at=utc_now())


def _line(app):
    return next(finding for finding in examine(app) if finding.subject == "Pergeseran")


def _shown(drift):
    page = io.StringIO()
    Console(file=page, width=160).print(drift_table(drift))
    return page.getvalue()


def test_the_table_sets_scores_against_the_weeks_before_and_words_against_the_training_text():
    last = dt.date(2026, 11, 19)
    drift = drift_of(_days(last, [QUIET] * 28 + [LOUD] * 14), 14, REFERENCE)
    page = _shown(drift)
    assert "2026-10-09 – 2026-11-05" in page
    assert "teks latih" in page
    unknown = next(line for line in page.splitlines() if "kata tak dikenal" in line)
    assert unknown.split()[-2:] == ["10,0", "%"]
    assert next(line for line in page.splitlines() if "PSI" in line).rstrip().endswith("!")
    (line,) = advice(drift)
    assert "netra sample draw" in line


def test_what_cannot_be_said_is_said():
    drift = drift_of(_days(dt.date(2026, 11, 19), [QUIET] * 5), 14, None)
    assert [line.split(" ")[0] for line in advice(drift)] == ["Pergeseran", "Model"]
    assert "PSI" not in _shown(drift)


def test_nothing_moved_means_nothing_to_do():
    drift = drift_of(_days(dt.date(2026, 11, 19), [QUIET] * 42), 14, REFERENCE)
    assert advice(drift) == ["Tidak ada yang perlu dilakukan."]


def test_doctor_tells_of_an_alarm_and_forgets_that_of_a_mandate_long_over(app, world):
    assert (_line(app).healthy, _line(app).state) == (True, "belum diukur")
    today = utc_now().date()
    _measured(world, today - dt.timedelta(days=10), [QUIET] * 14 + [LOUD] * 14)
    assert _line(app).healthy
    _measured(world, today - dt.timedelta(days=2), [QUIET] * 28 + [LOUD] * 14)
    assert (_line(app).healthy, _line(app).state) == (False, "001/ST/2026: sebaran skor berubah")
    _measured(world, today - dt.timedelta(days=1), [QUIET] * 42)
    assert (_line(app).healthy, _line(app).state) == (True, "tidak ada, 1 mandat diukur")


def test_a_day_that_is_kept_already_stays_as_it_is(app, world):
    key = (world.mandate.id, "0" * 64, dt.date(2026, 11, 1))
    for posts in (3, 5):
        with app.database.write() as session:
            store_days(session, "netra-uji@1", {key: Tally(posts=posts)})
    with app.database.read() as session:
        assert session.query(DriftDay).one().read_tally().posts == 3
        assert newest_measurements(session) == []


@pytest.mark.parametrize(("kept", "days"), [(30, 29), (2, 1), (1, 1)])
def test_only_days_whose_posts_are_all_there_are_counted(app, kept, days):
    settings = app.settings.model_copy(update={"retention_days": kept})
    assert countable(settings) == dt.timedelta(days=days)


def test_the_stage_and_the_command_work_before_anything_was_scored(netra, tmp_path, app):
    stage = next(stage for stage in STAGES if stage.name == "drift")
    assert stage.advance(app) == 0
    home = tmp_path / "home"
    assert netra("init", "--home", home)[0] == 0
    code, output, _ = netra("models", "drift", "--home", home)
    assert (code, output.split(";")[0]) == (0, "belum ada hari utuh yang dinilai model ini")
    assert netra("models", "drift", "--days", "3", "--home", home)[0] == 2
