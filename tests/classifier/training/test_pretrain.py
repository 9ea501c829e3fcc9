"""Reading text of the field makes its words less of a surprise, and leaves a base that training can begin from."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from classifier.network.bert import Bert
from classifier.text.mask import MASK_TOKENS
from classifier.training import pretrain as pretraining
from classifier.training.encoders import Base, load_base
from classifier.training.pretrain import GuessHead, pretrain, read_texts, save_base
from classifier.training.watch import quiet
from models.errors import BadInput

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
WORDS = ("ayo", "pilih", "hujan", "pasar", "turun", "kopi")
TEXTS = ["ayo pilih CALON_1", "hujan turun pasar", "kopi pasar hujan turun"] * 100
CONTEST = """
name: Uji
region: Uji
election_day: 2031-11-05
candidates:
  - {number: 1, names: [Wirya Sanjata]}
  - {number: 2, names: [Tegar Lokananta]}
"""


@pytest.fixture
def base() -> Base:
    torch.manual_seed(0)
    vocabulary = {token: row for row, token in enumerate([*SPECIAL, *WORDS, *MASK_TOKENS])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    config = {
        "model_type": "bert",
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "vocab_size": len(vocabulary),
        "max_position_embeddings": 128,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    names = {
        "pad_token": "<pad>",
        "mask_token": "<mask>",
        "cls_token": "<s>",
        "sep_token": "</s>",
        "unk_token": "<unk>",
    }
    return Base(Bert(config), tokenizer, names)


def test_guesses_grow_better(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    losses: list[float] = []
    guess = pretraining._guess

    def watched(encoder: Bert, head: GuessHead, batch: pretraining.Hidden) -> torch.Tensor:
        loss = guess(encoder, head, batch)
        losses.append(loss.item())
        return loss

    monkeypatch.setattr(pretraining, "_guess", watched)
    monkeypatch.setattr(pretraining, "_WARM", 2)
    pretrain(base, TEXTS * 6, quiet())
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])


def test_what_is_hidden_is_never_an_end_or_padding(base: Base) -> None:
    hidden = pretraining._hide([[0, 5, 6, 2], [0, 7, 2]], base)
    assert hidden.ids[0, 0] == hidden.ids[1, 0] == 0
    assert not hidden.hidden[:, 0].any()
    assert not hidden.hidden[1, 2:].any()


def test_what_is_written_is_a_base_to_begin_from(base: Base, tmp_path: Path) -> None:
    save_base(base, tmp_path / "base")
    again = load_base(str(tmp_path / "base"))
    for name, tensor in base.encoder.state_dict().items():
        torch.testing.assert_close(again.encoder.state_dict()[name], tensor)
    assert [again.tokenizer.encode(text).ids for text in TEXTS[:3]] == [base.tokenizer.encode(t).ids for t in TEXTS[:3]]


def test_texts_are_masked_distinct_and_never_those_kept_for_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.yaml").write_text(CONTEST, encoding="utf-8")
    with (tmp_path / "t.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["text"], ["dukung Wirya Sanjata"], ["dukung Wirya Sanjata"], ["rahasia"], ["hujan"]]
        )
    monkeypatch.setattr(pretraining, "is_excluded", lambda text: text == "rahasia")
    assert list(read_texts(tmp_path / "t.csv", tmp_path / "c.yaml", 9)) == ["dukung CALON_1", "hujan"]


def test_a_file_without_texts_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CONTEST, encoding="utf-8")
    (tmp_path / "t.csv").write_text("id\n1\n", encoding="utf-8")
    with pytest.raises(BadInput, match="column `text`"):
        list(read_texts(tmp_path / "t.csv", tmp_path / "c.yaml", 9))
