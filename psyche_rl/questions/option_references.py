"""Which options speak of other options, by letter or by place, so that they lose their sense when moved.

The one rule for shuffling and for balancing; pure. It errs on the side of leaving options where they are: a
question whose options stay costs a little variety, one that was torn apart has a wrong key (so 半年以上
stays, too).

- By letter: 选项A, A项, A和B, A、B, AB都对, A-C, Option B, both A and B, only A.
- By place: 以上都对, 上述, 前两项, 前面各项, 第一项, 其余, all of the above, the first two, other options.
- As a whole: 都对, 均不正确, 两者兼有, 没有正确答案, both, neither … nor …, none.

Not so: 前两周, 先后两种, A型人格, "both parents attend", "the first two years".

    >>> [option for option in ("以上都对", "前两周", "A、B", "A型人格") if refers_to_others(option)]
    ['以上都对', 'A、B']
"""

from __future__ import annotations

import re
from functools import lru_cache

from rewards.text.canonical import LETTER_LOOK_ALIKES, canonical_text

_N = r"[两二三四五六七八几数\d]"
_SAID = r"(?:选项|说法|答案|观点|叙述|陈述|描述|情况|因素|内容|表述)"
_ALL = "都均皆"
_LETTER = r"(?<![A-Za-z0-9])[A-H](?![A-Za-z0-9])"
_CHINESE = (
    # by place
    rf"以上(?![肢颌颚呼皮升丘])|以下\s*(?:[{_ALL}全各所]|{_SAID})",
    rf"上述|前述|上列|同上|上面|前面(?:的)?(?:[各几数所{_ALL}全这那提述讲说A-H]|{_N}|{_SAID}|项)",
    rf"(?:前|(?<!先)后|末)面?{_N}(?:项|者|种|条|点|句|{_SAID}|[{_ALL}]|个(?:$|[{_ALL}全是对错正]|{_SAID}))",
    rf"第[一二三四五六\d](?:项|(?:个|种|条)?{_SAID})|(?:上|下|前|后|最后)一(?:项|个?选项|个?答案)",
    rf"其[他它余](?:$|[{_ALL}各]|{_SAID}|{_N}?项)|这(?:些|{_N})(?:项|种|者|个)?(?:[{_ALL}全]|{_SAID})",
    # by letter
    rf"选项\s*[A-H]|答案\s*[A-H]|{_LETTER}\s*(?:选项|答案|项|说法)|(?:除了?|同|选)\s*{_LETTER}",
    rf"{_LETTER}\)?\s*(?:[和与、及跟或,;/+&]|以及|[-–—~到至])\s*\(?{_LETTER}",
    rf"{_LETTER}\s*(?:对|错|正确|不对|不正确|是对|是错|[{_ALL}])",
    rf"(?<![A-Za-z0-9])[A-H]{{2,5}}\s*(?:[{_ALL}全]|正确|{_N}项)",
    # as a whole
    rf"[{_ALL}][是对不为正错非]|全(?:部|都)?(?:[对错选]|是|不|正确|$)|^(?:[{_ALL}]|全部|全都)(?:有|可|能|属|包括|存在)",
    rf"{_N}者.{{0,3}}[{_ALL}兼]|兼而有之|(?:没有|无)(?:一个?)?(?:正确|合适|适当)的?(?:答案|选项|说法|项)|无一(?:正确|项)",
)  # fmt: skip
_TEXTS = r"(?:options?|choices?|answers?|alternatives?|statements?|items?)"
_IS = r"(?:is|are|was|were|apply|applies|can|could|may|do|does|have|has|correct|right|true|false|wrong)"
_ENGLISH = (
    # by letter; "a" alone is an article
    rf"\b{_TEXTS}\s*[(\[]?(?:[b-h]\b|a\b(?=\W*(?:$|[,;.)\]&/]|and\b|or\b|{_IS}\b)))",
    r"(?<!\w)[a-h][)\].]?\s*(?:,?\s*(?:and|or|nor|plus|but not)\b|&)\s*(?:not\s+)?[(\[]?[a-h](?!\w)",
    r"^(?:only|just)\s+[(\[]?[a-h][)\]]?\W*$|^[(\[]?[a-h][)\]]?\s+only\W*$|\b(?:same|except)\s+(?:as|for)?\s*[b-h]\b",
    # by place
    rf"\b(?:all|none)\s+of\b|\b(?:all|none|any|both|neither|either|some|two|three|one|most)\s+(?:of\s+)?(?:the\s+)?"
    rf"(?:above|preceding|previous|foregoing|these|those|them|others?|other\s+{_TEXTS}|{_TEXTS})\b",
    rf"\b(?:the|of|as|{_TEXTS})\s+above\b(?!-)|\babove\s+(?:{_TEXTS}|are|is|all)\b",
    rf"\b(?:previous|preceding|foregoing|other|remaining)\s+{_TEXTS}\b",
    rf"\b(?:first|last|other|previous|preceding|former)\s+(?:two|three|four)"
    rf"(?:\W*$|\s+(?:{_TEXTS}|{_IS}|of|above|only|together)\b)",
    # as a whole
    rf"^(?:all|none|both|neither|either|any)(?:\W*$|\s+{_IS}\b)",
    r"^both\b.*\band\b|^neither\b.*\bnor\b|^either\b.*\bor\b|^no\s+(?:correct|right)\b",
)
_REFERS = re.compile("|".join(f"(?:{form})" for form in _CHINESE))
_REFERS_IN_ENGLISH = re.compile("|".join(f"(?:{form})" for form in _ENGLISH), re.IGNORECASE)
_LETTERS_ONLY = re.compile(r"A?B?C?D?E?F?G?H?")


@lru_cache(maxsize=65536)
def refers_to_others(option: str) -> bool:
    """Whether an option speaks of other options; canonical forms of one text count as the same."""
    text = canonical_text(option.translate(LETTER_LOOK_ALIKES)).strip(" 。.")
    if len(text) > 1 and _LETTERS_ONLY.fullmatch(text):  # ABC
        return True
    return bool(_REFERS.search(text) or _REFERS_IN_ENGLISH.search(text))
