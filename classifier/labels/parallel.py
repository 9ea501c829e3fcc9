"""Posts of the corpus in several languages: kept from training, so that what a language costs can be measured."""

from __future__ import annotations

import functools
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from classifier.labels.corpus import CORPUS, LabelledPost
from models.errors import BadInput

PARALLEL = CORPUS / "parallel.jsonl"
LANGUAGES = ("jv", "su", "bjn")
"""Javanese, Sundanese, Banjarese (ISO 639)."""


class Translations(BaseModel):
    """One post of the corpus, by its id, said in the three languages; names, numbers and tags are as in the post."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    jv: str
    su: str
    bjn: str

    def of(self, post: LabelledPost, language: str) -> LabelledPost:
        """The post with its text in one language; its labels are as they were."""
        return post.model_copy(update={"text": getattr(self, language), "language": language})


@functools.cache
def read_translations(path: Path = PARALLEL) -> dict[str, Translations]:
    """Translations by the id of the post.

    Raises:
        BadInput: a line holds no translations; names file and line.
    """
    found: dict[str, Translations] = {}
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = Translations.model_validate_json(line)
            except ValidationError as error:
                raise BadInput(error.errors(include_url=False)[0]["msg"], path=path, line=number) from error
            found[row.id] = row
    return found
