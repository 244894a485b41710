"""Answer extraction for choice questions: which letters a reply commits to, where, and by which rule.

>>> from rewards.extraction import extract_answer
>>> options = ("内隐记忆", "外显记忆", "感觉记忆", "工作记忆")
>>> extract_answer("<think>答案：A</think>B错误，故选Ａ和Ｃ。", options)
Extraction(letters='AC', span=(25, 28), rule='statement')
>>> extract_answer("答案是A或B", options).rule
'ambiguous'
>>> extract_answer("依据 CCMD-3，排除D", options).letters is None
True
"""

from rewards.extraction.extract import extract_answer, option_texts
from rewards.extraction.reading import Extraction, Rule

__all__ = ["Extraction", "Rule", "extract_answer", "option_texts"]
