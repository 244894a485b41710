"""The words that make letters an answer, or keep them from being one.

One pattern finds, left to right, what matters in a reply: letters, cues that state an answer, words
that negate, and words that correct. All patterns work on aligned text (see ``aligned.py``).
"""

from __future__ import annotations

import re

END = r"(?=[ ]*(?:$|[,。;!?\n\x03、.<]))"
"""Where a clause may end."""

_TAIL = (
    r"[ ]*(?:(?:应该?|就)?(?:是|为|选(?!项)择?|包括|有))?[ ]*[:=→—-]*[ \n']*"
    r"(?:(?:应该?)?(?:是|为|选(?!项)择?))?[ ':]*"
)
_SURELY = r"(?:就|应该|应当|应|显然|只能|最终|可能|大概|也|当然|必然|必须)*"

CUE = (
    r"\\f?box(?:ed)?[ ]*(?:\\[a-z]+[ ]*)*"
    r"|<answer>[ \n']*"
    rf"|(?<!错误)(?<!非)(?:正确|最佳|最终|标准|参考)?的?答案{_SURELY}{_TAIL}"
    rf"|(?<!不)(?<!非)(?:正确|最佳|最终|合适|恰当|应选|所选)的?选?项{_SURELY}{_TAIL}"
    r"|(?<!不)(?:正确|符合题意|最?(?:恰当|合适|准确|贴切|佳))的(?:说法|表述|一项)?"
    r"(?:应该?)?(?:是|为|有|包括)[ ':]*"
    rf"|选(?:择|了|定|出|中)?(?:的?应?是|的|为)?{_TAIL}"
    r"|(?:而|应该?|应当|改|更正|修正|纠正)(?:是|为|成)[ ':]*|(?:更正|修正|结论)[ ]*(?::|是|为)[ ']*"
    r"|[单多]选题?[ ]*:[ ']*"
    r"|(?i:(?:answers?|(?:correct|right|best) (?:option|choice)s?)(?: choice| option)?"
    r"(?: (?:is|are|should be|would be|must be))?[ ]*[:=]?[ \n':]*"
    r"|\b(?:choose|select|pick|go with)(?: option| choice)?[ ':]+)"
)
MAYBE = (
    r"(?:(?<=[,。;:!?\n ])|^)(?:我(?:认为|觉得|猜|想)?|那?也?可能|也?许|也许|大概|或许|估计|应该|要么|或者?)+"
    r"(?:答案)?(?:应该|应)?[是选为]*[ ':]*"
)
NEGATION = (
    r"(?<!得)(?<!无)(?P<strong>不(?:能|应该?|该|可以?|要|会|宜|用|建议|再|考虑)*选择?|[别勿莫未]选|排除[了掉]?|剔除)"
    r"|不包[括含]|(?:不|并非|而非|不应)[是为]|并非|而非|(?<=[,。;:!?\n ])非(?=[ ]*[A-Z])"
    r"|除了?|去掉|删[除去]|划掉"
    r"|(?:[误错漏候备筛少若评竞]|假如|如果|要是|有人|有些人|同学|学生|考生|若是)选择?了?"
    r"|(?i:\b(?:not|except|exclud(?:e|es|ed|ing)|rul(?:e|es|ed|ing) out|eliminat(?:e|es|ed|ing)|never)\b"
    r"(?: choose| select| option)?)"
)
CORRECTION = r"更正|纠正|修正|改为|改成|重新(?:考虑|检查|审视)|(?i:\b(?:correction|wait|actually)\b)"

MARK = re.compile(
    r"(?=[A-Z\\<错正最标参合恰应所符准贴佳选而改更修纠结单多答我那也可许大或估要不别勿莫未排剔并非除去删划"
    r"误漏候备筛少若评竞假如有同学考重nerabcgowpst])"
    rf"(?:(?P<negation>{NEGATION})|(?P<maybe>{MAYBE})|(?P<cue>{CUE})|(?P<correction>{CORRECTION})"
    r"|(?P<letter>(?<![A-Za-z0-9./\\&-])[A-Z]+(?![a-z0-9])))"
)

_LEAD = (
    r"[ ]*(?:的?(?:说法|表述|描述|观点|内容|叙述|理解|判断|做法))?[ ]*[:—→-]*[ ]*"
    r"(?:均|都|皆|也|则|才|就|显然|明显|完全|全|是|为|可以?|应该?|应予|应当|能|故|所以|因此|并|很)*[ ]*"
)
_VERDICT_END = r"(?=[ ]*(?:$|[,。;!?\n\x03、.|<]|[A-Z](?![a-z])))"
WRONG = re.compile(
    rf"{_LEAD}(?:错误(?!的[是有为]|选项|答案)|错的|错{_VERDICT_END}|否{_VERDICT_END}|[×✗✘❌✕]"
    r"|不正确(?!的[是有为]|选项)|不对|不合适|不恰当|不成立|不符合?|有误|不妥"
    r"|(?:不选|不应?选|不能选|不要选|被?排除|除外|不考虑)(?![ ]*[A-Z])|(?:不是|不属于|非)(?![ ]*[A-Z])"
    r"|(?i:(?:is |are )?(?:incorrect|wrong|false)\b|(?:is |are )(?:not|ruled out|excluded)\b))"
)
RIGHT = re.compile(
    rf"{_LEAD}(?:正确(?!的[是有为]|率|性|地|理解|选项|答案)|对的|成立{_VERDICT_END}|是{_VERDICT_END}|[√✓✔✅☑]"
    r"|对(?=[ ]*(?:$|[,。;!?\n\x03、.|<]|[A-Z](?:错|对)))|符合(?:题意|题干|要求)"
    r"|(?i:(?:is |are )(?:correct|right|true)\b|(?<=[:-] )(?:correct|true)\b))"
)
ANNOUNCED = re.compile(
    r"[ ]*(?:才|就)?(?:(?:是|为)(?:本题|该题|此题)?的?"
    r"(?:最佳|唯一|最终|标准|正确|合适|恰当|应选)*的?(?:答案|选项)"
    rf"|当选|入选|应选{END}|莫属|[全都均皆](?:要|应该?|应)?选)"
    r"|(?i:[ ]*(?:is|are) the (?:only |best )?(?:correct |right |best )?(?:answer|option|choice)s?\b)"
)
"""After a group of letters: the letters are declared to be the answer."""
INSTEAD = re.compile(r"[ ]*[,;。、]?[ ]*(?:而|应该?|应当)*是[ ':]*")
"""After negated letters: what follows is the answer in their stead (``不是A，是D``)."""
VERDICT_LABEL = re.compile(r"[ ]*[.、:,][ ]*(?=[正错不对√✓✔✅×✗✘❌是否符成cCtTiIfFwW])")
"""Between a letter and a verdict on it: ``A. 正确``, ``A，错误``."""
