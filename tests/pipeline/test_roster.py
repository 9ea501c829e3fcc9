"""Rosters from spreadsheets: everything wrong is shown by row and column, and stored is all of it or nothing."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from models.accounts import (
    Attribution,
    AttributionSource,
    AttributionState,
    Confidence,
    SourceKind,
    verify_attribution,
)
from models.errors import BadInput
from models.log import LogEntry
from models.mandates import Mandate
from models.people import CivilServant, Person, RosterEntry, StaffStatus, enrol, open_person
from models.targets import Target
from pipeline.roster.checks import read_roster
from pipeline.roster.columns import HEADERS
from pipeline.roster.findings import WORDS, Severity, fingerprint
from pipeline.roster.intake import examine_roster, import_roster
from pipeline.roster.template import template_bytes

TODAY = dt.date(2026, 11, 20)
HEADER = ["NIP", "Nama", "Status", "Jabatan", "Unit kerja", "Instansi", "Platform", "Akun", "Alamat", "Bukti",
          "Jenis bukti", "Keyakinan"]  # fmt: skip
DAMAR = ["199003152015031004", "Damar Kesuma Lirih", "PNS", "Penata", "Dinas Pasar", "Pemkab", "mastodon",
         "@damar@alun.invalid", "https://alun.invalid/@damar", "Kartu nama resmi", "catatan resmi", ""]  # fmt: skip
WENING = ["198807202022212003", "Wening Telaga Asri", "PPPK", "Perawat", "Puskesmas", "Pemkab", *[""] * 6]


def a_csv(*rows, header=HEADER, delimiter=","):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([header, *rows])
    return io.BytesIO(out.getvalue().encode())


def a_workbook(*rows, header=HEADER):
    book = openpyxl.Workbook()
    for row in [header, *rows]:
        book.worksheets[0].append(row)
    out = io.BytesIO()
    book.save(out)
    out.seek(0)
    return out


def a_row(base=DAMAR, **cells):
    row = list(base)
    for name, value in cells.items():
        row[HEADER.index(name.replace("_", " "))] = value
    return row


def found(file):
    roster = read_roster(file, TODAY)
    return [(each.row, each.column, each.code) for each in roster.findings]


def take_in(world, file, *, confirm=True):
    with world.database.write() as session:
        mandate = session.get_one(Mandate, world.mandate.id)
        roster = examine_roster(session, world.vault, mandate, file, today=TODAY)
        confirmed = fingerprint(roster.warnings) if confirm else None
        return import_roster(session, world.vault, mandate, roster, world.operator, confirmed=confirmed)


def warned(world, file):
    with world.database.read() as session:
        mandate = session.get_one(Mandate, world.mandate.id)
        roster = examine_roster(session, world.vault, mandate, file, today=TODAY)
    assert not roster.errors, roster.errors
    return [(each.row, each.code, dict(each.values)) for each in roster.warnings]


def how_many(world, table):
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(table))


@pytest.mark.parametrize("made", [a_csv, a_workbook])
def test_a_roster_makes_people_claims_and_targets_that_wait_for_a_second_officer(world, made):
    result = take_in(world, made(DAMAR, WENING))
    assert (result.people, result.accounts, result.waiting) == (2, 1, 1)
    with world.database.read() as session:
        claim = session.scalars(select(Attribution).order_by(Attribution.id.desc()).limit(1)).one()
        assert claim.state is AttributionState.CLAIMED
        assert claim.confidence is Confidence.OFFICIAL_RECORD
        person = open_person(world.vault, session.get_one(CivilServant, claim.civil_servant_id))
        assert person == Person("Damar Kesuma Lirih", "199003152015031004", StaffStatus.PNS, "Penata", "Dinas Pasar",
                                "Pemkab")  # fmt: skip
        assert session.scalar(select(Target).where(Target.address == "https://alun.invalid/@damar")) is not None


def test_rows_of_one_account_are_the_sources_of_one_claim(sqlite_world):
    file = a_csv(
        a_row(Jenis_bukti="profil akun", Bukti="Profil menyebut Dinas Pasar"),
        a_row(Jenis_bukti="keterangan orang", Bukti="Keterangan atasan"),
    )
    assert take_in(sqlite_world, file).waiting == 1
    with sqlite_world.database.read() as session:
        claim = session.scalars(select(Attribution).order_by(Attribution.id.desc()).limit(1)).one()
        kinds = session.scalars(select(AttributionSource.kind).where(AttributionSource.attribution_id == claim.id))
        assert set(kinds) == {SourceKind.PROFILE, SourceKind.WITNESS}
        assert claim.confidence is Confidence.SEVERAL_SOURCES


def test_an_account_on_a_platform_without_an_open_route_waits_for_imports_and_is_never_crawled(sqlite_world):
    assert take_in(sqlite_world, a_csv(a_row(Platform="TikTok", Alamat="https://tiktok.invalid/@damar"))).accounts == 1
    with sqlite_world.database.read() as session:
        assert session.scalar(select(Target).where(Target.source == "tiktok")) is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_may_be_separated_as_spreadsheets_do(delimiter):
    assert found(a_csv(DAMAR, WENING, delimiter=delimiter)) == []


def test_titles_above_the_header_and_blank_rows_are_passed_over():
    file = io.BytesIO(b"Daftar ASN Kabupaten,,\n,,\nno,NIP,Nama,Status\n1,198501012010012001,Sari,PNS\n,,,\n")
    roster = read_roster(file, TODAY)
    assert [line.row for line in roster.lines] == [4]
    assert [each.code for each in roster.findings] == ["unknown_column"]


def test_importing_a_roster_twice_changes_nothing(world):
    take_in(world, a_csv(DAMAR, WENING))
    before = [how_many(world, table) for table in (CivilServant, RosterEntry, Attribution, Target, LogEntry)]
    assert take_in(world, a_csv(DAMAR, WENING)).waiting == 0
    assert [how_many(world, table) for table in (CivilServant, RosterEntry, Attribution, Target, LogEntry)] == before


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (a_row(NIP="19900315"), "A", "nip_length"),
        (a_row(NIP="199013152015031004"), "A", "nip_birth"),
        (a_row(NIP="199003152000031004"), "A", "nip_too_young"),
        (a_row(NIP="193003152015031004"), "A", "nip_too_old"),
        (a_row(NIP="199003152015131004"), "A", "nip_month"),
        (a_row(NIP="199003152027031004"), "A", "nip_future"),
        (a_row(NIP="199003152026121004"), "A", "nip_future"),
        (a_row(NIP="199003152015033004"), "A", "nip_sex"),
        (a_row(NIP="199003152015031000"), "A", "nip_serial"),
        (a_row(NIP="199003152015031004", Status="PPPK"), "A", "nip_pppk_kind"),
        (a_row(NIP="199003152012211004", Status="PPPK"), "A", "nip_pppk_year"),
        (a_row(NIP="0571046504930002", Status="PPNPN"), "A", "nip_place"),
        (a_row(NIP="3271047204930002", Status="PPNPN"), "A", "nip_birth"),
        (a_row(NIP="3271046504930000", Status="PPNPN"), "A", "nip_serial"),
        (a_row(NIP="1,99003E+17"), "A", "rounded"),
        (a_row(NIP="=A1"), "A", "formula"),
        (a_row(NIP=""), "A", "empty"),
        (a_row(Nama=""), "B", "empty"),
        (a_row(Nama="…"), "B", "choice"),
        (a_row(Nama="x" * 2_001), "B", "long"),
        (a_row(Status="HONORER"), "C", "choice"),
        (a_row(Platform=""), "G", "no_platform"),
        (a_row(Platform="tik tok"), "G", "choice"),
        (a_row(Akun=""), "H", "empty"),
        (a_row(Akun="x" * 256), "H", "handle"),
        (a_row(Alamat="file:///etc/passwd"), "I", "address"),
        (a_row(Bukti=""), "J", "empty"),
        (a_row(Jenis_bukti="gosip"), "K", "choice"),
        (a_row(Keyakinan="pasti"), "L", "choice"),
        (a_row(Keyakinan="dinyatakan pemegang"), "L", "confidence"),
        (DAMAR[:3], "", "cells"),
        ([*DAMAR, "lebih"], "", "cells"),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column_and_nothing_is_stored(sqlite_world, row, column, code):
    assert (3, column, code) in found(a_csv(WENING, row))
    before = how_many(sqlite_world, CivilServant)
    with pytest.raises(BadInput, match="errors in the roster; nothing was stored"):
        take_in(sqlite_world, a_csv(WENING, row))
    assert how_many(sqlite_world, CivilServant) == before


def test_all_that_is_wrong_is_shown_and_not_only_the_first():
    rows = [a_row(NIP="199013152027133000", Nama="", Alamat="bukan alamat"), a_row(WENING, Status="?")]
    assert found(a_csv(*rows)) == [
        (2, "A", "nip_birth"),
        (2, "A", "nip_month"),
        (2, "A", "nip_future"),
        (2, "A", "nip_sex"),
        (2, "A", "nip_serial"),
        (2, "B", "empty"),
        (2, "I", "address"),
        (3, "C", "choice"),
    ]


@pytest.mark.parametrize("number", [199003152015031004, 1.99003152015031e17, 3271046504930002])
def test_a_number_that_excel_has_rounded_is_never_taken_for_a_nip(number):
    assert (2, "A", "rounded") in found(a_workbook(a_row(NIP=number)))


def test_formulas_errors_and_truth_values_of_a_workbook_are_named_by_their_cell():
    file = a_workbook(a_row(NIP="=B7&C7"), a_row(WENING, Nama="#N/A", Unit_kerja=True))
    assert found(file) == [(2, "A", "formula"), (3, "B", "excel_error"), (3, "E", "not_text")]


def test_a_date_in_a_workbook_is_read_as_a_day_and_one_ahead_is_refused():
    header = [*HEADER, "Tanggal dilihat"]
    roster = read_roster(a_workbook([*DAMAR, dt.datetime(2026, 10, 5)], header=header), TODAY)  # noqa: DTZ001
    assert roster.lines[0].account.evidence.seen_on == dt.date(2026, 10, 5)
    assert found(a_csv([*DAMAR, "2026-11-21"], [*WENING, ""], header=header)) == [(2, "M", "date_ahead")]
    assert found(a_csv([*DAMAR, "kemarin"], header=header)) == [(2, "M", "date")]


def test_the_traces_of_spreadsheets_in_a_cell_are_taken_off():
    quoted = a_row(NIP='="199003152015031004"', Nama="\N{NO-BREAK SPACE}Damar\N{ZERO WIDTH SPACE} Kesuma Lirih")
    (line,) = read_roster(a_csv(quoted), TODAY).lines
    assert (line.person.nip, line.person.name) == ("199003152015031004", "Damar Kesuma Lirih")
    assert read_roster(a_csv(a_row(NIP="'199003152015031004")), TODAY).lines[0].person.nip == "199003152015031004"


def test_the_same_row_twice_and_an_account_of_two_people_are_errors():
    other = a_row(WENING, Platform="mastodon", Akun=DAMAR[7], Alamat=DAMAR[8], Bukti="Kartu")
    assert found(a_csv(DAMAR, DAMAR, other)) == [(3, "A", "same_row"), (4, "H", "two_holders")]
    moved = a_row(Alamat="https://alun.invalid/@damar2", Bukti="lain")
    assert found(a_csv(DAMAR, moved)) == [(3, "I", "two_addresses")]


@pytest.mark.parametrize("header", [["nip", "nama"], ["nip", "nama", "gaji"], ["x"]])
def test_a_missing_column_is_named(header):
    assert ("", "missing_column") in {(column, code) for _, column, code in found(a_csv(header=header))}


def test_an_unknown_column_is_a_warning_and_its_cells_are_stored_nowhere(sqlite_world):
    file = a_csv([*WENING, "5000000"], header=[*HEADER, "Gaji"])
    assert warned(sqlite_world, file) == [(1, "unknown_column", {})]
    file.seek(0)
    take_in(sqlite_world, file)
    with sqlite_world.database.read() as session:
        person = open_person(
            sqlite_world.vault, session.scalars(select(CivilServant).order_by(CivilServant.id)).all()[-1]
        )
    assert "5000000" not in repr(person)


def test_warnings_stop_the_import_until_a_person_confirms_exactly_these(sqlite_world):
    before = how_many(sqlite_world, CivilServant)
    namesake = a_row(WENING, Nama="Hj. Damar Kesuma Lirih, S.Kep.")
    with pytest.raises(BadInput, match="2 warnings in the roster are not confirmed"):
        take_in(sqlite_world, a_csv(DAMAR, namesake), confirm=False)
    with sqlite_world.database.write() as session:
        mandate = session.get_one(Mandate, sqlite_world.mandate.id)
        roster = examine_roster(session, sqlite_world.vault, mandate, a_csv(DAMAR, namesake), today=TODAY)
        with pytest.raises(BadInput, match="not confirmed"):
            import_roster(session, sqlite_world.vault, mandate, roster, sqlite_world.operator, confirmed="x")
    assert how_many(sqlite_world, CivilServant) == before
    assert take_in(sqlite_world, a_csv(DAMAR, namesake)).people == 2


def test_namesakes_in_the_file_and_on_rosters_of_other_mandates_are_shown(world):
    with world.database.write() as session:
        elsewhere = Mandate(
            number="9/LAIN", legal_basis="-", agency="-", region="-", contest_id=world.contest.id,
            first_day=TODAY, last_day=TODAY, utc_offset_minutes=420, entered_by=world.operator.id,
            entered_at=dt.datetime.now(dt.UTC))  # fmt: skip
        session.add(elsewhere)
        session.flush()
        enrol(session, world.vault, elsewhere, Person("Wening  Telaga ASRI", "197001011995012003", StaffStatus.PNS),
              actor="test")  # fmt: skip
    assert warned(world, a_csv(WENING)) == [(2, "namesakes_on_rosters", {"count": "1", "elsewhere": "1"})]


def test_a_name_other_than_the_one_known_for_the_nip_is_shown(sqlite_world):
    take_in(sqlite_world, a_csv(WENING))
    assert warned(sqlite_world, a_csv(a_row(WENING, Nama="Wening Asri"))) == [
        (2, "known_name", {"known": "Wening Telaga Asri"})
    ]
    twice = a_csv(WENING, a_row(WENING, Nama="Tirta"))
    assert [code for _, code, _ in warned(sqlite_world, twice)] == ["two_names", "known_name"]


def test_an_account_that_is_somebody_elses_already_is_not_claimed_again(world):
    take_in(world, a_csv(DAMAR))
    claims = how_many(world, Attribution)
    other = a_row(WENING, Platform="mastodon", Akun=DAMAR[7], Alamat=DAMAR[8], Bukti="Kartu")
    assert warned(world, a_csv(other)) == [(2, "claimed", {"handle": DAMAR[7]})]
    result = take_in(world, a_csv(other))
    assert (result.people, result.waiting) == (1, 0)
    assert how_many(world, Attribution) == claims


def test_a_claimed_account_gets_no_further_address_that_no_second_officer_saw(sqlite_world):
    take_in(sqlite_world, a_csv(DAMAR))
    with pytest.raises(BadInput, match="1 errors"):
        take_in(sqlite_world, a_csv(a_row(Alamat="https://alun.invalid/@orang.lain")))
    with sqlite_world.database.read() as session:
        assert session.scalar(select(Target).where(Target.address.contains("orang.lain"))) is None


@pytest.mark.parametrize("minutes", ["0", "-5", "1.5", "10000000000", "1" * 30, "²"])
def test_an_interval_that_no_schedule_takes_is_refused(minutes):
    assert (2, "M", "interval") in found(a_csv([*DAMAR, minutes], header=[*HEADER, "Selang menit"]))


def test_the_template_is_read_back_without_a_finding_but_that_it_is_empty():
    book = openpyxl.load_workbook(io.BytesIO(template_bytes()))
    sheet = book.worksheets[0]
    assert found(io.BytesIO(template_bytes())) == [(1, "", "no_rows")]
    for column, name in enumerate(HEADERS, 1):
        value = dict(zip(["nip", "name", "status"], DAMAR, strict=False)).get(name)
        sheet.cell(row=2, column=column, value=value)
    out = io.BytesIO()
    book.save(out)
    assert [line.person.name for line in read_roster(out, TODAY).lines] == ["Damar Kesuma Lirih"]


def _bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * (100 << 20))
    return out


def _with_entities():
    source, out = a_workbook(DAMAR), io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                text = data.decode().partition("?>")[2] if data.startswith(b"<?xml") else data.decode()
                bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
                data = (bomb + text.replace("Damar Kesuma Lirih", "&b;")).encode()
            new.writestr(entry.filename, data)
    return out


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (lambda: io.BytesIO(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "save it as .xlsx"),
        (lambda: io.BytesIO(b"PK\x03\x04garbage"), "not a zip"),
        (lambda: io.BytesIO("nip,nama\n".encode("utf-16")), "UTF-8"),
        (lambda: io.BytesIO(b"nip,nama,status\n\xff\xfe\xfa"), "UTF-8"),
        (lambda: io.BytesIO(b'nip,nama,status\n"x'), "not valid CSV"),
        (lambda: io.BytesIO(b"nip,nama,status\n" + b"x" * 140_000), "not valid CSV"),
        (lambda: io.BytesIO(b"x" * (17 << 20)), "at most 16 MiB"),
        (_bomb, "unpacked"),
        (_with_entities, "not a workbook"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(file, said):
    with pytest.raises(BadInput, match=said):
        read_roster(file(), TODAY)


def test_no_more_than_a_fixed_number_of_statements_is_needed_for_each_batch(sqlite_world):
    def rows(start, count):
        return [
            [f"19900315201503{n % 2 + 1}{n % 999 + 1:03}", f"Nama {n}", "PNS", *[""] * 3, "tiktok", f"@akun{n}",
             f"https://tiktok.invalid/@akun{n}", "Kartu nama", "", ""]
            for n in range(start, start + count)
        ]  # fmt: skip

    def statements(file):
        counted = []
        count = lambda *args: counted.append(args[2])  # noqa: E731
        event.listen(sqlite_world.database.engine, "before_cursor_execute", count)
        take_in(sqlite_world, file)
        event.remove(sqlite_world.database.engine, "before_cursor_execute", count)
        return len(counted)

    few = statements(a_csv(*rows(0, 10)))
    assert statements(a_csv(*rows(100, 300))) <= few + 5


words = st.text(max_size=12) | st.sampled_from(
    [*DAMAR, *WENING, *HEADER, "=1+1", '="x"', "1,9E+17", "nip", "nama", "status", "'", '"', "\x00", "PPNPN"]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(words, max_size=14), max_size=6), st.booleans())
def test_whatever_stands_in_a_table_is_read_or_shown(table, with_header):
    out = io.StringIO()
    csv.writer(out).writerows([HEADER, *table] if with_header else table)
    try:
        roster = read_roster(io.BytesIO(out.getvalue().encode("utf-8", "replace")), TODAY)
    except BadInput:
        return
    for each in roster.findings:
        assert each.text("id").isprintable()
        assert each.text("en").isprintable()
    if roster.lines and not roster.errors:
        assert all(line.person.nip.isdigit() for line in roster.lines)
    else:
        assert roster.findings


@settings(deadline=None)
@given(st.binary(max_size=400) | st.binary(max_size=400).map(lambda data: b"PK\x03\x04" + data))
def test_bytes_that_are_no_table_are_refused_or_found_wanting(data):
    try:
        roster = read_roster(io.BytesIO(data), TODAY)
    except BadInput:
        return
    assert roster.findings or roster.lines


def test_every_finding_can_be_said_in_both_languages_and_errors_stop():
    for code, (indonesian, english) in WORDS.items():
        assert indonesian
        assert english
        assert code == code.lower()
    roster = read_roster(a_csv(a_row(NIP="1")), TODAY)
    assert roster.findings[0].severity is Severity.ERROR
    assert "18 digit" in roster.findings[0].text()


def test_a_roster_person_can_be_verified_once_another_officer_says_what_tells_namesakes_apart(sqlite_world):
    take_in(sqlite_world, a_csv(DAMAR, a_row(WENING, Nama="Damar Kesuma Lirih")))
    with sqlite_world.database.write() as session:
        claim = session.scalars(select(Attribution).order_by(Attribution.id.desc()).limit(1)).one()
        with pytest.raises(BadInput, match="1 others"):
            verify_attribution(session, claim, sqlite_world.second_operator)
        verify_attribution(session, claim, sqlite_world.second_operator, distinction="Fotonya di papan nama dinas")
        assert (claim.namesakes_seen, claim.state) == (1, AttributionState.VERIFIED)
