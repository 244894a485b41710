"""Names of persons where the text marks them: 我叫…, 姓名：…, 您好，…先生, 同事…, Patient: ….

A bare name in running text needs a model, which these rules do without; so authors and theorists stay.
Collaborators: ``text.tokens`` says what is a word, so that 我是高兴 is no name.
Invariants:
- A name begins with a surname of the list, or is one of few that are known by their sound (扎西, 古丽).
- A surname with a title alone (王老师) is no name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from data_pipeline.text.tokens import is_word, tokens_of

Places = Iterator[tuple[int, int]]

_DOUBLE = (
    "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|司徒|令狐|夏侯|长孙|宇文|轩辕|端木|独孤|南宫|百里|呼延"
)
_SINGLE = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊"
    "金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢骆岳齐梅莫"
    "庄辛管祝左涂谷祁舒耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋甘景薄单包柏宁柯阮桂闵解强柴华车冉房边辜吉饶刁瞿戚丘古"
    "米池滕晋苑邬臧畅肖付闫艾蓝宗匡喻褚荆蔺麦储缪娄居窦寇钮"
)
_GIVEN = (
    "(?![的了是在不有和就都也很说要去会能没吗呢吧啊着过给被把对从想看到让他她它我你您这那什怎们个因为所以])"
    "[一-鿿]"
)
_NAME = rf"(?:(?:{_DOUBLE}){_GIVEN}{{1,2}}|[{_SINGLE}](?:某某?|[xX×*]{{1,2}}|{_GIVEN}{{1,2}}|·[一-鿿]+))"
_SPACED = rf"[{_SINGLE}] {_GIVEN}(?: {_GIVEN})?"
_KNOWN = (
    "(?:扎西|达娃|卓玛|顿珠|次仁|旦增|丹增|洛桑|格桑|央金|巴桑|尼玛|达瓦|拉姆|阿依|古丽|买买提|艾合|吐尔|阿不都|阿卜杜|努尔|热合|热依|迪丽|帕丽|玛依"
    "|巴特尔|其其格|乌兰|格日|娜仁|斯琴|苏日|朝鲁|那日|阿古|多吉|德吉|白玛|贡嘎|索朗)[一-鿿]{0,4}?"
)
_END = r"(?=[，。,.；;！!？?、\s()（）”」:：…~]|$)"
_AFTER = (
    rf"(?:{_END}|(?=今年|来自|就读|现在|目前|是|在|从|每天|昨天|最近|一直|总|把|被|说|跟|和|因为|完成|又|老|最"
    r"|有|没|不|已经|还))"
)
_ROLE = (
    "(?:来访者|求助者|咨询者|受试者|被试者?|当事人|患者|病人|案主|联系人|咨询师|辅导员|班主任|老师|教师|导师|同事|同桌|室友|舍友|闺蜜|男友|女友|男朋友|女朋友"
    "|老公|丈夫|妻子|老婆|儿子|女儿|孩子|弟弟|妹妹|哥哥|姐姐|前夫|前妻|老板|领导|邻居|同学|朋友|网友|前任|学姐|学长|学弟|学妹|表哥|表姐|堂哥|堂姐|班长|组长|经理"
    "|主任|医生|护士|社工|家长|学生|我妈|我爸|妈妈|爸爸|母亲|父亲|对象|个案|病友|学员|患儿|主治|教练|姐夫|侄子|侄女|孙子|孙女|外甥|堂妹|堂弟|表弟|表妹|志愿者)"
)
_VERB = "(?:找|交给|转交|转给|联系|感谢|谢谢|我跟|我和|喜欢|暗恋|遇到|认识|恨|想念)"
_TITLE = "(?:先生|女士|小姐|同学|老师|医生|护士|师傅|阿姨|叔叔|同志|家长|学长|学姐)"
_MINE = (
    "(?:我(?:就)?是|我(?:的)?(?:名字|全名|真名|大名|姓名)?(?:就)?(?:叫做?|名叫|是)|本人|本名|全名|真名|大名|名叫"
    "|名字(?:是|叫)|这(?:里|边)是|在下)"
)
_JOB = (
    "(?:[一-鿿]{0,6}(?:教师|老师|医生|护士|学生|家长|员工|志愿者|咨询师|妈妈|爸爸|同学|班的|委员|班长|组长|专员"
    "|经理|社工))?"
)
_PATTERNS = (
    (re.compile(
        rf"(?:姓名|名字|真名|联系人|户名|收件人|监护人|署名|落款|签名|签字)(?:是|为)?\s?[:：]\s*({_NAME}|{_KNOWN}"
        rf"|{_SPACED}){_AFTER}"), "called"),
    (re.compile(rf"{_MINE}\s*{_JOB}({_NAME}|{_KNOWN}|{_SPACED}){_AFTER}"), "said"),
    (re.compile(rf"(?:您好|你好|尊敬的|亲爱的|致)[，,!！:：\s]*({_NAME}){_TITLE}?{_END}"), "said"),
    (re.compile(rf"({_NAME}){_TITLE}(?!们|[一-鿿]{{0,6}}《)"), "titled"),
    (re.compile(rf"{_ROLE}[:：，,]?\s?(?:叫|名叫|名字叫)?({_NAME}){_AFTER}"), "of"),
    (re.compile(rf"{_ROLE}[:：，,]?\s*([{_SINGLE}](?:某某?|[xX×*]{{1,2}}))"), "called"),
    (re.compile(rf"{_ROLE}(?:是|就是|叫|名叫|名字叫)?({_NAME})"), "token"),
    (re.compile(rf"{_VERB}({_NAME})"), "token"),
    (re.compile(rf"{_MINE}\s*{_JOB}({_NAME})"), "token"),
    (re.compile(rf"(?:^|[。！？\n])\s*({_NAME})[，,、\s（(]+(?:男|女|\d{{1,2}}岁)"), "said"),
    (re.compile(rf"(?:——|--|—)\s*({_NAME})\s*$", re.MULTILINE), "said"),
    (re.compile(rf"({_NAME})(?:敬上|敬启|留言|拜谢)\s*[，,。！!]?\s*$", re.MULTILINE), "said"),
    (re.compile(rf"我是({_NAME})的(?:妈|爸|家长|母亲|父亲|老师|同学|[哥姐弟妹妻]|朋友|丈夫)"), "said"),
    (re.compile(rf"叫做?([{_SINGLE}]{_GIVEN}{{1,2}})的"), "said"),
)  # fmt: skip
_LATIN = re.compile(
    r"(?:[Tt]his is|[Ff]rom:?|Best(?: regards)?,|Regards,|Sincerely,|Yours,|Thanks,"
    r"|(?:therapist|counsell?or|doctor|GP|ex|mum|mom|dad|cousin|neighbou?r"
    r"|classmate)|—|--|[Mm]y name(?:'s| is)|[Ii]'m|I am|[Nn]ame:|[Pp]atient:?|[Cc]lient:?|[Dd]ear|Mrs?\.?"
    r"|Ms\.?|Dr\.?|signed,?|"
    r"(?:friend|sister|brother|husband|wife|boyfriend|girlfriend|roommate|son|daughter|teacher|boss"
    r"|coworker)(?: is)?(?: named| called)?,?) "
    r"(?!(?:Very|So|From|Not|In|At|Too|The|Really|Just|Always|Still|Sir|Madam|All|Chinese|American|British|Back|Here)\b)"
    r"([A-Z][a-z]+(?:[ -](?:O'|Mc)?[A-Z][a-z']+){1,2})\b"
)
_FIRST_ONLY = re.compile(r"[Mm]y name(?:'s| is) ([A-Z][a-z]+)\b")
_MARK = re.compile(
    rf"[男女—-]|{_VERB}|姓名|名|叫|是|本人|好|尊敬|亲爱|致|联系人|户|监护|署|落款|在下|{_ROLE}|{_TITLE}"
)
_KINDS_OF_PEOPLE = "人生族座员者党型民迷控粉派奴友妈爸工师家"
_PUBLISHED = re.compile(r"《|提出|主编|理论的|著作|学派|认为|笔下|贡献|创立")


def names(text: str) -> Places:
    """Names where the text marks them."""
    if _MARK.search(text):
        for pattern, mark in _PATTERNS:
            for found in pattern.finditer(text):
                start, end = found.span(1)
                if mark == "token":
                    start, end = _token_at(text, start)
                if mark == "called" or (start < end and _is_name(text, start, end, mark)):
                    yield start, end
    for pattern in (_LATIN, _FIRST_ONLY):
        for found in pattern.finditer(text):
            yield found.span(1)


def _token_at(text: str, start: int) -> tuple[int, int]:
    """The word of three or more characters that begins at a place, if it could be a name."""
    at = max(0, start - 6)
    for token in tokens_of(text[at : start + 8]):
        if at == start and len(token) > 2 and re.fullmatch(_NAME, token):
            return start, start + len(token)
        at += len(token)
        if at > start:
            break
    return start, start


def _is_name(text: str, start: int, end: int, mark: str) -> bool:
    name = text[start:end]
    if re.fullmatch(_KNOWN, name) or " " in name:
        return True
    if is_word(name) or name[-1] in _KINDS_OF_PEOPLE:
        return False
    worded = len(name) > 2 and not re.match(_DOUBLE, name) and is_word(name[:2])
    if re.match(_TITLE, text[start + 1 :]) or (mark != "said" and worded):
        return False
    if mark == "titled":
        return not _PUBLISHED.search(text) and _begins_token(text, start, end)
    followed = text[end : end + 1]
    closed = not followed or not ("一" <= followed <= "鿿")
    return closed or not worded


def _begins_token(text: str, start: int, end: int) -> bool:
    """Whether the name begins where a word begins, not inside one."""
    begin = max(0, start - 6)
    at = begin
    for token in tokens_of(text[begin:end]):
        if at == start:
            return True
        if at > start:
            return False
        at += len(token)
    return False
