"""The ways to read a page, in the order in which they are tried."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from crawler.pages.document import Document
from crawler.pages.items import PageItem
from crawler.pages.jsonld import read_jsonld
from crawler.pages.opengraph import read_opengraph
from crawler.pages.selected import H_ENTRY, MICRODATA, read_selected
from crawler.pages.selectors import Selectors
from models.errors import BadInput

SELECTORS = "selectors"
OWN_WORDS: dict[str, Callable[[Document, str], list[PageItem]]] = {
    "json-ld": read_jsonld,
    "h-entry": lambda document, zone: read_selected(document, dataclasses.replace(H_ENTRY, zone=zone)),
    "microdata": lambda document, zone: read_selected(document, dataclasses.replace(MICRODATA, zone=zone)),
    "opengraph": read_opengraph,
}
"""What a page says about itself."""

READERS = (SELECTORS, *OWN_WORDS)


def read_with(reader: str, document: Document, selectors: Selectors) -> list[PageItem]:
    """The items that one of `READERS` finds; none is no error.

    Raises:
        BadInput: matching costs more than a page may cost.
    """
    if reader != SELECTORS:
        return OWN_WORDS[reader](document, selectors.zone)
    return read_selected(document, selectors) if selectors.fields else []


def read_page(document: Document, selectors: Selectors) -> tuple[str, list[PageItem]]:
    """The reader and its items: the operator's selectors where there are some, else the first that finds any.

    Raises:
        BadInput: nothing is found, so the page, or what was said of it, has changed.
    """
    for reader in (SELECTORS,) if selectors.fields else tuple(OWN_WORDS):
        if items := read_with(reader, document, selectors):
            return reader, items
    if selectors.fields:
        raise BadInput(
            f"selektor item {str(selectors.fields['item'])!r} tidak menemukan apa pun; susunan halaman berubah?"
        )
    raise BadInput("halaman tidak menyebut unggahannya (JSON-LD, h-entry, microdata, OpenGraph); berikan selektor")
