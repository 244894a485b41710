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

from rewards.composition import FirstApplicable, Product, WeightedSum
from rewards.extraction import Extraction, extract_answer
from rewards.reward import Reward
from rewards.reward_set import RewardSetError, dump_reward_set, exam_reward, load_reward_set
from rewards.score import RewardSample, Score, ScoreError
from rewards.shipped.eq_bench import EqBench
from rewards.shipped.exact_text import ExactText
from rewards.shipped.keypoint_recall import KeypointRecall
from rewards.shipped.language_mix import LanguageMix
from rewards.shipped.length_gate import LengthGate
from rewards.shipped.mcq_elastic import McqElastic
from rewards.shipped.mcq_jaccard import McqJaccard
from rewards.shipped.mcq_strict import McqStrict
from rewards.shipped.numeric import Numeric
from rewards.shipped.ordered_sections import OrderedSections
from rewards.shipped.overlong_penalty import OverlongPenalty
from rewards.shipped.questionnaire_error import QuestionnaireError
from rewards.shipped.repetition import Repetition
from rewards.shipped.rubric_judge import RubricJudge
from rewards.shipped.text_overlap import TextOverlap
from rewards.shipped.think_format import ThinkFormat
from rewards.text.canonical import canonical_gold, canonical_text

__all__ = [
    "EqBench",
    "ExactText",
    "Extraction",
    "FirstApplicable",
    "KeypointRecall",
    "LanguageMix",
    "LengthGate",
    "McqElastic",
    "McqJaccard",
    "McqStrict",
    "Numeric",
    "OrderedSections",
    "OverlongPenalty",
    "Product",
    "QuestionnaireError",
    "Repetition",
    "Reward",
    "RewardSample",
    "RewardSetError",
    "RubricJudge",
    "Score",
    "ScoreError",
    "TextOverlap",
    "ThinkFormat",
    "WeightedSum",
    "canonical_gold",
    "canonical_text",
    "dump_reward_set",
    "exam_reward",
    "extract_answer",
    "load_reward_set",
]
