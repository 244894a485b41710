"""Overlap with a reference reply: ROUGE-1, ROUGE-L, BLEU or chrF, as their reference implementations do it.

Compares the answer part with ``RewardSample.reference``. The tokenizer is named, since a Chinese ROUGE-L or
BLEU without it says nothing: ``zh`` is sacrebleu's (one token per ideograph), ``jieba`` cuts words. chrF is
made of characters and needs none. Sources: F1 of ROUGE-1 and ROUGE-L (Lin 2004) by google's rouge-score;
BLEU-4 with effective order (Papineni et al. 2002; Post 2018) and chrF (Popović 2015) by sacrebleu's sentence
scores, divided by 100.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any, Literal

from rewards.reply import answer_part
from rewards.reward import Reward
from rewards.score import RewardSample, Score

Metric = Literal["rouge_1", "rouge_l", "bleu", "chrf"]
ChineseTokenizer = Literal["zh", "jieba"]


class TextOverlap(Reward):
    """One metric of the answer part against the reference, 0.0 to 1.0."""

    name = "text_overlap"

    def __init__(self, metric: Metric = "rouge_l", tokenizer: ChineseTokenizer = "zh") -> None:
        self.metric: Metric = metric
        self.tokenizer: ChineseTokenizer = tokenizer

    def check(self, sample: RewardSample) -> str | None:
        """A sample without a reference."""
        return None if (sample.reference or "").strip() else "there is no reference to compare with"

    def score(self, sample: RewardSample) -> Score:
        """0.0 to 1.0; error ``bad_gold`` where there is no reference."""
        if complaint := self.check(sample):
            return Score.failed("bad_gold", f"sample {sample.id}: {complaint}")
        answer = answer_part(sample.response)
        if not answer:
            return Score.of(0.0)
        value = _overlap(answer, str(sample.reference), self.metric, self.tokenizer)
        return Score.of(min(max(value, 0.0), 1.0))  # sacrebleu's 100 is 100.00000000000004


def _overlap(answer: str, reference: str, metric: Metric, tokenizer: ChineseTokenizer) -> float:
    if metric == "chrf":
        return float(_chrf().sentence_score(answer, [reference]).score) / 100
    cut = [" ".join(tokens(text, tokenizer)) for text in (answer, reference)]
    if metric == "bleu":
        return float(_bleu().sentence_score(cut[0], [cut[1]]).score) / 100
    kind = "rouge1" if metric == "rouge_1" else "rougeL"
    return float(_rouge(kind).score(cut[1], cut[0])[kind].fmeasure)


def tokens(text: str, tokenizer: ChineseTokenizer) -> list[str]:
    """A text cut by the named tokenizer."""
    if tokenizer == "zh":
        return str(_zh()(text)).split()
    import jieba

    jieba.setLogLevel(logging.WARNING)
    return [token for token in jieba.lcut(text) if token.strip()]


@lru_cache(maxsize=1)
def _zh() -> Any:
    from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

    return TokenizerZh()  # type: ignore[no-untyped-call]


@lru_cache(maxsize=1)
def _bleu() -> Any:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize="none", effective_order=True)


@lru_cache(maxsize=1)
def _chrf() -> Any:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


@lru_cache(maxsize=2)
def _rouge(kind: str) -> Any:
    from rouge_score import rouge_scorer, tokenizers

    class Blanks(tokenizers.Tokenizer):  # type: ignore[misc]
        """The text comes cut already; rouge-score's own tokenizer drops all that is not a-z and 0-9."""

        def tokenize(self, text: str) -> list[str]:
            return text.split()

    return rouge_scorer.RougeScorer([kind], tokenizer=Blanks())
