"""The words that make letters an answer, or keep them from being one.

One pattern finds, left to right, what matters in a reply: letters, cues that state an answer, words
that negate, hedge or correct. All patterns work on folded text (see ``folding.py``).
"""

from __future__ import annotations

import re

END = r"(?= ?(?:选项|项)?(?:吧|哦|呀|啊|啦|了|无疑|~)* ?(?:$|[,。;!\n\x03、.<|]))"
"""Where a clause may end; a question mark does not end a statement."""

_COPULA = r"(?:(?:应该?|应当|就|只能|仅|只|分别|可以|依次|我)*(?:是|为|选(?!项)[择取用]?|包括|包含|有|填)|(?:is|are)(?= ))"
_TAIL = (
    rf" ?{_COPULA}? ?(?:以下|下列|如下)?(?:共?[一二两三四五六]个?)? ?[:=→—-]*[ \n]*(?: ?(?:[-•·]|\d{{1,2}}(?:[.、]| ))(?= ?[A-Z]) ?)?"
    rf"{_COPULA}?[ :]*"
)
_SURELY = r"(?:就|应该|应当|应|显然|只能|最终|可能|大概|也|当然|必然|必须|我认为|毫无疑问|及解析|与解析)*"
_BEST = r"(?:最?(?:恰当|合适|准确|贴切|合理|佳|优)|最符合)"

CUE = (
    r"\\f?box(?:ed)? ?"
    r"|(?i:< ?(?:final )?answer ?>[ \n]*)"
    rf"|(?<!错误)(?<!非)(?:正确|最佳|最终|标准|参考)?的?(?:答案|正解){_SURELY}{_TAIL}"
    r"|(?<!错误)答案[^,。;:!?\nA-Z不非没未无勿除在]{1,8}?(?:是|为|选) ?(?=[A-Z])"
    r"|(?<![解问应])(?:答|回答|作答|回复|输出)(?:(?:应该?)?[是为] ?:?| ?:)[ \n]*"
    rf"|(?<!不)(?<!非)(?:正确|{_BEST}|最终|应选|所选)的?(?:选择|选?项){_SURELY}{_TAIL}"
    rf"|(?<!不)(?:正确|对|符合题意|符合要求|{_BEST})的?(?:说法|表述|描述|叙述|一项|选?项)?"
    r"(?:(?:应该?|只|仅|就|便)*(?:是|为|有|包括)| ?:)[ :]*"
    rf"|(?<!可供)选(?!项)(?:择|取|用|了|定|出|中|填)*(?:的?(?:选?项|答案|一项|内容))?(?:的?应?是|的|为)?{_TAIL}"
    r"|选项(?:应该?)?(?:是|为)[ :]*(?=(?:选项)? ?[A-Z])"
    r"|(?:改|更正|修正|纠正)(?:是|为|成)[ :]*|(?:更正|修正|结论)[后]? ?(?::|是|为) ?"
    r"|(?:倾向于|锁定|确定(?:是|为))(?:选择?|选项)?[ :]*(?=[A-Z])"
    r"|[单多]选题? ?: ?|[单多]选题? (?=[A-Z])"
    r"|(?i:\b(?:answers?|ans\b\.?|(?:correct|right|best|final|my) (?:option|choice|selection)s?|correct(?= ?:))"
    r"(?: (?:choice|option|here|key|letter))?(?: (?:to|for) (?:this|the) (?:question|problem))?"
    r"(?: (?:is|are|was|should be|would be|must be|will be|could only be))?"
    r"(?: (?:clearly|indeed|therefore|definitely|thus|most likely|likely|probably|both|either))*"
    r" ?[:=-]*[ \n:]*(?:(?:option|choice)s? )?"
    r"|(?<!n't )(?<!not )\b(?:choos(?:e|ing)|chose|select(?:ed)?|pick|go(?:ing)? with|opt for|answered)"
    r"(?: (?:the )?(?:option|choice|letter))?[ :]+)"
)
TENTATIVE = re.compile(r"可能|大概|也许|或许|probably|likely")
MAYBE = (
    r"(?:(?:(?<=[,。;:!?\n ])|(?<=但)|(?<=不过)|(?<=然而)|^)"
    r"(?:我(?:个人)?(?:认为|觉得|猜|想)?|那?也?(?:有可能|可能)|也?许|也许|大概|或许|估计|似乎|好像|貌似|应该|应当|要么|或者?)+"
    r"(?:答案)?(?:应该|应)?[是选为]*[ :]*"
    r"|(?i:\b(?:it )?(?:might|may|could)(?: also)? be |\b(?:maybe|perhaps|possibly|probably) )(?:option )?)"
)
NEGATION = (
    r"(?<!得)(?<!无)(?P<strong>(?:不(?:能|应该?|该|可以?|可能|要|会|宜|用|建议|再|考虑)*|没有?|绝非|无法|从未)选择?"
    r"|[别勿莫未]选|排除[了掉]?|剔除|(?i:\b(?:do|does|did|would|should|ca|wo|could)n't (?:choose|pick|select) (?:option )?))"
    r"|不包[括含]|(?:不|并非|而非|不应|绝不|不该)(?:可能|会|应|应该|能)?[是为]|并非|而非|绝非|不可能|既非"
    r"|(?<=[,。;:!?\n ])非(?= ?[A-Z])"
    r"|(?P<except>除去?了?(?!非)|(?i:\b(?:all|every(?:thing|one)?)(?: of (?:them|these|the above|the options))?"
    r"(?: options)? (?:except|but)(?: for)?(?: option)?))"
    r"|去掉|删[除去]|划掉|(?:错误|有误|不对|不正确)的?(?:选?项|说法|答案|表述)?(?:是|为|有|包括|:)[ :]*"
    r"|(?:[误错漏候备筛少若评竞]|假如|如果|要是|有人|有些人|同学|学生|考生|若是)选择?了?"
    r"|(?i:n't (?:be )?(?:option )?"
    r"|\b(?:not|neither|nor|cannot be|except|exclud(?:e|es|ed|ing)|rul(?:e|es|ed|ing) out"
    r"|eliminat(?:e|es|ed|ing)|never|(?:incorrect|wrong)(?: (?:options?|answers?|choices?))?(?: ?:| (?:is|are)))"
    r"(?: be| choose| select| pick| option)* ?)"
)
CORRECTION = (
    r"(?:更正|纠正|修正|改为|改成|重新(?:考虑|检查|审视)|等等|等一下|抱歉|对不起|(?i:\b(?:correction|wait|actually|sorry)\b))[,。.;!:… ]*"
    r"|(?P<retract>(?:(?<=[,。;!?\n …—-])|^)(?:不对|错了|不是?|(?i:no))(?:吧|啊)?(?= ?[,。.;!…—-]|$)[,。.;!… —-]*)"
)
HENCE = (
    r"(?:所以|因此|因而|故此?|综上(?:所述)?|由此可[知见]|可见|显然|于是|即(?!使|将)|也就是)[,:]? ?(?:本题|此题|答案)?"
    r"(?:应该?|应当|就|只能|只有)*[是为]?[ :]*"
    r"|(?:其实|应该|应当|应|而)(?:是|为)[ :]*"
    r"|(?:只|仅|就)剩(?:下|余)?了? ?|的(?:选?项|一项|说法)?(?:应该?|只|就)*(?:是|为|有)[ :]*|(?:是|为|属于|包括|有) "
    r"|(?i:\b(?:therefore|thus|hence|so),? (?:it(?:'s| is) |the answer )?(?:option |choice )?|\bit(?:'s| is) (?:option )?"
    r"|\bI(?:'d| would)? (?:say|think|believe|guess)(?: it's| it is)? (?:option )?)"
)
REST = (
    r"(?:其[余他它]|剩[下余])(?:的|[一二两三四五]个?|各|几|选项)*(?:选?项|说法|答案|者)*"
    r"|(?i:\b(?:the )?(?:others?|rest)(?: (?:options|choices|ones))? (?=are|is))"
)
EVERY = (
    r"(?:(?<=[,。;!:\n ])|^)(?:所以|因此|因而|故此?|综上(?:所述)?|本题|可见)*,?"
    r"(?:以上|上述|所有|全部|这?[三四五六]个?|各个?|各(?=项))+(?:选?项|选项|说法|答案|描述|表述|内容|者)*"
    rf"(?:[都均皆全]|全部)+(?:不|非)?(?:是|对|正确|可以?|符合|属于|选|错误?)+(?:的|题意)?{END}"
    r"|(?i:\ball (?:of )?(?:the |these )?(?:options|choices|statements|above|them|four)? ?are (?:correct|right|true))(?= (?:except|but)|$|[,.])"
)
TICK = r"(?:(?<=[\n,。; |])|^)(?:(?P<yes>[√✓✔✅☑])|[×✗✘❌✕]) ?(?=(?:选项)? ?[A-Z])"

_FIRST = (
    r"[A-Z\\<错正最标参恰合应所符准贴佳选而改更修纠结只单多答我那也许大或估要不别勿莫未排剔并非除去删划误漏候备筛少若评竞假"
    r"如有同学考重没绝无从既等抱对倾锁确因故综由可显于即其的是为属包剩回作输似好貌只仅毫就以上述全部这三四五六各本但可能n"
    r"nNeErRaAbBcCgGoOwWpPsStTiImMfFhHvVdD√✓✔✅☑×✗✘❌✕]"
)
MARK = re.compile(
    rf"(?={_FIRST})(?:(?P<correction>{CORRECTION})|(?P<negation>{NEGATION})|(?P<every>{EVERY})|(?P<rest>{REST})"
    rf"|(?P<maybe>{MAYBE})|(?P<cue>{CUE})|(?P<hence>{HENCE})|(?P<tick>{TICK})"
    r"|(?P<letter>(?<![A-Za-z0-9./\\&-])[A-Z]+(?![a-z0-9])))"
)

QUESTION = re.compile(r" ?(?:选?项)?(?:正确|对|的)?(?:(?:吗|么|嘛|呢|还是[^,。?\n]{1,8}) ?\??|\?)")
"""After letters: they are asked about, not stated."""
ALSO_POSSIBLE = re.compile(r" ?(?:也|同样)(?:行|可以?(?!排)|有可能|是可能|可能|说得通|有道理)"
    r"|(?i: (?:is also|could also be|might also be|also seems) (?:plausible|possible|reasonable|right))"
)
CONFIRMED = re.compile(r"[ \n,。]*(?:是的|对[,。!的]|没错|正确[,。!]|(?i:yes))")
INSTEAD = re.compile(
    r" ?[,;。、]? ?(?:而|应该?|应当|那|就|其实|正确的?|才)*(?:是|为|选择?)[ :]*|,? but(?: rather| instead)? (?:option )?|,? (?:it is|it's) "
)
"""After negated letters: what follows is the answer in their stead (``不是A，是D``)."""
AFTER_CORRECTION = re.compile(r"(?i:(?:I meant|it's|it is|it should be|make that) )?(?:那|而|应该?|应当|就|其实|正确的?|才|答案)*(?:是|为|选择?)?[ :]*")
OTHERS = re.compile(
    r" ?(?:选?项)?(?:之外|以外|外)?的?(?:选?项|选项)? ?,? ?(?=其|剩|别的|另外|[都均皆全])"
    r"(?:其[余他它]|剩[下余]|别的|另外)?(?:的|[一二两三四五六]个?|各|几|选)*(?:选?项|说法|答案|者)*"
    r"|(?= (?:are|is) )"
)
"""After an excepted letter: the others are spoken of."""
BESIDES = re.compile(r" ?(?:选?项)?(?:之外|以外|外)? ?,? ?(?:还有|还应该?选|还应?选|还包括|还要选)")
EITHER_OR = re.compile(r" ?,?(?:就是|便是|即是)")
"""After ``不是A``: one of the two, not the second."""
ALSO = re.compile(r" ?(?:选?项)?(?:之外|以外|外)? ?, ?")
IN_ADDITION = re.compile(r"(?:还|也|再|并)(?:要|需要?|应该?|应当|可以?|得|必须|会)?$")
ASKING_WHY = re.compile(r"为(?:什么|何|啥)(?:本题|此题|要|应该?|会|能)*$")
HYPOTHETICAL = re.compile(r"(?:如果|假如|假设|倘若|如若|要是|若(?!干)|\bif\b)[^。;!?\n]*$")
NEGATIVE_CLAUSE = re.compile(r"(?:不|错|非|无关|有误|误|除)[^,。;!?\n]*$")
