"""The columns of a roster, under the names that offices give them, and the words that their cells may hold."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from models.accounts import Confidence, SourceKind
from models.people import StaffStatus

Word = TypeVar("Word", bound=enum.StrEnum)

HEADERS: Mapping[str, tuple[str, ...]] = {
    "nip": ("NIP", "nip nik", "nip ni pppk", "nik", "nomor induk", "nomor induk pegawai"),
    "name": ("Nama", "name", "nama lengkap", "nama pegawai", "nama asn"),
    "status": ("Status", "status kepegawaian", "status pegawai", "jenis kepegawaian"),
    "position": ("Jabatan", "position"),
    "unit": ("Unit", "unit kerja", "unit organisasi", "opd"),
    "agency": ("Instansi", "agency", "instansi kerja"),
    "source": ("Platform", "source", "sumber", "media sosial"),
    "handle": ("Akun", "handle", "nama akun", "username"),
    "address": ("Alamat", "address", "alamat akun", "tautan", "tautan akun", "link"),
    "url": ("URL",),
    "evidence": ("Bukti", "evidence", "dasar", "dasar atribusi"),
    "evidence_kind": ("Jenis bukti", "evidence kind"),
    "seen_on": ("Tanggal dilihat", "seen on", "tanggal bukti"),
    "confidence": ("Keyakinan", "confidence", "tingkat keyakinan"),
    "interval_minutes": ("Selang menit", "interval minutes"),
}
"""Our name of each column; its heading in the template first, then what else it is called."""

REQUIRED = ("nip", "name", "status")
ACCOUNT_COLUMNS = ("handle", "address", "url", "evidence", "evidence_kind", "seen_on", "confidence", "interval_minutes")
"""Columns that say something of an account only."""

LONGEST_CELL = 2_000

STATUSES = {"p3k": StaffStatus.PPPK, **{status.value.lower(): status for status in StaffStatus}}

KINDS = {
    "pernyataan pemegang": SourceKind.HOLDER_STATEMENT,
    "catatan resmi": SourceKind.OFFICIAL_RECORD,
    "profil akun": SourceKind.PROFILE,
    "tautan publik": SourceKind.PUBLIC_LINK,
    "keterangan orang": SourceKind.WITNESS,
    "lainnya": SourceKind.OTHER,
    **{kind.value: kind for kind in SourceKind},
}

CONFIDENCES = {
    "dinyatakan pemegang": Confidence.CONFIRMED_BY_HOLDER,
    "catatan resmi": Confidence.OFFICIAL_RECORD,
    "beberapa sumber": Confidence.SEVERAL_SOURCES,
    "satu sumber": Confidence.SINGLE_SOURCE,
    **{confidence.value: confidence for confidence in Confidence},
}

PLATFORMS = {"twitter": "x", "ig": "instagram", "fb": "facebook", "rss": "feed"}

_APART = re.compile(r"[^0-9a-z]+")


def _plain(header: str) -> str:
    return _APART.sub(" ", header.casefold()).strip()


_BY_HEADER = {_plain(alias): name for name, aliases in HEADERS.items() for alias in (name, *aliases)}


def column_named(header: str) -> str | None:
    """Our name of the column with this heading, None when it is none of ours."""
    return _BY_HEADER.get(_plain(header))


def looks_like_header(cells: Sequence[str]) -> bool:
    """Whether a row names at least a number and a name column, so that titles above it are passed over."""
    return {"nip", "name"} <= {column_named(cell) for cell in cells}


def letter(position: int) -> str:
    """What a spreadsheet calls the column at `position` (from 0): A, B, … Z, AA."""
    name, number = "", position + 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
