"""What an empathetic reply must satisfy beside the plain reply that it was made from (section 3.1.3).

Pure functions over text. Advice is compared by character bigrams, since no parser here knows paraphrase.
A low threshold finds replies that dropped the advice altogether, and no more than that.
"""

from __future__ import annotations

import re

from data_pipeline.text.spans import canonical

_SENTENCE = re.compile(r"[^。！？!?\n]+")
_CLAUSE = re.compile(r"[^；;，,：:]+")
_ADVICE = re.compile(
    r"建议|可以|不妨|试|应该|应当|需要|最好|要|先|不如|多|把|找|让|跟|给|记|练|坚持|主动|咨询|求助|就医|去|再|每"
)
_DISMISSAL = re.compile(r"别|没必要|不必|不用|正常|想太多|难免|没什么|很快|都会|都一样")
_FILLER = set("的了吗呢吧啊呀你您我他她它们这那是在有就都也和与及或而但很太更最些什么怎如果因为所以")
_DIAGNOSIS = re.compile(
    r"(?:重度|中度|轻度)?抑郁症|抑郁发作|(?:广泛性|社交)?焦虑症|双相(?:情感)?障碍|躁郁症|躁狂症|强迫症|恐惧症|恐怖症|疑病症"
    r"|精神分裂症?|精神病|神经症|神经衰弱|癔症|妄想症|PTSD|ADHD|ASD|BPD|创伤后应激障碍|应激障碍|厌食症|贪食症|暴食症|自闭症|孤独症"
    r"|多动症|失眠症|阿尔茨海默|人格分裂"
    r"|(?:边缘型|回避型|依赖型|偏执型|表演型|自恋型|反社会型?|强迫型|分裂型|分裂样)人格(?:障碍)?"
    r"|(?:情绪|心境|睡眠|进食|适应|惊恐|焦虑|抑郁|躯体化?|躯体形式|分离|解离|人格|认知|心理|精神|发育|冲动控制|物质使用|性功能|性别认同)障碍"
)


def advice_kept(plain: str, reply: str) -> float:
    """Share in [0, 1] of the bigrams of the plain reply's advice that the reply holds; 1 without advice."""
    advice = [
        clause
        for sentence in _SENTENCE.findall(plain)
        if _ADVICE.search(sentence)
        for clause in _CLAUSE.findall(sentence)
        if not _DISMISSAL.search(clause)  # an empathetic reply is right to leave those out
    ]
    wanted = set().union(*map(_bigrams, advice))
    if not wanted:
        return 1.0
    return len(wanted & _bigrams(reply)) / len(wanted)


def invented_diagnosis(post: str, plain: str, reply: str) -> str | None:
    """The first diagnosis that the reply makes and neither post nor plain reply names."""
    known = canonical(post + "\n" + plain)
    found = (match[0] for match in _DIAGNOSIS.finditer(reply))
    return next((term for term in found if canonical(term) not in known), None)


def reply_fault(
    post: str, plain: str, reply: str, advice_overlap: float, chars: tuple[int, int]
) -> tuple[str, str] | None:
    """The filter that turns a reply down, and why; None if it may stay."""
    fewest, most = chars
    if canonical(reply) == canonical(plain):
        return "unchanged", "the reply is the plain one"
    if not fewest <= len(reply) <= most:
        return "length", f"{len(reply)} characters; {fewest} to {most} may stay"
    if (term := invented_diagnosis(post, plain, reply)) is not None:
        return "diagnosis", f"it names {term}, which neither post nor plain reply does"
    if (kept := advice_kept(plain, reply)) < advice_overlap:
        return "advice", f"it keeps {kept:.2f} of the plain reply's advice; {advice_overlap:g} is the least"
    return None


def _bigrams(text: str) -> set[str]:
    letters = "".join(c for c in canonical(text) if c.isalnum() and c not in _FILLER)
    return {letters[i : i + 2] for i in range(len(letters) - 1)}
