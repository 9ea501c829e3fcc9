"""A saved model opens with transformers alone, and says there nearly what it says here."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from classifier.labels.corpus import read_posts
from classifier.network.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from classifier.network.distil import States, fit_pooled_head, pooled_head, read_states
from classifier.network.plain import LABELS, PooledHead, joined_tensors, split_tensors
from classifier.shipped import SHIPPED
from classifier.training.examples import example_of


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [example_of(post).text for post in itertools.islice(read_posts(), 0, 3_200, 40)]


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(SHIPPED)


@pytest.fixture(scope="module")
def head(checkpoint: Checkpoint, texts: list[str]) -> PooledHead:
    return pooled_head(checkpoint, texts)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, checkpoint: Checkpoint, head: PooledHead) -> Path:
    directory = tmp_path_factory.mktemp("plain") / "model"
    save_checkpoint(directory, checkpoint, head)
    return directory


def test_transformers_opens_a_saved_model_whole_and_says_what_its_head_says(
    saved: Path, checkpoint: Checkpoint, head: PooledHead, texts: list[str]
) -> None:
    opened, found = AutoModelForSequenceClassification.from_pretrained(saved, output_loading_info=True)
    assert not any(found.values())
    assert opened.config.id2label == dict(enumerate(LABELS))
    tokenizer = AutoTokenizer.from_pretrained(saved)
    with torch.inference_mode():
        logits = opened(**tokenizer(texts[:8], padding=True, truncation=True, return_tensors="pt")).logits
    said = head.log_odds(read_states(checkpoint, texts[:8]).first)
    np.testing.assert_allclose((logits[:, 1] - logits[:, 0]).numpy(), said, atol=0.05)


def test_the_slots_of_masked_text_are_single_tokens_there_too(saved: Path) -> None:
    assert "CALON_1" in AutoTokenizer.from_pretrained(saved).tokenize("dukung CALON_1, jangan PARTAI_2")


def test_the_plain_head_ranks_texts_nearly_as_the_whole_model_does(
    checkpoint: Checkpoint, head: PooledHead, texts: list[str]
) -> None:
    states = read_states(checkpoint, texts)
    assert spearmanr(head.log_odds(states.first), states.log_odds)[0] > 0.9


def test_saving_and_loading_leaves_every_weight_as_it_was(saved: Path, checkpoint: Checkpoint) -> None:
    again = load_checkpoint(saved).model.state_dict()
    before = checkpoint.model.state_dict()
    assert again.keys() == before.keys()
    assert all(torch.equal(again[name], tensor) for name, tensor in before.items())


def test_a_model_saved_without_a_head_opens_as_an_encoder_only(tmp_path: Path, checkpoint: Checkpoint) -> None:
    save_checkpoint(tmp_path / "model", checkpoint)
    assert '"BertModel"' in (tmp_path / "model" / "config.json").read_text()
    assert load_checkpoint(tmp_path / "model").calibration == checkpoint.calibration


@pytest.mark.parametrize("model_type", ["bert", "roberta", "xlm-roberta"])
def test_every_architecture_comes_back_from_the_names_of_transformers(model_type: str) -> None:
    state = {
        "encoder.embeddings.x": torch.ones(2),
        "encoder.encoder.layer.0.y": torch.zeros(2),
        "act.bias": torch.ones(3),
    }
    encoder, heads = split_tensors(state, {"model_type": model_type})
    ours = PooledHead(torch.zeros(2), torch.ones(2), torch.ones(2), 0.5)
    joined = joined_tensors(encoder | ours.tensors(model_type), heads, {"model_type": model_type})
    assert {name: each.tolist() for name, each in joined.items()} == {n: t.tolist() for n, t in state.items()}


def test_a_state_that_never_varies_does_not_break_the_fit(checkpoint: Checkpoint, texts: list[str]) -> None:
    read = read_states(checkpoint, texts[:4])
    states = States(read.first.clone(), read.log_odds)
    states.first[:, 0] = 1.0
    assert np.isfinite(fit_pooled_head(states).log_odds(states.first)).all()
