"""The empty workbook that offices fill in: our headings, text cells for numbers, lists to choose from."""

from __future__ import annotations

import io
from pathlib import Path

from models.errors import StorageError
from models.people import StaffStatus
from pipeline.roster.columns import CONFIDENCES, HEADERS, KINDS, REQUIRED, letter

PREPARED_ROWS = 20_000
"""How far down the lists to choose from reach."""

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_HELP = {
    "nip": "18 digit (PNS dan PPPK) atau NIK 16 digit (PPNPN). Biarkan formatnya Teks.",
    "name": "Nama lengkap; gelar boleh ditulis.",
    "status": "PNS, PPPK, atau PPNPN.",
    "position": "Jabatan sekarang.",
    "unit": "Unit kerja.",
    "agency": "Instansi.",
    "source": "Hanya bila akunnya diketahui: mastodon, bluesky, telegram, youtube, x, instagram, facebook, tiktok, …",
    "handle": "Nama akun seperti tertulis di platform, misalnya @nama.",
    "address": "Alamat lengkap halaman akun (https://…). Inilah yang diperiksa petugas kedua.",
    "url": "Alamat untuk dibuka orang, bila lain dari alamat di atas.",
    "evidence": "Apa yang menunjukkan bahwa akun ini milik orang ini, dan di mana. Satu baris satu bukti; bukti lain "
    "untuk akun yang sama ditulis di baris berikutnya.",
    "evidence_kind": "Pilih dari daftar; tingkat keyakinan mengikuti jenis bukti.",
    "seen_on": "Tanggal bukti dilihat, misalnya 2026-10-05.",
    "confidence": "Boleh kosong. Hanya dapat menurunkan tingkat keyakinan, tidak menaikkan.",
    "interval_minutes": "Jarak antarcrawl dalam menit; kosong: menurut tahapan pemilihan.",
}


def template_bytes() -> bytes:
    """The workbook."""
    from openpyxl import Workbook  # noqa: PLC0415 - needed for workbooks only
    from openpyxl.styles import Font, PatternFill  # noqa: PLC0415
    from openpyxl.worksheet.datavalidation import DataValidation  # noqa: PLC0415

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Daftar ASN"
    choices = {
        "status": [status.value for status in StaffStatus],
        "evidence_kind": [word for word in KINDS if " " in word or word == "lainnya"],
        "confidence": [word for word in CONFIDENCES if " " in word],
    }
    for position, (name, (heading, *_)) in enumerate(HEADERS.items()):
        column = letter(position)
        cell = sheet[f"{column}1"]
        cell.value, cell.font = heading, Font(bold=True)
        cell.fill = PatternFill("solid", start_color="F7D9C4" if name in REQUIRED else "E8EDF3")
        sheet.column_dimensions[column].width = 26
        sheet.column_dimensions[column].number_format = "@"  # text: a NIP as a number loses its last digits
        if name in choices:
            rule = DataValidation(type="list", formula1=f'"{",".join(choices[name])}"', allow_blank=True)
            rule.add(f"{column}2:{column}{PREPARED_ROWS}")
            sheet.add_data_validation(rule)
    sheet.freeze_panes = "C2"
    guide = book.create_sheet("Petunjuk")
    guide.append(["Kolom", "Wajib", "Isi"])
    for name, (heading, *_) in HEADERS.items():
        guide.append([heading, "ya" if name in REQUIRED else "", _HELP[name]])
    guide.column_dimensions["A"].width, guide.column_dimensions["C"].width = 18, 110
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def write_template(path: Path) -> None:
    """Write the workbook to a new file.

    Raises:
        StorageError: the file exists, or cannot be written.
    """
    try:
        with path.open("xb") as handle:
            handle.write(template_bytes())
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error
