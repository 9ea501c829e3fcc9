"""The two catalogues: Indonesian first, English second, with the same keys."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

DEFAULT_LANGUAGE = "id"
LANGUAGES = ("id", "en")
_FOLDER = Path(__file__).parent / "locale"


@dataclasses.dataclass(frozen=True, slots=True)
class Catalogue:
    """Every phrase of one language, by dotted key."""

    language: str
    phrases: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The phrase, with its `{name}` places filled.

        Raises:
            KeyError: the catalogue lacks the key, which is a defect of ours.
        """
        phrase = self.phrases[key]
        return phrase.format(**values) if values else phrase

    def has(self, key: str) -> bool:
        """Whether there is a phrase for `key`."""
        return key in self.phrases


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of `language`, Indonesian when it is unknown."""
    known = language if language in LANGUAGES else DEFAULT_LANGUAGE
    with (_FOLDER / f"{known}.toml").open("rb") as handle:
        return Catalogue(known, dict(_flat(tomllib.load(handle))))


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in table.items():
        rows += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return rows
