"""The sections about the report as a whole: A–C, I–K, M, N."""

from __future__ import annotations

import datetime as dt

from models.base import JsonObject
from models.report_fields import REPORT_FIELDS, FieldKind, ReportField
from pipeline.acts import act_table
from pipeline.reports import wording
from pipeline.reports.blocks import note, row, rows, section, table
from pipeline.reports.case import Case
from pipeline.reports.office import Office


def field_rows(case: Case, letter: str) -> list[JsonObject]:
    """What the officer filled in for a section, empty ones included."""
    return [
        row(field.key, field.label, _written(field, case.report.fields.get(field.key)))
        for field in REPORT_FIELDS
        if field.section == letter
    ]


def _written(field: ReportField, value: str | None) -> str | None:
    return wording.long_day(dt.date.fromisoformat(value)) if value and field.kind is FieldKind.DAY else value


def officer_name(case: Case, officer_id: str | None) -> str | None:
    """Name and position of an officer."""
    officer = case.officers.get(officer_id or "")
    return None if officer is None else f"{officer.name} ({officer.position})"


def moment(case: Case, at: dt.datetime | None) -> str | None:
    """A time as the mandate's region reads it."""
    return None if at is None else wording.local_time(at, case.mandate.utc_offset_minutes)


def moment_in_table(case: Case, at: dt.datetime) -> str:
    """The same, short."""
    return wording.short_time(at, case.mandate.utc_offset_minutes)


def before(case: Case, office: Office, at: dt.datetime) -> JsonObject:
    """Sections A, B and C."""
    return {"A": _header(case, office, at), "B": _supervision(case, office), "C": _reporter()}


def after(case: Case) -> JsonObject:
    """Sections I, J, K, M and N."""
    return {
        "I": section("Saksi", rows("", *field_rows(case, "I"))),
        "J": _analysis(case),
        "K": section("Klarifikasi", rows("", *field_rows(case, "K"))),
        "M": section("Penerusan", rows("", *field_rows(case, "M"))),
        "N": _follow_up(case),
    }


def _header(case: Case, office: Office, at: dt.datetime) -> JsonObject:
    table_in_force = act_table()
    return section(
        "Kepala laporan",
        rows(
            "",
            row("jenis", "Jenis dokumen", "Laporan Hasil Pengawasan (Formulir Model A)"),
            row("nomor", "Nomor", case.report.number),
            row("instansi", "Instansi dan tingkat", ", ".join(filter(None, (office.name, office.level)))),
            row("disusun", "Disusun pada", moment(case, at)),
            row("klasifikasi", "Klasifikasi", wording.CLASSIFICATION),
            *field_rows(case, "A"),
            row("dasar_hukum", "Dasar pengawasan", case.mandate.legal_basis),
            row("rujukan", "Rujukan bentuk dugaan pelanggaran",
                f"{table_in_force.instrument} (tabel versi {table_in_force.version})"),
        ),
    )  # fmt: skip


def _supervision(case: Case, office: Office) -> JsonObject:
    mandate, zone = case.mandate, wording.zone_name(case.mandate.utc_offset_minutes)
    return section(
        "Data pengawas dan kegiatan pengawasan",
        rows(
            "",
            row("pelaksana", "Penyusun laporan", officer_name(case, case.report.drafted_by)),
            row("alamat_kantor", "Alamat kantor", office.address),
            row("mandat", "Nomor mandat pengawasan", mandate.number),
            row("lembaga", "Lembaga pemberi mandat", mandate.agency),
            row("masa_mandat", "Masa berlaku mandat",
                f"{wording.long_day(mandate.first_day)} s.d. {wording.long_day(mandate.last_day)} ({zone})"),
            row("mandat_diajukan", "Mandat dimasukkan oleh", officer_name(case, mandate.entered_by)),
            row("mandat_disetujui", "Mandat disetujui oleh", officer_name(case, mandate.approved_by)),
            row("pemilihan", "Pemilihan yang diawasi", f"{case.contest.name}, {mandate.region}"),
            row("hari_h", "Hari pemungutan suara", wording.long_day(case.contest.election_day)),
            *field_rows(case, "B"),
        ),
        note(_coverage(case)),
    )  # fmt: skip


def _coverage(case: Case) -> str:
    return (
        f"Pernyataan cakupan: pengawasan ini hanya membaca unggahan publik dari {case.targets} sasaran crawl milik "
        f"pegawai yang terdaftar ({case.rostered} orang) di bawah mandat tersebut. Kegiatan luring, akun tertutup, "
        "grup, pesan pribadi, cerita 24 jam, tanda suka, dan unggahan yang dihapus sebelum sempat dibaca tidak "
        "tercakup; ketiadaan temuan tentang seseorang tidak berarti apa pun tentang orang itu."
    )


def _reporter() -> JsonObject:
    return section(
        "Pelapor",
        rows("", row("sumber", "Sumber", "Temuan pengawasan; tidak berasal dari pelapor")),
        note("Identitas pelapor atau pemberi informasi awal, bila ada, disimpan terpisah dan tidak dimuat di sini."),
    )


def _analysis(case: Case) -> JsonObject:
    judged = [(number, review) for number, finding in enumerate(case.findings, 1) for review in finding.standing]
    coerced = any(review.coercion for _, review in judged)
    said = (
        "Ada: terlapor mungkin korban; teruskan ke jalur pemeriksaan atasan" if coerced else "Tidak ditandai penelaah"
    )
    return section(
        "Uraian kejadian dan analisis",
        rows("", *field_rows(case, "J")),
        table(
            "meringankan",
            "Hal yang meringankan menurut penelaah",
            ["Temuan", "Penelaah", "Catatan"],
            ((str(number), officer_name(case, review.reviewer_id), review.exculpatory) for number, review in judged),
        ),
        rows("", row("paksaan_atasan", "Indikasi paksaan atasan", said)),
    )


def _follow_up(case: Case) -> JsonObject:
    lines = (
        (wording.long_day(entry.on_day), entry.step, entry.institution, entry.document, entry.note)
        for entry in case.follow_ups
    )
    return section(
        "Tindak lanjut",
        table("tindak_lanjut", "", ["Tanggal", "Langkah", "Lembaga", "Dokumen", "Catatan"], lines),
        note("Setelah ditandatangani, isi laporan tidak berubah; tindak lanjut dicatat sebagai adendum."),
    )
