"""The scripted teacher as a judge: of a question's quality, of two rationales, of danger in a post.

Invariant: a verdict depends on the texts that are judged, never on the order in which they stand.
"""

from __future__ import annotations

import json
import random

from psyche_rl.mini.teacher import prompt_reading

ISSUE_SHARE = 0.05
"""Share of questions in which it finds an issue."""


def quality(prompt: str, rng: random.Random) -> str:
    """Issue codes of those that the prompt offers: none as a rule, now and then one."""
    codes = prompt_reading.issue_codes(prompt)
    issues = [rng.choice(codes)] if rng.random() < ISSUE_SHARE and codes else []
    comment = "有一处需要修改。" if issues else "题目与材料相符，表述清楚。"
    return json.dumps({"issues": issues, "comment": comment}, ensure_ascii=False)


def better(prompt: str) -> str:
    """The longer of the two rationales; of equally long ones the one that comes later in the order of
    characters."""
    first, second = (prompt_reading.between(prompt, name) for name in ("推理甲", "推理乙"))
    better = "甲" if (len(first), first) >= (len(second), second) else "乙"
    return json.dumps({"better": better}, ensure_ascii=False)


def crisis(prompt: str) -> str:
    """A kind of crisis where a post speaks of death or of being hit, none elsewhere."""
    held = prompt_reading.between(prompt, "待查对话")
    found = [kind for kind, word in (("passive_ideation", "死"), ("violence", "打我")) if word in held]
    return json.dumps({"kinds": found, "words": held[:40] if found else ""}, ensure_ascii=False)
