"""`nlp.add_pipe("netra_partisan", config={"contest": "CONTEST.yaml"})`: our scores on spaCy's documents.

After installation spaCy finds the factory by its entry point; nothing of ours need be imported.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.util import minibatch

from classifier.assess import Model, Score, load_model
from classifier.shipped import SHIPPED
from models.contest import ContestSpec, load_contest, parse_contest
from models.errors import BadInput

NAME = "netra_partisan"
SPANS = "netra"
"""The key in `doc.spans` of the words that moved a score; their weights are in the group's `attrs["weights"]`."""

_EXTENSIONS = ("netra_score", "netra_flag", "netra_act", "netra_voice", "netra_targets", "netra_unsure")
_STATE = "netra.json"


class PartisanPipe:
    """Sets `doc._.netra_score`, `netra_flag`, `netra_act`, `netra_voice`, `netra_targets` (list of
    `{"name", "stance"}`), `netra_unsure`, and `doc.spans["netra"]`; as `classifier.assess.Score` describes them.

    Contest and model are read when the first document comes, so that a pipeline kept on disk loads where the contest
    file is not. Spans are widened to whole tokens.

    Raises:
        BadInput: on the first document, where contest or model cannot be read.
    """

    def __init__(self, contest: str | dict[str, Any] | None, model: str | None, *, explain: bool) -> None:
        self._contest = contest
        self._directory = SHIPPED if model is None else Path(model)
        self._sha256: str | None = None
        self._explain = explain
        for name in _EXTENSIONS:
            if not Doc.has_extension(name):
                Doc.set_extension(name, default=None)

    @functools.cached_property
    def contest(self) -> ContestSpec:
        """Whose names are masked."""
        if self._contest is None:
            raise BadInput(f"{NAME}: give a contest, a path or the fields of a contest file")
        if isinstance(self._contest, str):
            return load_contest(Path(self._contest))
        return parse_contest(json.dumps(self._contest, default=str).encode(), path=f"<{NAME}>")

    @functools.cached_property
    def model(self) -> Model:
        """The classifier; after `from_disk` or `from_bytes` it has to be the one that was saved with."""
        return load_model(self._directory, self._sha256)

    def __call__(self, doc: Doc) -> Doc:
        """Score one document."""
        return self._scored([doc])[0]

    def pipe(self, stream: Iterable[Doc], *, batch_size: int) -> Iterator[Doc]:
        """Score documents, `batch_size` at a time."""
        for docs in minibatch(stream, size=batch_size):
            yield from self._scored(docs)

    def _scored(self, docs: Sequence[Doc]) -> Sequence[Doc]:
        scores = self.model.assess([doc.text for doc in docs], self.contest, explain=self._explain)
        for doc, score in zip(docs, scores, strict=True):
            _write(doc, score)
        return docs

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:  # noqa: ARG002 - spaCy passes it
        """The contest whole, and which model it was; weights stay where they are."""
        state = {"contest": self.contest.model_dump(mode="json", by_alias=True), "sha256": self.model.sha256}
        return json.dumps(state, ensure_ascii=False).encode()

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> PartisanPipe:  # noqa: ARG002 - spaCy passes it
        """Take up what `to_bytes` wrote.

        Raises:
            BadInput: it is something else.
        """
        try:
            state = json.loads(data)
            self._contest, self._sha256 = state["contest"], str(state["sha256"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadInput(f"{NAME}: not a saved pipe") from error
        for cached in ("contest", "model"):
            self.__dict__.pop(cached, None)
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """`to_bytes`, in a directory."""
        directory = Path(path)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / _STATE).write_bytes(self.to_bytes(exclude=exclude))

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> PartisanPipe:
        """`from_bytes`, from a directory.

        Raises:
            BadInput: there is no saved pipe.
        """
        file = Path(path) / _STATE
        try:
            return self.from_bytes(file.read_bytes(), exclude=exclude)
        except OSError as error:
            raise BadInput(f"cannot read: {error.strerror}", path=file) from error


def _write(doc: Doc, score: Score) -> None:
    fields = score.as_json()
    for name in _EXTENSIONS:
        doc._.set(name, fields[name.removeprefix("netra_")])
    found = [(_span(doc, start, end), weight) for start, end, weight in score.spans]
    spans, weights = [span for span, _ in found], [weight for _, weight in found]
    doc.spans[SPANS] = SpanGroup(doc, name=SPANS, spans=spans, attrs={"weights": weights})


def _span(doc: Doc, start: int, end: int) -> Span:
    span = doc.char_span(start, end, label=SPANS, alignment_mode="expand")
    return doc[:0] if span is None else span


@Language.factory(NAME, assigns=[f"doc._.{name}" for name in _EXTENSIONS])
def create(
    nlp: Language,  # noqa: ARG001 - spaCy passes these two by name
    name: str,  # noqa: ARG001
    *,
    contest: str | dict[str, Any] | None = None,
    model: str | None = None,
    explain: bool = True,
) -> PartisanPipe:
    """The factory: `contest` a path or a contest file's fields, `model` a directory (the shipped one unless named)."""
    return PartisanPipe(contest, model, explain=explain)
