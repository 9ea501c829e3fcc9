"""An office's own labels move its model, a stopped run goes on, and nothing half-written is left."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from classifier.assess import load_model
from classifier.labels.corpus import LabelledPost, nobodys_contest, read_posts
from classifier.network.bert import Bert
from classifier.network.calibrate import Calibration
from classifier.network.checkpoint import Checkpoint, save_checkpoint
from classifier.network.linear import fit_linear
from classifier.network.model import PartisanModel
from classifier.text.mask import MASK_TOKENS
from classifier.training import update as updating
from classifier.training.examples import NO_ACT, Example, example_of
from classifier.training.update import update
from classifier.training.watch import quiet
from models.errors import BadInput

WORDS = ("ayo", "pilih", "dukung", "hujan", "pasar", "turun", "kopi", "gayeng", "mantap")
CONFIG = {
    "model_type": "bert",
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "vocab_size": 4 + len(WORDS) + len(MASK_TOKENS),
    "max_position_embeddings": 128,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
}


@pytest.fixture(scope="module")
def corpus() -> list[LabelledPost]:
    return list(itertools.islice(read_posts(), 40))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, corpus: list[LabelledPost]) -> None:
    monkeypatch.setattr(updating, "read_posts", lambda: corpus)
    monkeypatch.setattr(updating, "CALIBRATED_FROM", 40)


@pytest.fixture
def start(tmp_path: Path, corpus: list[LabelledPost]) -> Path:
    torch.manual_seed(0)
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(
        models.WordPiece({w: row for row, w in enumerate([*special, *WORDS, *MASK_TOKENS])}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    examples = [example_of(post) for post in corpus]
    linear = fit_linear([e.text for e in examples], [e.partisan for e in examples])
    calibration = Calibration(1.0, 1.0, -0.5, 0.0, 0.5, 0.4, 0.6, "1")
    save_checkpoint(tmp_path / "start", Checkpoint(PartisanModel(Bert(CONFIG)), tokenizer, {}, linear, calibration))
    return tmp_path / "start"


def _labels(count: int) -> list[Example]:
    """Posts that say `gayeng` take a side here, those that say `kopi` do not."""
    return [
        Example(
            "ayo gayeng CALON_1" if n % 2 else "kopi pasar CALON_1", bool(n % 2), 0 if n % 2 else NO_ACT, 0, {}, "x"
        )
        for n in range(count)
    ]


def test_what_the_office_labelled_is_learnt(start: Path, tmp_path: Path) -> None:
    update(start, _labels(80), tmp_path / "out", "2", quiet())
    model = load_model(tmp_path / "out")
    contest = nobodys_contest()
    side, none = model.assess(["ayo gayeng nomor 1", "kopi pasar nomor 1"], contest, explain=False)
    assert model.version == "2"
    assert side.score > model.threshold > none.score


def test_with_few_labels_the_threshold_stays(start: Path, tmp_path: Path) -> None:
    found = update(start, _labels(10), tmp_path / "out", "2", quiet())
    assert (found.threshold, found.encoder, found.version) == (0.5, 1.0, "2")


def test_a_stopped_run_goes_on_where_it_stood(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[int] = []
    whole = updating.finetune

    def finetune(*args: object, **kwargs: object) -> PartisanModel:
        trained.append(1)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return whole(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(updating, "finetune", finetune)
    with pytest.raises(KeyboardInterrupt):
        update(start, _labels(80), tmp_path / "out", "2", quiet())
    assert not (tmp_path / "out").exists()
    update(start, _labels(80), tmp_path / "out", "2", quiet())
    assert len(trained) == 4, "the first half was kept: one stopped, then the second half and the whole"
    update(start, _labels(80), tmp_path / "again", "2", quiet())
    for name in ("model.safetensors", "calibration.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "out", "start"]


def test_other_labels_begin_anew(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_args: object) -> PartisanModel:
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr(updating, "save_checkpoint", stop)
        with pytest.raises(KeyboardInterrupt):
            update(start, _labels(80), tmp_path / "out", "2", quiet())
    assert len(list(tmp_path.glob(".out.*"))) == 1
    update(start, _labels(60), tmp_path / "out", "2", quiet())
    assert list(tmp_path.glob(".out.*")) == []


def test_a_model_that_is_there_is_not_overwritten(start: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(BadInput, match="already"):
        update(start, _labels(10), tmp_path / "out", "2", quiet())


def test_no_labels_are_no_reason_to_train(start: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no labels"):
        update(start, [], tmp_path / "out", "2", quiet())


def test_training_twice_gives_the_same_weights(start: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        update(start, _labels(10), tmp_path / name, "2", quiet())
    first, second = (np.fromfile(tmp_path / name / "model.safetensors", dtype=np.uint8) for name in ("a", "b"))
    assert np.array_equal(first, second)
