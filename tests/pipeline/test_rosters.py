"""Rosters and mandates from files: checked whole, stored whole, or not at all."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from models.accounts import Attribution, AttributionState
from models.errors import BadInput
from models.mandates import Mandate, MandateState
from models.people import CivilServant, open_person
from models.targets import Target
from pipeline.rosters import import_mandates, import_roster

HEADER = "nip,name,status,position,unit,agency,source,handle,address,evidence,confidence\n"
GOOD = (
    HEADER
    + "199003152015031004,Damar Kesuma Lirih,PNS,Penata,Dinas Pasar,Pemkab,mastodon,@damar@alun.invalid,"
    + "https://alun.invalid/@damar,Kartu nama resmi,official_record\n"
    + "198807202022212003,Wening Telaga Asri,PPPK,Perawat,Puskesmas,Pemkab,,,,,\n"
)


def _import(world, tmp_path, text):
    path = tmp_path / "roster.csv"
    path.write_text(text)
    with world.database.write() as session:
        mandate = session.get_one(Mandate, world.mandate.id)
        return import_roster(session, world.vault, mandate, path, world.operator)


def _people(world):
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(CivilServant))


def test_a_roster_makes_people_claims_and_targets_that_wait_for_a_second_officer(world, tmp_path):
    result = _import(world, tmp_path, GOOD)
    assert (result.people, result.accounts, result.waiting) == (2, 1, 1)
    with world.database.read() as session:
        claim = session.scalars(select(Attribution).order_by(Attribution.id.desc()).limit(1)).one()
        assert claim.state is AttributionState.CLAIMED
        person = open_person(world.vault, session.get_one(CivilServant, claim.civil_servant_id))
        assert person.name == "Damar Kesuma Lirih"
        assert session.scalar(select(Target).where(Target.address == "https://alun.invalid/@damar")) is not None


def test_an_account_on_a_platform_without_an_open_route_waits_for_imports_and_is_never_crawled(world, tmp_path):
    line = "199003152015031004,Damar,PNS,,,,tiktok,@damar,https://tiktok.invalid/@damar,Kartu nama,\n"
    assert _import(world, tmp_path, HEADER + line).accounts == 1
    with world.database.read() as session:
        assert session.scalar(select(Target).where(Target.source == "tiktok")) is None


def test_a_roster_that_a_spreadsheet_saved_with_semicolons_is_read_as_well(world, tmp_path):
    assert _import(world, tmp_path, GOOD.replace(",", ";")).people == 2


def test_importing_a_roster_twice_changes_nothing(world, tmp_path):
    _import(world, tmp_path, GOOD)
    before = _people(world)
    result = _import(world, tmp_path, GOOD)
    assert result.waiting == 0
    assert _people(world) == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("19900315,Damar,PNS,,,,,,,,", "18 digits"),
        ("199013152015031004,Damar,PNS,,,,,,,,", "birth date"),
        ("199003152000031004,Damar,PNS,,,,,,,,", "too young"),
        ("199003152015131004,Damar,PNS,,,,,,,,", "month"),
        ("199003152015031004,,PNS,,,,,,,,", "'name' is empty"),
        ("199003152015031004,Damar,HONORER,,,,,,,,", "'status': 'HONORER' is none of PNS"),
        ("199003152015031004,Damar,PNS,,,,tiktok,@d,https://d.invalid/,Kartu nama,pasti", "'confidence': 'pasti'"),
        ("199003152015031004,Damar,PNS,,,,mastodon,,,,", "is empty"),
        ("199003152015031004,Damar,PNS", "number of cells"),
        ("199003152015031004,Damar,PNS,,,,mastodon,@d,file:///etc/passwd,Kartu nama,", "file"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_stored(world, tmp_path, line, said):
    before = _people(world)
    with pytest.raises(BadInput) as caught:
        _import(world, tmp_path, GOOD + line + "\n")
    assert said in str(caught.value)
    assert "roster.csv:4" in str(caught.value)
    assert _people(world) == before


def test_a_claimed_account_gets_no_further_address_that_no_second_officer_saw(world, tmp_path):
    _import(world, tmp_path, GOOD)
    with pytest.raises(BadInput, match=r"roster\.csv:2: .*another address"):
        _import(world, tmp_path, GOOD.replace("https://alun.invalid/@damar", "https://alun.invalid/@orang.lain"))
    with world.database.read() as session:
        assert session.scalar(select(Target).where(Target.address.contains("orang.lain"))) is None


@pytest.mark.parametrize("minutes", ["10000000000", "1000000000000000000000"])
def test_an_interval_beyond_the_calendar_is_refused(world, tmp_path, minutes):
    head, line, _ = GOOD.splitlines()
    with pytest.raises(BadInput, match="interval is at most"):
        _import(world, tmp_path, f"{head},interval_minutes\n{line},{minutes}\n")


@pytest.mark.parametrize("header", ["nip,name\n", "nip,name,status,gaji\n"])
def test_a_missing_or_unknown_column_is_named(world, tmp_path, header):
    with pytest.raises(BadInput, match=r"roster\.csv:1: (column 'status' is missing|unknown column 'gaji')"):
        _import(world, tmp_path, header)


def test_imported_mandates_wait_for_another_officer(world, tmp_path):
    path = tmp_path / "mandates.yaml"
    path.write_text(
        "- {number: 7/ST, legal_basis: Surat tugas, agency: Bawaslu, contest: Pilbup Tanjung Seruni 2026,"
        " first_day: 2026-11-01, last_day: 2026-11-30, time_zone: WITA}\n"
    )
    with world.database.write() as session:
        (mandate,) = import_mandates(session, path, world.operator)
        assert (mandate.state, mandate.utc_offset_minutes) == (MandateState.PROPOSED, 480)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {number: 1", "not valid YAML"),
        ("- {number: '1'}", "legal_basis"),
        ("[]x", "not valid YAML"),
        ("- {number: '1', first_day: 2026-13-45}", "month"),
        ("[" * 20_000, "not valid YAML"),
    ],
)
def test_a_malformed_mandate_file_is_one_error_that_names_the_file(world, tmp_path, text, said):
    path = tmp_path / "mandates.yaml"
    path.write_text(text)
    with world.database.write() as session, pytest.raises(BadInput, match=said) as caught:
        import_mandates(session, path, world.operator)
    assert "mandates.yaml" in str(caught.value)
