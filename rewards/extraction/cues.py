"""The words that state an answer: ``答案是``, ``故选``, ``正确选项``, ``answer is``, ``\\boxed{``.

Patterns on folded text (see ``spelling.py``). What stands before a cue may weaken it; see the last ones.
"""

from __future__ import annotations

import re


def one_of(words: str) -> str:
    """A pattern for any of the words, which blanks part."""
    return f"(?:{'|'.join(words.split())})"


END = (
    r"(?= ?(?:选项|项)?(?:吧|哦|呀|啊|啦|了|呗|呢|无疑|~)* ?"
    r"(?: (?:(?:to|for) me|for sure|of course|here|indeed|definitely|after all|(?:in|on|from|of) (?:the|your"
    r"|this) (?:list|options)(?: above)?|above))?(?:$|[,。;!\n\x03、.<|]))"
)
"""Where a clause may end; a question mark does not end a statement."""
CLAUSE_END = re.compile(END)
ANY_LETTER = re.compile(r"(?<![A-Za-z0-9'-])(?:[B-H]|A(?! [a-z]))(?![A-Za-z0-9'-])")
"""A letter that may be an option's, wherever it stands."""

_COPULA = (
    one_of("应该? 应当 就 只能 仅 只 分别 可以 依次 我")
    + "*+"
    + one_of("是 为 选(?!项)[择取用]? 包括 包含 有 填")
    + r"|(?:is|are)(?= )"
)
_LIST_MARK = r"(?: ?(?:[-•·]|\d{1,2}[.、 ]?)(?= ?[A-Z](?![a-z])) ?)?"
_TAIL = (
    rf" ?(?:{_COPULA})? ?(?:以下|下列|如下)?(?:[共前后]?[一二两三四五六][个项]?)?(?:,? ?分别(?=是|为|有))? ?"
    rf"(?:{_COPULA})?[:=→>|—~-]*[ \n]*{_LIST_MARK}[✓✔✅☑]? ?(?:{_COPULA})?[ :]*"
    r"(?:[仅只]有? ?(?=[A-Z]))?"
)
_SURELY = (
    one_of(
        "就 应该 应当 应 显然 只能 最终 可能 大概 也 当然 必然 必须 我认为 毫?无疑问? 及解析 与解析 确实 的确"
        " 实际上 其实 因此 所以 自然"
    )
    + "*+"
)
_BEST = "(?:最?" + one_of("恰当 合适 准确 贴切 合理 妥当 稳妥 适当 佳 优") + "|最符合)"
_SAYING = (
    one_of(
        "说法 表述 描述 叙述 一项 选?项 做法 处理(?:方式|方法|办法)? 方式 方法 回应 回答 理解 解释"
        " 措施 策略 顺序 (?:诊[断断]|診断)(?:结果)? 判断 类型 概念 术语 机制 疗法 技术 名称 分类"
    )
    + "?"
)

ADVERBS = (
    "(?: (?:clearly|indeed|therefore|definitely|thus|then|hence|most likely|likely|probably"
    "|both|either|actually"
    "|really|certainly|simply|obviously|also|still|only|in fact|of course|undoubtedly|again|now|therefore))*+"
)
BE = (
    rf"(?:(?:should|would|must|will|could|can|(?:would |will )?(?:therefore |thus |then )?ha(?:s|ve) to"
    rf"|ought to|appears to|seems to){ADVERBS} be"
    r"|is|are|was|were|remains|becomes)"
)
"""The English copula, with what may stand inside it (``must therefore be``)."""
_ONE_LINE_BELOW = (
    r"[ :]*\n ?(?:[-•·] ?)?(?=(?:[Oo]ption )?[A-Z](?![A-Za-z])[^\n]{0,160}(?:\n(?! ?[A-H] ?[.、:])|\Z))"
)
"""After a heading: a line with a letter, and no list of them."""
_BEST_ONE = (
    r"(?:closest|best|most (?:fitting|appropriate|suitable|accurate|likely|plausible|relevant"
    r"|reasonable|correct"
    r"|consistent|probable|precise))"
    r"(?: (?!wrong|incorrect|distractors?\b|mistake|trap|not\b|no\b|alternative|competitor|error"
    r"|misconception"
    r"|to\b|of\b|for\b|known|if\b|when\b)[a-z][a-z-]+){0,3}"
    r"|the [a-z]+(?: [a-z]+){0,2} that (?:best )?(?:fits|matches|describes|explains|captures|applies)"
    r"(?: (?:the|this|her|his|their) [a-z]+)?(?: (?:best|here))?"
)
_ENGLISH = (
    r"\b(?:(?<!wrong )an(?:sw|ws)er(?:s|'s| s(?= ?:))?|ans\b\.?|(?:correct|right|best|final|my)"
    r" (?:option|choice|selection|one|letter|statement)s?"
    r"(?: (?:from|in|on|of|among|out of) (?:(?:the|your|this|these|those|given|above|provided|listed) ?){1,3}"
    r"(?:list|options?|choices?|ones|alternatives|answers?|statements?|items?|set|four|five)?)?"
    r"|(?:correct|right)(?= ?:))"
    r"(?: (?:choice|option|here|key|letter))?(?: (?:to|for) (?:this|the) (?:question|problem))?"
    rf"(?:{ADVERBS} (?:{BE}|includes?))?{ADVERBS}"
    r"(?: (?:to be )?found in)?(?:\.{2,6} ?(?:drum ?roll(?:,? please)?[.! ]{0,6}"
    r"|wait for it[.! ]{0,6})?(?=(?:option )?[A-Z](?![A-Za-z])))?"
    r" ?[:=—–-]*[ \n:]*(?:[-•·] ?(?=[A-Z]))?(?:(?:only|just) (?=(?:option|choice)s? |[A-Z]\b))?"
    r"(?:the (?:first|second|third|fourth|fifth|last) (?:option|choice|one),? )?(?:(?:option|choice"
    r"|letter)s? )?"
    rf"|(?<!second )(?<!next )\b(?:{_BEST_ONE})(?: here| among (?:them|these"
    rf"|the options))? {BE}{ADVERBS}(?:[ :]+|{_ONE_LINE_BELOW})(?:option )?(?=[A-Z])"
    r"|(?<!n't )(?<!not )\b(?:choos(?:e|ing)|chose|select(?:ed|ing)?|lean(?:ing)? towards?|pick"
    r"|go(?:ing)? (?:with|for)|opt for"
    r"|answered)"
    r"(?: (?:the )?(?:option|choice|letter))?[ :]+"
    r"|(?=[rspaf](?:ecommend|uggest|ropose|dvise|avou?r|refer) )"
    r"(?:(?<=\bI )|(?<=\bWe )|(?<=\bwould )|(?<='d )|(?<=strongly )|(?<=highly )|(?<=therefore ))"
    r"(?<!not )(?:recommend|suggest|propose|advise|favou?r|prefer)(?: you)? "
    r"(?:the )?(?:(?:first|second|third|fourth|last) )?(?:option|choice|answer)[, :]+(?=[A-Z](?![A-Za-z]))"
    r"|\b(?:the following|these|those)(?: (?:options?|statements?|ones?|choices?))?"
    r" (?:appl(?:y|ies)|(?:is|are) (?:correct|right|true)) ?:[ \n]*"
    r"|(?<=\n)(?:assistant ?)?(?:final|answer|output|response)(?: answer)? ?\n[ \n]{0,2}"
    r"(?=(?:options? )?[A-Z](?![A-Za-z]))"
    r"|\bif (?:(?:I|you|we) (?:absolutely |really )?(?:had to|have to|must|were (?:forced|asked|pressed) to) "
    r"(?:pick|choose|guess|answer|say|select|decide|commit|give)|(?:pressed|forced|pushed)"
    r"(?: to (?:pick|choose|guess|answer|say|decide))?)(?: (?:only )?(?:one|an answer"
    r"|one of them|just one"
    r"|a letter))?(?:, ?(?:(?:it|that)(?:'d| would) be )?| ?: ?)(?:option )?(?=[A-Z](?![A-Za-z']))"
    r"|\b(?:letter|label|prediction|response|output|result|solution|conclusion|verdict|decision|selection"
    r"|final|assistant|bot|AI|model)"
    r"(?: (?:answer|choice|decision|result|output"
    r"|verdict))?(?: is)? ?:[ \n]*(?:option )?(?=[A-Z](?![A-Za-z]))"
    r"|\bif I (?:had|have) to (?:pick|choose|guess|answer)(?: one)?, (?:option )?(?=[A-Z](?![A-Za-z]))"
    r"|\bchoice ?: ?(?=[A-Z] ?\x03)"
    r"|\bmak(?:es|ing) (?:option |choice )?(?=[A-Z](?![A-Za-z]) the (?:only )?(?:correct|right|best) )"
)
CUE = (
    r"\\f?box(?:ed)? ?|(?i:< ?(?:final )?(?:answers?|ans|choice|option|result|response|output|letter"
    r"|selection"
    r"|prediction|final|答案|选项) ?>[ \n]*)"
    r"|答案(?:应该?|就|可以?)?(?:定[在为]|锁定[在为]?|落在|敲定为?|归[到于结为]"
    r"|指向)(?:了)? ?(?:选项 ?)?(?=[A-Z](?![A-Za-z]))"
    r"|答案(?:[不也就已]?(?:言自明|言而喻|问自明|呼之欲出|一目了然|显而易见|水落石出|浮出水面|清楚不过"
    r"|再明显不过))(?:了|啦)?[:,。]? ?(?=[A-Z](?![A-Za-z]))"
    r"|(?:题目|本题|题干|此题|该题)(?:所[求问指]|要[找选问]的?|的所求)(?:的)?(?:就|正|便|即)?(?:是"
    r"|为)?[: ]{1,2}(?=[A-Z](?![A-Za-z]))"
    r"|(?<!错误)答案[,。!~ ]{1,4}(?=[A-Z](?![A-Za-z]))"
    r"|(?:(?<=\n)|(?<=\n )|(?<=\A )|^)(?:结论|结果|小结|总结"
    r"|判断) (?=[A-Z](?:[、,和+ ]{0,2}[A-Z]){0,7} ?(?:[。.\n]|$))|(?:助手"
    r"|助理|机器人|模型) ?: ?(?=[A-Z](?![A-Za-z]))"
    r"|(?<!不)(?<!不[宜应能可该])(?<!不建议)(?:选用|采用|采取|选取|选择"
    r"|使用)的[^,。;:!?\nA-Z不非未]{1,6}(?:是|为|有|包括)[ :]*(?=[A-Z])"
    r"|(?:非要|硬要|一定要|必须|只能|不得不)选(?:择)?(?:一个|一项)?(?:的话)?, ?(?:那|就|我|会|选"
    r"|是){0,4}(?=[A-Z])"
    r"|(?:(?:最终|最后|分析)的?)?(?:结果|结论|(?:匹配|对应|符合题意)的?选项|答案填写)(?:是"
    r"|为)? ?: ?(?=[A-Z](?![A-Za-z]))"
    r"|(?<!错误)答案[^,。;:!?\nA-Z不非没未无勿除在]{1,8}?(?:是|为|选) ?(?=[A-Z])"
    r"|(?<!错误)答案(?:已经|也|就|其实|很|十分|非常)*+(?:明显|明确|清楚|显而易见|明了)[:,是为]+ ?(?=[A-Z])"
    rf"|(?<!错误)(?<!非)(?:正确|最佳|最终|标准|参考)?的?(?:答案|正解)(?:的?(?:组合|集合"
    rf"|搭配))?{_SURELY}{_TAIL}"
    r"|(?<![解问应])(?:答|回答|作答|回复|输出)(?:(?:应该?)?[是为] ?:?| ?:)[ \n]*"
    rf"|(?<!不)(?<!非)(?:正确|{_BEST}|最终|应选|所选)的?(?:选择|选?项)"
    rf"(?:的?(?:集合|组合|编号|序号|字母|代码|代号))?{_SURELY}{_TAIL}"
    rf"|(?<!不)(?<!不[太够很大])(?:正确|对|符合题意|符合要求|{_BEST})的?{_SAYING}"
    r"(?:(?:应该?|只|仅|就|便)*+(?:是|为|有|包括)| ?:)(?: ?:\n{1,2})?[ :]*"
    r"|(?<!可供)选(?!项)(?:择|取|用|了|定|出|中|填)*+(?:的?(?:选?项|答案|一项|内容))?(?:的?应?是|的|为)?"
    rf"{_TAIL}"
    r"|(?<!不)(?<!不宜)(?<!非)(?:首选|最佳|最优)的?[^,。;:!?\nA-Z不非]{1,6}(?:是|为) ?(?=[A-Z])"
    r"|(?<!迷惑)(?<!干扰)(?<!易错)选项(?:应该?)?(?:是|为)[ :]*(?=(?:选项)? ?[A-Z])"
    r"|(?:改|更正|修正|纠正)(?:是|为|成)[ :]*|(?:更正|修正|结论)后? ?(?::|是|为) ?"
    r"|(?:倾向于?|锁定|(?<![不敢能法])确定(?:是|为))(?:选择?|选项)?[ :]*(?=[A-Z])"
    r"|[单多]选题?(?: ?: ?| (?=[A-Z]))"
    rf"|(?i:{_ENGLISH})"
)
ODD = (
    r"(?:(?<!没)(?<!无)错误?|有误|不对|不正确|不恰当|不当|不妥当?|不合适|不适当|不适宜|不准确|不合理|不成立"
    r"|不科学|不相?符合?|(?:唯一)?(?:说不通|讲不通|站不住脚?|配错|说错|弄错|靠不住)"
    r"|(?:不(?:属于|包括|包含|是|能|会|应|应该|符合|具有|需要|宜|可以)"
    r"|无关)[^,。;:!?\nA-Z的]{0,20}(?:的[^,。;:!?\nA-Z的]{1,8})?)的"
    r"(?:说法|表述|描述|叙述|陈述|观点|理解|做法|判断|一?项|内容|[选]项"
    r"|(?:那?一)?[组条对种句项个])?(?:应该?)?(?:[是为有]|包括"
    r"|:)[ :]*(?=(?:选项)? ?[A-Z])"
    r"|错就错在 ?(?=(?:选项)? ?[A-Z])|(?:问题|毛病|错误)(?:就|正)?出在 ?(?=(?:选项)? ?[A-Z](?![A-Za-z]))"
    r"|最不[^,。;:!?\nA-Z的]{1,20}的(?:一?项|选项)?(?:应该?)?[是为][ :]*(?=(?:选项)? ?[A-Z])"
    r"|(?:例外|特例|除外)的?(?:一?项|选项)?(?:[是为]| ?:)[ :]*(?=(?:选项)? ?[A-Z])"
    r"|(?i:\b(?:the )?(?:incorrect|false|wrong|untrue|inaccurate) (?:statement|one|option"
    r"|description)s? is[ :]+"
    r"(?:option )?|\bthe (?:exceptions?|odd one out)(?: here|, then,)? (?:is|are|must be)[ :]+(?:option )?"
    r"|\bthe (?:one|option|statement|choice|answer) (?:that|which) "
    r"(?:is not|isn't|does not|doesn't|is incorrect|is false|is wrong"
    r"|cannot)(?: [a-z]+){0,10} is[ :]+(?:option )?)"
)
"""Words that name the wrong ones: the answer where the question asks for them."""
SOFT = (
    r"(?:(?:考虑|诊断)(?:为|是)?[: ]?|当属|首推|指向|落[在到]|投给|(?<!不)在于|莫过于"
    r"|归[入到于为])(?:选项)? ?(?=[A-Z](?![A-Za-z]))"
    r"|[与和跟](?:选项)? ?(?=[A-Z](?:选?项)?(?:同义|一致|吻合|相符|对得?上|是一回事))"
    r"|(?:对应于?(?! ?选项)|符合|属于|就是|指的是)[:是为的]* ?(?:选项 ?)?(?=[A-Z])"
    r"|[最更][为加]?(?:接近|贴近|贴合|吻合|契合|像)于? ?(?:选项 ?)?(?=[A-Z])"
    r"|(?:是|为)(?=[A-Z](?![A-Za-z]))"
    rf"|(?i:\b(?:which|that|this|it)(?:(?:'s| is) going to be|'s|'d be|'ll be|'s got to be| {BE}"
    rf"| corresponds to| matches"
    rf"| points to){ADVERBS} (?:options? "
    rf"|choices? )?"
    r"|\b(?:correspond(?:s|ing)? to|match(?:es|ing)|point(?:s|ing) to|i\.e\.,?|namely,?) (?:option |choice )"
    r"|\b(?:explanation|answer|solution|key|difference|reason) (?:lies|rests|is found"
    r"|is to be found) (?:in|with) "
    r"(?:option |choice )?"
    rf"|(?<!\bas )(?<!\bso )(?<!nor )(?<!neither )\b{BE}{ADVERBS} (?:options? "
    rf"|choices? )?)(?=[A-Z](?![A-Za-z]))"
)
"""Words that may conclude, and often do not: for letters that end the clause, where nothing else is said."""
_INTRODUCES = (
    r"therefore|thus|hence|so|consequently|overall|finally|ultimately|i\.e\.|namely"
    r"|in (?:conclusion|summary|short|sum|other words)|to (?:conclude|sum up|summari[sz]e)"
    r"|(?:by|through) (?:the )?(?:process of )?elimination"
    r"|(?:after|based on|given|on) (?-i:[a-z ]{4,40})(?=[,:])"
)
"""English words before a conclusion."""
HENCE = (
    one_of("所以 因此 因而 故此? 综上(?:所述)? 由此可[知见] 可见 显然 于是 即(?!使|将) 也就是")
    + r"[,:]? ?(?:本题|此题)?(?:不就|不正|应该?|应当|就|只能|只有)*+[是为]?[ :]*"
    r"|(?<=[,。;\n ])(?:这|可)?不[就正]是 ?(?:选项 ?)?(?=[A-Z](?![A-Za-z]))"
    r"|(?:其实|应该|应当|应|而)(?:是|为)[ :]*|(?:只|仅|就)剩(?:下|余)?了?(?:选项)? ?"
    r"|(?<=[,。;\n ])猜测?[是选]? ?|的(?:选?项|一项|说法)?(?:应该?|只|就)*+(?:是|为|有)[ :]*|(?:是|为|属于"
    r"|包括|有) "
    rf"|(?i:\b(?:{_INTRODUCES})[,:]? (?:(?:it|that|this)(?:'s| is| must be| has to be) )?"
    r"(?:must be |should be |both |only |just )?(?:option |choice |letter )?"
    r"|\bleav(?:es|ing) (?:us with |only |just )?(?:option |choice )?(?=[A-Z](?![A-Za-z]))"
    r"|\blooks like (?:option |choice )?"
    r"|\bit(?:'s| is) (?:option )?"
    r"|\bconclud(?:e|ed|es)(?: that)? (?:it is )?(?:option )?"
    r"|\bI(?:'d| would)? (?:say|think|believe|guess)(?: it's| it is)? (?:option )?)"
)
"""Words that conclude without a cue: for letters that end the clause, where nothing is declared."""
MAYBE = (
    r"(?:(?:(?<=[,。;:!?\n ])|(?<=但)|(?<=不过)|(?<=然而)|^)(?:"
    + one_of(
        "我(?:个人)?(?:认为|觉得|猜|想)? 那?[也更最]?(?:有可能|可能) 也?许 也许 大概 或许 估计"
        " 似乎 好像 貌似 应该 应当 要么 或者?"
    )
    + r")++(?:答案)?(?:应该|应)?[是选为]*[ :]*"
    r"|(?i:\b(?:it )?(?:might|may|could)(?: also)? be |\b(?:maybe|perhaps|possibly|probably"
    r"|(?<!less )likely) )(?:option )?)"
)

TENTATIVE = re.compile(one_of("可能 大概 也许 或许 probably likely"))
"""In a cue: the statement is hedged by itself."""
HYPOTHETICAL = re.compile(
    one_of("如果 假如 假设 倘若 如若 要是 若(?!干) \\b[Ii]f\\b")
    + r"(?:(?!但|不过|然而|可是|而本|故|所以|因此|\bbut\b|\. )[^。;!?\n])*+$"
)
ANOTHER_QUESTION = re.compile(
    r"题[^,。;]{0,4}(?:问|强调|改|换|考|变)|问的?是"
    r"|(?i:\b(?:question|stem|item) (?:(?:had|was|were|is|has) )?"
    r"(?:asked|asking|about|been|meant|said|read|worded)\b"
    r"|\basked (?:about|for|which|what)\b)"
)
"""In a condition: another question is answered than the one asked."""
FORCED = re.compile(
    r"必须|一定|非要|硬要|只能|只许|要选|选一|单选|(?i:\b(?:must|have to|had to|forced|only one|one answer"
    r"|guess)\b)"
)
"""In a condition: an answer has to be given, so what follows is it."""
FIRST_THOUGHT = re.compile(
    r"(?i:\b(?:first|initial|original|earlier) (?:thought|instinct|reaction|impression|guess|answer"
    r"|choice|idea|pick)"
    r"(?: here| on this)?(?: (?:was|had been|would have been))? ?"
    r"|\b(?:at first|initially|originally|first),? (?:I|one|you|we|it)\b(?:(?!\b(?:but|now)\b)[^.!?\n])*)$"
    r"|(?:一开始|起初|最初|原本|原先|本来)(?:我|以为|觉得|认为|也?想要?|打算|准备|会|可能|差点|的?答案)*$"
)
"""Before a cue: it was thought first, and is not said to be so."""
PAST = re.compile(one_of("此前 先前 之前 原先 起初 最初 一开始 原本") + r"[^。;!?\n但后现改正应错误]*$")
ASKING_WHY = re.compile(r"为(?:什么|何|啥)(?:本题|此题|要|应该?|会|能)*+$")
IN_ADDITION = re.compile(r"(?:还|也|再|并)" + one_of("要 需要? 应该? 应当 可以? 得 必须 会") + "?$")
EXAMPLE = re.compile(
    r"(?:例如|比如|譬如|例|诸如|示例|样例|举例|格式(?:为|是|如下|示例)?|形式(?:为|如下)?"
    r"|(?<![\u4e00-\u9fff])如"
    r"|(?i:for example|for instance|e\.g\.?|\bexamples?(?: answer| output)?|\bformat|such as"
    r"|in the form(?: of)?|look like|formatted (?:like|as)))"
    r" ?[:,]? ?(?i:the |your )?\Z|(?i:\bfor (?:example|instance),? if [^.\n]{0,20}\Z)"
)
"""Before a cue: it is an example of how to answer."""
EXAMPLE_AFTER = re.compile(
    r"[ \x03。]{0,3}(?:的|这样的|这种|等)(?:格式|形式|样式|模板|方式)|(?i: (?:format|form)\b)"
)
"""After letters: the same."""
PLEASE = re.compile(
    r"(?:请|务必|需要?你|要求|你(?:应|要|需要?|可以))[^,。;:!?\nA-Z]{0,12}\Z"
    r"|(?i:\b(?:please|you (?:should|must|can|need to)) \Z)"
)
"""Before a cue: the reader is told to answer."""
NONE_IS = re.compile(
    r"(?i:\b(?:none|neither)(?: of [^.,;:!?\n]{1,60}?)? (?:is|are|was|were|seems?|looks?)"
    r"(?: (?:the|an?|actually|strictly|really|fully|entirely|completely))*"
    r"|\bno(?: single| one)? [a-z]+(?: [a-z]+){0,6}? (?:is|are|was|were)(?: the| an?| fully| strictly)?"
    r"|(?:\b(?:is|are|was|have|has|be|see|find|with) no|n't an?y?)(?: single| one| really| fully)?)"
    r"(?: (?:correct|right|best|good|valid|suitable|proper))? ?\Z"
    r"|(?i:\b(?:none|neither|not (?:all|any)) of ?\Z)"
    r"|(?:没有?|无|不存在|找不到|未?见)(?:任何|完全|真正|严格|哪|一|个|项|选|答案|说法|描述|表述|内容|是|的"
    r"|所谓|意义上"
    r"|合适|最佳){0,8}\Z"
)
"""Before a cue: nothing is the answer (``None of these is correct: A is …``)."""
NEGATIVE_WORDS = re.compile(
    r"(?i:\b(?:not|cannot|never|except|unlike|least|incorrect|wrong|false|distractors?|mistake|trap|doubt"
    r"|unlikely)\b"
    r"|n't\b)[^,.;!?\n]*$"
)
NEGATIVE_CLAUSE = re.compile(r"(?:不|错|非|无关|有误|误|除|未必|迷惑|干扰|混淆)[^,。;!?\n]*$")
