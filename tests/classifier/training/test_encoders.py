"""Any BERT-like checkpoint can be the beginning; others are refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2Model,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from classifier.network.model import Encoder, PartisanModel
from classifier.text.mask import MASK_TOKENS
from classifier.training.encoders import add_slots, load_base
from models.errors import BadInput

WORDS = "budi agus siti partai slogan maju bersama nomor 1 2 3 a b c ayo pilih pasar hujan".split()  # noqa: SIM905
SIZES = {"hidden_size": 24, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 48}


def _tokenizer(unk: str, pad: str, first: str, last: str) -> PreTrainedTokenizerFast:
    special = [pad, unk, first, last]
    if pad == "<pad>":
        special = [first, pad, last, unk]
    vocabulary = {token: row for row, token in enumerate([*special, *WORDS])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=unk))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(first, vocabulary[first]), (last, vocabulary[last])]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=ends)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token=unk, pad_token=pad, cls_token=first, sep_token=last
    )


def _bert() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    tokenizer = _tokenizer("[UNK]", "[PAD]", "[CLS]", "[SEP]")
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, pad_token_id=0, **SIZES)
    return BertModel(config, add_pooling_layer=False), tokenizer


def _xlm_roberta() -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    tokenizer = _tokenizer("<unk>", "<pad>", "<s>", "</s>")
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=66, type_vocab_size=1, pad_token_id=1, **SIZES
    )
    return XLMRobertaModel(config, add_pooling_layer=False), tokenizer


@pytest.fixture(params=[_bert, _xlm_roberta], ids=["BERT, as IndoBERT and IndoBERTweet", "XLM-R"])
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    encoder, tokenizer = request.param()
    encoder.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def test_it_computes_what_transformers_computes(checkpoint: Path) -> None:
    base = load_base(str(checkpoint))
    texts = ["ayo pilih budi", "hujan"]
    encoder = Encoder(base.tokenizer)
    batch = encoder.collate(encoder.encode(texts))
    theirs = AutoModel.from_pretrained(checkpoint, add_pooling_layer=False).eval()
    given = AutoTokenizer.from_pretrained(checkpoint)(texts, padding=True, return_tensors="pt")
    assert batch.ids.tolist() == given.input_ids.tolist()
    with torch.inference_mode():
        expected = theirs(**given).last_hidden_state
        found = PartisanModel(base.encoder).eval().lower(batch, SIZES["num_hidden_layers"])
    torch.testing.assert_close(found[batch.mask], expected[batch.mask], rtol=1e-4, atol=1e-5)


def test_mask_tokens_are_single_tokens_with_rows_of_their_own(checkpoint: Path) -> None:
    base = load_base(str(checkpoint))
    encoded = Encoder(base.tokenizer).encode(["ayo pilih CALON_1, NOMOR_2 dan PARTAI_3 SLOGAN_1"])[0]
    assert set(encoded.slots) == {"CALON_1", "NOMOR_2", "PARTAI_3", "SLOGAN_1"}
    rows = base.encoder.embeddings.word_embeddings.weight[[base.tokenizer.token_to_id(token) for token in MASK_TOKENS]]
    assert torch.isfinite(rows).all()
    assert not torch.allclose(rows[0], rows[1])


def test_rows_that_were_learnt_before_are_kept(checkpoint: Path) -> None:
    encoder, tokenizer = AutoModel.from_pretrained(checkpoint, add_pooling_layer=False), _opened(checkpoint)
    add_slots(encoder, tokenizer)
    with torch.no_grad():
        encoder.get_input_embeddings().weight[tokenizer.convert_tokens_to_ids("CALON_1")] = 0.25
    encoder.save_pretrained(checkpoint)
    tokenizer.save_pretrained(checkpoint)
    base = load_base(str(checkpoint))
    row = base.encoder.embeddings.word_embeddings.weight[base.tokenizer.token_to_id("CALON_1")]
    assert set(row.tolist()) == {0.25}


def _opened(checkpoint: Path) -> PreTrainedTokenizerFast:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    return tokenizer


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    GPT2Model(GPT2Config(vocab_size=10, n_embd=8, n_layer=1, n_head=1)).save_pretrained(tmp_path)
    with pytest.raises(BadInput, match="gpt2 encoder"):
        load_base(str(tmp_path))


def test_pickled_weights_are_refused(checkpoint: Path) -> None:
    from safetensors.torch import load_file  # noqa: PLC0415

    torch.save(load_file(checkpoint / "model.safetensors"), checkpoint / "pytorch_model.bin")
    (checkpoint / "model.safetensors").unlink()
    with pytest.raises(BadInput, match="safetensors"):
        load_base(str(checkpoint))


@pytest.mark.parametrize("name", ["nowhere", "owner/name", "owner/name@main", "owner/name@1234567"])
def test_a_name_on_the_hub_must_be_pinned_to_a_commit(name: str) -> None:
    with pytest.raises(BadInput, match="40 digits"):
        load_base(name)
