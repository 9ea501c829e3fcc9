"""The office in whose name reports are written."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Office:
    """Letterhead and place of signature; `level` is *Kabupaten …*, *Provinsi …*."""

    name: str
    level: str = ""
    address: str = ""
    city: str = ""
