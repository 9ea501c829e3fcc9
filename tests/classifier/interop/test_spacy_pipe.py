"""In a spaCy pipeline the same texts get the same scores, and a pipeline kept on disk comes back."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import spacy
import yaml
from spacy.language import Language
from spacy.tokens import DocBin

from classifier.assess import Model
from classifier.interop import spacy_pipe
from models.contest import ContestSpec
from models.errors import BadInput

TEXTS = [
    "Ayo dukung Wirya Sanjata, coblos nomor 1 demi perubahan! Lokananta sudah gagal.",
    "Harga cabai di pasar naik lagi, ibu-ibu mengeluh.",
    "",
    "🔥 #WiryaNimasJuara " * 3_000,
]


@pytest.fixture(scope="module")
def fields(contest: ContestSpec) -> dict[str, object]:
    return contest.model_dump(mode="json", by_alias=True)


@pytest.fixture(scope="module")
def nlp(fields: dict[str, object]) -> Language:
    blank = spacy.blank("xx")
    blank.add_pipe("netra_partisan", config={"contest": fields})
    return blank


def test_documents_carry_what_the_model_says_of_their_texts(
    model: Model, contest: ContestSpec, fields: dict[str, object]
) -> None:
    unexplained = spacy.blank("xx")
    unexplained.add_pipe("netra_partisan", config={"contest": fields, "explain": False})
    docs = list(unexplained.pipe(TEXTS, batch_size=3))
    for doc, score in zip(docs, model.assess(TEXTS, contest, explain=False), strict=True):
        said = {name.removeprefix("netra_"): doc._.get(name) for name in spacy_pipe._EXTENSIONS}
        assert said.items() <= score.as_json().items()
        assert not doc.spans["netra"]


def test_spans_cover_the_words_that_moved_the_score(nlp: Language, model: Model, contest: ContestSpec) -> None:
    doc = nlp(TEXTS[0])
    found, expected = list(doc.spans["netra"]), model.assess([TEXTS[0]], contest)[0].spans
    assert found
    assert doc.spans["netra"].attrs["weights"] == [weight for _start, _end, weight in expected]
    for span, (start, end, _weight) in zip(found, expected, strict=True):
        assert span.start_char <= start
        assert span.end_char >= end


def test_scored_documents_survive_a_docbin(nlp: Language) -> None:
    kept = DocBin(docs=[nlp(TEXTS[0])], store_user_data=True).to_bytes()
    (doc,) = DocBin().from_bytes(kept).get_docs(nlp.vocab)
    assert list(doc._.netra_targets) == nlp(TEXTS[0])._.netra_targets != []
    assert len(doc.spans["netra"]) == len(doc.spans["netra"].attrs["weights"]) > 0


def test_the_language_of_the_pipeline_changes_no_score(nlp: Language, fields: dict[str, object]) -> None:
    indonesian = spacy.blank("id")
    indonesian.add_pipe("netra_partisan", config={"contest": fields, "explain": False})
    assert indonesian(TEXTS[0])._.netra_score == nlp(TEXTS[0])._.netra_score


def test_a_pipeline_on_disk_comes_back_without_its_contest_file(tmp_path: Path, fields: dict[str, object]) -> None:
    file = tmp_path / "contest.yaml"
    file.write_text(yaml.safe_dump(fields, allow_unicode=True))
    before = spacy.blank("xx")
    before.add_pipe("netra_partisan", config={"contest": str(file), "explain": False})
    score = before(TEXTS[0])._.netra_score
    before.to_disk(tmp_path / "pipeline")
    file.unlink()
    assert spacy.load(tmp_path / "pipeline")(TEXTS[0])._.netra_score == score


def test_a_pipeline_saved_with_another_model_refuses_to_score(nlp: Language, fields: dict[str, object]) -> None:
    other = spacy.blank("xx")
    pipe = other.add_pipe("netra_partisan", config={"contest": fields})
    pipe.from_bytes(nlp.get_pipe("netra_partisan").to_bytes().replace(b'"sha256": "', b'"sha256": "0'))
    with pytest.raises(BadInput, match="SHA-256"):
        other("halo")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff"])
def test_bytes_that_are_no_saved_pipe_are_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match="not a saved pipe"):
        spacy_pipe.PartisanPipe(None, None, explain=True).from_bytes(data)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "give a contest"),
        ({"contest": "/nowhere/contest.yaml"}, "/nowhere/contest.yaml: cannot read"),
        ({"contest": {"name": "x"}}, "<netra_partisan>.*region"),
    ],
)
def test_a_missing_or_wrong_contest_is_named_at_the_first_document(config: dict[str, object], message: str) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("netra_partisan", config=config)
    with pytest.raises(BadInput, match=message):
        nlp("halo")


def test_an_installed_netra_offers_the_factory_to_spacy() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    entry = EntryPoint(
        "netra_partisan", project["entry-points"]["spacy_factories"]["netra_partisan"], "spacy_factories"
    )
    assert entry.load() is spacy_pipe.create
