"""Our encoder is transformers' encoder."""

from __future__ import annotations

import subprocess
import sys

import torch
from transformers import BertConfig, BertModel

from classifier.network.bert import Bert


def test_it_computes_what_transformers_computes_from_the_same_checkpoint() -> None:
    torch.manual_seed(0)
    sizes = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48}
    config = BertConfig(vocab_size=50, max_position_embeddings=16, **sizes)
    theirs = BertModel(config, add_pooling_layer=False).eval()
    ours = Bert(config.to_dict()).eval()
    ours.load_state_dict(theirs.state_dict())
    ids, mask = torch.randint(2, 50, (3, 9)), torch.ones(3, 9, dtype=torch.bool)
    mask[1, 5:] = False
    hidden = ours.embeddings(ids)
    for layer in ours.layers:
        hidden = layer(hidden, mask[:, None, None, :])
    expected = theirs(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    torch.testing.assert_close(hidden[mask], expected[mask], rtol=1e-4, atol=1e-5)


def test_scoring_imports_neither_transformers_nor_scikit_learn() -> None:
    check = "import sys, classifier.classify_file; print([n for n in ('transformers', 'sklearn') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
