"""The sections about people, accounts, events, texts, reviews and the machine's part: D–G, L, O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from models.accounts import Account
from models.assessments import Assessment
from models.base import JsonObject
from models.hand import by_hand
from models.posts import PostVersion
from models.reviews import Decision, Review
from pipeline.acts import Article, CandidateStatus, act_table, candidate_articles, candidate_status_on
from pipeline.reports import wording
from pipeline.reports.blocks import note, quote, row, rows, section, table
from pipeline.reports.case import Case, Finding, Holder
from pipeline.reports.sections_case import field_rows, moment, moment_in_table, officer_name

_UNKNOWN_STATUS = "tidak dapat ditentukan dari berkas tahapan; tentukan dengan dokumen KPU"


def about(case: Case) -> JsonObject:
    """Sections D, E, F, G, L and O."""
    findings = list(enumerate(case.findings, 1))
    return {
        "D": section("Terlapor", *_people(case), rows("", *field_rows(case, "D"))),
        "E": section("Akun", *_accounts(case), rows("", *field_rows(case, "E"))),
        "F": section(
            "Peristiwa", *(_event(case, number, each) for number, each in findings), rows("", *field_rows(case, "F"))
        ),
        "G": section(
            "Konten dan bentuk dugaan",
            *(block for number, each in findings for block in _content(case, number, each)),
            rows("", *field_rows(case, "G")),
        ),
        "L": section(
            "Telaah, kajian, dan pleno",
            *(block for number, each in findings for block in _reviews(case, number, each)),
            rows("", *field_rows(case, "L")),
        ),
        "O": section("Keterangan penggunaan sistem otomatis", *_disclosure(case)),
    }


def _people(case: Case) -> Iterator[JsonObject]:
    holders = _by_person(case)
    for number, holder in enumerate(holders, 1):
        yield _person(case, f"Terlapor {number}" if len(holders) > 1 else "Terlapor", holder)
    if not holders:
        yield rows("Terlapor", row("nama", "Nama", None), row("nip", "NIP", None))


def _by_person(case: Case) -> list[Holder]:
    return list({each.holder.person.nip: each.holder for each in case.findings if each.holder is not None}.values())


def _person(case: Case, title: str, holder: Holder) -> JsonObject:
    person, claim = holder.person, holder.attribution
    return rows(
        title,
        row("nama", "Nama", person.name),
        row("nip", "NIP", person.nip),
        row("status", "Status kepegawaian", person.status.value),
        row("jabatan", "Jabatan", person.position),
        row("unit", "Unit kerja", person.unit),
        row("instansi_terlapor", "Instansi", person.agency),
        row("dasar_identifikasi", "Dasar identifikasi", claim.evidence),
        row("keyakinan", "Tingkat keyakinan", wording.CONFIDENCE[claim.confidence]),
        row("keadaan_atribusi", "Keadaan atribusi", wording.ATTRIBUTION[claim.state]),
        row("dinyatakan_oleh", "Dinyatakan oleh", _who_when(case, claim.asserted_by, moment(case, claim.asserted_at))),
        row("diverifikasi_oleh", "Diverifikasi oleh",
            _who_when(case, claim.verified_by, moment(case, claim.verified_at))),
        row("nama_sama", "Pemeriksaan kesamaan nama", _namesakes(holder.namesakes)),
    )  # fmt: skip


def _who_when(case: Case, officer_id: str | None, when: str | None) -> str | None:
    name = officer_name(case, officer_id)
    return None if name is None else f"{name}, {when}"


def _namesakes(count: int) -> str:
    if count:
        return f"{count} orang lain dalam daftar bernama sama; identitas harus dipastikan dengan NIP"
    return "Tidak ada orang lain bernama sama dalam daftar pengawasan"


def _accounts(case: Case) -> Iterator[JsonObject]:
    accounts = {each.account.id: each.account for each in case.findings if each.account is not None}
    for account in accounts.values():
        yield _account(account)
    if not accounts:
        yield rows("", row("akun", "Nama akun", None))


def _account(account: Account) -> JsonObject:
    return rows(
        "",
        row("platform", "Platform", account.source),
        row("akun", "Nama akun", account.handle),
        row("id_akun", "Nomor akun pada platform", account.external_id),
        row("url_akun", "Alamat (URL)", account.url),
        row("nama_tampilan", "Nama tampilan", account.display_name),
    )


def _event(case: Case, number: int, finding: Finding) -> JsonObject:
    post, flag = finding.post, finding.flag
    status = _status(case, finding)
    return rows(
        f"Temuan {number}",
        row("waktu_unggah", "Waktu unggah", moment(case, post.posted_at)),
        row("tempat_unggah", "Tempat kejadian (daring)", f"{post.source}: {post.url or post.external_id}"),
        row("tahapan", "Tahapan pada hari itu", _stage(case, finding)),
        row("status_calon", "Status pencalonan pada hari itu", _UNKNOWN_STATUS if status is None else status.label),
        row("pihak_terkait", "Calon atau partai yang terkait", _sides(case, finding.assessment)),
        row("ditandai_sistem", "Ditandai sistem", moment(case, flag.raised_at)),
        row("pertama_dilihat", "Pertama dilihat penelaah", moment(case, flag.first_viewed_at)),
    )


def _stage(case: Case, finding: Finding) -> str | None:
    posted = finding.post.posted_at
    return None if posted is None else case.contest.stage_on(case.mandate.local_day(posted))


def _status(case: Case, finding: Finding) -> CandidateStatus | None:
    posted = finding.post.posted_at
    return None if posted is None else candidate_status_on(case.contest, case.mandate.local_day(posted))


def _sides(case: Case, assessment: Assessment) -> str | None:
    numbers = {candidate.title: candidate.number for candidate in case.contest.candidates}
    named = []
    for target in assessment.targets:
        name, stance = str(target["name"]), wording.STANCE.get(str(target["stance"]), str(target["stance"]))
        number = f", nomor urut {numbers[name]}" if name in numbers else ""
        named.append(f"{name}{number} ({stance})")
    return f"{'; '.join(named)} – menurut sistem, diperiksa penelaah" if named else None


def _content(case: Case, number: int, finding: Finding) -> Iterator[JsonObject]:
    version = finding.version
    yield quote("teks", f"Temuan {number}: teks unggahan apa adanya (versi {version.number} dari "
                f"{len(finding.versions)})", version.text)  # fmt: skip
    media = "; ".join(_medium(each) for each in version.attachments)
    yield rows(
        "",
        row("sidik_teks", "SHA-256 teks", version.text_sha256),
        row("media", "Gambar atau media terlampir", media or "tidak ada"),
        row("penulis", "Penulis menurut platform", finding.post.author),
    )
    if len(finding.versions) > 1:
        yield _versions(case, finding.versions)
    yield note(
        "Calon pasal berikut adalah daftar pilihan untuk pengawas, bukan kesimpulan. Satu bentuk dapat termuat dalam "
        "lebih dari satu daftar; yang bertanda “belum pasti” harus diperiksa pada naskah peraturannya."
    )
    yield from _acts(case, finding)


def _medium(attachment: JsonObject) -> str:
    if typed := by_hand([attachment]):
        return f"gambar layar buatan {typed['captured_by']} (SHA-256 {typed['screenshot_sha256']}); teks diketik orang"
    return ", ".join(str(value) for value in attachment.values() if isinstance(value, str) and value)


def _versions(case: Case, versions: Iterable[PostVersion]) -> JsonObject:
    lines = ((str(each.number), moment_in_table(case, each.seen_at), each.text, each.text_sha256) for each in versions)
    return table("versi", "Semua versi teks yang pernah terlihat", ["Versi", "Terlihat", "Teks", "SHA-256"], lines)


def _acts(case: Case, finding: Finding) -> Iterator[JsonObject]:
    names = act_table().acts
    for act in sorted({act for review in finding.deciding for act in review.acts}):
        lines = ((_cited(each), f"“{each.wording}”", _certainty(each)) for each in _articles(case, finding, act))
        title = f"Bentuk dugaan menurut penelaah: {act} – {names.get(act, 'kode tidak dikenal')}"
        yield table("bentuk", title, ["Calon pasal", "Bunyi singkat", "Kepastian rujukan"], lines)


def _articles(case: Case, finding: Finding, act: str) -> list[Article]:
    if finding.holder is None or act not in act_table().acts:
        return []
    return candidate_articles(act, _status(case, finding), finding.holder.person.status)


def _cited(article: Article) -> str:
    norm = f"; {article.norm}" if article.norm else ""
    return f"[{article.family}] {article.citation}{norm}"


def _certainty(article: Article) -> str:
    certain = "sesuai bunyi rujukan" if article.confirmed else "belum pasti"
    phase = "; bunyinya tidak jelas mencakup status pencalonan hari itu" if article.disputed else ""
    return f"{certain}{phase}. {article.conflict}".strip()


def _reviews(case: Case, number: int, finding: Finding) -> Iterator[JsonObject]:
    lines = (
        (
            officer_name(case, review.reviewer_id),
            f"{wording.ROUND[review.round]}, {moment_in_table(case, review.given_at)}",
            _verdict(review),
            review.reason,
        )
        for review in finding.reviews
        if review.undone_at is None
    )
    yield table("telaah", f"Temuan {number}: penelaah", ["Penelaah", "Tahap dan waktu", "Putusan", "Alasan"], lines)
    yield rows("", row("beda_pendapat", "Perbedaan pendapat", _dissent(case, finding)))


def _verdict(review: Review) -> str:
    if review.decision is Decision.RECUSED:
        return wording.DECISION[review.decision]
    acts = f"; bentuk: {', '.join(review.acts)}" if review.acts else ""
    return (
        f"{wording.DECISION[review.decision]} (akun terlapor: {wording.ANSWER[review.is_person]}; "
        f"berpihak: {wording.ANSWER[review.takes_side]}{acts})"
    )


def _dissent(case: Case, finding: Finding) -> str:
    against = [review for review in finding.standing if review.decision is Decision.DISMISS]
    if not against:
        return "Tidak ada; kedua penelaah sependapat tanpa saling melihat"
    names = ", ".join(officer_name(case, review.reviewer_id) or "?" for review in against)
    return f"Ada: {names} berpendapat bukan dugaan; diputus penengah sebagaimana tabel di atas"


def _disclosure(case: Case) -> Iterator[JsonObject]:
    yield note(f"{wording.AI_STATEMENT} Sistem hanya mengurutkan unggahan untuk dibaca orang; setiap temuan di sini "
               "diputus oleh manusia, yang memberi putusan sebelum melihat skor.")  # fmt: skip
    for number, finding in enumerate(case.findings, 1):
        row_of = finding.assessment
        yield rows(
            f"Temuan {number}",
            row("model", "Model (nama@versi)", row_of.model),
            row("bobot", "SHA-256 bobot model", row_of.weights_sha256),
            row("skor", "Skor / ambang", f"{row_of.score:.4f} / {row_of.threshold:.4f}"),
            row("dugaan_model", "Keluaran model",
                f"perbuatan: {wording.ACT[row_of.act]}; suara: {wording.VOICE[row_of.voice]}"),
            row("dinilai_pada", "Dinilai pada", moment(case, row_of.assessed_at)),
        )  # fmt: skip
        yield quote("teks_bertopeng", "Teks yang dilihat model (nama calon dan partai disamarkan)", row_of.masked)
