"""Any BERT-like checkpoint of transformers as the beginning of a model, with rows of its own for the mask tokens.

Local directories and names on the Hugging Face hub: safetensors only, no code of the checkpoint is run, and what
comes from the hub is pinned to one commit.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from classifier.network.bert import ARCHITECTURES, Bert
from classifier.text.mask import MASK_TOKENS
from models.errors import BadInput

_SEEDS = {
    "CALON": ("Budi", "Joko", "Agus", "Ahmad", "Siti", "Dewi", "Rahman", "Hasan", "Sari", "Putra"),
    "PARTAI": ("partai", "Partai"),
    "SLOGAN": ("slogan", "bersama", "maju"),
    "NOMOR": ("nomor", "1", "2", "3"),
}
_ORDER_SHARE = 0.25
"""How much of a slot's first embedding is the letter of its order (A, B, C), the rest what it stands for."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Base:
    """An encoder to begin from; `tokenizer_config` names the special tokens, as transformers reads them."""

    encoder: Bert
    tokenizer: Tokenizer
    tokenizer_config: dict[str, Any]


def load_base(name: str) -> Base:
    """Open a directory, or `owner/name@commit` on the hub, and add the mask tokens.

    Raises:
        BadInput: it is not there, not pinned, not safetensors, or not built like BERT.
    """
    where = _pinned(name)
    try:
        config = AutoConfig.from_pretrained(**where)
        if config.model_type not in ARCHITECTURES:
            raise BadInput(
                f"base {name}: a {config.model_type} encoder; these can be trained: {', '.join(ARCHITECTURES)}"
            )
        encoder = AutoModel.from_pretrained(**where, use_safetensors=True, add_pooling_layer=False)
        tokenizer = AutoTokenizer.from_pretrained(**where, use_fast=True)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"base {name}: {str(error).strip().splitlines()[0]}") from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise BadInput(f"base {name}: it has no fast tokenizer")
    add_slots(encoder, tokenizer)
    ours = Bert(json.loads(encoder.config.to_json_string()))
    ours.load_state_dict(encoder.state_dict())
    special = {key: str(token) for key, token in tokenizer.special_tokens_map.items() if isinstance(token, str)}
    return Base(ours.eval(), tokenizer.backend_tokenizer, special)


def _pinned(name: str) -> dict[str, Any]:
    """What `from_pretrained` is to be asked for."""
    if Path(name).is_dir():
        return {"pretrained_model_name_or_path": name, "local_files_only": True, "trust_remote_code": False}
    hub, _at, commit = name.partition("@")
    if not _COMMIT.fullmatch(commit):
        raise BadInput(f"base {name}: neither a directory nor OWNER/NAME@COMMIT with all 40 digits of the commit")
    return {"pretrained_model_name_or_path": hub, "revision": commit, "trust_remote_code": False}


def add_slots(encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Give mask tokens that have none rows of their own, begun from words that mean alike; in place."""
    new = [token for token in MASK_TOKENS if token not in tokenizer.get_vocab()]
    if not new:
        return
    old = encoder.get_input_embeddings().weight.detach().clone()
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in new], special_tokens=False)
    encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    rows = encoder.get_input_embeddings().weight.data
    for token, row in zip(new, tokenizer.convert_tokens_to_ids(new), strict=True):
        stem, _, order = token.partition("_")
        meaning = old[_pieces(tokenizer, _SEEDS[stem])].mean(0)
        letter = old[_pieces(tokenizer, [chr(ord("A") + int(order or 1) - 1)])].mean(0)
        rows[row] = (1 - _ORDER_SHARE) * meaning + _ORDER_SHARE * letter


def _pieces(tokenizer: PreTrainedTokenizerFast, words: list[str] | tuple[str, ...]) -> list[int]:
    return [piece for word in words for piece in tokenizer(word, add_special_tokens=False).input_ids]
