"""Pure reward classes, usable without the rest of psyche-rl (no Ray, no torch).

>>> from rewards import RewardSample, exam_reward, extract_answer
>>> options = ("内隐记忆", "外显记忆", "感觉记忆", "工作记忆")
>>> extract_answer("<think>也许是 C</think>不选A，故选B。", options).letters
'B'
>>> reward = exam_reward(answer_weight=1.0, format_weight=0.5)
>>> sample = RewardSample(id="1", response="<think>也许是 C</think>故选B。", gold="Ｂ", kind="single",
...                       options=options)
>>> reward.score(sample).value
1.5
"""

from rewards.canonical import canonical_gold, canonical_text
from rewards.composition import FirstApplicable, Product, WeightedSum
from rewards.extraction import Extraction, extract_answer
from rewards.reward import Reward
from rewards.reward_set import RewardSetError, dump_reward_set, exam_reward, load_reward_set
from rewards.score import RewardSample, Score, ScoreError
from rewards.shipped.mcq_strict import McqStrict
from rewards.shipped.think_format import ThinkFormat

__all__ = [
    "Extraction",
    "FirstApplicable",
    "McqStrict",
    "Product",
    "Reward",
    "RewardSample",
    "RewardSetError",
    "Score",
    "ScoreError",
    "ThinkFormat",
    "WeightedSum",
    "canonical_gold",
    "canonical_text",
    "dump_reward_set",
    "exam_reward",
    "extract_answer",
    "load_reward_set",
]
