"""The formal report: complete, neutral in its words, the same bytes every time, and traceable to raw bytes."""

from __future__ import annotations

import base64
import concurrent.futures
import datetime as dt
import io
import json
import os
import re
import struct
import subprocess
import zlib

import pypdf
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from models.accounts import suspend_attribution, verified_attribution
from models.assessments import Act, Finding, ModelIdentity, Voice, store_assessments
from models.canonical import canonical_json, sha256_hex
from models.captures import Capture, CaptureQuality, attach_capture
from models.clock import utc_now
from models.errors import BadInput, IllegalTransition, NotFound, StorageError
from models.flags import Flag
from models.posts import ParsedPost, Post, PostVersion, Sighting, store_posts
from models.report_fields import REPORT_FIELDS, FieldKind, clean_fields
from models.reports import Report, draft_report, fill_in, follow_up, hand_over, sign_report, withdraw_report
from models.reviews import Answer, Verdict, give_verdict
from models.targets import Fetch, RunOutcome, Target, end_run, start_run
from models.trace import evidence_of
from pipeline.reports.blocks import exhibits
from pipeline.reports.content import build_content, content_bytes, missing_before_signing
from pipeline.reports.document import Document, Seal
from pipeline.reports.glyphs import coverage, printable, shortened
from pipeline.reports.office import Office
from pipeline.reports.pdf import render_pdf
from pipeline.reports.write import RENDERERS, render_report, write_report

OFFICE = Office(
    "Badan Pengawas Pemilihan Umum",
    "Kabupaten Tanjung Seruni",
    "Jalan Kenanga Nomor 4, Tanjung Seruni",
    "Tanjung Seruni",
)
AT = dt.datetime(2026, 11, 22, 3, 4, 5, tzinfo=dt.UTC)
CONFIRM = Verdict(
    Answer.YES,
    Answer.YES,
    "Menyebut nomor urut dan mengajak memilih.",
    "Diunggah di luar jam kerja.",
    acts=("ON-2", "ON-4"),
)
DISMISS = Verdict(Answer.YES, Answer.NO, "Hanya mengutip jadwal.", "Nada bercanda.")
JOINER = "\N{ZERO WIDTH JOINER}"
FORBIDDEN = ("terbukti", "sanksi", "hukuman", "teguran", "pemberhentian", "potongan", "penurunan", "bersalah")


def a_picture(height: int = 600) -> bytes:
    """A grey PNG, 800 pixels wide."""
    rows = b"".join(b"\x00" + bytes([200 - line % 90]) * 800 for line in range(height))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 800, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def all_fields() -> dict[str, str]:
    """Every field of the form, filled with something neutral."""
    return {
        field.key: {FieldKind.DAY: str(utc_now().date()), FieldKind.CHOICE: (field.choices or ("",))[0]}.get(
            field.kind, f"Isian {field.label.lower()}."
        )
        for field in REPORT_FIELDS
    }


def crawl(world, evidence, text: str, number: int) -> None:
    """One run whose response has one post, kept as raw bytes."""
    raw = json.dumps([{"id": str(number), "content": text}]).encode()
    with world.database.write() as session:
        run = start_run(session, session.get_one(Target, world.target.id), due_at=utc_now(), actor="system:crawl")
        fetch = Fetch(
            run_id=run.id, url=f"{world.target.address}/statuses", status=200, headers={}, fetched_at=utc_now(),
            body_sha256=evidence.put(raw), media_type="application/json",
        )  # fmt: skip
        session.add(fetch)
        session.flush()
        post = ParsedPost(f"https://example.invalid/{number}", text, f"https://example.invalid/@sari/{number}",
                          utc_now() - dt.timedelta(hours=1), "/0", author="@sari@example.invalid")  # fmt: skip
        store_posts(session, run, fetch, [post], actor="system:crawl")
        end_run(session, run, RunOutcome.DONE, actor="system:crawl")


def raise_flag(world, number: int) -> str:
    """Assess the newest version and flag it."""
    with world.database.write() as session:
        post = session.scalars(select(Post).where(Post.external_id == f"https://example.invalid/{number}")).one()
        newest = select(PostVersion).where(PostVersion.post_id == post.id).order_by(PostVersion.number.desc())
        target = {"name": "Raka Wibisana – Nila Paramita", "stance": "favor"}
        finding = Finding(0.9137, flagged=True, act=Act.MOBILISE, voice=Voice.OWN, targets=[target],
                          masked="Ayo pilih CALON_1!", spans=[])  # fmt: skip
        sighting = session.get_one(Sighting, (post.id, world.mandate.id))
        model = ModelIdentity("netra-test", "1", "ab" * 32, 0.5)
        newest_version = session.scalars(newest.limit(1)).one()
        (flag,) = store_assessments(session, [(sighting, newest_version, finding)], model, actor="system:assess")
        return flag.id


def capture(world, evidence, flag_id: str, picture: bytes) -> None:
    """The page, photographed."""
    with world.database.write() as session:
        flag = session.get_one(Flag, flag_id)
        page = f"https://example.invalid/@sari/{flag_id}"
        taken = Capture(
            flag_id=flag_id, quality=CaptureQuality.PAGE, reason="", url=page, final_url=page, captured_at=utc_now(),
            screenshot_sha256=evidence.put(picture), page_sha256=evidence.put(f"<p>{flag_id}".encode()),
            text_found=True, details={
                "tools": {"chromium": "149.0.7827.0", "playwright": "1.65.0", "netra": "0.1.0"},
                "page_format": "multipart/related",
                "status": 200,
            },
        )  # fmt: skip
        attach_capture(session, flag, taken, actor="system:capture")


def confirmed_flag(world, evidence, *texts: str, number: int = 1, picture: bytes | None = None, verdicts=()) -> str:
    """A flag on the last of the texts that the post has had, judged by as many supervisors as there are verdicts."""
    for text in texts:
        crawl(world, evidence, text, number)
    flag_id = raise_flag(world, number)
    capture(world, evidence, flag_id, picture or a_picture())
    for supervisor, verdict in zip(world.supervisors, verdicts or (CONFIRM, CONFIRM), strict=False):
        with world.database.write() as session:
            give_verdict(session, session.get_one(Flag, flag_id), supervisor, verdict)
    return flag_id


def drafted(
    world, *flag_ids: str, fields: dict[str, str] | None = None, number: str = "001/LHP/PM.01.02/XI/2026"
) -> str:
    """A report of these flags."""
    with world.database.write() as session:
        flags = [session.get_one(Flag, flag_id) for flag_id in flag_ids]
        report = draft_report(session, world.mandate, flags, world.supervisors[0], number=number)
        fill_in(session, report, world.supervisors[0], clean_fields(all_fields() if fields is None else fields))
        return report.id


def content_of(world, report_id: str, **more):
    with world.database.read() as session:
        return build_content(session, world.vault, session.get_one(Report, report_id), OFFICE, at=AT, **more)


def sign(world, report_id: str) -> bytes:
    """Sign as the first supervisor; the content that was signed."""
    content = content_bytes(content_of(world, report_id, signer=world.supervisors[0]))
    with world.database.write() as session:
        sign_report(session, world.vault, session.get_one(Report, report_id), world.supervisors[0], content)
    return content


def bare_content(**parts):
    """A content without a case, with these parts."""
    return {
        "title": "", "subject": "", "classification": "", "alleged": "", "signature": None, "findings": [],
        "report": {"id": "1", "number": "1"}, "made_at": AT.isoformat(),
        "office": {"name": "", "level": "", "address": "", "city": ""},
        **{letter: {"title": "", "blocks": []} for letter in "ABCDEFGHIJKLMNO"},
        **parts,
    }  # fmt: skip


def pdf_text(pdf: bytes) -> str:
    """The text of every page, without the marks that let long words break."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return "\n".join(page.extract_text() for page in pages).replace("\u200b", "")


def test_the_content_has_every_section_and_names_the_person_account_text_and_reviewers(world, evidence):
    content = content_of(world, drafted(world, confirmed_flag(world, evidence, "Ayo pilih Bang Raka!")))
    assert all(letter in content for letter in "ABCDEFGHIJKLMNO")
    words = json.dumps(content, ensure_ascii=False)
    for expected in (
        "Sari Melur Wening", "198501012010012001", "@sari@example.invalid", "Ayo pilih Bang Raka!", "WIB",
        "nomor urut 1", "Supervisor1", "Supervisor2", "netra-test@1", "bukan alat bukti", "Pernyataan cakupan",
        "kode etik butir 4", "disiplin butir 6", "Chromium 149.0.7827.0",
    ):  # fmt: skip
        assert expected in words, expected


def test_the_same_report_gives_the_same_bytes_twice(sqlite_world, evidence):
    report = drafted(sqlite_world, confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka! 👍🏽"))
    first, second = (content_bytes(content_of(sqlite_world, report)) for _ in range(2))
    assert first == second
    assert render_pdf(Document(first), evidence) == render_pdf(Document(second), evidence)


def test_every_byte_the_report_rests_on_is_listed_with_its_hash(world, evidence):
    report = drafted(world, confirmed_flag(world, evidence, "Ayo pilih Bang Raka!", "Ayo pilih Bang Raka! Nomor 1!"))
    content = content_of(world, report)
    with world.database.read() as session:
        rests_on = {link.sha256 for link in evidence_of(session, report)}
    assert len(rests_on) == 4
    assert {piece["sha256"] for piece in exhibits(content)} == rests_on
    printed = pdf_text(render_pdf(Document(content_bytes(content)), evidence))
    assert all(digest in printed for digest in rests_on)


def test_what_nobody_filled_in_is_visibly_empty(sqlite_world, evidence):
    report = drafted(sqlite_world, confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka!"), fields={})
    content = content_of(sqlite_world, report)
    missing = missing_before_signing(content, clarification_required=True)
    assert len(missing) == sum(field.required for field in REPORT_FIELDS)
    assert len(missing_before_signing(content)) == len(missing) - 1
    assert pdf_text(render_pdf(Document(content_bytes(content)), evidence)).count("belum diisi") >= len(REPORT_FIELDS)


def test_a_complete_report_lacks_nothing(world, evidence):
    report = drafted(world, confirmed_flag(world, evidence, "Ayo pilih Bang Raka!"))
    assert missing_before_signing(content_of(world, report), clarification_required=True) == []


def test_a_suspended_attribution_keeps_the_report_from_being_signed(sqlite_world, evidence):
    report = drafted(sqlite_world, confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka!"))
    with sqlite_world.database.write() as session:
        claim = verified_attribution(session, sqlite_world.account.id)
        suspend_attribution(session, claim, sqlite_world.operator, reason="bukan akun saya")
    assert missing_before_signing(content_of(sqlite_world, report)) == ["Temuan 1: atribusi akun tidak (lagi) berlaku"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"analisis_unsur": "Jelas TERBUKTI."}, "terbukti"),
        ({"tanggal_diketahui": "2020-01-01"}, "mendahului"),
        ({"tanggal_diketahui": "2090-01-01"}, "masa depan"),
    ],
)
def test_a_field_that_a_report_must_not_say_is_named(sqlite_world, evidence, change, complaint):
    flag = confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka!")
    report = drafted(sqlite_world, flag, fields={**all_fields(), **change})
    (found,) = missing_before_signing(content_of(sqlite_world, report))
    assert complaint in found


def test_the_software_says_dugaan_and_never_a_penalty(sqlite_world, evidence):
    content = content_of(
        sqlite_world, drafted(sqlite_world, confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka!"))
    )
    words = json.dumps(content, ensure_ascii=False).casefold()
    assert not [word for word in FORBIDDEN if word in words]
    assert words.count("dugaan") > 5


def test_a_dissent_and_its_adjudication_are_told(sqlite_world, evidence):
    flag = confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka!", verdicts=(CONFIRM, DISMISS, CONFIRM))
    content = content_of(sqlite_world, drafted(sqlite_world, flag))
    told = json.dumps(content["L"], ensure_ascii=False)
    assert "Supervisor2 (Staf) berpendapat bukan dugaan" in told
    assert "penengah" in told
    assert "Hanya mengutip jadwal." in told


def test_signs_of_a_superiors_pressure_are_shown(sqlite_world, evidence):
    coerced = Verdict(Answer.YES, Answer.YES, "Diminta atasan.", "Seragam dengan rekan.", acts=("LAIN",), coercion=True)
    flag = confirmed_flag(sqlite_world, evidence, "Siap perintah, pilih 1", verdicts=(coerced, coerced))
    content = content_of(sqlite_world, drafted(sqlite_world, flag))
    assert "terlapor mungkin korban" in json.dumps(content["J"], ensure_ascii=False)


HOSTILE = (
    '#eval("1+1") #read("/etc/passwd") *tebal* _miring_ $x^2$ @label <label> // komentar /* x */ `kode` \\ #set page()',
    "Pilih \u202eakaR gnaB\u202c sekarang\u200b juga\u0007",
    "p\u0336i\u0336" + "Z" + "\u0300\u0301\u0302\u0303\u0304" * 10,
    "PANJANG" * 900,
    "👨‍👩‍👧‍👦 1️⃣ ☝🏽 🤙 🇮🇩 ꦥꦶꦭꦶꦃ بسم الله ᬳ 選 \U000e0041",
    "]) #panic()",
    "\n\n\n   \n",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_printed_as_text(sqlite_world, evidence, text):
    content = content_of(sqlite_world, drafted(sqlite_world, confirmed_flag(sqlite_world, evidence, text)))
    quotes = [block["text"] for block in content["G"]["blocks"] if block["kind"] == "quote"]
    assert quotes == [text.replace("\x00", "\ufffd")]
    printed = re.sub(r"\s", "", pdf_text(render_pdf(Document(content_bytes(content)), evidence)))
    for word in re.findall(r"[#\]][a-z]+\(?\S*", text):
        assert word in printed
    for char in re.findall("[\u202e\u202c\u200b\u0007\U000e0041]", text):
        assert f"U+{ord(char):04X}" in printed


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=120))
def test_no_text_keeps_a_report_from_being_printed(evidence, text):
    said = {"title": text, "blocks": [{"kind": "quote", "key": "teks", "title": text[:40], "text": text}]}
    office = {"name": text, "level": text, "address": text, "city": ""}
    content = bare_content(alleged=text, office=office, G=said, report={"id": "1", "number": text[:20]})
    assert render_pdf(Document(canonical_json(content)), evidence).startswith(b"%PDF")


def test_every_character_said_to_be_drawn_is_drawn(evidence):
    points = [point for first, last in coverage() for point in range(first, last + 1) if point != ord(JOINER)]
    texts = [" ".join(map(chr, points[start : start + 2_000])) for start in range(0, len(points), 2_000)]
    blocks = [{"kind": "quote", "key": "teks", "title": "", "text": text} for text in texts]
    # PDF/A refuses a character that no font draws, and then the text would be written out by name.
    content = bare_content(G={"title": "", "blocks": blocks})
    assert "⟨U+" not in pdf_text(render_pdf(Document(canonical_json(content)), evidence))


def test_a_sequence_that_the_typesetter_cannot_set_is_written_out_by_name(evidence, monkeypatch):
    monkeypatch.setattr("pipeline.reports.pdf.printable", lambda text: text)  # as if a hole in the coverage were met
    said = {"title": "", "blocks": [{"kind": "quote", "key": "teks", "title": "", "text": "Pilih ꦥꦶ – “dua”"}]}
    printed = pdf_text(render_pdf(Document(canonical_json(bare_content(G=said))), evidence))
    assert "JAVANESE LETTER PA" in printed
    assert "– “dua”" in printed


def test_invisible_characters_are_written_out_but_joined_emoji_stay():
    assert printable("a\u202eb") == "a⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩b"
    assert printable("a\u200db") == "a⟨U+200D ZERO WIDTH JOINER⟩b"
    assert printable("👩\u200d🏫") == "👩\u200d🏫"


@pytest.mark.parametrize("text", ["\n" * 50_000, "x" * 90_000], ids=["lines", "characters"])
def test_an_endless_text_is_cut_on_paper_and_says_so(text):
    cut = shortened(text)
    assert len(cut) < 13_000
    kept, _, told = cut.rpartition("\n")
    assert told == f"[dipotong: {len(text) - len(kept)} karakter lagi; lengkapnya pada berkas bukti]"
    assert text.startswith(kept)


def test_a_signed_report_is_written_from_what_was_signed(world, evidence, tmp_path):
    report = drafted(world, confirmed_flag(world, evidence, "Ayo pilih Bang Raka!"))
    signed = sign(world, report)
    with world.database.write() as session:
        with pytest.raises(IllegalTransition):
            fill_in(session, session.get_one(Report, report), world.supervisors[0], {"saksi": "lain"})
        claim = verified_attribution(session, world.account.id)
        suspend_attribution(session, claim, world.operator, reason="bukan akun saya")
    out = tmp_path / "laporan.json"
    with world.database.read() as session:
        as_json = render_report(session, world.vault, evidence, session.get_one(Report, report), OFFICE, "json")
    write_report(world.database, world.vault, evidence, report, "json", out, OFFICE)
    assert out.read_bytes() == as_json
    written = json.loads(as_json)
    assert canonical_json(written["content"]) == signed
    assert written["content_sha256"] == sha256_hex(signed)
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(written["seal"]["public_key"]))
    key.verify(base64.b64decode(written["seal"]["signature"]), signed)


def test_a_draft_and_a_withdrawn_report_are_marked_on_every_page(sqlite_world, evidence, tmp_path):
    report = drafted(sqlite_world, confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka!"))
    out = tmp_path / "laporan.pdf"

    def pages() -> list[str]:
        write_report(sqlite_world.database, sqlite_world.vault, evidence, report, "pdf", out, OFFICE)
        return [page.extract_text() for page in pypdf.PdfReader(out).pages]

    assert all("KONSEP" in page for page in pages())
    signed = sign(sqlite_world, report)
    assert all("KONSEP" not in page and sha256_hex(signed) in page for page in pages())
    with sqlite_world.database.write() as session:
        withdraw_report(session, session.get_one(Report, report), sqlite_world.supervisors[0], reason="salah orang")
    assert all("DICABUT" in page for page in pages())


def test_what_happened_after_signing_stands_outside_the_signed_content(sqlite_world, evidence, tmp_path):
    report = drafted(sqlite_world, confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka!"))
    signed = sign(sqlite_world, report)
    with sqlite_world.database.write() as session:
        row = session.get_one(Report, report)
        hand_over(session, row, sqlite_world.supervisors[0], recipient="BKN melalui SBT", document="SBT-77")
        follow_up(session, row, sqlite_world.supervisors[0], step="verifikasi", institution="Satgas",
                  on_day=dt.date(2026, 12, 1), document="V-9", note="")  # fmt: skip
    out = tmp_path / "laporan.pdf"
    write_report(sqlite_world.database, sqlite_world.vault, evidence, "001/LHP/PM.01.02/XI/2026", "pdf", out, OFFICE)
    printed = pdf_text(out.read_bytes())
    assert "SBT-77" in printed
    assert "1 Desember 2026" in printed
    assert "SBT-77" not in signed.decode()


def test_a_long_picture_runs_over_several_pages(sqlite_world, evidence):
    flag = confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka!", picture=a_picture(4000))
    content = content_bytes(content_of(sqlite_world, drafted(sqlite_world, flag)))
    assert "(bagian 4 dari 4)" in pdf_text(render_pdf(Document(content), evidence))


@pytest.mark.parametrize(
    ("bytes_now", "said"), [(None, "tidak ada di penyimpanan"), (b"lain", "tidak lagi cocok")], ids=["lost", "altered"]
)
def test_a_lost_or_altered_picture_is_named_on_its_page(sqlite_world, evidence, bytes_now, said):
    picture = a_picture(610)
    flag = confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka!", picture=picture)
    content = content_bytes(content_of(sqlite_world, drafted(sqlite_world, flag)))
    path = next(evidence.root.rglob(sha256_hex(picture)))
    path.unlink() if bytes_now is None else path.write_bytes(bytes_now)
    assert said in pdf_text(render_pdf(Document(content), evidence))


def test_a_seal_is_printed_in_the_signature_block(sqlite_world, evidence):
    report = drafted(sqlite_world, confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka!"))
    printed = pdf_text(render_pdf(Document(sign(sqlite_world, report), Seal(b"s" * 64, b"k" * 32)), evidence))
    assert "Ed25519" in printed
    assert base64.b64encode(b"k" * 32).decode() in re.sub(r"\s", "", printed)


def test_an_unknown_report_or_format_writes_nothing(sqlite_world, evidence, tmp_path):
    out = tmp_path / "laporan.pdf"
    with pytest.raises(NotFound, match="tidak-ada"):
        write_report(sqlite_world.database, sqlite_world.vault, evidence, "tidak-ada", "pdf", out, OFFICE)
    assert "odt" not in RENDERERS
    with pytest.raises(BadInput, match="odt"):
        write_report(sqlite_world.database, sqlite_world.vault, evidence, "tidak-ada", "odt", out, OFFICE)
    report = drafted(sqlite_world, confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka!"))
    with pytest.raises(StorageError, match="laporan"):
        write_report(
            sqlite_world.database, sqlite_world.vault, evidence, report, "json", tmp_path / "no" / "laporan", OFFICE
        )
    assert list(tmp_path.glob("*laporan*")) == []


def test_a_pipe_is_written_to_and_not_replaced(sqlite_world, evidence, tmp_path):
    report = drafted(sqlite_world, confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka!"))
    pipe = tmp_path / "pipa"
    os.mkfifo(pipe)
    with concurrent.futures.ThreadPoolExecutor(1) as reader:
        read = reader.submit(subprocess.check_output, ["/bin/cat", pipe], timeout=30)
        write_report(sqlite_world.database, sqlite_world.vault, evidence, report, "json", pipe, OFFICE)
        assert json.loads(read.result())["content"]
    assert pipe.is_fifo()


def test_the_pdf_is_an_archive_of_its_own(sqlite_world, evidence):
    report = drafted(sqlite_world, confirmed_flag(sqlite_world, evidence, "Ayo pilih Bang Raka! 👍"))
    reader = pypdf.PdfReader(
        io.BytesIO(render_pdf(Document(content_bytes(content_of(sqlite_world, report))), evidence))
    )
    assert b"<pdfaid:part>2</pdfaid:part>" in reader.xmp_metadata.stream.get_data()
    assert all("/FontFile" in str(font) for font in embedded_fonts(reader))


def embedded_fonts(reader: pypdf.PdfReader) -> list[str]:
    """The descriptors of every font used."""
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"].get("/Font", {}).values()]
    inner = [font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font for font in fonts]
    return [str(font["/FontDescriptor"].get_object()) for font in inner]
