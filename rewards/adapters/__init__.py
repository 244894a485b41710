"""A reward as other trainers call it: TRL, verl, OpenRLHF, verifiers. None of them is imported here.

What a scorer's error becomes differs, since each trainer takes failure differently; it is never a 0:

- TRL: ``None``, which TRL leaves out of the group's baseline and of the loss.
- verl, OpenRLHF: ``RewardFailedError``, which stops the run. They have no place for a missing score, and a
  NaN would turn the group's advantages, and with them the weights, into NaN.
- verifiers: it turns exceptions into 0, so the rollout is marked with ``state["error"]`` and gets the mean of
  its group's scores, which leaves the baseline as it is and gives it no advantage.

>>> from rewards import exam_reward
>>> score = as_trl(exam_reward(1.0, 0.5))
>>> score(prompts=["…"], completions=["<think>…</think>答案：B"], gold=["B"], options=[["记忆", "遗忘"]])
[1.5]
"""

from rewards.adapters.openrlhf import as_openrlhf
from rewards.adapters.sample_fields import RewardFailedError
from rewards.adapters.trl import as_trl
from rewards.adapters.verifiers import as_verifiers
from rewards.adapters.verl import as_verl

__all__ = ["RewardFailedError", "as_openrlhf", "as_trl", "as_verifiers", "as_verl"]
