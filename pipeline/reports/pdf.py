"""A report as PDF/A-2b through typst: the same document gives the same bytes.

Post texts are hostile. They reach the template as JSON values and are printed as strings, never read as markup;
what would not be seen is written out (`pipeline.reports.glyphs`).
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import typst

from models.base import JsonObject
from models.errors import EvidenceDamaged, NotFound, StorageError
from models.evidence import EvidenceStore
from pipeline.reports.blocks import exhibits
from pipeline.reports.document import Document
from pipeline.reports.glyphs import FONTS, map_texts, plain, printable, shortened

TEMPLATE = Path(__file__).with_name("report.typ")
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def render_pdf(document: Document, evidence: EvidenceStore) -> bytes:
    """The printed report with its pictures.

    A picture that is missing, altered or no PNG is named as such on its page. Some sequences of characters make
    the typesetter fail whatever the fonts; then all but ordinary Latin letters is written out by name.

    Raises:
        StorageError: the typesetter refuses even that.
    """
    content = map_texts(json.loads(document.content), shortened)
    try:
        return _typeset(document, content, evidence, printable)
    except _typesetter_failures():
        pass
    try:
        return _typeset(document, content, evidence, plain)
    except _typesetter_failures() as error:
        raise StorageError(f"report {content['report']['number']} cannot be typeset: {error}") from error


def _typeset(document: Document, content: JsonObject, evidence: EvidenceStore, change: Callable[[str], str]) -> bytes:
    shown = {
        "content": map_texts(content, change),
        "sha256": document.sha256,
        "seal": None if document.seal is None else document.seal.as_text(),
        "watermark": document.watermark,
        "addenda": map_texts(list(document.addenda), lambda text: change(shortened(text))),
    }
    with tempfile.TemporaryDirectory(prefix="netra-report-") as name:
        root = Path(name)
        shown["pictures"] = _lay_out_pictures(root, content, evidence)
        (root / "report.json").write_text(json.dumps(shown), encoding="utf-8")
        (root / "report.typ").write_bytes(TEMPLATE.read_bytes())
        pdf = typst.compile(
            root / "report.typ",
            root=root,
            font_paths=[FONTS],
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards="a-2b",
            timestamp=dt.datetime.fromisoformat(content["made_at"]),
        )
    return bytes(pdf)


def _lay_out_pictures(root: Path, content: JsonObject, evidence: EvidenceStore) -> JsonObject:
    """Put the pictures beside the template; by code: the file's name, or None with the reason."""
    pictures: JsonObject = {}
    for piece in exhibits(content):
        if not piece["media_type"].startswith("image/"):
            continue
        code, problem = piece["code"], None
        try:
            data = evidence.get(piece["sha256"])
        except NotFound:
            problem = "Berkas tidak ada di penyimpanan bukti."
        except EvidenceDamaged:
            problem = "Berkas di penyimpanan bukti tidak lagi cocok dengan SHA-256-nya."
        else:
            if data.startswith(PNG_MAGIC):
                (root / f"{code}.png").write_bytes(data)
            else:
                problem = "Berkas bukan gambar PNG dan tidak dapat dicetak."
        pictures[code] = {"file": None if problem else f"{code}.png", "problem": problem}
    return pictures


def _typesetter_failures() -> tuple[type[BaseException], ...]:
    """Typst's own error, and the panic that its Rust code raises past `Exception`."""
    panic = next((kind for kind in BaseException.__subclasses__() if kind.__name__ == "PanicException"), None)
    return (typst.TypstError,) if panic is None else (typst.TypstError, panic)
