"""Words that speak for an option or against it, that take back what a sentence says, or that leave it open.

Collaborator: ``weighing.py``, which asks them of sentences and clauses without the options' own words.
Invariant: each is searched in a sentence of bounded length, or is a plain list of words.
"""

from __future__ import annotations

import re

NO_ANSWER = re.compile(
    r"\?[\s\"”)]*\Z|吗[。!]?\s*\Z|无法(?:判断|确定|回答|给出|选|作答|得出|区分|看)|没法|不(?:能|太"
    r"|敢)?(?:确定|肯定)"
    r"|难以(?:判断|确定|区分|抉择|回答|给出|选)|不好说|说不准|取决于|请(?:提供|补充|问|把|您|你|先|给)|麻烦"
    r"|看不到"
    r"|没有(?:看到|给出|提供|附|符合|正确|合适)|缺少|缺失|抱歉|对不起|信息不足|不足以|两可|见仁见智|有争议"
    r"|说法不一"
    r"|(?i:\b(?:can(?:not|'t| not)|could(?: not|n't)|unable|impossible|hard|difficult) (?:to )?(?:be )?"
    r"(?:determin|answer|tell|say|choose|pick|decid|single|know|identif|see|giv|provid|assist|help|commit"
    r"|recommend)"
    r"|\bdepend(?:s|ing)?\b|\b(?:unclear|ambiguous|unsure|sorry|insufficient|missing)\b|\bnot sure\b|\bapolog"
    r"|\bmore (?:information|details|context)\b|\bno (?:figure|image|passage|table|option|correct)"
    r"|\b(?:none|neither) of (?:the|these|them)\b"
    r"|\bnot (?:listed|provided|among|included|given|enough|attached|shown|visible)\b"
    r"|\bplease (?:provide|share|paste|send|specify|clarify)|\bwould need\b|\btell them apart\b|\bis flawed\b"
    r"|\bto clarify\b|\bwhich of the two\b|\bthe (?:remaining )?two (?:options|explanations|answers)\b)"
)
"""In a reply: it does not answer."""
AGAINST = re.compile(
    r"不(?!仅|但|同程度|自觉|断|知不觉|再只|光|止|良|安|定项|可控|足|久|等值)|没有|没(?!落)|非(?!常|语言"
    r"|指导|理性|适应)|无关|未"
    r"|[排剔]除|划[掉去]|淘汰|出局|错(?!觉)|误(?!差)|相反|反(?:而|过来)|干扰项|区[别分]|例外|另一|其[他余它]"
    r"|则(?:是|为|指|属|强调|与)"
    r"|才[叫是]|看似|相[比较]|n't\b"
    r"|(?i:\b(?:not|no|never|nor|neither|none|without|wrong|incorrect|false|instead|rather|unlike|whereas"
    r"|while|but|than|contrast|corresponding|by the way|on the other hand|however|in turn|opposite"
    r"|eliminat\w*|exclud\w*|discard\w*|reject\w*|rule[sd]? out|out of|differ\w*|distinguish\w*|distinct"
    r"|other\w*|though|although|except|remaining|miss\w*|lack\w*|fail\w*|hardly|opposed|another|least"
    r"|unlikely|irrelevant|too)\b)"
)
"""In the clause of an option, beside the option: it is not the one."""
NOT_SAID = re.compile(
    r"如果|若(?!干)|假如|要是|倘若|假设|[例比譬]如|例子很多|有(?:的|些)?(?:人|同学|学者|观点)|以为|老师说"
    r"|起初|乍|初看|一开始"
    r"|似乎|容易|可能|也许|或许|[很许]多人|常见|教材|换一|除非|还是|或者?|[甲乙丙]说|小[明红]"
    r"|(?i:\b(?:if|unless|for (?:example|instance)|e\.g|might|may|could|perhaps|maybe|some|many"
    r"|several people|students?|teacher|older|first diagnosis|at first|first glance|sometimes|often|usually"
    r"|seem\w*|tempt\w*|argue[sd]?|argument|would be|claim(?:s|ed)? (?:that|it)|people|think|interesting"
    r"|asked|used to|it is said|either|plausible|mother|father|distractors?|mistake|confus\w+|whether"
    r"|consider\w*|recall|remember|let's|let us)\b)"
)
"""In a sentence: what it says is supposed, another's, an example, or open."""
POINTS = re.compile(
    r"所以|因[此而]|故|由此|可[见知]|综上|总之|据此|这|该|正是|就是|即|便是|[称归名]|叫|属于|符合|对应|体现"
    r"|反映|说明|[只唯]有|唯[独一]"
    r"|最|应[当该]?|选|诊断|考虑|判断|[余剩留]下|指的是|术语|是[^,。;]{1,12}的(?:表现|特点|特征|体现)"
    r"|(?i:\b(?:so|thus|hence|therefore|then|this|that|these|it|which|such|here|called|term(?:ed)?|name[sd]?"
    r"|known|only|best|most|is|are|was|leaves?|left|answer|choice|choose|pick|select|describes?"
    r"|illustrat\w+|example|case|fits?|match\w*|correct|right|conclu\w+|point\w*|indicat\w+|suggest\w*"
    r"|diagnos\w+|mark|look(?:s|ing)?|gives|does)\b)|'s\b"
)
"""In the sentence of an option: it may be what all this is about."""
POINTS_BEFORE = re.compile(
    r"(?:(?:这|此|该|所以|因此|因而|由此|据此|可见|上述|题[干目中]|回到)[^。;]{0,40}"
    r"(?:是|为|属于|叫|称|即|归[于入类]|体现|符合|对应|考虑|说明)"
    r"|正是|称(?:之)?[为作]|叫做?|即为|首先考虑|最终)[^,。;]{0,10}\Z"
    r"|(?i:(?:\b(?:this|that|it|such|so|thus|hence|therefore|here|stem|description|question|scenario|patient"
    r"|pattern|picture|presentation|vignette|case|researchers?|symptoms?|behaviou?r"
    r"|client|child|she|he|they|we|psychologists call|word for)\b|you're)[^.;]{0,80}"
    r"(?:\b(?:is|are|was|as|called|of|has|have|using|into|termed|by|for|showing|on|to|say|live in|came from"
    r"|makes|about|have to be|name|call|fits?|match(?:es)?|consistent with|points to|suggests?"
    r"|indicates?|describes?|illustrates?|use)\b|'s)"
    r"(?: the| an?| [a-z]+'s){0,3}(?: clear| textbook| classic| signature of){0,2} \Z)"
)
"""In a sentence before the text of an option: this is it."""
IS = re.compile(r"(?:\b(?:is|are|was|be|called|termed|known as)|[是为叫作])(?: the| an?)? ?[\"“”「」《》]?\Z")
"""Before the text of an option that ends the first sentence: what was told is called so."""
ENDS = re.compile(r"[ \x03\"“”「」《》]{0,3}[。.!]")
DENIED = re.compile(r"\s*(?i:wrong|incorrect|no|not|false|错|不对|误)(?![a-z])")
"""How a sentence begins that says that something is wrong."""
POINTS_AFTER = re.compile(
    r" (?:does (?:exactly|just) (?:that|this)|matches|fits|is indicated|is what|takes precedence"
    r"|best (?:describes|explains)|applies"
    r"|is (?:indeed |exactly |therefore )?the (?:word|term|name|one|technique|concept|mechanism|process"
    r"|effect)|best\.)|说得通"
)
CONCLUDES = re.compile(
    r"\s*(?:所以|因此|因而|故|由此|综上|总之|可见|据此)"
    r"|(?i:\s*(?:so|thus|hence|therefore|in (?:conclusion|short|sum)|overall)\b)"
    r"|.{0,40}?(?:即为|(?i:\bthus\b|\btherefore\b))"
)
"""How a sentence begins that concludes."""
SPEAKS_OF_IT = re.compile(
    r"[这此该其题]|所以|因此|故|(?i:\b(?:this|that|these|such|it|he|she|they|so|thus|here|you)\b)"
)
"""In a reply of one sentence: it speaks of the case asked, and does not only explain what it names."""
