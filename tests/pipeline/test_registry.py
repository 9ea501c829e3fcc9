"""The analysts' loop at the command line: a model comes in, shows what it can, is approved by another, goes back."""

from __future__ import annotations

import json
import shutil

import pytest
from sqlalchemy import select

from classifier.network.checkpoint import checkpoint_sha256
from classifier.shipped import SHIPPED
from models.assessments import Assessment
from models.classifiers import (
    ClassifierModel,
    ComparisonOutcome,
    active_model,
    approve_model,
    propose_model,
    register_model,
    rollback_model,
    store_comparison,
)
from models.database import open_database
from models.errors import StorageError
from models.log import LogEntry
from models.officers import Officer, Role, add_officer
from pipeline.model_store import scoring_model
from pipeline.parts import classifier_model
from pipeline.settings import ModelSettings, Settings
from pipeline.stages import assess_new
from review_ui.passwords import hash_password

PASSWORD = "kata-sandi-uji-panjang"
SIDES = ("Bang Raka", "Bu Lodra")


def variant(directory, *, version, threshold=None):
    """The shipped weights under another name, version and threshold; large files are links."""
    directory.mkdir(parents=True)
    for file in SHIPPED.iterdir():
        if file.name != "calibration.json":
            (directory / file.name).symlink_to(file)
    calibration = json.loads((SHIPPED / "calibration.json").read_text(encoding="utf-8"))
    calibration |= {"version": version} | ({} if threshold is None else {"threshold": threshold})
    (directory / "calibration.json").write_text(json.dumps(calibration), encoding="utf-8")
    return directory


@pytest.fixture
def candidate(tmp_path):
    """A model as good as the shipped one, with files and a version of its own."""
    return variant(tmp_path / "latihan" / "netra-seruni", version="2026.1")


@pytest.fixture
def home(netra, tmp_path, monkeypatch):
    """An initialised home with two analysts, a supervisor and an operator."""
    directory = tmp_path / "home"
    assert netra("init", "--home", directory)[0] == 0
    database = open_database(f"sqlite:///{directory}/netra.sqlite")
    with database.write() as session:
        for username, role in (
            ("ana", Role.ANALYST),
            ("adi", Role.ANALYST),
            ("dewi", Role.SUPERVISOR),
            ("sari", Role.OPERATOR),
        ):
            add_officer(session, username=username, name=username, position="Staf",
                        password_hash=hash_password(PASSWORD), roles=[role], actor="test")  # fmt: skip
    database.close()
    monkeypatch.setenv("NETRA_PASSWORD", PASSWORD)
    return directory


@pytest.fixture
def contest_file(tmp_path, contest_spec):
    """The contest of the labelled file."""
    path = tmp_path / "pilbup.yaml"
    path.write_text(contest_spec.model_dump_json(by_alias=True), encoding="utf-8")
    return path


@pytest.fixture
def labelled(tmp_path):
    """Sixty innocent rows for each side, and as many that take one."""
    lines = ["id,text,label,source"]
    for number in range(60):
        for side in SIDES:
            lines.append(f"n{number}{side},{side} meresmikan pasar desa tadi pagi,none,grup")
            lines.append(f"p{number}{side},Ayo kita semua coblos {side}! Menangkan!,mobilise,grup")
    path = tmp_path / "berlabel.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def is_one_clear_line(result, *words):
    code, _, error = result
    assert code == 2, error
    assert len(error.strip().splitlines()) == 1, error
    assert error.startswith("netra: ")
    for word in words:
        assert word in error


def model_that_classifies(netra, tmp_path, home, contest_file):
    posts, out = tmp_path / "posts.csv", tmp_path / "out.jsonl"
    posts.write_text("id,text\n1,Hujan lagi\n", encoding="utf-8")
    code, _, error = netra("classify", posts, "--contest", contest_file, "--out", out, "--home", home)
    assert code == 0, error
    return json.loads(out.read_text(encoding="utf-8"))["model"]


def test_a_model_comes_into_use_by_two_officers_and_goes_out_by_one(
    netra, home, candidate, labelled, contest_file, tmp_path
):
    ana, dewi, sari = (("--officer", name, "--home", home) for name in ("ana", "dewi", "sari"))
    before = model_that_classifies(netra, tmp_path, home, contest_file)
    code, out, _ = netra("models", "register", candidate, *ana)
    assert (code, out.split("\t")[0]) == (0, "netra-seruni@2026.1")
    shutil.rmtree(candidate)  # what was registered is a copy
    compare = ("models", "compare", "netra-seruni@2026.1", labelled, "--contest", f"grup={contest_file}")
    code, out, error = netra(*compare, *ana)
    assert code == 0, out + error
    assert "**Lulus.**" in out
    assert "| grup | 240 (120) |" in out
    assert netra("models", "promote", "netra-seruni@2026.1", *ana)[0] == 0
    assert model_that_classifies(netra, tmp_path, home, contest_file) == before
    is_one_clear_line(netra("models", "approve", "netra-seruni@2026.1", *ana), "another officer")
    shown = netra("models", "show", "netra-seruni@2026.1", "--home", home)
    assert shown[0] == 0
    assert "**Lulus.**" in shown[1]
    assert netra("models", "approve", "netra-seruni@2026.1", *dewi)[0] == 0
    assert model_that_classifies(netra, tmp_path, home, contest_file) == "netra-seruni@2026.1"
    assert "Yang menilai sekarang: netra-seruni@2026.1" in netra("models", "list", "--home", home)[1]
    code, out, _ = netra("models", "rollback", "--reason", "Menandai [doa] bersama", *sari)
    assert (code, out.split("\t")[0]) == (0, f"{SHIPPED.name} (bawaan)")
    assert model_that_classifies(netra, tmp_path, home, contest_file) == before
    listed = " ".join(netra("models", "list", "--home", home)[1].split())
    assert "diganti" in listed
    assert "[doa]" in listed


def test_a_model_that_is_worse_is_stored_as_such_and_cannot_be_proposed(netra, home, tmp_path, labelled, contest_file):
    loud = variant(tmp_path / "netra-keras", version="1", threshold=0.0)
    ana = ("--officer", "ana", "--home", home)
    assert netra("models", "register", loud, *ana)[0] == 0
    code, out, _ = netra("models", "compare", loud, labelled, "--contest", f"grup={contest_file}", *ana)
    assert code == 1
    assert "**Tidak lulus.**" in out
    assert "McNemar" in out
    is_one_clear_line(netra("models", "promote", "netra-keras@1", *ana), "did not pass")


def test_a_stored_comparison_names_its_data_by_hash_and_quotes_none_of_it(
    netra, home, candidate, labelled, contest_file
):
    ana = ("--officer", "ana", "--home", home)
    assert netra("models", "compare", candidate, labelled, "--contest", f"grup={contest_file}", *ana)[0] == 0
    database = open_database(f"sqlite:///{home}/netra.sqlite")
    with database.read() as session:
        entries = b"".join(session.scalars(select(LogEntry.entry)))
        body = session.connection().exec_driver_sql("SELECT body FROM model_comparisons").scalar_one()
    database.close()
    stored = json.loads(body)
    assert stored["challenger"]["sha256"] == checkpoint_sha256(candidate)
    assert stored["champion"]["sha256"] == checkpoint_sha256(SHIPPED)
    assert (stored["data"]["file"], stored["data"]["rows"]) == ("berlabel.csv", 240)
    assert b"meresmikan" not in body + entries


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("register", "{tmp}/tidak-ada"), "no such directory"),
        (("register", "{tmp}"), "not a model directory"),
        (("compare", "{candidate}", "{tmp}/tidak-ada.csv", "--contest", "grup={contest}"), "tidak-ada.csv"),
        (("compare", "{candidate}", "{labelled}", "--contest", "{contest}"), "SOURCE=FILE"),
        (("compare", "{candidate}", "{labelled}", "--contest", "lain={contest}"), "no contest given for grup"),
        (("compare", "{candidate}", "{labelled}", "--contest", "a={contest}", "--contest", "a={contest}"), "already"),
        (("compare", "tak@dikenal", "{labelled}", "--contest", "grup={contest}"), "netra models list"),
        (("promote", "netra-seruni@9"), "netra models list"),
        (("approve", "netra-seruni@9"), "netra models list"),
        (("rollback", "--reason", "salah"), "nothing to roll back"),
        (("rollback", "--reason", " "), "needs a reason"),
    ],
)
def test_bad_input_is_one_clear_line(netra, home, tmp_path, candidate, labelled, contest_file, arguments, said):
    places = {"tmp": tmp_path, "candidate": candidate, "contest": contest_file, "labelled": labelled}
    filled = [argument.format(**places) for argument in arguments]
    is_one_clear_line(netra("models", *filled, "--officer", "ana", "--home", home), said)


def test_only_analysts_register_and_compare_and_the_refusal_comes_before_any_work(
    netra, home, candidate, labelled, contest_file
):
    for arguments in (("register", candidate), ("compare", candidate, labelled, "--contest", f"grup={contest_file}")):
        is_one_clear_line(netra("models", *arguments, "--officer", "sari", "--home", home), "analyst")
    assert not (home / "models").exists()


def test_a_model_refused_at_registration_leaves_nothing_behind(netra, home, tmp_path):
    ana = ("--officer", "ana", "--home", home)
    impostor = variant(tmp_path / SHIPPED.name, version=_shipped_version(), threshold=0.9)
    is_one_clear_line(netra("models", "register", impostor, *ana), "initial model")
    unnamable = variant(tmp_path / "model baru", version="1")
    is_one_clear_line(netra("models", "register", unnamable, *ana), "cannot name")
    damaged = variant(tmp_path / "rusak", version="1")
    (damaged / "tokenizer.json").unlink()
    (damaged / "tokenizer.json").write_text("{", encoding="utf-8")
    is_one_clear_line(netra("models", "register", damaged, *ana), "tokenizer.json")
    assert not any((home / "models").iterdir())


def propose(session, home, directory, *, initial):
    """Register, compare and propose what lies in the home, as the first analyst."""
    analyst = session.scalars(select(Officer).where(Officer.username.in_(("ana", "analyst")))).one()
    sha256 = checkpoint_sha256(directory)
    name, version = directory.name, json.loads((directory / "calibration.json").read_text(encoding="utf-8"))["version"]
    location = directory.relative_to(home).as_posix()
    model = register_model(session, analyst, name=name, version=version, sha256=sha256, location=location)
    active = active_model(session)
    champion = initial if active is None else active.sha256
    store_comparison(session, analyst, ComparisonOutcome(sha256, champion, passed=True, body={}))
    propose_model(session, model, analyst, initial_sha256=initial)
    return model


def put_in_use(session, home, directory, *, initial):
    """What was proposed, approved by a supervisor."""
    supervisor = session.scalars(select(Officer).where(Officer.username.in_(("dewi", "supervisor1")))).one()
    approve_model(session, propose(session, home, directory, initial=initial), supervisor, initial_sha256=initial)


def test_a_model_whose_files_were_altered_cannot_be_approved(netra, home):
    place = variant(home / "models" / "a" / "netra-seruni", version="1")
    database = open_database(f"sqlite:///{home}/netra.sqlite")
    with database.write() as session:
        propose(session, home, place, initial=checkpoint_sha256(SHIPPED))
    database.close()
    (place / "linear.json").unlink()
    is_one_clear_line(
        netra("models", "approve", "netra-seruni@1", "--officer", "dewi", "--home", home), "missing or altered"
    )


def test_lost_files_of_the_model_in_use_stop_scoring_and_registering_again_brings_them_back(
    netra, home, contest_file, tmp_path
):
    place = variant(home / "models" / "a" / "netra-seruni", version="1")
    database = open_database(f"sqlite:///{home}/netra.sqlite")
    with database.write() as session:
        put_in_use(session, home, place, initial=checkpoint_sha256(SHIPPED))
    database.close()
    elsewhere = place.rename(tmp_path / "cadangan")
    posts = tmp_path / "posts.csv"
    posts.write_text("id,text\n1,Hujan lagi\n", encoding="utf-8")
    classify = ("classify", posts, "--contest", contest_file, "--out", tmp_path / "out.jsonl", "--home", home)
    is_one_clear_line(netra(*classify), "netra-seruni@1", "netra models register", "netra models rollback")
    assert "✗  Model penilai" in netra("doctor", "--home", home)[1]
    code, out, _ = netra("models", "register", elsewhere, "--officer", "ana", "--home", home)
    assert code == 0
    assert "sudah terdaftar" in out
    assert netra(*classify)[0] == 0


def test_a_promotion_takes_effect_at_the_next_batch_and_old_assessments_stay(app, world):
    def assessed_by():
        world.store("Hujan lagi, cucian numpuk")
        assert assess_new(app) == 1
        with app.database.read() as session:
            return list(session.scalars(select(Assessment.model).order_by(Assessment.id)))

    home, initial = app.settings.home, checkpoint_sha256(SHIPPED)
    (shipped,) = assessed_by()
    first = variant(home / "models" / "a" / "netra-seruni", version="1")
    with app.database.write() as session:
        put_in_use(session, home, first, initial=initial)
    assert assessed_by() == [shipped, "netra-seruni@1"]
    with app.database.write() as session:
        rollback_model(session, session.get_one(Officer, world.operator.id), reason="salah")
    assert assessed_by() == [shipped, "netra-seruni@1", shipped]


def test_what_two_officers_approved_goes_before_a_line_in_the_settings(sqlite_world, tmp_path):
    named = variant(tmp_path / "lain" / "netra-lain", version="1")
    settings = Settings(home=tmp_path, model=ModelSettings(directory=named, sha256=checkpoint_sha256(named)))
    database = sqlite_world.database
    assert scoring_model(settings, None) == scoring_model(settings, database)
    assert scoring_model(settings, database).directory == named
    approved = variant(tmp_path / "models" / "a" / "netra-seruni", version="1")
    with database.write() as session:
        put_in_use(session, tmp_path, approved, initial=checkpoint_sha256(named))
    chosen = scoring_model(settings, database)
    assert (chosen.directory, chosen.sha256, chosen.label) == (approved, checkpoint_sha256(approved), "netra-seruni@1")


def test_weights_exchanged_behind_the_registrys_back_are_not_loaded(sqlite_world, tmp_path):
    settings, database = Settings(home=tmp_path), sqlite_world.database
    approved = variant(tmp_path / "models" / "a" / "netra-seruni", version="1")
    with database.write() as session:
        put_in_use(session, tmp_path, approved, initial=checkpoint_sha256(SHIPPED))
        location = session.scalars(select(ClassifierModel.location)).one()
    shutil.rmtree(tmp_path / location)
    variant(tmp_path / location, version="1", threshold=0.99)
    with pytest.raises(StorageError, match="missing or altered"):
        classifier_model(settings, database)


def _shipped_version():
    return json.loads((SHIPPED / "calibration.json").read_text(encoding="utf-8"))["version"]
