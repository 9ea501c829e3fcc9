"""The base encoder's file format, on a file of our own making."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from classifier.training.base import BLOCK, bert_name, cut_tokenizer, parse_encoder
from models.errors import BadInput


def _encoder_file(*, version: int = 1) -> tuple[bytes, np.ndarray]:
    """A file with no text, one empty map and one tensor of two Q4_0 blocks."""
    nibbles = np.arange(BLOCK) % 16
    raw = b""
    for scale in (0.5, 2.0):
        raw += np.float16(scale).tobytes() + bytes(int(nibbles[j] | nibbles[j + 16] << 4) for j in range(BLOCK // 2))
    head = struct.pack("<4sI7ifi", b"E5S1", version, 32, 1, 1, 64, 2, 8, 2, 1e-12, BLOCK)
    head += (
        struct.pack("<5iQ", 0, 0, 2, 1, 3, 0) + struct.pack("<I", 0) + struct.pack("<iI", 0, 0) + struct.pack("<i", 1)
    )
    name = b"emb.word"
    offset = len(head) + 2 + len(name) + struct.calcsize("<BIQQ")
    head += struct.pack("<H", len(name)) + name + struct.pack("<BIQQ", 1, 2 * BLOCK, offset, len(raw))
    return head + raw, np.concatenate([(nibbles - 8) * 0.5, (nibbles - 8) * 2.0])


def test_four_bit_blocks_become_the_weights_they_stand_for() -> None:
    data, weights = _encoder_file()
    config, tensors = parse_encoder(data)
    assert config.hidden_size == 32
    np.testing.assert_array_equal(tensors["emb.word"], weights)


def test_another_format_or_a_cut_file_is_refused() -> None:
    with pytest.raises(BadInput, match="E5S1"):
        parse_encoder(_encoder_file(version=2)[0])
    with pytest.raises(BadInput, match="outside"):
        parse_encoder(_encoder_file()[0][:-1])


def test_short_names_become_parameter_names() -> None:
    assert bert_name("emb.ln.w") == "embeddings.LayerNorm.weight"
    assert bert_name("l11.fo.b") == "encoder.layer.11.output.dense.bias"


def test_a_cut_tokenizer_keeps_the_chosen_pieces_and_says_which_rows() -> None:
    pieces = [
        ["<s>", 0.0],
        ["<pad>", 0.0],
        ["</s>", 0.0],
        ["<unk>", 0.0],
        ["▁a", -1.0],
        ["▁b", -2.0],
        ["▁", -3.0],
        ["b", -4.0],
        ["<mask>", 0.0],
    ]
    special = [
        {
            "id": row,
            "content": content,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for row, content in enumerate(["<s>", "<pad>", "</s>", "<unk>"])
    ]
    special.append({**special[0], "id": 8, "content": "<mask>"})
    raw = {
        "version": "1.0",
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "Unigram", "unk_id": 3, "vocab": pieces},
    }
    tokenizer, rows = cut_tokenizer(json.dumps(raw).encode(), frozenset({"▁a", "▁", "b"}))
    assert rows == [0, 1, 2, 3, 4, 6, 7, 8]
    assert tokenizer.tokenize("a b") == ["▁a", "▁", "b"]
    assert tokenizer.mask_token_id == 7
