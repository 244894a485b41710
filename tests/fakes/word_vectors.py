"""A sentence-transformers model without training: random vectors of characters, a text is their mean."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers


def word_vectors(folder, alphabet, seed=0):
    """Save the model to ``folder``; texts of the same characters have the same embedding."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    known = {character: place for place, character in enumerate(sorted({*alphabet, "?"}))}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="?"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    weights = torch.randn(len(known), 64, generator=torch.Generator().manual_seed(seed))
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu")
    model.save(str(folder), create_model_card=False)
    return str(folder)
