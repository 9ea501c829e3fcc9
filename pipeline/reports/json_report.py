"""A report as JSON: the content bytes unchanged, with hash, seal and addenda beside them."""

from __future__ import annotations

import json

from models.canonical import canonical_json
from models.evidence import EvidenceStore
from pipeline.reports.document import Document


def render_json(document: Document, evidence: EvidenceStore) -> bytes:
    """Canonical JSON; the RFC 8785 form of `content` in it is what `content_sha256` and `signature` cover."""
    del evidence  # evidence is named by hash; the bytes travel in their own files
    status = "withdrawn" if document.withdrawn else "draft" if document.seal is None else "signed"
    return canonical_json(
        {
            "status": status,
            "content": json.loads(document.content),
            "content_sha256": document.sha256,
            "seal": None if document.seal is None else document.seal.as_text(),
            "addenda": list(document.addenda),
        }
    )
