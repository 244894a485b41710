"""What a reply says to the reader before and after its answer: ``Great question!``, ``希望对你有帮助！``

Collaborators: ``reply_rules`` leaves it out before anything is read, so that the first and the last line of a
reply are those that answer. Invariants:
- Of the beginning only courtesies go, of the end only whole lines that begin like one; never all there is.
- What names an option, or holds a capital alone, stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_OPENS = re.compile(
    r"\s{0,9}[*#> ]{0,4}(?:(?i:"
    r"(?:that's |this is |what )?an? (?:great|good|interesting|excellent|nice) (?:one|question)"
    r"|(?:great|good|interesting|excellent|nice) question|sure(?: thing)?|certainly|of course|absolutely"
    r"|okay|ok|alright|hello(?: there)?|hi(?: there)?|thank you for (?:your|the) question"
    r"|thanks for (?:your question|asking)|no problem|got it|understood|happy to help|glad to help"
    r"|i'd be (?:happy"
    r"|glad) to (?:help|assist|answer)(?: you)?(?: with (?:this|that|your|the)(?: [a-z-]+){0,2})?"
    r"|thanks for the question|so,? i need to [a-z ]{3,40}|solution|response"
    r"|(?:hello|hi)?[,!]? ?i(?:'|’)?a?m an ai(?: [a-z]+){0,3}"
    r"|this is an? (?:[a-z-]+ ){0,3}question(?: (?:about|on|from) [^\n.:!?]{1,40})?"
    r"|(?:sure, )?i can help(?: you)?(?: with (?:that|this))?|let me help(?: you)?(?: with (?:that|this))?"
    r"|let(?:'s|’s| us| me) (?:(?:take|have) a (?:quick |closer |careful )?look|break (?:it|this|that) down"
    r"|think(?: (?:it|this))?(?: carefully| logically)?(?: step[- ]by[- ]step)?|dive in|get started|explain"
    r"|(?:figure|work) (?:it|this) out|go step[- ]by[- ]step|begin|start)(?=[.!:\n])"
    r"|let(?:'s|’s| us| me) (?:look at|analy[sz]e|think about|think through|work through|solve|see|break down"
    r"|go through|take a look at|consider)(?: (?:it|this|that|the|your|one|step|by|question|problem|carefully"
    r"|together|down|through)){0,6}"
    r"|this (?:question|one) is (?:about|on|from)[^\n.:!?]{1,40})"
    r"|(?:【?(?:解析|分析|思路)】?|(?i:explanation|analysis|reasoning))[:：]?\*{0,2}"
    r"(?=\n+[\s*(（]{0,4}[B-HＢ-Ｈ](?![A-Za-z]))"
    r"|(?:好的|好|您好|你好|当然|没问题|可以|谢谢(?:您|你)?的?提问|感谢(?:您|你)?的?提问|很高兴(?:为(?:您"
    r"|你))?解答)"
    r"|收到|明白|(?:下面|以下)?(?:由我)?(?:来)?为(?:您|你)(?:解答|分析|讲解)(?:这个问题|这道题|如下"
    r"|一下)?[:：]?"
    r"|很高兴(?:能)?(?:为(?:您|你))?(?:解答|回答)(?:这个|这道|您的|你的)?(?:问题|题目?)?"
    r"|(?:我们|让我们|我)?(?:来)?一步(?:一)?步(?:来)?分析"
    r"|(?:首先|下面)[,，]?(?:我们|我)?(?:来)?(?:分析|看看?|审)(?:一下)?(?:题[目干意]|问题)"
    r"|根据题[意目干](?:分析|解答)如下[:：]?|解答|解题"
    r"|(?:这|本|该|此)道?题我?来(?:分析|看)(?:一下)?|这个问题(?:很|非常)(?:好|有意思|有趣|典型)|嗯+"
    r"|(?:这|本|该|此)道?题(?:目)?(?:主要)?(?:考[查察]|涉及)(?:的是|了|的)?[^\n。,，:：;；A-H]{2,30}"
    r"|(?:下面|现在|首先)?(?:我们|让我们|我)?(?:来|一起|一步步|逐步|先|仔细)*(?:分析|看看?|思考|解答|解析"
    r"|审题)(?:一下)?"
    r"(?:这道|这个|本|此|该)?(?:单选|多选|选择)?(?:题目?|问题)"
    r"|这(?:是)?一?道(?:关于|考查|考察)?[^\n。:：!！?？]{0,16}(?:单选|多选|选择)?的?(?:题目?|问题))"
    r"(?:[,，.。!！~]{1,3}|(?=\n))(?: ?[\U0001f600-\U0001f64f\U0001f44d])?[*]{0,2}"
)
"""One sentence or clause before the answer."""
_FIRST = frozenset(
    "TWGSICAOHNLRUE【twgsicaohnlrue收明以为由根嗯本该此好"
    "您你当没可谢感很下现首我让来一逐先仔分看思解审这 \n\t*#>"
)
"""The characters that a courtesy may begin with: looked at first, since most replies have none."""
_CLOSES = re.compile(
    r"[*#>_ (（-]{0,6}(?:(?i:(?:i )?hope (?:this|that|it)|hoping this|let me know|feel free|please (?:let"
    r"|feel"
    r"|note|consult)|would you like|do you want|if you(?:'d| would| have| need| want)|good luck"
    r"|happy (?:stud|learn)"
    r"|best of luck|all the best|note: (?:this|i|the (?:above|information))|disclaimer|is there anything"
    r"|anything else|this (?:answer|response) (?:was|is) (?:generated|based)|thank(?:s| you)"
    r"|you're welcome|have a"
    r"|stay curious|keep up|confidence(?: level)? ?:|source ?:|references? ?:)"
    r"|希望|如果?(?:您|你)?(?:还|有|需|想|对)|若(?:您|你)?(?:还|有|需|想)|如有|如需|欢迎|祝(?:您|你|学习"
    r"|考试|顺利)|加油"
    r"|以上(?:内容|回答|解答|信息|分析)?仅供参考|仅供参考|需要我|还需要我|要不要我|(?:请|可)随时|感谢|谢谢"
    r"|不客气"
    r"|还有(?:其他|什么|别的|疑问|问题)|以上(?:就是|便是|即为)[^\n]{0,10}(?:解析|分析|解答|回答|答案)"
    r"|(?:解答|回答|分析|解析|作答)(?:完毕|结束|到此)|完毕"
    r"|本回答由|(?:注|声明|提示|温馨提示)[:：]|置信度|参考(?:资料|文献)?[:：]|有(?:任何|其他"
    r"|什么)[^\n]{0,6}(?:问题|疑问))"
)
"""The beginning of a line after the answer."""
_NAMES_AN_OPTION = re.compile(
    r"(?<![A-Za-z'’])(?:[B-HＡ-Ｈ]|A(?! [a-z])|[a-h][).])(?![A-Za-z'’])|答案|正确|应选|故选|选择|\\box"
    r"|(?i:answer is|correct|right|choose)"
)
OTHERS = re.compile(
    r"\n[#*> ]{0,6}(?:(?i:(?:why|reasons?)(?: [a-z]+){0,3} (?:others?|remaining|incorrect|wrong)"
    r"|(?:as for|about|regarding) the (?:others?|rest|remaining)|the (?:others?|remaining)(?: options"
    r"| choices)?"
    r"|(?:other|incorrect|wrong|remaining) (?:options|choices|answers)|elimination)"
    r"|(?:至于|关于|对于)?(?:其他|其余|另外|错误|干扰)(?:的|[两三四]个?)?(?:选?项|选项|答案)(?:分析|解析"
    r"|说明|辨析)?)"
    r"[^\n]{0,30}[:：*]{1,4} ?\n"
)
"""A heading below which the other options are spoken of."""
_RULE = re.compile(r"[-*_—=]{3,}\Z|[^\w√✓✔☑×✗✘❌✕]+\Z|(?:#[^\W\d]\w+ ?)+\Z")
"""A line without words, or of hashtags."""
LONGEST = 160
"""Characters of a line that is a courtesy, at most."""
MOST = 4
"""Lines of courtesies at either end, at most."""


def without_courtesies(said: str, own_texts: Collection[str]) -> tuple[int, int]:
    """The range of the reply between its courtesies; ``own_texts`` are the options'."""
    begin, end = _opening_end(said, own_texts), len(said)
    if "\n" not in said:
        return (begin, end) if said[begin:].strip() else (0, end)
    last = end
    for line in reversed(said[begin:].split("\n")[1:][-2 * MOST :]):
        last -= len(line) + 1
        closes = _is_closing(line, own_texts)
        if not (closes or not line.strip() or _RULE.match(line.strip())):
            break
        end = last if closes or end == last + len(line) + 1 else end
    return (begin, end) if said[begin:end].strip() else (0, len(said))


def _opening_end(said: str, own_texts: Collection[str]) -> int:
    """Where the courtesies end that the reply opens with."""
    end = 0
    if said[:1] not in _FIRST or (said[:1] == "A" and not said[1:2].islower()):
        return end
    while (found := _OPENS.match(said, end)) and not _names(found[0], own_texts):
        end = found.end()
        if end > MOST * LONGEST:
            break
    return end


def _is_closing(line: str, own_texts: Collection[str]) -> bool:
    """Whether a line begins like a courtesy and names no option."""
    line = line.strip()
    return len(line) <= LONGEST and _CLOSES.match(line) is not None and not _names(line, own_texts)


def _names(line: str, own_texts: Collection[str]) -> bool:
    said = line.casefold()
    return _NAMES_AN_OPTION.search(line) is not None or any(
        own.casefold() in said for own in own_texts if own
    )
