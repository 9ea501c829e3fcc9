"""The preview (*pratinjau*): what a crawl would find at an address, before it becomes a target."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from models.errors import BadInput
from review_ui.desk import Desk, OperatorDesk, Posted
from review_ui.ports import Seen

router = APIRouter()

PARTS = ("item", "text", "time", "link", "author", "id", "edited", "skip")
"""Selectors by the part of a post that they find."""

ZONES = ("WIB", "WITA", "WIT")
FIELDS = ("sumber", "alamat", *PARTS, "zone")
MAX_ADDRESS_CHARACTERS = 2_000
USUAL = "page"


@router.get("/pratinjau")
def open_preview(desk: OperatorDesk) -> Response:
    """Operators: the form."""
    return _page(desk, None, dict.fromkeys(FIELDS, "") | {"sumber": USUAL})


@router.post("/pratinjau")
def look(desk: OperatorDesk, form: Posted) -> Response:
    """Operators: read the address once and show what is there; stores nothing."""
    typed = {name: form.text(name) for name in FIELDS}
    if not typed["alamat"]:
        raise BadInput("alamat: isi alamat halaman")
    if len(typed["alamat"]) > MAX_ADDRESS_CHARACTERS:
        raise BadInput(f"alamat: paling panjang {MAX_ADDRESS_CHARACTERS} karakter")
    selectors = {name: typed[name] for name in (*PARTS, "zone")}
    seen = desk.ui.ports.look_at(typed["sumber"], typed["alamat"], selectors, officer=desk.officer)
    return _page(desk, seen, typed)


def _page(desk: Desk, seen: Seen | None, typed: dict[str, str]) -> Response:
    chosen = next((one for one in seen.readings if one.reader == seen.chosen), None) if seen else None
    others = [one for one in seen.readings if one is not chosen] if seen else []
    csv = '"{}"'.format(seen.address.replace('"', '""')) if seen else ""
    return desk.page(
        "preview.html",
        seen=seen,
        chosen=chosen,
        others=others,
        csv=csv,
        typed=typed,
        parts=PARTS,
        zones=ZONES,
        sources=desk.ui.ports.sources,
    )
