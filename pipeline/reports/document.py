"""What a renderer is given: content as it was (or would be) signed, its seal, and what was added afterwards."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence

from models.base import JsonObject
from models.canonical import sha256_hex


@dataclasses.dataclass(frozen=True, slots=True)
class Seal:
    """The lock of a signed report: Ed25519 (RFC 8032) over the content bytes by this office's key."""

    signature: bytes
    public_key: bytes

    def as_text(self) -> JsonObject:
        """Both in base64."""
        return {
            "algorithm": "Ed25519",
            "signature": base64.b64encode(self.signature).decode(),
            "public_key": base64.b64encode(self.public_key).decode(),
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """A report ready to be written. `content` is canonical JSON; without a seal it is a draft. `addenda` are the
    follow-ups entered since it was signed, `{day, step, institution, document, note}`.
    """

    content: bytes
    seal: Seal | None = None
    withdrawn: bool = False
    addenda: Sequence[JsonObject] = ()

    @property
    def sha256(self) -> str:
        """The hash that stands on every page."""
        return sha256_hex(self.content)

    @property
    def watermark(self) -> str | None:
        """What is written across the pages of a document that must not be used as a report."""
        if self.withdrawn:
            return "DICABUT"
        return "KONSEP" if self.seal is None else None
