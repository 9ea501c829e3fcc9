"""Bad input at the command line: one clear line, exit code 2, nothing half-written."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from models.clock import utc_now
from models.database import open_database
from models.log import record
from models.officers import Role, add_officer, officer_named
from models.reports import Report
from review_ui.passwords import hash_password
from review_ui.sessions import FREE_ATTEMPTS

PASSWORD = "kata-sandi-uji-panjang"


@pytest.fixture
def home(netra, tmp_path, monkeypatch):
    """An initialised home with one operator whose password the environment gives."""
    directory = tmp_path / "home"
    assert netra("init", "--home", directory)[0] == 0
    database = open_database(f"sqlite:///{directory}/netra.sqlite")
    with database.write() as session:
        add_officer(
            session,
            username="operator",
            name="Operator",
            position="Staf",
            password_hash=hash_password(PASSWORD),
            roles=[Role.OPERATOR],
            actor="test",
        )
    database.close()
    monkeypatch.setenv("NETRA_PASSWORD", PASSWORD)
    return directory


def _is_one_clear_line(result, *words):
    code, _, error = result
    lines = error.strip().splitlines()
    assert code == 2, error
    assert len(lines) == 1, error
    assert lines[0].startswith("netra: ")
    for word in words:
        assert word in lines[0]


def test_init_makes_a_private_key_file_and_can_be_repeated(home, netra):
    assert stat.S_IMODE((home / "netra.key").stat().st_mode) == 0o600
    before = (home / "netra.key").read_bytes()
    code, out, _ = netra("init", "--home", home)
    assert code == 0
    assert "admin" not in out
    assert (home / "netra.key").read_bytes() == before


def test_a_home_that_was_never_initialised_is_said_so(netra, tmp_path):
    _is_one_clear_line(netra("crawl", "--home", tmp_path / "nowhere"), "netra init")


def test_a_malformed_contest_file_names_file_and_line(home, netra, tmp_path):
    contest = tmp_path / "contest.yaml"
    contest.write_text("name: X\nregion: Y\nelection_day: besok\ncandidates:\n  - {number: 1, names: [A B]}\n")
    result = netra("contests", "import", contest, "--officer", "operator", "--home", home)
    _is_one_clear_line(result, "contest.yaml:3", "election_day")


def test_classify_refuses_a_malformed_contest_before_reading_the_posts(netra, tmp_path):
    contest = tmp_path / "contest.yaml"
    contest.write_text("name: [")
    out = tmp_path / "out.jsonl"
    _is_one_clear_line(netra("classify", "-", "--contest", contest, "--out", out), "contest.yaml:1")
    assert not out.exists()


def test_a_wrong_password_is_refused(home, netra, tmp_path, monkeypatch):
    monkeypatch.setenv("NETRA_PASSWORD", "salah")
    roster = tmp_path / "roster.csv"
    roster.write_text("nip,name,status\n")
    result = netra("targets", "import", roster, "--mandate", "1", "--officer", "operator", "--home", home)
    assert result[0] == 2


def test_a_new_officers_password_is_asked_even_where_the_environment_gives_one(home, netra, monkeypatch):
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "kata-sandi-bayu-sendiri")
    bayu = ("--name", "Bayu Laksana", "--position", "Kasubag", "--role", "operator", "--home", home)
    assert netra("officers", "add", "bayu", *bayu)[:2] == (0, "bayu\tBayu Laksana\toperator\n")
    approve = ("mandates", "approve", "999/X", "--officer", "bayu", "--home", home)
    _is_one_clear_line(netra(*approve), "wrong password")


def test_wrong_passwords_count_towards_the_lock_and_never_hold_the_database(home, netra, monkeypatch):
    other = open_database(f"sqlite:///{home}/netra.sqlite")
    monkeypatch.delenv("NETRA_PASSWORD")

    def answer(*_, **__):
        with other.write() as session:  # somebody else works while the prompt waits
            session.execute(text("SELECT 1"))
        return "salah"

    monkeypatch.setattr("typer.prompt", answer)
    approve = ("mandates", "approve", "999/X", "--officer", "operator", "--home", home)
    for _ in range(FREE_ATTEMPTS):
        _is_one_clear_line(netra(*approve), "wrong password")
    _is_one_clear_line(netra(*approve), "locked")
    other.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ("crawl", "--target", "01HZZZZZZZZZZZZZZZZZZZZZZZ"),
        ("report", "999/X", "--format", "pdf", "--out", "laporan.pdf"),
        ("trace", "01HZZZZZZZZZZZZZZZZZZZZZZZ"),
        ("mandates", "approve", "999/X", "--officer", "operator"),
    ],
)
def test_an_unknown_id_is_one_clear_line(home, netra, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _is_one_clear_line(netra(*arguments, "--home", home))
    assert not (tmp_path / "laporan.pdf").exists()


def test_a_crawl_that_is_refused_says_why(home, netra, tmp_path):
    database = open_database(f"sqlite:///{home}/netra.sqlite")
    with database.write() as session:
        add_officer(session, username="kedua", name="Kedua", position="Kasubag", password_hash=hash_password(PASSWORD),
                    roles=[Role.OPERATOR], actor="test")  # fmt: skip
    database.close()
    today, days = utc_now().date(), dt.timedelta(days=2)
    contest, mandates, roster = tmp_path / "contest.yaml", tmp_path / "mandates.yaml", tmp_path / "roster.csv"
    contest.write_text(f"name: X\nregion: Y\nelection_day: {today}\ncandidates:\n  - {{number: 1, names: [A B]}}\n")
    mandates.write_text(f"- {{number: 7/ST, legal_basis: surat, agency: Bawaslu, contest: X, "
                        f"first_day: {today - days}, last_day: {today + days}}}\n")  # fmt: skip
    roster.write_text("nip,name,status,source,handle,address,evidence\n199003152015031004,Damar Kesuma,PNS,feed,damar,"
                      "https://alun.invalid/umpan.xml,Kartu nama\n")  # fmt: skip
    first, second = ("--officer", "operator", "--home", home), ("--officer", "kedua", "--home", home)
    assert netra("contests", "import", contest, *first)[0] == 0
    assert netra("mandates", "import", mandates, *first)[0] == 0
    assert netra("mandates", "approve", "7/ST", *second)[0] == 0
    assert netra("targets", "import", roster, "--mandate", "7/ST", *first)[0] == 0
    code, out, _ = netra("crawl", "--home", home)
    assert code == 0
    assert "refused" in out
    assert "belum diverifikasi" in out


def test_an_import_without_a_mandate_is_refused_and_keeps_nothing(home, netra, tmp_path):
    posts = tmp_path / "posts.csv"
    posts.write_text("id,text,author,url,posted_at\n1,halo,@a,,2026-11-01T00:00:00Z\n")
    result = netra("import", posts, "--source", "csv", "--mandate", "7/ST", "--officer", "operator", "--home", home)
    _is_one_clear_line(result, "7/ST")
    assert not any((home / "evidence").iterdir())


def test_a_report_is_traced_by_its_number_too(home, netra, build_world):
    database = open_database(f"sqlite:///{home}/netra.sqlite")
    with database.write() as session:
        session.delete(officer_named(session, "operator"))
    world = build_world(database)
    with database.write() as session:
        report = Report(number="1/LHP", mandate_id=world.mandate.id, drafted_by=world.operator.id, drafted_at=utc_now())
        session.add(report)
        session.flush()
        record(session, "report.drafted", report, actor="test")
        report_id = report.id
    database.close()
    by_number = netra("trace", "1/LHP", "--home", home)
    assert by_number == netra("trace", report_id, "--home", home)
    assert by_number[0] == 0
    assert "report.drafted" in by_number[1]


def test_only_an_operator_puts_anything_in(home, netra, tmp_path):
    database = open_database(f"sqlite:///{home}/netra.sqlite")
    with database.write() as session:
        add_officer(
            session,
            username="auditor",
            name="Auditor",
            position="Auditor",
            password_hash=hash_password(PASSWORD),
            roles=[Role.AUDITOR],
            actor="test",
        )
    database.close()
    contest = tmp_path / "contest.yaml"
    contest.write_text("name: X\nregion: Y\nelection_day: 2026-11-25\ncandidates:\n  - {number: 1, names: [A B]}\n")
    result = netra("contests", "import", contest, "--officer", "auditor", "--home", home)
    _is_one_clear_line(result, "operator")


def test_a_key_file_that_others_can_read_is_refused(home, netra):
    (home / "netra.key").chmod(0o644)
    _is_one_clear_line(netra("doctor", "--home", home), "chmod 600")


def test_a_database_that_cannot_be_written_is_one_clear_line(netra, tmp_path, monkeypatch):
    monkeypatch.setenv("NETRA_DATABASE_URL", "sqlite:////proc/netra/none.sqlite")
    assert netra("init", "--home", tmp_path / "home")[0] == 2


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full")
def test_a_full_disk_is_one_clear_line(netra, tmp_path):
    contest = tmp_path / "contest.yaml"
    contest.write_text("name: X\nregion: Y\nelection_day: 2026-11-25\ncandidates:\n  - {number: 1, names: [A B]}\n")
    posts = tmp_path / "posts.csv"
    posts.write_text("id,text\n1,halo\n")
    result = netra("classify", posts, "--contest", contest, "--out", "/dev/full")
    _is_one_clear_line(result, "/dev/full")


def test_a_roster_with_errors_shows_each_by_row_and_column_and_ends_with_exit_code_2(home, netra, tmp_path):
    contest, mandates = tmp_path / "contest.yaml", tmp_path / "mandates.yaml"
    contest.write_text(
        "name: Uji\nregion: Uji\nelection_day: 2026-11-25\ncandidates:\n  - {number: 1, names: [Raka]}\n"
    )
    today = utc_now().date()
    mandates.write_text(
        f"- {{number: 7/ST, legal_basis: x, agency: x, contest: Uji, first_day: {today}, last_day: {today}}}\n"
    )
    asked = ("--officer", "operator", "--home", home)
    assert netra("contests", "import", contest, *asked)[0] == 0
    assert netra("mandates", "import", mandates, *asked)[0] == 0
    roster = tmp_path / "roster.csv"
    roster.write_text("NIP,Nama,Status\n199013152015031004,Damar,PNS\n198501012010012001,\x1b[31mSari,HONORER\n")
    result = netra("targets", "import", roster, "--mandate", "7/ST", *asked)
    _is_one_clear_line(result, "roster.csv", "2 errors", "nothing was stored")
    assert "tanggal lahir 19901315" in result[1]
    assert "C Status" in result[1]
    assert "\x1b[31m" not in result[1]


def test_the_template_is_written_once_and_never_over_another_file(home, netra, tmp_path):
    del home
    out = tmp_path / "daftar.xlsx"
    assert netra("targets", "template", "--out", out)[0] == 0
    assert out.read_bytes().startswith(b"PK")
    _is_one_clear_line(netra("targets", "template", "--out", out), "daftar.xlsx", "exists")
