"""What an officer fills in by hand on a report (docs/law.md §3): one visible table, from which the form is built.

Everything else on a report comes from the data. A reporter's identity is not among these fields: it belongs in
a separate sealed annex, never in the document that goes to the reported person's institution.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping

from models.base import JsonObject, storable
from models.errors import BadInput

MAX_CHARACTERS = 10_000


class FieldKind(enum.StrEnum):
    """How a field is entered: one line, several lines, a day (`YYYY-MM-DD`), or one of its choices."""

    LINE = "line"
    TEXT = "text"
    DAY = "day"
    CHOICE = "choice"


@dataclasses.dataclass(frozen=True, slots=True)
class ReportField:
    """One field. `section` is the letter of docs/law.md §3; `required` fields must be filled before signing
    (`klarifikasi` only where the office has that power).
    """

    key: str
    section: str
    label: str
    kind: FieldKind = FieldKind.LINE
    help: str = ""
    english: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()


_LINE, _TEXT, _DAY, _CHOICE = FieldKind.LINE, FieldKind.TEXT, FieldKind.DAY, FieldKind.CHOICE

KLARIFIKASI_CHOICES = (
    "dilaksanakan",
    "diundang dua kali, tidak hadir",
    "diteruskan tanpa klarifikasi: bukan wewenang lembaga",
)
REGIME_CHOICES = ("Pemilihan (Pilkada)", "Pemilihan Umum")

REPORT_FIELDS: tuple[ReportField, ...] = (
    ReportField("rezim", "A", "Rezim pemilihan", _CHOICE, english="Electoral regime", required=True,
                choices=REGIME_CHOICES),
    ReportField("surat_tugas", "B", "Nomor surat perintah tugas", english="Order number", required=True,
                help="Jika sama dengan nomor mandat, tulis ulang di sini."),
    ReportField("bentuk_pengawasan", "B", "Bentuk pengawasan", english="Form of supervision", required=True,
                help="Misalnya: pengawasan siber terhadap akun publik."),
    ReportField("tujuan_pengawasan", "B", "Tujuan pengawasan", english="Purpose of supervision"),
    ReportField("sasaran_pengawasan", "B", "Sasaran pengawasan", english="Object of supervision"),
    ReportField("tempat_pengawasan", "B", "Waktu dan tempat pengawasan", english="Time and place of supervision"),
    ReportField("alamat_terlapor", "D", "Alamat atau domisili terlapor", english="Address of the reported person",
                help="Hanya bila diperlukan oleh formulir tujuan."),
    ReportField("hasil_uji_identitas", "D", "Hasil pemeriksaan identitas dan kesamaan nama", _TEXT, required=True,
                english="Outcome of the identity and namesake check",
                help="Bagaimana dipastikan bahwa akun ini milik terlapor: bukan akun tiruan, diretas, atau orang "
                     "lain bernama sama."),
    ReportField("privasi_akun", "E", "Keterbukaan akun saat ditangkap", english="Privacy state of the account",
                help="Misalnya: publik, dapat dibuka tanpa masuk."),
    ReportField("tanggal_diketahui", "F", "Tanggal diketahui/ditemukan", _DAY, english="Day it became known",
                required=True,
                help="Dicatat terpisah dari waktu penandaan oleh sistem dan waktu pertama dilihat; ketiganya tampil "
                     "di laporan."),
    ReportField("diketahui_oleh", "F", "Diketahui/ditemukan oleh", english="Known or found by", required=True),
    ReportField("tempat_kejadian", "F", "Tempat kejadian", english="Place of the event",
                help="Selain alamat unggahan, bila diketahui."),
    ReportField("arti_istilah", "G", "Arti istilah daerah atau gaul", _TEXT, english="Gloss of regional words"),
    ReportField("uraian_gambar", "G", "Uraian gambar atau gestur tangan", _TEXT,
                english="Description of images or hand signs"),
    ReportField("akun_pemenangan", "G", "Kaitan dengan akun pemenangan terdaftar di KPU",
                english="Link to a registered campaign account", help="Nama akun dan apakah terdaftar di KPU."),
    ReportField("jangkauan", "G", "Petunjuk jangkauan publik", english="Indication of public reach"),
    ReportField("keadaan_unggahan", "H", "Keadaan unggahan saat laporan dibuat", english="State of the post now"),
    ReportField("saksi", "I", "Saksi-saksi", _TEXT, english="Witnesses",
                help="Nama, alamat, dan keterangan tiap saksi. Jangan menulis identitas pelapor."),
    ReportField("uraian_kejadian", "J", "Uraian kejadian (5W+1H)", _TEXT, english="Account of the event",
                required=True),
    ReportField("fakta_keterangan", "J", "Fakta dan keterangan", _TEXT, english="Facts and statements"),
    ReportField("analisis_unsur", "J", "Analisis unsur", _TEXT, english="Analysis, element by element",
                required=True, help="Unsur demi unsur dari pasal yang diduga. Gunakan kata “dugaan”."),
    ReportField("hal_meringankan", "J", "Hal yang meringankan atau menyangkal dugaan", _TEXT,
                english="Exculpatory context", required=True,
                help="Tulis apa yang diperiksa, juga bila tidak ditemukan apa-apa."),
    ReportField("klarifikasi", "K", "Klarifikasi", _CHOICE, english="Hearing of the account holder", required=True,
                choices=KLARIFIKASI_CHOICES, help="Wajib hanya bila kantor berwenang (pengaturan)."),
    ReportField("undangan_klarifikasi", "K", "Undangan: nomor, tanggal, cara penyampaian",
                english="Invitation: number, day, delivery"),
    ReportField("berita_acara_klarifikasi", "K", "Berita acara klarifikasi: nomor dan tanggal",
                english="Record of the hearing: number and day"),
    ReportField("jawaban_terlapor", "K", "Jawaban terlapor dan bukti yang diajukan", _TEXT,
                english="Answer of the reported person"),
    ReportField("kajian", "L", "Kajian: nomor dan tanggal", english="Legal review: number and day"),
    ReportField("berita_acara_pleno", "L", "Berita acara pleno: nomor dan tanggal",
                english="Plenary record: number and day"),
    ReportField("hasil_pleno", "L", "Hasil pleno", _CHOICE, english="Outcome of the plenary",
                choices=("temuan", "bukan temuan", "kurang bukti", "saran perbaikan")),
    ReportField("pasal_dipilih", "L", "Pasal yang diduga (dipilih pengawas)", _TEXT,
                english="Articles chosen by the supervisor",
                help="Pilih dari calon pasal di bagian G. Jangan menulis akibat hukumnya."),
    ReportField("tujuan_penerusan", "M", "Tujuan penerusan", english="Forwarded to",
                help="BKN melalui SBT, PPK, atau Gakkumdu bila pidana."),
    ReportField("nomor_sbt", "M", "Nomor SBT", english="SBT number"),
    ReportField("tempat_penandatanganan", "M", "Tempat penandatanganan", english="Place of signature",
                help="Kosongkan untuk memakai kota kantor."),
)  # fmt: skip
"""In the order of the form."""


def clean_fields(given: Mapping[str, str]) -> JsonObject:
    """The filled fields of a form, trimmed; empty ones are left out.

    Raises:
        BadInput: an unknown field, a day that is none, a choice that is not offered, or too much text.
    """
    known = {field.key: field for field in REPORT_FIELDS}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise BadInput(f"a report has no field {unknown[0]!r}")
    trimmed = {key: storable(value).strip() for key, value in given.items()}
    return {key: _checked(known[key], value) for key, value in trimmed.items() if value}


def _checked(field: ReportField, value: str) -> str:
    if len(value) > MAX_CHARACTERS:
        raise BadInput(f"{field.label}: at most {MAX_CHARACTERS} characters")
    if field.kind is FieldKind.CHOICE and value not in field.choices:
        raise BadInput(f"{field.label}: {value!r} is not one of its choices")
    if field.kind is FieldKind.DAY:
        try:
            dt.date.fromisoformat(value)
        except ValueError as error:
            raise BadInput(f"{field.label}: {value!r} is not a day (YYYY-MM-DD)") from error
    return value
