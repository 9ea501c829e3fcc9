"""How an operator says what the posts of a page are: CSS selectors in the fragment of the target's address.

    https://dinas.example/berita#netra:item=article.post;text=h2, .body;time=time@datetime;link=a.permalink

They are part of the address, so two officers verify them with it. Parts are separated by `;`, each `NAME=SELECTOR`,
`NAME=SELECTOR@ATTRIBUTE`, or `NAME=@ATTRIBUTE` for an attribute of the item itself:

| part   | meaning                                                              | without it                      |
|--------|----------------------------------------------------------------------|---------------------------------|
| item   | the element of one post                                              | what the page says about itself |
| text   | its text; several elements are joined                                | all of the item                 |
| time   | when it was posted                                                   | unknown                         |
| edited | when it was last edited                                              | unknown                         |
| link   | its own address                                                      | none                            |
| author | whose words it is                                                    | unknown                         |
| id     | its lasting id                                                       | its address                     |
| skip   | what is not the author's: comments, advertisements, buttons          | nothing                         |
| zone   | WIB, WITA or WIT, for times that name none; allowed without an item  | such times are unknown          |

A `;` inside quotes or brackets belongs to the selector. `%XX` is decoded as in any address.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from crawler.pages.css import compile_css
from crawler.pages.moments import ZONES
from models.errors import BadInput

MARK = "netra:"
PARTS = ("item", "text", "time", "edited", "link", "author", "id", "skip", "zone")
MAX_FRAGMENT_CHARACTERS = 1_500
MAX_ADDRESS_CHARACTERS = 2_000
"""As much as a target keeps."""

_PIECE = re.compile(r"""(?:[^;"'\[\]]|"[^"]*"|'[^']*'|\[(?:[^"'\]]|"[^"]*"|'[^']*')*\])*+""")
_ATTRIBUTE = re.compile(r"@([A-Za-z_][\w:.-]{0,60})$")
_WITH_ATTRIBUTE = frozenset(PARTS) - {"item", "text", "skip", "zone"}


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """A selector, compiled; `css` may be empty where `attribute` is the item's own."""

    css: str
    compiled: tuple[Any, ...]
    attribute: str = ""

    def __str__(self) -> str:
        """As it is written."""
        return f"{self.css}@{self.attribute}" if self.attribute else self.css


@dataclasses.dataclass(frozen=True, slots=True)
class Selectors:
    """The parts an operator gave; without `item` the page is read by what it says about itself."""

    fields: Mapping[str, Field]
    zone: str = ""

    def __str__(self) -> str:
        """The canonical form, as it stands in an address."""
        parts = {name: str(self.fields[name]) for name in PARTS if name in self.fields}
        parts |= {"zone": self.zone} if self.zone else {}
        return MARK + ";".join(f"{name}={value.replace('%', '%25')}" for name, value in parts.items())


def split_address(address: str) -> tuple[str, Selectors]:
    """The URL to ask for, and how its page is read.

    Raises:
        BadInput: not an http(s) URL, or a fragment that is not of the form above; names the part.
    """
    if len(address) > MAX_ADDRESS_CHARACTERS:
        raise BadInput(f"alamat: paling panjang {MAX_ADDRESS_CHARACTERS} karakter, selektor ikut dihitung")
    url, sign, fragment = address.partition("#")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise BadInput(f"{url[:200]!r} bukan alamat http(s)")
    return url, parse_selectors(fragment) if sign else Selectors({})


def parse_selectors(text: str) -> Selectors:
    """Read the fragment, with or without its `netra:`.

    Raises:
        BadInput: an unknown, empty or repeated part, a selector that is none, parts without an item; names the part.
    """
    if len(text) > MAX_FRAGMENT_CHARACTERS:
        raise BadInput(f"selektor: paling panjang {MAX_FRAGMENT_CHARACTERS} karakter")
    if not text.startswith(MARK) and not text.startswith(tuple(f"{name}=" for name in PARTS)):
        raise BadInput(f"fragmen #{text[:60]}: yang dikenal hanya #{MARK}item=…;text=…")
    return selectors_of(_named_parts(unquote(text.removeprefix(MARK))))


def selectors_of(parts: Mapping[str, str]) -> Selectors:
    """The selectors from their parts; empty ones count as not given.

    Raises:
        BadInput: as `parse_selectors`.
    """
    given = {name: value.strip() for name, value in parts.items() if value.strip()}
    zone = given.pop("zone", "").upper()
    if zone and zone not in ZONES:
        raise BadInput(f"selektor zone: {zone[:20]!r} bukan {', '.join(ZONES)}")
    fields = {name: _field(name, value) for name, value in given.items()}
    if fields and "item" not in fields:
        raise BadInput("selektor item belum diisi; selektor lain dicari di dalamnya")
    return Selectors(fields, zone)


def _named_parts(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for piece in _pieces(text):
        name, sign, value = (part.strip() for part in piece.partition("="))
        if name not in PARTS:
            raise BadInput(f"selektor {name[:30]!r} tidak dikenal; ada {', '.join(PARTS)}")
        if name in found:
            raise BadInput(f"selektor {name} ditulis dua kali")
        if not sign or not value:
            raise BadInput(f"selektor {name} kosong")
        found[name] = value
    return found


def _pieces(text: str) -> list[str]:
    pieces, start = [], 0
    while start <= len(text):
        found = _PIECE.match(text, start)
        end = found.end() if found else start
        if end < len(text) and text[end] != ";":
            raise BadInput(f"selektor: {text[end : end + 30]!r} tidak ditutup")
        pieces.append(text[start:end])
        start = end + 1
    return pieces


def _field(name: str, value: str) -> Field:
    if name not in PARTS:
        raise BadInput(f"selektor {name[:30]!r} tidak dikenal; ada {', '.join(PARTS)}")
    found = _ATTRIBUTE.search(value)
    if found and name not in _WITH_ATTRIBUTE:
        raise BadInput(f"selektor {name}: tidak memakai @{found[1]}")
    css = value[: found.start()].strip() if found else value
    try:
        compiled = compile_css(css) if css else ()
    except BadInput as error:
        raise BadInput(f"selektor {name}: {error}") from error
    return Field(css, compiled, found[1].lower() if found else "")
