"""The drift stage: whole days are counted once, whatever retention deletes later, and alarms are kept and logged."""

from __future__ import annotations

import datetime as dt
import tracemalloc

import numpy as np
import pytest
from sqlalchemy import event, insert, select, update
from tokenizers import Tokenizer, models, pre_tokenizers

from classifier.drifting import Watcher
from classifier.network.calibrate import Calibration
from classifier.network.linear import LinearModel
from classifier.network.reference import Vocabulary, load_reference, reference_of, save_reference
from models.assessments import Act, Assessment, Finding, ModelIdentity, Voice, store_assessments
from models.drift import DriftDay, DriftMeasurement, newest_measurements
from models.errors import BadInput
from models.ids import new_id
from models.log import LogEntry
from models.posts import PostVersion, Sighting

NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
KNOWN = ("hujan", "lagi", "ayo", "pilih", "calon_1", "calon")
MODEL = ModelIdentity("netra-uji", "3", "a" * 64, 0.5)
REACH = 29 * DAY


@pytest.fixture
def directory(tmp_path):
    """A model's directory with a vocabulary of six words, and no network."""
    place = tmp_path / MODEL.name
    place.mkdir()
    pieces = {piece: number for number, piece in enumerate(("<unk>", "hujan", "lagi", "ayo", "pilih", "CALON_1"))}
    tokenizer = Tokenizer(models.WordLevel(pieces, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(place / "tokenizer.json"))
    weights = np.zeros(len(KNOWN), np.float32)
    LinearModel({f"w{word}": column for column, word in enumerate(KNOWN)}, weights, weights, 0.0).save(place)
    Calibration(1, 1, 0, 0, 0.5, 0.4, 0.6, MODEL.version).save(place / "calibration.json")
    return place


@pytest.fixture
def watcher(world, directory):
    return Watcher(world.database, directory)


def _score(world, scored, *, model=MODEL):
    """Store posts with their masked text and score at a moment: (at, masked, score)."""
    posts = world.store(*(f"unggahan {number} {scored[number][0]}" for number in range(len(scored))))
    with world.database.write() as session:
        for post, (at, masked, score) in zip(posts, scored, strict=True):
            sighting = session.get_one(Sighting, (post.id, world.mandate.id))
            version = session.scalars(select(PostVersion).where(PostVersion.post_id == post.id)).one()
            finding = Finding(score, score >= model.threshold, Act.NONE, Voice.OWN, [], masked, [])
            store_assessments(session, [(sighting, version, finding)], model, actor="test", at=at)


def _days(world):
    with world.database.read() as session:
        return {row.day: row.read_tally() for row in session.scalars(select(DriftDay))}


def _fill(world, watcher, count, score, *, last):
    """Some days up to `last`, each with twenty posts scored in one pass of the query."""
    moments = [dt.datetime.combine(last, dt.time(12), dt.UTC) - number * DAY for number in range(count)]
    _score(world, [(at, "hujan lagi", score) for at in moments for _post in range(20)])
    watcher.count_days(moments[0] + DAY, REACH)


def test_words_pieces_lengths_and_slots_are_counted(directory):
    texts = ["Ayo pilih CALON_1 !", "hujan deras lagi", "CALON_1 PARTAI_2 @budi #tagar 2026"]
    tally = Vocabulary.load(directory).tally(texts, [0.9, 0.01, 0.5], [True, False, True])
    assert (tally.posts, tally.flagged) == (3, 2)
    assert (tally.words, tally.unknown_words) == (5, 1)  # “deras”; slots, handles, tags and numbers are no words
    assert (tally.pieces, tally.unknown_pieces) == (12, 7)
    assert tally.naming == {"CALON": 2, "PARTAI": 1}
    assert (sum(tally.scores), tally.scores[0], tally.scores[10]) == (3, 1, 1)


def test_a_reference_is_read_back_as_it_was_written_and_may_be_absent_but_not_damaged(directory):
    assert load_reference(directory) is None
    reference = reference_of(["hujan deras", "ayo pilih CALON_1"], [0.1, 0.8], 0.5, Vocabulary.load(directory))
    save_reference(directory, reference)
    assert load_reference(directory) == reference
    (directory / "reference.json").write_text('{"posts": -1}')
    with pytest.raises(BadInput, match=r"reference\.json"):
        load_reference(directory)


def test_a_damaged_model_is_one_clear_line(directory):
    (directory / "tokenizer.json").write_text("{")
    with pytest.raises(BadInput, match="not a readable model"):
        Vocabulary.load(directory)


def test_whole_days_are_counted_once_and_today_is_left_for_tomorrow(world, watcher):
    _score(
        world,
        [
            (NOW - 2 * DAY, "hujan lagi", 0.01),
            (NOW - DAY, "hujan deras", 0.9),
            (NOW - DAY, "ayo pilih CALON_1", 0.7),
            (NOW, "hari ini", 0.1),
        ],
    )
    assert watcher.count_days(NOW, REACH) == 3
    assert watcher.count_days(NOW, REACH) == 0
    days = _days(world)
    assert {day: tally.posts for day, tally in days.items()} == {dt.date(2026, 11, 18): 1, dt.date(2026, 11, 19): 2}
    assert (days[dt.date(2026, 11, 19)].flagged, days[dt.date(2026, 11, 19)].unknown_words) == (2, 1)
    assert watcher.count_days(NOW + DAY, REACH) == 1


def test_a_day_is_whole_only_when_what_was_scored_before_midnight_is_surely_there(world, watcher):
    midnight = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    _score(world, [(midnight - dt.timedelta(seconds=1), "hujan", 0.1), (midnight, "hujan", 0.1)])
    assert watcher.count_days(midnight + dt.timedelta(minutes=59), REACH) == 0
    assert watcher.count_days(midnight + dt.timedelta(minutes=61), REACH) == 1


def test_days_that_retention_has_begun_to_delete_and_other_models_are_let_be(world, watcher):
    _score(world, [(NOW - 40 * DAY, "hujan", 0.9), (NOW - 3 * DAY, "hujan", 0.1)])
    _score(world, [(NOW - DAY, "hujan", 0.9)], model=ModelIdentity("netra-uji", "2", "b" * 64, 0.5))
    watcher.count_days(NOW, REACH)
    assert list(_days(world)) == [dt.date(2026, 11, 17)]


def test_a_shift_is_stored_once_and_logged_when_it_begins(world, watcher):
    last = dt.date(2026, 11, 19)
    _fill(world, watcher, 14, 0.02, last=last - 14 * DAY)
    assert watcher.store(NOW - 14 * DAY, "test") == 1
    _fill(world, watcher, 14, 0.3, last=last)
    assert watcher.store(NOW, "test") == 1
    assert watcher.store(NOW, "test") == 0
    _fill(world, watcher, 1, 0.3, last=last + DAY)
    assert watcher.store(NOW + DAY, "test") == 1
    with world.database.read() as session:
        rows = session.scalars(select(DriftMeasurement).order_by(DriftMeasurement.last_day)).all()
        logged = session.scalars(select(LogEntry).where(LogEntry.action == "drift.alarmed")).all()
        (newest,) = newest_measurements(session)
    assert [row.alarms for row in rows] == [[], ["scores"], ["scores"]]
    assert [entry.subject for entry in logged] == [f"drift_measurements:{rows[1].id}"]
    assert newest.last_day == last + DAY
    drift = newest.read_drift()
    assert drift.previous.tally.posts == 15 * 20
    assert drift.reference is None


def test_counts_outlive_the_posts(world, watcher):
    _fill(world, watcher, 14, 0.02, last=dt.date(2026, 11, 19))
    with world.database.write() as session:
        session.execute(update(Assessment).values(model="purged@1"))  # as if retention had taken them
    (one,) = watcher.measure(7)
    assert (one.drift.now.posts, one.drift.previous.tally.posts) == (140, 140)
    assert one.drift.alarms == ()


def _many(world, posts, at):
    """Many texts of one post, each scored at this moment, in two statements."""
    (post,) = world.store(f"unggahan {at}")
    with world.database.write() as session:
        first = session.scalars(select(PostVersion).where(PostVersion.post_id == post.id)).one()
        kept = {"post_id": post.id, "text": "-", "text_sha256": "0" * 64, "seen_at": at, "locator": "/"}
        ids = [new_id() for _post in range(posts)]
        texts = [{**kept, "id": row, "number": n, "fetch_id": first.fetch_id} for n, row in enumerate(ids, 2)]
        said = {"mandate_id": world.mandate.id, "model": MODEL.label, "weights_sha256": MODEL.weights_sha256,
                "threshold": 0.5, "score": 0.1, "flagged": False, "act": Act.NONE, "voice": Voice.OWN,
                "masked": "hujan lagi", "assessed_at": at}  # fmt: skip
        session.execute(insert(PostVersion), [{**row, "attachments": []} for row in texts])
        empty = {"targets": [], "spans": [], "unsure": False}
        session.execute(insert(Assessment), [{**said, **empty, "id": new_id(), "post_version_id": row} for row in ids])


def test_the_number_of_queries_and_the_memory_do_not_grow_with_the_posts(sqlite_world, directory):
    watcher = Watcher(sqlite_world.database, directory)
    asked, peaks, counts = [], [], []
    event.listen(sqlite_world.database.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    for day, posts in ((5, 1_100), (4, 1_100), (3, 4_400)):
        _many(sqlite_world, posts, NOW - day * DAY)
        asked.clear()
        tracemalloc.start()
        assert watcher.count_days(NOW - (day - 1) * DAY, REACH) == posts
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        counts.append(len(asked))
    assert counts[1] == counts[2]
    assert peaks[2] < 1.5 * peaks[1]
