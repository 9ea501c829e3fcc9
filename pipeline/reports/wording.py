"""The fixed Indonesian words of a report: days, zones, and what the enumerations are called."""

from __future__ import annotations

import datetime as dt

from models.accounts import AttributionState, Confidence
from models.assessments import Act, Voice
from models.captures import CaptureQuality
from models.posts import PostState
from models.reviews import Answer, Decision, ReviewRound

FORM_TITLE = "LAPORAN HASIL PENGAWASAN"
FORM_SUBJECT = "DUGAAN PELANGGARAN NETRALITAS APARATUR SIPIL NEGARA"
CLASSIFICATION = "RAHASIA / INFORMASI YANG DIKECUALIKAN"
AI_STATEMENT = "Alat bantu penyaringan; bukan alat bukti dan bukan penilai pelanggaran."
ALLEGED = (
    "Seluruh isi dokumen ini adalah dugaan. Penilaian akhir dan segala akibatnya ada pada pejabat yang berwenang, "
    "setelah terlapor didengar."
)

_DAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")
_MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November",
    "Desember",
)  # fmt: skip
_ZONES = {420: "WIB", 480: "WITA", 540: "WIT"}

CONFIDENCE = {
    Confidence.CONFIRMED_BY_HOLDER: "diakui pemilik akun",
    Confidence.OFFICIAL_RECORD: "catatan resmi",
    Confidence.SEVERAL_SOURCES: "beberapa sumber yang saling menguatkan",
    Confidence.SINGLE_SOURCE: "satu sumber",
}
ATTRIBUTION = {
    AttributionState.CLAIMED: "belum diverifikasi orang kedua",
    AttributionState.VERIFIED: "terverifikasi oleh orang kedua",
    AttributionState.REJECTED: "ditolak",
    AttributionState.SUSPENDED: "ditangguhkan",
}
QUALITY = {
    CaptureQuality.PAGE: "halaman langsung; teks unggahan ditemukan pada halaman",
    CaptureQuality.RENDERING: "tampilan buatan sistem dari data mentah, bukan halaman asli",
    CaptureQuality.HAND: "gambar layar dibuat dan teks diketik oleh orang; tidak ada mesin yang membaca halamannya",
    CaptureQuality.BROKEN: "tidak utuh",
}
POST_STATE = {
    PostState.SEEN: "terlihat",
    PostState.EDITED: "terlihat, pernah disunting",
    PostState.DELETED: "dihapus menurut platform",
    PostState.UNAVAILABLE: "tidak terlihat oleh sistem (belum tentu dihapus)",
    PostState.ACCOUNT_GONE: "akunnya sudah tidak ada menurut platform",
}
DECISION = {Decision.CONFIRM: "dugaan layak dilaporkan", Decision.DISMISS: "bukan dugaan", Decision.RECUSED: "mundur"}
ANSWER = {Answer.YES: "ya", Answer.NO: "tidak", Answer.UNSURE: "ragu"}
ROUND = {ReviewRound.INDEPENDENT: "telaah mandiri", ReviewRound.ADJUDICATION: "penengah"}
ACT = {Act.SUPPORT: "mendukung", Act.ATTACK: "menyerang", Act.MOBILISE: "mengajak", Act.NONE: "tidak ada"}
VOICE = {
    Voice.OWN: "suara sendiri",
    Voice.QUOTE: "mengutip",
    Voice.NEWS: "memberitakan",
    Voice.OFFICIAL: "kedinasan",
    Voice.UNCLEAR: "tidak jelas",
}
STANCE = {"favor": "mendukung", "against": "menentang", "none": "disebut tanpa sikap"}
STEP = {
    "contest.saved": "Data pemilihan disimpan",
    "mandate.proposed": "Mandat diajukan",
    "mandate.approved": "Mandat disetujui",
    "mandate.revoked": "Mandat dicabut",
    "roster.enrolled": "Pegawai didaftarkan",
    "account.added": "Akun dicatat",
    "attribution.claimed": "Atribusi akun dinyatakan",
    "attribution.verified": "Atribusi akun diverifikasi",
    "attribution.rejected": "Atribusi akun ditolak",
    "attribution.suspended": "Atribusi akun ditangguhkan",
    "attribution.reinstated": "Atribusi akun dipulihkan",
    "attribution.source_added": "Sumber atribusi akun ditambahkan",
    "attribution.lowered": "Keyakinan atribusi akun diturunkan",
    "target.added": "Sasaran crawl ditambahkan",
    "target.paused": "Sasaran crawl dijeda",
    "target.resumed": "Sasaran crawl dilanjutkan",
    "run.started": "Proses crawl dimulai",
    "run.done": "Proses crawl selesai",
    "run.failed": "Proses crawl gagal",
    "run.interrupted": "Proses crawl terputus",
    "fetch.received": "Data mentah diterima",
    "posts.stored": "Unggahan disimpan",
    "assessments.stored": "Dinilai model",
    "flag.raised": "Temuan awal dibuat",
    "flag.ready": "Siap ditelaah",
    "flag.viewed": "Pertama dilihat penelaah",
    "flag.in_review": "Telaah dimulai",
    "flag.confirmed": "Dugaan dikuatkan",
    "flag.dismissed": "Dugaan dikesampingkan",
    "flag.disputed": "Penelaah berbeda pendapat",
    "capture.made": "Bukti ditangkap",
    "review.given": "Putusan penelaah",
    "review.undone": "Putusan ditarik kembali",
    "report.drafted": "Laporan disusun",
    "report.filled_in": "Isian laporan diubah",
}
"""What the log's actions are called; those after signing never stand in a report's content."""


def zone_name(utc_offset_minutes: int) -> str:
    """WIB, WITA, WIT, or `UTC+hh:mm` elsewhere."""
    hours, minutes = divmod(abs(utc_offset_minutes), 60)
    return _ZONES.get(utc_offset_minutes, f"UTC{'-' if utc_offset_minutes < 0 else '+'}{hours:02}:{minutes:02}")


def long_day(day: dt.date) -> str:
    """`22 November 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def local_time(moment: dt.datetime, utc_offset_minutes: int) -> str:
    """`Minggu, 22 November 2026 pukul 07.30.12 WIB (00.30.12 UTC)`; the UTC day is added where it differs."""
    there = moment.astimezone(dt.timezone(dt.timedelta(minutes=utc_offset_minutes)))
    utc = moment.astimezone(dt.UTC)
    day_in_utc = "" if utc.date() == there.date() else f"{long_day(utc.date())} "
    return (
        f"{_DAYS[there.weekday()]}, {long_day(there.date())} pukul {there:%H.%M.%S} {zone_name(utc_offset_minutes)} "
        f"({day_in_utc}{utc:%H.%M.%S} UTC)"
    )


def short_time(moment: dt.datetime, utc_offset_minutes: int) -> str:
    """`22-11-2026 07.30.12 WIB`, for tables."""
    there = moment.astimezone(dt.timezone(dt.timedelta(minutes=utc_offset_minutes)))
    return f"{there:%d-%m-%Y %H.%M.%S} {zone_name(utc_offset_minutes)}"
