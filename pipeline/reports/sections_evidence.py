"""Section H: the pieces of evidence B-1 … B-n and who did what with them."""

from __future__ import annotations

from collections.abc import Iterator

from models.base import JsonObject
from models.captures import Capture, CaptureQuality
from models.posts import PostVersion
from models.targets import Fetch
from models.trace import TraceStep
from pipeline.reports import wording
from pipeline.reports.blocks import exhibit, row, rows, section, table
from pipeline.reports.case import Case, Finding
from pipeline.reports.sections_case import field_rows, moment, moment_in_table, officer_name

_SHORT_HASH = 16


def about(case: Case) -> JsonObject:
    """Section H."""
    pieces = (piece for number, finding in enumerate(case.findings, 1) for piece in _pieces(case, number, finding))
    states = (
        row("keadaan", f"Temuan {number}: keadaan unggahan menurut sistem",
            f"{wording.POST_STATE[finding.post.state]}; terakhir terlihat {moment(case, finding.post.last_seen_at)}")
        for number, finding in enumerate(case.findings, 1)
    )  # fmt: skip
    return {
        "H": section(
            "Bukti",
            *(exhibit(f"B-{code}", *piece) for code, piece in enumerate(pieces, 1)),
            rows("", *states, *field_rows(case, "H")),
            _custody(case),
        )
    }


def hashes(finding: Finding) -> list[str]:
    """The SHA-256 of every piece of evidence of a finding."""
    raw = [finding.fetches[version.fetch_id].body_sha256 for version in finding.versions]
    seen = [digest for each in finding.captures for digest in (each.screenshot_sha256, each.page_sha256) if digest]
    return list(dict.fromkeys([*seen, *raw]))


def _pieces(case: Case, number: int, finding: Finding) -> Iterator[tuple[str, str, str, *tuple[JsonObject, ...]]]:
    """Title, hash, media type and details of each piece."""
    for capture in finding.captures:
        told = _capture_rows(case, capture)
        if capture.screenshot_sha256:
            kind = str(capture.details.get("screenshot_format", "image/png"))
            yield f"Temuan {number}: tangkapan layar", capture.screenshot_sha256, kind, *told
        if capture.page_sha256:
            kind = str(capture.details.get("page_format", "application/octet-stream"))
            yield f"Temuan {number}: arsip halaman", capture.page_sha256, kind, *told
    shown: set[str] = set()
    for version in finding.versions:
        fetch = finding.fetches[version.fetch_id]
        if fetch.body_sha256 not in shown:
            shown.add(fetch.body_sha256)
            title = f"Temuan {number}: data mentah versi {version.number}"
            yield title, fetch.body_sha256, fetch.media_type, *_fetch_rows(case, fetch, version)


def _capture_rows(case: Case, capture: Capture) -> list[JsonObject]:
    quality = wording.QUALITY[capture.quality]
    address = capture.url if capture.final_url in (None, capture.url) else f"{capture.url} → {capture.final_url}"
    return [
        row("cara", "Cara dan mutu", f"{_means(capture)}; {quality}{_because(capture.reason)}"),
        row("alat", "Alat dan versi", _tools(capture)),
        row("pelaku", "Dikerjakan oleh", _operator(case, capture)),
        row("waktu", "Waktu", moment(case, capture.captured_at)),
        row("sumber_url", "Alamat sumber", address),
        row("status_http", "Status jawaban", str(capture.details.get("status", "")) or None),
    ]


def _fetch_rows(case: Case, fetch: Fetch, version: PostVersion) -> list[JsonObject]:
    return [
        row("cara", "Cara", "Permintaan langsung ke sumber, atau berkas yang diimpor; disimpan byte demi byte"),
        row("letak", "Letak unggahan di dalamnya", version.locator),
        row("waktu", "Waktu", moment(case, fetch.fetched_at)),
        row("sumber_url", "Alamat sumber", fetch.url),
        row("status_http", "Status jawaban dan jenis", f"{fetch.status}, {fetch.media_type}"),
    ]


def _means(capture: Capture) -> str:
    return "Tangan orang" if capture.quality is CaptureQuality.HAND else "Peramban tanpa masuk (login)"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _tools(capture: Capture) -> str | None:
    """Names and versions, as the capturing browser noted them."""
    tools = capture.details.get("tools", {})
    return ", ".join(f"{name.capitalize()} {version}" for name, version in sorted(tools.items())) or None


def _operator(case: Case, capture: Capture) -> str | None:
    made = (
        step
        for step in case.steps
        if step.action == "capture.made"
        and step.subject == f"flags:{capture.flag_id}"
        and step.at == capture.captured_at
    )
    return next((_actor(case, step) for step in made), None)


def _actor(case: Case, step: TraceStep) -> str:
    kind, _, row_id = step.actor.partition(":")
    return (officer_name(case, row_id) if kind == "officers" else None) or f"sistem ({step.actor})"


def _custody(case: Case) -> JsonObject:
    columns = ["No.", "Waktu", "Oleh", "Langkah", "Sidik catatan"]
    return table("rantai", "Rantai penguasaan menurut jejak audit", columns, (_link(case, step) for step in case.steps))


def _link(case: Case, step: TraceStep) -> tuple[str | None, ...]:
    done = wording.STEP.get(step.action, step.action)
    return str(step.seq), moment_in_table(case, step.at), _actor(case, step), done, step.leaf_hash[:_SHORT_HASH]
