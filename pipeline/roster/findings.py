"""What is wrong or strange in a roster, by row and column, in the words of both languages."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping

from models.canonical import canonical_json, sha256_hex

MAX_QUOTED = 160


class Severity(enum.StrEnum):
    """An error stops the import; a warning asks for a person's confirmation."""

    ERROR = "error"
    WARNING = "warning"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. `row` counts as the spreadsheet does, `column` is its letter and `heading` its name there
    (both empty when the whole row is meant); `code` and `values` choose and fill the words.
    """

    row: int
    column: str
    heading: str
    code: str
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """Which of the two it is, by its code."""
        return Severity.WARNING if self.code in WARNINGS else Severity.ERROR

    def text(self, language: str = "id") -> str:
        """The finding in a sentence, Indonesian or English, on one line without anything unprintable."""
        indonesian, english = WORDS[self.code]
        return (english if language == "en" else indonesian).format_map(self.values)


def finding(row: int, column: str, heading: str, code: str, /, **values: object) -> Finding:
    """A finding whose values are cut and cleaned for showing."""
    return Finding(row, column, shown(heading), code, {name: shown(str(value)) for name, value in values.items()})


def shown(text: str) -> str:
    """A hostile cell as it may be printed: short, on one line."""
    line = " ".join(text.split())
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return clean if len(clean) <= MAX_QUOTED else clean[: MAX_QUOTED - 1] + "…"


def fingerprint(findings: list[Finding]) -> str:
    """Names exactly these findings, so that whoever confirms warnings confirms those they saw."""
    told = [[found.row, found.column, found.code, dict(found.values)] for found in findings]
    return sha256_hex(canonical_json({"findings": told}))


WARNINGS = frozenset(
    {"unknown_column", "namesakes_in_file", "namesakes_on_rosters", "two_names", "known_name", "claimed", "denied"}
)

WORDS: Mapping[str, tuple[str, str]] = {
    "missing_column": ("kolom “{name}” tidak ada", "the column “{name}” is missing"),
    "double_column": ("kolom ini sama dengan kolom {first}", "the same column as {first}"),
    "unknown_column": ("kolom ini tidak dikenal dan tidak dibaca", "this column is not known and not read"),
    "no_rows": ("tidak ada satu baris pun di bawah judul kolom", "there is no row below the header"),
    "cells": ("jumlah sel {found}, judul kolom {wanted}", "{found} cells where the header has {wanted}"),
    "formula": (
        "sel berisi rumus; salin lalu tempel sebagai nilai",
        "the cell holds a formula; copy it and paste it as a value",
    ),
    "excel_error": ("sel menampilkan galat Excel {value}", "the cell shows the Excel error {value}"),
    "rounded": (
        "tersimpan sebagai angka: Excel membuang digit setelah ke-15. Jadikan kolom Teks, lalu isi lagi dari sumbernya",
        "stored as a figure: Excel drops digits beyond 15. Format the column as Text and enter it from its origin",
    ),
    "not_text": ("sel berisi {kind}, bukan teks", "the cell holds {kind}, not text"),
    "long": ("lebih panjang dari {most} karakter", "longer than {most} characters"),
    "empty": ("wajib diisi", "must be filled in"),
    "choice": ("“{value}” bukan salah satu dari {words}", "“{value}” is none of {words}"),
    "nip_length": ("“{value}”: {wanted} digit diperlukan, ada {found} karakter", "“{value}”: {wanted} digits needed"),
    "nip_birth": ("tanggal lahir {value} tidak ada atau belum tiba", "{value} is not a birth date"),
    "nip_too_young": ("diangkat tahun {value}: terlalu muda menurut tanggal lahir", "appointed in {value}: too young"),
    "nip_too_old": ("diangkat tahun {value}: terlalu tua menurut tanggal lahir", "appointed in {value}: too old"),
    "nip_month": (
        "bulan TMT {value} tidak ada (NI PPPK ditulis dengan status PPPK)",
        "{value} is not a month of appointment (is it a PPPK's number?)",
    ),
    "nip_future": ("TMT {value} belum tiba", "the appointment {value} is still to come"),
    "nip_sex": ("digit ke-15 adalah {value}, seharusnya 1 atau 2", "the 15th digit is {value}, not 1 or 2"),
    "nip_serial": (
        "nomor urut {value}: bukan milik siapa pun; biasanya digit terakhir hilang karena dibulatkan Excel",
        "the serial number {value} is nobody's; as a rule a spreadsheet has rounded the number",
    ),
    "nip_pppk_year": ("diangkat tahun {value}, sebelum ada PPPK", "appointed in {value}, before there was PPPK"),
    "nip_pppk_kind": (
        "digit 13–14 adalah bulan ({value}) seperti pada NIP PNS, padahal statusnya PPPK",
        "digits 13–14 are a month ({value}) as in the number of a PNS, but the status is PPPK",
    ),
    "nip_place": ("kode wilayah {value} tidak ada", "there is no region {value}"),
    "address": ("alamat tidak dapat dicrawl: {value}", "the address cannot be crawled: {value}"),
    "no_platform": (
        "kolom Platform kosong, padahal ada isi tentang akun",
        "Platform is empty, but an account is told of",
    ),
    "handle": ("lebih panjang dari nama akun mana pun", "longer than any handle"),
    "interval": ("selang {value} menit di luar {least}–{most}", "an interval of {value} minutes is not {least}–{most}"),
    "date": ("“{value}” bukan tanggal seperti 2026-10-05", "“{value}” is not a day such as 2026-10-05"),
    "date_ahead": ("tanggal {value} belum tiba", "{value} is still to come"),
    "confidence": (
        "keyakinan “{value}” lebih tinggi daripada yang dicapai jenis buktinya ({reached})",
        "the confidence “{value}” is higher than its kinds of evidence reach ({reached})",
    ),
    "same_row": ("sama dengan baris {row}", "the same as row {row}"),
    "two_holders": (
        "akun {handle} di baris {row} milik NIP lain; satu akun, satu orang",
        "account {handle} is another person's in row {row}; one account, one person",
    ),
    "two_addresses": (
        "akun {handle} beralamat lain di baris {row}",
        "account {handle} has another address in row {row}",
    ),
    "two_statuses": ("status orang ini berbeda di baris {row}", "this person has another status in row {row}"),
    "other_address": (
        "akun {handle} sudah diajukan dengan alamat lain; alamat baru perlu atribusi baru",
        "account {handle} was claimed with another address; a new one needs a new claim",
    ),
    "namesakes_in_file": (
        "{count} orang lain dalam berkas ini bernama sama (baris {rows})",
        "{count} others in this file carry the same name (rows {rows})",
    ),
    "namesakes_on_rosters": (
        "{count} orang lain bernama sama sudah ada dalam daftar ({elsewhere} hanya di mandat lain)",
        "{count} others of the same name are on rosters ({elsewhere} of other mandates only)",
    ),
    "two_names": (
        "NIP ini bernama “{other}” di baris {row}; nama baris terakhir yang dipakai",
        "this NIP is called “{other}” in row {row}; the name in the last row is kept",
    ),
    "known_name": (
        "NIP ini sudah tercatat atas nama “{known}”; nama lama akan diganti",
        "this NIP is known as “{known}”; that name will be replaced",
    ),
    "claimed": (
        "akun {handle} sudah diatribusikan kepada orang lain; orangnya didaftar, akunnya tidak",
        "account {handle} is attributed to somebody else; the person is enrolled, the account is not",
    ),
    "denied": (
        "pemilik nama sudah menyatakan akun {handle} bukan miliknya; akunnya tidak diajukan lagi",
        "the person has denied account {handle}; it is not claimed again",
    ),
}
