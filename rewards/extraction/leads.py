"""The words that lead to a conclusion in a sentence, and those that spoil it.

Collaborators: ``conclusions`` reads letters after them, ``concluded`` option texts. Invariant: the patterns
that lead end where the letters or the text begin.
"""

from __future__ import annotations

import re

_ENGLISH = (
    r"(?:\b(?:put(?:ting)? (?:it |this |everything |that |them )?(?:all )?together|taken together|together"
    r"|all told|all in all|in total|in all|bottom line|tl;?dr|in a nutshell|all things considered|on balance"
    r"|accordingly|ergo|summary|recap|key|(?:best )?guess|final [a-z]+|final|letters?|set|combination|pick"
    r"|submi(?:t|tted|ssion)|verdict"
    r"|(?:boxes|options|ones|letters|items|statements|answers|choices)(?: you)?(?: should| need)?"
    r"(?: to)? (?:check|tick|mark|choose|select|circle|keep|pick|include)|chosen(?: [a-z]+)?"
    r"|selected(?: [a-z]+)?|selections?|picks?|choices?"
    r"|answers?(?: [a-z]+)?|answer is (?:clear|simple|obvious)|settles it|that's it|in my (?:opinion"
    r"|view)|my vote"
    r"|one (?:option|answer|choice)? ?(?:[a-z]+ ){0,5}(?=:)|conclusion|decision|sure|certainly|of course"
    r"|correct (?:option|answer|choice)s?"
    r"|(?:options?|ones?|those|statements?) (?:that|which) (?:apply|applies|fit|fits|qualify|hold)"
    r"|as follows|apply"
    r"|(?:two|three|four|2|3|4)(?: of (?:the|these) [a-z]+| [a-z]+){0,3})(?:,? then)?"
    r" ?(?:[:=>→–—-]|->|, ?(?=\Z)| is ?:?| are ?:?){1,3}"
    r"|\b(?:this|that|which|it|and|evidence|description|details?|everything|clues?|exclusion|others|choices"
    r"|options|list) "
    r"(?:gives?|yields?|leaves?|means?|makes?|brings?|leads?|takes?|points?|gets?|supports?|suggests?"
    r"|indicates?|agrees?|is (?:best )?(?:captured|described|covered|stated) (?:by|in)|is consistent"
    r"|is in line)"
    r"(?: us| me| it)?"
    r"(?: squarely| clearly| directly| strongly| straight)?(?: to| toward| towards| at| with)?"
    r"(?: only| just| the answer| the set)?(?: :)?"
    r"|\b(?:we|i|you)(?:'d|'ll|'m|'re| would| will| can| should| must| am| are| have)?(?: therefore"
    r"| thus| then"
    r"| simply)? (?:flag|endorse|tick off|put down|cross|looking at|get|keep|end up with|arrive at"
    r"|settle on|mark|tick|check|circle|include|favou?r"
    r"|vote(?: for)?|lean|(?:be )?left with|land on|submit|obtain|accept|retain|want|say|take|put"
    r"|bet on|put my money on|argue for|conclude:?)"
    r"|^(?:so |then |just |please )?(?:mark|tick|check|keep|circle|submit|put down|retain|include)"
    r"|\b(?:and|so|then|we|to) (?:retain|keep|include)"
    r"|\b(?:the (?:one|option|choice|answer|path|structure|statement|definition|item|course|process|term"
    r"|concept)s?"
    r"|as|what) (?:is )?(?:listed|given|described|stated|laid out|found|shown|named|set out|labell?ed"
    r"|presented|captured|mentioned)"
    r" (?:under|in|as|by|at)|\bthe (?:one|option|answer|choice) (?:in|at|under)|\bwhich is to say|\b(?:lies"
    r"|rests) (?:in|with)|\bcorresponding to|\bthat'd be|\bjust as"
    r"|\b(?:obtained|achieved|found|seen|met|satisfied) (?:with|in|by)"
    r"|\b(?:first|second|third|fourth|fifth|last|final)(?: and (?:the )?(?:first|second|third|fourth|fifth"
    r"|last))?"
    r" (?:[a-z]+ ){0,2}?(?:options?|choices?|statements?|items?|situations?|characteristics?|answers?|ones?"
    r"|descriptions?|definitions?)[,:]|\bthe (?:last|final|first|second|third|fourth):"
    r"|\bappears?(?: here| there| (?:in|on) (?:the|your) list)?,? as"
    r"|\b(?:mapping|matching|applying|comparing|checking|combining|adding|going|running|working"
    r"|looking)\b[^.;!?\n]{3,60}"
    r" (?:yields?|gives?|produces?|leaves?)(?: us)?"
    r"|\b(?:therefore|thus|hence|consequently|so|in (?:conclusion|summary|sum)|to (?:conclude|sum up"
    r"|summari[sz]e)"
    r"),? (?:the|these|those|this) [^.;:!?\n]{3,60} (?:is|are|includes?)(?: :)?"
    r"|\bergo|\bmy money is on|\banswer (?:turns out to be|comes out as)"
    r"|\b(?:vote|nod|point) goes to|\bwhat remains(?: is)?|\b(?:leaning|settling on|down to"
    r"|inclined to say|(?:sounds|looks|seems) (?:most |more )?like|it(?:'s got to|'d|'ll) be|fits|exactly))"
)
_CHINESE = (
    r"(?:(?:由此|据此|从而|于是|进而|综合|最终|最后|排除法?|因此|所以|故|可)[^,。;:!?\nA-Z]{0,8}"
    r"(?:可得|可知|得出|得到|推出|推得|得|判定|判断|选定|敲定|锁定|确定为|剩下?|剩余|有)(?:的?答案|结论|是"
    r"|为)*[:,]?"
    r"|(?:^|[,:])(?:由此(?:可得|可知|可见)?|据此|综合(?:分析|来看|起来|考虑|判断)?|总的来说|总体来看|总结"
    r"|总之|归纳(?:起来)?"
    r"|合计|共[两三四五]项|解|用?排除法|(?:本|此|这道?|该)题|最终(?:答案|结果|选择)?|应选|入选|勾选|可选"
    r"|得出?|可得|得到|确定|输出|就"
    r"|[^,。;:!?\nA-Z不没错]{0,8}有[两三四五][个种条项](?:[是为]?[^,。;:!?\nA-Z不没错]{1,8}的)?(?=:)"
    r"|先?说结论|挑出来的?(?:就)?|没(?:有)?被?(?:划[去掉]|排除|淘汰|剔除)的"
    r"|(?:因此|所以|故|于是|应该?|可以|只|最终|最后|就)*(?:保留|圈出|圈选|勾上?|选出)(?:来|的)?(?:就|便"
    r"|只)?(?:是|有)?"
    r"|有[两三四五]个|(?:因此|所以|故|综上|应该?|是|为)*[前后]?[两三四五]项|多选题?|剩下?|答案(?:字母|编号"
    r"|项|选项))(?:得|是|为)*[:,]?"
    r"|(?:所以|因此|综上|可见|故)[^。;:!?\nA-Z不非错]{2,30}的(?:做法|选?项|说法|行为|因素|表述|描述|例子"
    r"|内容|方法|措施)(?:就|只|分别)?(?:是|有|为|包括):"
    r"|(?:所以|因此|故|综上(?:所述)?|由此可[见知])[:,]?[^,。;:!?\nA-Z]{2,24}(?:的"
    r"|者)[^,。;:!?\nA-Z]{0,6}(?:是|为|有|包括):?"
    r"|(?:所以|因此|故)该题|(?:^|,)(?:我)?(?:押|投给?|敲?定|勾选)|(?:填|填入|填写))"
)
LEAD = re.compile(rf"(?:(?i:{_ENGLISH})|{_CHINESE}) ?\Z")
TRUE_ONES = re.compile(
    r"(?:(?i:\b(?:included?|keep|needed|required|necessary|fits?|belongs?|true|yes|correct|accurate"
    r"|valid|right|(?:true|accurate|correct|valid|applicable|right"
    r"|appropriate) (?:statements?|options?|ones?|items?))(?: here)?(?: are| is|:|→|=|->)+"
    r"|\b(?:two|three|four|2|3|4)(?: of (?:the|these) [a-z]+| [a-z]+){0,3}:)"
    r"|(?:^|[,:])(?:正确|符合[^,。;:A-Z不]{0,6}|需要|具备|属于|对|是|[√✓✔✅☑]|成立|(?:正确|合理"
    r"|最佳)的?(?:组合|搭配|选法|选择)"
    r"|满足[^,。;:A-Z不]{0,4})的?(?:选?项|说法|有|是|者)*:)[\d ]*\Z"
)
"""Before letters: they are true, which is the answer unless what is wrong is asked for."""
FALSE_ONES = re.compile(
    r"(?:错误|不正确|有误|不属于|不包括|不符合|例外|除外)[ ]?(?:的?(?:(?:这一|该|此)?(?:要求|条件|标准)"
    r"|选项|说法|项|有|是|为|者))*的?[ :]{0,3}\Z"
    r"|(?i:\b(?:incorrect|false|wrong|untrue|exceptions?|not [a-z ]{2,30}|odd one out)"
    r"(?: (?:options?|statements?|ones?|answers?))?(?: here| then|, then,?)?(?: is| are|:|→|=|->)+) ?\Z"
)
"""Before letters: they are what is asked for where that is wrong."""
NEGATES = re.compile(
    r"(?i:\b(?:not|never|cannot|except|excluding|incorrect|wrong|false|no|reject(?:ed)?|excluded?|unlikely"
    r"|distractors?|rule|ruled|ruling|eliminate|tempting|neither|nor|unless|whether|if|why|compare[ds]?"
    r"|either"
    r"|for example|for instance|e\.g|format(?:ted)?|in the form|such as|or|between|once|first(?! (?:two"
    r"|three|four|and|statement|option|choice|one)\b)"
    r"|second(?! (?:two|and|statement|option|choice|one)\b)|runner-up|competitors?|rivals?|trap"
    r"|initially|would-be|(?:others?|some|many|students?|people) (?:[a-z]+ )?(?:say|think|claim|argue"
    r"|believe))\b)|n't\b"
    r"|不|非|错|误|无关|除(?!法|[^,]{1,8}[,后得])|未|如果|若|假如|干扰|混淆|为什么|例如|比如|格式|或|还是"
    r"|先(?!说结论)|其次|次选|陷阱|起初|一开始"
)
_OF_EXCLUSION = re.compile("(?:没有?|未)被?(?:划[去掉]|排除|淘汰|剔除)的|排除法?|除法")
_AS_ASKED = re.compile(
    r"\A(?i:(?:since|as|because|given that) (?:the (?:question|stem|item|task)|we|you)(?: [a-z]+){0,4}? "
    r"(?:asks?|wants?|need|look(?:s|ing)?|call(?:s|ed)?)\b[^,.]{0,80},|(?:由于|因为|既然)(?:题目"
    r"|本题|题干)[^,。]{0,30},)"
)
"""At the beginning of a sentence: what the question asks for."""
_TURNS = re.compile(
    r"^.*?(?:\band|[,;]) (?=(?:we |you |I )?(?:retain|keep|choose|tick|mark|are left with|left with)\b)"
    r"|^.*?,(?=(?:就|便|故|则)?(?:保留|勾选|圈出|选出))"
)
"""In a sentence: what is said of the others before it turns to those that are kept."""


def spoilt_sentence(sentence: str) -> bool:
    """Whether words before a conclusion in its sentence negate, suppose or ask."""
    return NEGATES.search(_OF_EXCLUSION.sub("", _TURNS.sub("", _AS_ASKED.sub("", sentence)))) is not None
