"""Whether a reply declines to answer, by how its answer part begins.

Ours: a list of openings, for counting. No score of an answer depends on it; a server's own word
(``finish_reason: refusal``) counts besides.
"""

from __future__ import annotations

import re

from rewards.reply import answer_part

_APOLOGY = r"(?:非常|很|十分)?(?:抱歉|对不起|不好意思)[，,。！! ]*"
_CANNOT = r"(?:无法|不能|不可以|没办法|没有办法|拒绝)(?:为您|为你|向您|向你)?"
_ACTS = r"(?:回答|提供|协助|帮助|满足|处理|参与|讨论|完成|给出|回应|继续)"
_NOT = r"(?:can(?:no|['’]?)t|am unable|unable|am not able|not able|won['’]?t)"
_MODEL = r"(?:AI|人工智能|语言模型|助手)"
_REFUSAL = re.compile(
    rf"^(?:{_APOLOGY}[^。\n]{{0,30}}?{_CANNOT}[^。\n]{{0,12}}?{_ACTS}"
    rf"|作为[^。\n]{{0,20}}?{_MODEL}[^。\n]{{0,12}}?[，,]?\s*我?{_CANNOT}[^。\n]{{0,12}}?{_ACTS}"
    rf"|我{_CANNOT}[^。\n]{{0,8}}?{_ACTS}(?:这个|该|此|这样|这类|您|你)"
    rf"|(?:i['’]?m sorry|i am sorry|sorry|i apologi[sz]e)[^.\n]{{0,40}}?{_NOT}"
    rf"|as an ai[^.\n]{{0,30}}?[, ]+i {_NOT}"
    rf"|i {_NOT} (?:to )?(?:help|assist|answer|provide|comply|do that|fulfil))",
    re.IGNORECASE,
)


def is_refusal(response: str) -> bool:
    """Whether the answer part opens with a refusal."""
    return bool(_REFUSAL.match(answer_part(response)[:200]))
