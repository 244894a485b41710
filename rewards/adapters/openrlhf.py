"""OpenRLHF's custom reward function: a Python file that ``--remote_rm_url`` names.

Matched behaviour: ``reward_func(queries, prompts, labels)``; a query is the prompt and the reply as one text,
special tokens included; ``rewards`` go to the advantages, ``scores`` (0 to 1) to dynamic filtering and
``extra_logs`` to the log, all tensors, one figure per query. The file to name::

    from rewards import load_reward_set
    from rewards.adapters import as_openrlhf

    reward_func = as_openrlhf(load_reward_set("/path/to/exam.yaml"))
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from rewards.adapters.sample_fields import sample_of, value_or_raise
from rewards.batch_scoring import score_batch
from rewards.reward import Reward
from rewards.score import RewardSample, Score

OpenRlhfReward = Callable[..., dict[str, Any]]
_BEGIN = re.compile(r"^(?:\s*(?:<\|[^|<>]{1,40}\|>|<s>|<bos>|<pad>))+")
_END = re.compile(r"(?:<\|[^|<>]{1,40}\|>|</s>|<eos>|<pad>)\Z")
LONGEST_MARKER = 44


def as_openrlhf(reward: Reward, full: float = 1.0) -> OpenRlhfReward:
    """``reward`` as ``reward_func``; ``full`` is the reward that ``scores`` calls 1.

    A label is the gold, or a JSON object of sample fields with it (``{"gold": "B", "options": […]}``).
    """

    def reward_func(
        queries: Sequence[str], prompts: Sequence[str], labels: Sequence[str], **_: Any
    ) -> dict[str, Any]:
        """The batch's figures; RewardFailedError where a scorer failed, ValueError for a bad row."""
        import torch

        rows = enumerate(zip(queries, prompts, labels, strict=True))
        samples = [openrlhf_sample(str(number), *row) for number, row in rows]
        scores = score_batch(reward, samples)
        values = [value_or_raise(reward, *pair) for pair in zip(samples, scores, strict=True)]
        rewards = torch.tensor(values, dtype=torch.float32)
        return {
            "rewards": rewards,
            "scores": (rewards / full).clamp(0.0, 1.0),
            "extra_logs": {name: torch.tensor(parts) for name, parts in parts_of_all(scores).items()},
        }

    return reward_func


def parts_of_all(scores: Sequence[Score]) -> dict[str, list[float]]:
    """The parts that every score has, by name: a log needs one figure per query."""
    shared = set.intersection(*(set(score.parts) for score in scores)) if scores else set[str]()
    return {name: [score.parts[name] for score in scores] for name in sorted(shared)}


def openrlhf_sample(id: str, query: str, prompt: str, label: str) -> RewardSample:
    """The sample that one query speaks of.

    Raises:
        ValueError: the query lacks its prompt, or the label cannot be read.
    """
    whole = query if query.startswith(prompt) else _BEGIN.sub("", query)
    if not whole.startswith(prompt):
        raise ValueError(f"query {id} does not begin with its prompt")
    response = without_end_markers(whole.removeprefix(prompt))
    return sample_of({**_label_fields(label), "id": id, "response": response, "prompt": prompt})


def without_end_markers(text: str) -> str:
    """The text up to the special tokens that it ends with, and to the blanks before them; time is linear."""
    whole = end = len(text)
    while True:
        while end and text[end - 1].isspace():
            end -= 1
        marker = _END.search(text, max(0, end - LONGEST_MARKER), end)
        if marker is None:
            return text[:end] if whole < len(text) else text
        whole = end = marker.start()


def _label_fields(label: str) -> dict[str, Any]:
    # Golds of questionnaire_error and eq_bench are JSON objects too, but have no key "gold".
    if label.lstrip().startswith("{"):
        try:
            fields = json.loads(label)
        except (ValueError, RecursionError):  # a hundred thousand brackets are no label either
            fields = {}
        if "gold" in fields:
            return dict(fields)
    return {"gold": label}
