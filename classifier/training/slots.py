"""Rows of their own for the mask tokens, given to the base encoder before training."""

from __future__ import annotations

from transformers import BertModel, PreTrainedTokenizerBase

from classifier.text.mask import MASK_TOKENS

_NAME_LIKE = ("▁Budi", "▁Joko", "▁Agus", "▁Ahmad", "▁Siti", "▁Dewi", "▁Rahman", "▁Hasan", "▁Sari", "▁Putra")
_SEEDS = {
    "CALON": _NAME_LIKE,
    "PARTAI": ("▁partai", "▁Partai"),
    "SLOGAN": ("▁slogan", "▁bersama", "▁maju"),
    "NOMOR": ("▁nomor", "▁1", "▁2", "▁3"),
}
_ORDER_SHARE = 0.25
"""How much of a slot's first embedding is the letter of its order (A, B, C), the rest what it stands for."""


def add_slots(encoder: BertModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Give the mask tokens rows of their own, begun from pieces that mean alike; in place."""
    old = encoder.embeddings.word_embeddings.weight.detach().clone()
    tokenizer.add_tokens(list(MASK_TOKENS), special_tokens=False)
    encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    rows = encoder.embeddings.word_embeddings.weight.data
    vocabulary = tokenizer.get_vocab()
    for token in MASK_TOKENS:
        stem, _, order = token.partition("_")
        meaning = old[[vocabulary[piece] for piece in _SEEDS[stem] if piece in vocabulary]].mean(0)
        letter = vocabulary.get(f"▁{chr(ord('A') + int(order or 1) - 1)}", tokenizer.unk_token_id)
        rows[vocabulary[token]] = (1 - _ORDER_SHARE) * meaning + _ORDER_SHARE * old[letter]
