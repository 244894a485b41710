"""The words that keep letters from being an answer, and the one pattern that finds all that matters.

``MARK`` finds, left to right, letters, cues (``cues.py``), and words that negate, correct, except or
judge. Patterns on folded text (see ``spelling.py``).
"""

from __future__ import annotations

import re

from rewards.extraction.cues import CUE, END, HENCE, MAYBE, ODD, SOFT, one_of

_ALL_BUT = (
    r"(?i:\b(?:all(?: (?:the|these|those) (?:above |listed |given |other ){0,2}(?:options|choices"
    r"|statements|ones"
    r"|items))?|each(?= of)|every(?:thing|one| (?:option|choice|statement))?(?: (?:on|in) (?:the"
    r"|this|your) list"
    r"| listed)?)"
    r"(?: of (?:them|these|those|the (?:above|options|choices|statements)(?: listed| given| above)?"
    r"|(?:the|these"
    r"|those) (?:above |listed "
    r"|given |other |available |answer ){1,2}(?:options|choices|statements|ones|items"
    r"|answers)(?: listed| given| above)?))?"
    r"(?: (?:four|five|three|options|above|choices|statements|the above))?,? "
    r"(?:except|but|apart from|other than|excluding)(?: for)?(?: option)?)"
    r"|(?:全选|都选|全部|所有选项|以上全部),?(?:但|就)?(?:除去?了?|不包[括含])"
)
ALL_BUT = re.compile(rf"[ :]*(?:{_ALL_BUT})")
"""All options but those that follow."""
_NEGATIONS = (
    r"(?P<strong>(?:不(?:能|应该?|该|可以?|可能|要|会|宜|用|建议|再|考虑)*+|没有?|绝非|无法|从未)选择?"
    r"|[别勿莫未]选|排除[了掉]?|剔除"
    r"|(?i:\b(?:do|does|did|would|should|ca|wo|could)n't (?:choose|pick|select) (?:option )?))"
    r"|(?P<except>除去?了?(?!非)|(?i:\b(?:apart|aside) from|\bwith the exception of"
    r"|\bexcept for) (?:option )?(?=[A-Z])"
    rf"|(?P<all_but>{_ALL_BUT}))"
    r"|不包[括含]|(?:不|并非|而非|不应|绝不|不该)(?:可能|会|应|应该|能)?[是为]|并非|而非|绝非|不可能|既非"
    r"|与其说?(?:是|选)?|比起|相比于?|相对于|较之|(?<=[A-Z项])比较?(?= ?(?:选项)?[A-Z])"
    r"|(?<=[,。;:!?\n ])非(?= ?[A-Z])|去掉|删[除去]|划掉"
    r"|(?:错误|有误|不对|不正确)的?(?:选?项|说法|答案|表述)?(?:是|为|有|包括|:)[ :]*"
    r"|[误错](?:答|认|判|以)(?:为|成|是)*+[ :]*"
    r"|(?:[误错漏候备筛少若评竞]|(?:假如|如果|要是|若是)(?:你|他|她|您|有人)?)选择?了?"
    r"|(?:有人|有些人|的人|同学们?|学生|考生)(?:可能|容易|常常?|往往|也|都|会)*+选择?了?"
    r"|(?i:n't (?:be )?(?:option )?"
    r"|\bnot (?:correct|right|true|the (?:correct|right|best) (?:answer|option|choice)s?)(?: ?:| (?:is|are))"
    r"|\b(?:not|neither|nor|cannot be|except|exclud(?:e|es|ed|ing)|rul(?:e|es|ed|ing) out"
    r"|eliminat(?:e|es|ed|ing)|never|(?:incorrect|wrong)(?: (?:options?|answers?|choices?))?"
    r"(?: ?:| (?:is|are)))(?: be| choose| select| pick| option)* ?)"
)
NEGATION = rf"(?<!得)(?<!无)(?:{_NEGATIONS})"
CORRECTION = (
    "(?:"
    + one_of("更正 纠正 修正 改为 改成 重新(?:考虑|检查|审视) 等等 等一下 抱歉 对不起")
    + r"|(?i:\b(?:correction|wait|actually|sorry|on (?:second thought|reflection)"
    r"|upon reflection)\b))[,。.;!: ]*"
    r"|(?P<retract>(?:(?<=[,。;!?\n —-])|^)(?:[啊哦噢呃嗯诶哎],? ?)?(?:不对|错了|不是?|(?i:no))(?:吧|啊)?"
    r"(?= ?[,。.;!—-]|$)[,。.;! —-]*)"
)
REST = (
    r"(?:其[余他它]|剩[下余])(?:的|[一二两三四五]个?|各|几|选项)*+(?:选?项|说法|答案|者)*+"
    r"|(?i:\b(?:all (?:of )?)?(?:the )?(?:other (?:two|three|four|five)|others?|rest"
    r"|remaining(?: (?:two|three"
    r"|four))?)(?: (?:options|choices|ones|statements))? (?=(?:are|is|do|all|apply)\b))"
)
EVERY = (
    r"(?:(?<=[,。;!:\n ])|^)(?:所以|因此|因而|故此?|综上(?:所述)?|本题|可见)*+,?"
    r"(?:以上|上述|所有|全部|这?[三四五六]个?|各个?|各(?=项)){1,4}"
    r"(?:选?项|说法|答案|描述|表述|内容|者){0,4}(?:[都均皆全]|全部){1,4}"
    rf"(?:不|非)?(?:是|对|正确|可以?|符合|属于|选|错误?|应该?|入选|当选|要)++(?:的|题意)?{END}"
    rf"|(?:(?<=[,。;!:\n ])|^)(?:所以|因此|因而|故此?|综上(?:所述)?|本题|可见|应该?)*+,?全选{END}"
    r"|(?i:\ball (?:of )?(?:the |these )?(?:above |listed |four |given )?(?:options|choices|statements|above"
    r"|them|four)? ?"
    r"are (?:correct|right|true))(?= (?:except|but)|$|[,.])"
    r"|(?i:(?:(?<=\n)|^)all of the (?:(?:above|options|choices)(?= ?[.!](?: |\n|$))"
    r"|above(?= ?[;:—–](?: (?-i:[^A-H\n])|\n|$))))"
)
TICK = r"(?:(?<=[\n,。; |])|^)(?:(?P<yes>[√✓✔✅☑])|[×✗✘❌✕]) ?(?=(?:选项)? ?[A-Z])"

BEGINNINGS = {
    "odd": "FITUWfituw不例唯弄无最有毛特站讲说配错问除靠",
    "correction": "ACNOSUWacnosuw不修呃哎哦啊嗯噢对抱改更等纠诶重错",
    "negation": (
        "ACDEINRSWacdeinrsw不与从以候假全划删别剔勿去同"
        "备如学少并所排无既有未比没漏的相竞筛绝考而若莫要评误较都错除非"
    ),
    "every": ",Aa三上五以全六可各四因应所故本综这",
    "rest": "AORTaort其剩",
    "maybe": "CILMPcilmp也估似可大好应我或更最有要许貌那",
    "cue": (
        "<ABCDFGILMOPRSTV\\abcdfgilmoprstv一不优作佳使修倾准分判助匹单参只合回多妥对小应必总恰所改更最"
        "本机标模正此的硬确稳符答纠结该贴输适选采锁非题首"
    ),
    "hence": "ABCFGHILNOSTUabcfghilnostu不为也于仅其包即只可因就属应所故是显有猜由的综而这",
    "soft": "ABCDEHIKMNOPRSTWabcdehikmnoprstw与为和在对就属归当投指是更最符考莫落诊跟首",
    "tick": "×√☑✅✓✔✕✗✘❌",
}
"""The characters that each kind of mark can begin with: looked at before the kind's own pattern is."""
_KINDS = {
    "odd": ODD,
    "correction": CORRECTION,
    "negation": NEGATION,
    "every": EVERY,
    "rest": REST,
    "maybe": MAYBE,
    "cue": CUE,
    "hence": HENCE,
    "soft": SOFT,
    "tick": TICK,
}
_NOT_LATIN = re.escape("".join(sorted({c for each in BEGINNINGS.values() for c in each if not c.isascii()})))
FIRST = rf"(?:(?<![A-Za-z])[A-Za-z]|n't|[,\\<{_NOT_LATIN}])"
_GUARDED = "|".join(
    f"(?P<{kind}>(?=[{re.escape(BEGINNINGS[kind])}])(?:{pattern}))" for kind, pattern in _KINDS.items()
)
MARK = re.compile(
    rf"(?={FIRST})(?:(?P<alone>(?<![A-Za-z0-9./\\&-])[A-HJ-Z](?![A-Za-z0-9]))|{_GUARDED}"
    r"|(?P<letter>(?<![A-Za-z0-9./\\&-])[A-Z]+(?![a-z0-9])))"
)
"""Left to right: a capital alone (the most frequent, and no word begins with it), a kind, letters."""

QUESTION = re.compile(
    r" ?(?:选?项)?(?:所[述说])?(?:正确|对|的)?(?:(?:吗|么|嘛|还是[^,。?\n]{1,8}) ?\??|呢(?= ?(?:\?|,"
    r"|还是)) ?\??|\?)"
)
"""After letters: they are asked about, not stated."""
CONFIRMED = re.compile(r"[ \n,。]*(?:是的|对[,。!的]|没错|正确[,。!]|(?i:yes))")
ALSO_POSSIBLE = re.compile(
    r" ?(?:也|同样)(?:行|可以?(?!排)|有可能|是可能|可能|说得通|有道理|(?:不能|无法|不可)(?:完全)?排除)"
    r"|(?i: (?:is also|could also be|might also be|also seems) (?:plausible|possible|reasonable|right)"
    r"| (?:can't|cannot) be (?:excluded|ruled out))"
)
OF_SOMEONE = re.compile(
    r"(?:(?:^|[,。;:!?\n ])(?:[甲乙丙丁戊]|小[\u4e00-\u9fff]|老师|网上|网友|同桌)|(?<!本)(?<!个)人"
    r"|同学|学生|考生|网友)们?"
    r"(?:可能|也许|也|会|都|就|则|却|容易|常常?|往往|误|曾)*+(?:"
    r"(?:说|认为|觉得|主张|声称)[:, ]{0,2}(?:答案)?(?:应该?|应当|只|就|仅|都|要|该|可以?|得){0,2}[是为]?"
    r"|[:, ]{0,2})\Z"
    r"|(?:怎么|凭什么|难道|谁说|岂|很难说|哪能?)(?:会|能|要|可以|该|是)?\Z"
    r"|(?i:(?:students?|people|some|others|many|candidates|test-?takers|learners|someone|examinees|mistake is"
    r"|error is|teacher|friend|classmate|colleague|user|previous)(?: [A-Z])?(?: (?:people|students"
    r"|think|believe|argue|claim|says?|said|that"
    r"|the answer is|might|may|would|could|will|often|tend to|incorrectly|mistakenly|wrongly|who|have"
    r"|to|be|feel|get|tempted|inclined|drawn)){0,5} \Z"
    r"|\b(?:others?|some|many|most|students?|people) (?:[a-z]+ )?(?:say|think|claim|argue|believe)"
    r"[^.!?\n,;:]{0,24}\Z"
    r"|\ba [a-z]{3,20} (?:might|may|could) \Z"
    r"|\b(?:one|you|they|anyone|readers?|it)(?:'s)?(?: (?:is|are|might|may|could|can|would))?(?: (?:be"
    r"|feel|seem|look))?"
    r"(?: (?:easily|naturally|well|first|initially|mistakenly|wrongly|also))?"
    r"(?: (?:(?:very |quite )?(?:tempted|tempting|inclined|drawn|easy)(?: to| for [a-z]+ to)|mistakenly"
    r"|wrongly|want to))"
    r"(?: (?:think|say|believe|assume|conclude)(?: that)?(?: the)?)? \Z"
    r"|\b(?:one|they|anyone|readers?) (?:might|may|could)(?: (?:think|say|believe"
    r"|assume)(?: that)?(?: the)?)? \Z)"
)
"""Before a cue: it is spoken of what somebody else chooses."""
GIVEN_BY_OTHERS = re.compile(
    r"(?i:\b(?:some|many|most|other|older|several|certain|few|students?|people|textbooks?|sources?"
    r"|books?|websites?)\b"
    r"[^.!?\n]{0,30}\b(?:gives?|lists?|have|has|names?|cites?|accepts?|marks?|chooses?|picks?|treats?"
    r"|regards?|sees?"
    r"|consider|uses?|gave|listed|had|chose|picked|state|report)(?: (?:option|choice|only|just))? \Z)"
    r"|(?:有人|有的[^,。;!?\n]{0,6}|有些[^,。;!?\n]{0,6}|部分[^,。;!?\n]{0,6}|不少[^,。;!?\n]{0,6})(?:把|将"
    r"|认为|以|视|给出的是)"
    r"[^,。;!?\nA-Z]{0,8}\Z"
)
"""Before letters that are called the answer: others call them so."""
OF_OTHERS = re.compile(r"者|的(?:话|错|人|同学|考生|学生|都错|问题)")
"""After chosen letters: it is spoken of those who choose them (``选A的人``, ``选A的错在``)."""
NEGATED_CUE = re.compile(r" ?(?:选择?|答|说)? ?")
"""Between a negation and letters: ``而不是选B``."""
INSTEAD = re.compile(
    r" ?[,;。、]? ?(?:而|应该?|应当|那|就|其实|正确的?|才)*+(?:是|为|选择?)[ :]*"
    r"|,? but(?: rather| instead)? (?:option )?|,? (?:it is|it's) "
)
"""After negated letters: what follows is the answer in their stead (``不是A，是D``)."""
AFTER_CORRECTION = re.compile(
    r"(?i:(?:I meant|it's|it is|it should be|make that) )?"
    r"(?:那|而|应该?|应当|就|其实|正确的?|才|答案)*+(?:是|为|选择?)?[ :]*"
)
_ASIDE = r" ?(?:选?项)?(?:之外|以外|外)?"
OTHERS = re.compile(
    rf"{_ASIDE}的?(?:选?项|选项)? ?,? ?(?=其|剩|别的|另外|所有|[都均皆全])"
    r"(?:其[余他它]|剩[下余]|别的|另外|所有|全部)?"
    r"(?:的|[一二两三四五六]个?|各|几|选)*+(?:选?项|说法|答案|者)*+|(?= (?:are|is) )"
    r"|(?i:, (?:all|everything|every one|the (?:rest|others?))(?: else| of them| options)?(?= (?:are|is"
    r"|do|does)\b))"
)
"""After an excepted letter: the others are spoken of."""
BESIDES = re.compile(rf"{_ASIDE} ?,? ?(?:还有|还应该?选|还应?选|还包括|还要选)")
ALSO = re.compile(rf"{_ASIDE} ?, ?")
EITHER_OR = re.compile(r" ?,?(?:就是|便是|即是)")
"""After ``不是A``: one of the two, not the second."""
