"""The words after letters that judge them: right, wrong, or declared to be the answer."""

from __future__ import annotations

import re

from rewards.extraction.cues import ADVERBS, BE, END, one_of

_COUNT = r"(?:[这以]?上?[一二两三四五六]个?(?:选?项|者|种|说法){0,4}|同时|二者|两者)?"
_SAYING = (
    "(?:(?:这样的|(?:所(?:描述|提到|述|说)|[中里])?的|[该此这本其](?:一|个|种|项|条)?)?"
    + one_of(
        "说法 搭配 配对 组合 表述 描述(?:的(?:情况|内容|现象|行为"
        "|特征))? 所述 观点 内容 叙述 陈述 论述 理解 判断 做法 选项 回应 回答 回复 反应 处理(?:方式|方法)?"
        " 方式 方法 方案 措施 策略 解释 定义 特征 特点 概念 含义 内涵"
    )
    + ")?"
)
_ADVERBS = one_of(
    "均 都 皆 也 同样 其实 实际上 本身 则 才 就 显然 明显 肯定 一定 完全 全部? 是 为 可(?!能|行|取"
    "|选)以? 应该? 应予"
    " 应当 能 故 所以 因此 并 相对 高度 非常 十分 很 更 最 比较 较 仅 只有 属于 此"
)
AMONG = (
    r"(?:在?(?:这里面?|[这其]中|(?:[这以上述]{0,2}[几三四五各]个?|所有)(?:选?项|选项|答案|回应|回答|说法"
    r"|做法)?"
    r"(?:里面?|当中|之?中)))"
)
_LEAD = (
    rf" ?{_COUNT}{_SAYING}[ :=→—–-]*{_ADVERBS}{{0,8}}"
    rf"(?:(?=[在这其以上述几三四五各所]){AMONG}{_ADVERBS}{{0,3}})? ?"
)
THE_ONE = r"的?(?:(?:一?[个项种条]|选择|选项|答案|回应|回答|回复|反应|做法|处理|解释)?(?:方式|方法)?)"
"""After a superlative: what is so."""
_STOP = r"(?= ?(?:$|[,。;!?\n\x03、.|<]|(?-i:[A-Z](?![a-z]|[A-Z]*[I-Z]))))"
_HEADS = (
    r" ?(?:(?:(?:选?项|说法|的)*+(?::|是|为)|(?: ?(?:options?|ones?|answers?|choices?|statements?))?(?: ?:"
    r"| is| are))"
    r" ?(?:选项|options? )?[A-Z](?![A-Za-z]))"
)
"""After a verdict: it heads the letters that follow (``A, B. Incorrect: C``)."""

WRONG = re.compile(
    rf" ?(?:是|为)错误的?(?:选项|答案|项|说法|描述)|{_LEAD}(?:错误(?!的[是有为]|选项|答案)(?!{_HEADS})"
    rf"|(?:配|说|讲|做|用|写|答|弄|搞|记|归|匹配|对应)得?(?:不对|错)了?{_STOP}|(?:不可选|不可取|不可行"
    rf"|不支持|不匹配|不对应|不到位"
    rf"|不靠谱|不属实|站不住脚?|说不通|讲不通|不搭界?|言过其实|夸大其词){_STOP}"
    rf"|(?:是|为)?(?:唯一)?(?:需要|应当?|应该?|要|该)?(?:被)?(?:淘汰|排除|剔除|划掉|去掉|删掉"
    rf"|出局)的(?:那?一?[个项条]|选项)?{_STOP}"
    rf"|把[^,。;:!?\nA-Z]{{1,14}}?(?:[说弄搞讲]|给)*(?:反|颠倒|错|混|混淆)了{_STOP}"
    rf"|错的(?![是有为])|错在|就?错了|说?反了|颠倒|错{_STOP}"
    rf"|否{_STOP}|[×✗✘❌✕]"
    rf"|不正确(?!的[是有为]|选项)(?!{_HEADS})|不对(?!的[是有为])(?!{_HEADS})|不合适|不恰当|不准确|不成立"
    rf"|有误|不妥|不科学|不严谨|欠(?:妥|准确|严谨)|不(?:太|够|很|大|完全|尽)(?:合适|恰当|准确|妥当?|严谨"
    rf"|正确|对|合理|贴切|符合)|(?:有点|比较|略显|过于)?牵强|无关"
    r"|(?:与[^,。;\nA-Z不]{1,10})?不(?:相符|符|一致|吻合)合?(?:题[意干目]|要求)?|不合题意"
    r"|(?:不选|不应?选|不能选|不要选|被?(?:排除|划[掉去]|去掉|剔除|删[掉去]|淘汰)|出局|除外"
    r"|不考虑)(?! ?[A-Z])"
    r"|(?:并?不(?:是|属于|包[括含]|具[备有])|非)(?! ?[A-Z])"
    rf"|(?:并?不(?:会|能|可以?|需要|应该?)|没有){_STOP}"
    rf"|(?i: (?:does|do|did)(?: not|n't)(?: (?:belong|apply|fit|qualify|match|count)\b|\b{_STOP}))"
    r"|(?:是(?:个|一个|唯一的?)?)?例外|不在(?:其中|此列|[^,。;\nA-Z]{1,10}之[列中内])"
    r"|与[^,。;\nA-Z不]{1,12}无关"
    r"|(?i: (?:is|would be|must be|stands out as|remains|was) (?:the|an) (?:exception|odd one out|outlier)\b)"
    rf"|(?i:no\b(?= ?(?:$|[\n.;|]|,(?! ?(?:hold|wait|sorry|actually|that|let|I)\b)))|(?:is |are "
    rf"|both ){{0,2}}(?:incorrect|wrong|false|inaccurate|invalid|untrue|unsupported)\b(?!{_HEADS})"
    r"|(?:is |are |can be )(?:not|ruled out|excluded|eliminated)\b|(?:would|could) be (?:wrong"
    r"|incorrect|a mistake)\b|(?:would|could|should|can)(?: not"
    r"|n't) be\b|cannot be\b|(?:isn't|aren't)\b))"
)
RIGHT = re.compile(
    rf"{_LEAD}(?:正确(?!的[是有为]|率|性|地|理解|选项|答案)|对的|无误|没有?错误?{_STOP}"
    rf"|(?:配|说|讲|做|用|写|答|理解|匹配|对应|搭配)得(?:对|好|通|到位|没错)?(?<=[对好通位错]){_STOP}"
    rf"|没有?(?:什么|任何|大)?问题{_STOP}"
    rf"|(?:可选|可取|可行|支持|可以(?= ?,(?:而|但)?[A-Z](?:[、,和与]?[A-Z]){{0,4}} ?(?:则|就|都)?不(?:可以?"
    rf"|行|能))|到位|站得住脚?|靠谱|没说错|照单全收){_STOP}|属实{_STOP}"
    rf"|成立{_STOP}|是{_STOP}|[√✓✔✅☑]|[○◯⭕](?= ?(?:$|[,。;!\n]|[A-H]))"
    r"|对(?= ?(?:$|[:,。;!?\n\x03、.|<]|[A-Z] ?(?:错|对)))"
    rf"|符合(?:题意|题干|要求|描述){{0,2}}{_STOP}|符合(?:题意|题干)|与[^,。;\nA-Z不]{{1,12}}(?:相符合?|符合"
    rf"|吻合|一致|匹配)|(?:相符合?|相?吻合|相?一致|相?匹配){_STOP}"
    rf"|(?<=是)(?<=才是)[^,。;:!?\n\x03A-Z不非没无]{{2,20}}的{_STOP}"
    rf"|的?可能性(?:最|更|较)[大高]|更有可能|没(?:问题|毛病){_STOP}|(?:恰当|合适|贴切|准确|合理|妥当?|得体"
    rf"|可取|佳|优"
    rf"|好){THE_ONE}{_STOP}"
    r"|[来去]?(?:解释|说明|描述|概括)[^,。;:!?\n\x03A-Z不非没]{1,14}?最(?:为)?(?:恰当|合适|贴切|准确|合理|好)"
    rf"|[中里]?的[^,。;:!?\n\x03A-Z不非没]{{1,14}}?(?:才?是|[为就]?){AMONG}?最(?:为|能)?(?:恰当|合适|贴切"
    rf"|准确|合理|妥当?|得体|可取|佳|好){THE_ONE}{_STOP}|(?:要|可|必)?选(?:上"
    rf"|入)?{_STOP}"
    r"|最(?:为|能)?(?:符合|接近|贴近|适合|恰当|合适|准确|贴切|合理|佳|可能|能)(?![^,。;\n]{0,12},?但)"
    r"|比 ?(?:选项)?[A-Z][A-Z、和与]{0,6}(?:选?项)?(?:要|都|还|显得)?更(?:为|加|能)?"
    r"(?:符合|接近|适合|合适|恰当|准确|贴切|合理|全面|好|佳|优)"
    r"|(?i:(?:is|are|seems|would be) (?:a |the )?better\b|yes\b(?= ?(?:$|[\n.,;|])))"
    rf"|(?i:(?:{BE}{ADVERBS}(?: to be)? )?(?:both |all |also |equally ){{0,2}}"
    r"(?:correct|right|true)\b(?! (?:option|answer|choice|if|when|only|unless|provided|had"
    r"|under (?:other|different)"
    r"|(?:of|for|in|to) (?:neither|none|no|another|an?other|a different|other|different)\b)))"
    rf"|(?i: (?:both |all |also |does |do ){{0,2}}(?:fits?(?: best| better)?|appl(?:y|ies)|qualif(?:y|ies)"
    rf"|belongs?"
    rf"|remains|makes? (?:the |more |most |perfect ){{0,2}}sense)(?:{_STOP}"
    r"|(?= (?:because|since|and so (?:is|are|does|do))\b))))"
)
_THIS = (
    r"(?:th(?:e|is|at|ese)(?: [a-z]+){0,2} (?:question|description|definition|criteri(?:a|on)"
    r"|scenario|situation"
    r"|case|statement|stem|phenomenon|concept|idea|requirements?|conditions?|vignette|pattern|picture"
    r"|symptoms)"
    r"|this|it|these|what (?:the question|is|was|we)|here)\b"
)
CHOSEN = re.compile(
    r"(?i: (?:should|must|are to|is to|needs? to|ha(?:ve|s) to|ought to|can)(?: all"
    r"| also)? be (?:selected|chosen"
    r"|marked|checked|ticked|picked|circled)\b"
    r"|,? (?:is|are) what (?:the question|we|you|they|is being)\b"
    r"|,? (?:is|would be|are) the [a-z]+(?: [a-z]+)?,? (?:(?:that|which) (?:matches|fits|applies"
    r"|is (?:described|asked"
    r" for|shown|meant|being described)|the question (?:describes|asks for))|in question|described"
    r"|shown here)\b"
    r"|,? (?:is|are) (?:clearly |thus |therefore )?(?:the|our) (?:only )?(?:(?:one|two|three|four|pair)"
    r"(?: (?:options|choices|items|answers|statements|ones))? (?:here |listed )?(?:that|which) (?:really "
    r"|actually |clearly |best |both |all )?(?:fit|match|apply|qualify|belong|count|work|do)(?: (?:it|this"
    r"|here|the (?:description|definition|question|stem|criteria|bill)))?|(?:clear |clearest |best |one )?(?:"
    r"example|instance|illustration)s? (?:of (?:this|it|that|such a [a-z]+)|here|listed|given|asked for))"
    r"(?= ?(?:$|[.,;:!\n]| [—–-]))"
    r"|,? (?:all |best |perfectly |clearly |correctly |accurately |precisely "
    r"|exactly ){0,2}(?:meets?|fits?|match(?:es)?"
    r"|captures?|describes?|satisf(?:y|ies)|illustrates?|exemplif(?:y|ies)|answers?|reflects?|belongs?"
    r"|appl(?:y|ies))"
    rf"(?: to| with| in)? {_THIS}(?! (?:but|only if|less|poorly))"
    rf"|,? (?:stands alone|does the (?:job|trick)|is what (?:would|will|should|does) (?:count|apply|qualify"
    rf"|fit|work)"
    rf"|are(?: therefore| thus| then)? what (?:would|will|should|do|does) (?:count|apply|qualify|fit|work)"
    rf"|it is|do(?:es)? belong(?: to it| here| there)?"
    rf"|fill[s]? the (?:bill|gap|blank)|carr(?:y|ies) the day){END}"
    rf"|,? (?:wins|stands out(?: as (?:correct|the (?:correct |right |best )?(?:answer|option|one"
    rf"|choice)))?|count"
    rf"|looks right to me|is it|is the case here){END}"
    rf"|,? (?:(?:is|would be|are|would all be) (?:all )?(?:our|your|accurate|valid|the way to go"
    rf"|correct answers)"
    rf"(?: final)?(?: answers?)?){END}"
    rf"|,? (?:is spot on|gets my vote|comes closest|is the only (?:sensible|reasonable|plausible|logical"
    rf"|possible|viable) "
    rf"(?:one|choice|option|answer)){END})"
    r"| ?(?:选?项)?(?:是|正是|就是|也是|都是)?(?:应当?|应该?|应予|需要?|要|可以?|该)(?:勾选|选择|选|挑|找)的?"
    r"(?:那?[一两二三四][个项条种]|选项|答案)?(?=$|[,。;!\n])"
    r"| ?(?:这?[两三四五][个项]|选?项|全部?|都){0,3}(?:圈|勾|挑|选|标)(?:选?出来|上|起来|出)(?:来)?(?:(?:即"
    r"|就"
    r"|便)(?:可以?|行|好|是)(?:了|啦)?)?"
    r"(?=$|[,。;!\n])"
    r"|(?:选?项)?(?:正|就|也|都|均|即|恰恰?|恰好|正好|确实|完全|所){0,3}(?:体现|反映|描述|符合|对应|满足"
    r"|表达|是)(?:了|的)?"
    r"(?:就是|正是)?(?:这一点|这一?种[^,。;\n不]{1,6}|题[干目意]?(?:所[述问指]|要求|描述"
    r"|中)[^,。;\n不]{0,8}|题目描述|题目要的"
    r"|我们要找的|需要选的|上述[^,。;\n不]{1,8})(?=$|[,。;!\n])"
    rf"|(?:选?项)?(?:正|就|便|才|恰恰)是(?:这样的|这[种类一][^,。;\n不]{0, 6}的?|此类的?|其)(?:典型)?(?:的)?"
    rf"(?:例子|实例|例证|一例|事例){END}"
    rf"|(?:选?项)?(?:胜出|为宜|最像|是(?:本题的?)?正解|[为即]正解|恰好符合|正好符合|无疑){END}"
)
"""After letters: they are what the question is after, in words that name the question."""
BELONGS = re.compile(
    r"[ :→=—–-]{0,4}(?:选?项)?(?:也|都|均|皆)*+(?P<verb>属于|包[括含]|具[备有]|[是有会能])(?=$|[,。;!?\n、.])"
    r"| (?:is|are|does|do|belongs|applies|qualifies)(?= ?(?:$|[,;.\n]))"
)
"""After letters: a verdict in the question's own verb (``A属于，B不属于`` where 属于… is asked for)."""
DONE = re.compile(
    r" (?:is|are)(?: also| well| clearly| both| all)? (?P<done>[a-z]{4,12}ed)\b(?= ?(?:$|[,.;\n]"
    r"|e\.g|[A-Z]|the |an? |see ))"
)
"""After letters: what has been done to them, which the question may ask for (``A is supported``)."""
ANNOUNCED = re.compile(
    r" ?(?:才|就|均|都|皆|全|应该?|应当|可以?){0,4}(?:(?:是|即?为|即是?)(?:本题|该题|此题|这道题)?的?"
    r"(?:最佳|唯一|最终|标准|正确|合适|恰当|应选|最)*的?(?:答案|选项|选择|所求|正解)"
    rf"|(?:选?项)?也?(?:当选|入选)|应选{END}|莫属|[全都均皆](?:要|应该?|应)?选)"
    r"|(?i: as (?:the|my) (?:correct |best |right |final )?(?:answer|option|choice|one)s?\b)"
    r"|(?i: it is(?= ?(?:$|[.!\n,—–:-])))"
    rf"|(?i: ?(?:{BE}|seems|appears|looks){ADVERBS}(?: to be)? (?:the|my) (?:only |best |final "
    rf"|strongest )?(?:correct |right "
    rf"|best |most appropriate )?"
    r"(?:(?:answer|option|choice|one|fit|match|conclusion|solution|response)s?\b(?! if\b)"
    r"|(?<=correct )(?:statement|completion|ending|phrase|word|sentence|item|letter|term|pick"
    r"|description|claim)s?\b(?! (?:if|of|for)\b))"
    rf"|:? (?:{BE}|seems|appears|looks)(?: to be)?(?: by far| indeed| clearly| therefore| thus)* "
    r"(?:the )?(?:closest|best(?! to| of (?!the|these|all))|more accurate(?! than)|most (?:fitting"
    r"|appropriate|suitable|accurate|likely"
    r"|plausible|consistent"
    r"|reasonable|relevant|probable|correct|precise))\b"
    r"|:? (?:best|most (?:accurately|closely|directly)) (?:fits|matches|describes|explains"
    r"|captures|reflects|answers"
    r"|represents|aligns|fit|match|describe|explain))"
)
"""After a group of letters: the letters are declared to be the answer."""
_ELECTED = re.compile(" ?(?:选?项)?(?:均|都|也)?(?:当选|入选|应选)(?!的)")
"""After letters: the same, which may be said of several letters one by one."""
REJECTED = re.compile(r"不|错|误|非|无关|相反|排除|(?i:\b(?:not|wrong|incorrect|false|ruled?)\b)|n't\b")
"""Before letters in their sentence: others are no answer, and no list with these."""
THE_OTHERS = re.compile(
    r"(?i:\bothers?|\bthe rest|\bremaining)(?: [a-z]+)?[ ,]{0,2}\Z|(?:其[余他它]|剩[下余])[^。;,\n]{0,4} ?\Z"
)
"""Before letters: they are what has not been chosen."""
NO_MYTH = re.compile(
    r" (?:is|are)(?: both| all| actually| indeed| in fact)? (?:true|accurate|factual|facts?)\b"
    r"|[^。;,\n]{0,6}(?:属实|事实|(?:正确|科学|合理|准确)的?(?:认识|理解|观点|看法|知识|观念|说法|表述|描述))"
)
"""After letters: they are true, which is no answer where misconceptions are asked for."""
LABEL = re.compile(
    r" ?[.、:,|=] ?(?=[正错不对√✓✔✅×✗✘❌是否符成无属包具有会能cCtTiIfFwWnNyY]"
    r"|(?:[该此这本其](?:一|个|种|项|条)?)?(?:说法|[表描叙陈论]述|选项))"
)
"""Between a letter and a verdict on it: ``A. 正确``, ``A：该说法错误``, ``| A | 正确 |``."""
YET_NOT_CHOSEN = re.compile(
    r"[^。;\nA-Z]{0,12}但(?:是)?[^。;\nA-Z]{0,12}"
    r"(?:不符|无关|不选|不合题意|不是本题|并非本题|不应?选)"
)
"""After a verdict: the item is right in itself, but no answer to the question."""
CLAIMS = re.compile(
    r" (?:is (?:consistent|compatible|in line|left)|accounts for|meets|survives|remains|stands|holds|passes"
    r"|qualifies|works|does|makes sense|fits|describes|matches|applies|captures|reflects|satisfies|answers"
    r"|corresponds|explains"
    r"|represents|involves)\b"
    r"|(?:选?项)?(?:说得通|讲得通|能(?:够)?解释|可以(?=[。,])|描述|体现|反映|符合|涉及|属于|提到|说明|表达"
    r"|满足)"
)
"""After the only letter: what it alone does, which is why it is chosen."""
SO_ARE = re.compile(r" ?(?:all )?(?:are|do|apply|count|qualify|fit|belong)(?: so)?(?= ?(?:$|[.,;\n]))")
"""After "the others": the same in short (``C is not. All of the others are.``)."""
SO_IS = re.compile(r"(?i:,? ?(?:and )?(?:so|as) (?:is|are|does|do) (?:option )?)")
"""After a verdict: the same of other letters (``A is correct, and so is D``)."""
TEXT_RIGHT = re.compile(
    rf"(?:(?:是|才是|才)?(?:正确|对)的?{_STOP}|(?i: (?:is|are)(?: all)? (?:correct|right)\b)"
    rf"| (?:all )?(?:apply|count|qualify){_STOP}|(?:最|更)?(?:为|能)?符合(?:题意|题干|要求)?{_STOP}"
    rf"|(?:最|更)(?:为|加)?(?:合适|恰当|贴切|准确|合理){_STOP}| (?:comes closest|fits best"
    rf"|best fits(?: [a-z]+){{0,3}}"
    rf"|is what is (?:being )?(?:meant|described|asked)|is the (?:right |correct )?(?:term|word"
    rf"|name)(?: for this| here)?){_STOP})"
)
TEXT_WRONG = re.compile(
    rf"(?:是|的说法|的说法是)?(?:错误|不正确|不对|错|有误|不准确)的?{_STOP}|不(?:属于|是|包括)"
    r"|(?i: (?:is|are)(?: not|n't| incorrect| wrong| false)\b"
    r"(?! (?:the (?:issue|problem|answer|case|point|one|question)|at issue|in question|what|relevant"
    r"|lacking|missing)\b)"
    r"| (?:does|do|would)(?: not|n't) (?:belong|fit"
    r"|apply|qualify|count)\b"
    r"| (?:is|would be) the (?:exception|odd one out|outlier)\b)"
)
"""After an option's text without its letter: a verdict on it."""
SEEMS_RIGHT = re.compile(
    r"(?i: (?:seems|appears|looks|sounds)(?: to be)? (?:correct|right|true)(?= ?[.!]?(?:$|\n)))"
)
BELONG = re.compile(
    r" ?[都均也皆全]{1,2}(?:属于|为|是)(?![^,。;!\n]{0,20}(?:[不非错误无]"
    r"|干扰))[\u4e00-\u9fff]{2,20}(?= ?(?:$|[,。;!\n]))"
    r"| ?[都均也皆全]{0,2}(?:属于|包括|具有|具备)(?= ?(?:$|[,。;!\n]))"
)
"""After "the others": what the question asks for."""
OF_THE_ANSWER = re.compile(r"(?<!问)题|选(?!项)|[该要应](?:挑|找)|排除|考虑|(?i:ruled|excluded|eliminated)")
"""In a verdict: it is on the answer to the question (符合题意, 应选), not on the truth of the option."""
PREDICATE = re.compile(
    r" ?(?:选?项)?(?:也|都|均|皆|全)*+(?:属于|为|是)(?P<said>[\u4e00-\u9fff]{3,20})(?=$|[,。;!?\n.])"
    r"| (?:is|are)(?: all| both)?(?: an?| the)? (?P<english>[a-z][a-z' -]{5,60}?)"
    r"(?= ?(?:$|[,;.\n]| (?:while|whereas|but|because|and|as)\b))"
)
"""After letters: what they are, in words that the question may ask with (``A and B are risk factors``)."""
SHARED = re.compile(
    rf" ?{_COUNT}(?:都|均|皆|全){{1,3}}(?!不|非|错|没|无|未|有误|有可能|可能|是(?:错|不|干扰|其他|无))"
    r"(?:是|属于|符合|包括|体现|合|涉及|具有)"
    r"|(?i: (?:are|were) (?:all|both) (?!wrong|incorrect|false|not|in|part|reasonable|plausible|possible"
    r"|tempting|close|similar))"
)
"""After several letters: what they have in common (都是符合规定的), which is why they are chosen."""
CONTRAST = re.compile(
    r" (?:are|were|do|have|can|count|belong|is|has)\b[^。!?\n;A-Z]{0,80}[,;.。] ?(?:and |but |while "
    r"|whereas )?"
    r"(?:option )?(?P<rest>[A-Z](?:(?:, | and |, and )[A-Z])*) (?:is not|isn't|are not|aren't|does not"
    r"|doesn't|do not|don't|cannot|can't)\b(?= ?(?:$|[,.;\n]))"
    r"|(?:[两三四五六]?[项者个种]"
    r"|选项)*+[都均皆]*+[是为属能会有具符][^。!?\n;A-Z]{1,40}[,;。] ?(?:而|但|只有|唯独)?(?:选项)?"
    r"(?P<other>[A-Z](?:[、,和]?[A-Z])*)(?:选?项)?则?(?:不是|不属于|不能|不会|不符合|不具备"
    r"|并非)(?= ?(?:$|[,。;\n]))"
)
"""After letters: what they are and the others are not."""
SPOKEN_OF = re.compile(
    r" ?(?:选?项)?(?:是(?!对(?:的|$|[,。;!\n])|正确|答案)|则|说的?|指|描述|强调|涉及|反映|体现|虽|只|主要"
    r"|更|属于|为(?!正确"
    r"|答案))"
    r"|(?<=项) ?(?![都均皆也吧哦呀啊啦了的]|[两三四五六]|[和与及或] ?(?:选项)? ?[A-Z])[\u4e00-\u9fff]"
    r"|(?![是为都均皆全和与及或以共等这选吧哦呀啊啦了的组项正对才就即]|[一二两三四五六])[\u4e00-\u9fff]{3}"
    r"| (?:is|are|was|does|would|has|had|can|may|could|might|cannot|seems|also)\b"
    r"| (?:[a-z]+ly )?(?!as\b|thus\b|plus\b|options\b|choices\b|answers\b)[a-z]{3,}s\b"
)
"""After a letter that follows the answer: a clause of its own begins with it (``答案是A，B是另一回事``)."""


def of_the_answer(verdict: re.Match[str], *groups: str) -> bool:
    """Whether a verdict says that letters are (no) answer, rather than (un)true."""
    words = "".join(verdict[name] or "" for name in groups) if groups else verdict[0]
    return OF_THE_ANSWER.search(words) is not None


def elected(text: str, *places: int) -> bool:
    """Whether letters are said to be elected at each of the places."""
    return all(_ELECTED.match(text, at) for at in places)
