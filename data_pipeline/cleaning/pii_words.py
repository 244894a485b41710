"""Personal data that its words give away in Chinese text: QQ and WeChat ids, marked names, addresses.

Names are found only where the text marks them (姓名：…, 我叫…, 来访者：李某，女): a bare name in running text
needs a model, which these rules do without. Street addresses need a number (号, 栋, 室).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Places = Iterator[tuple[int, int]]

_QQ = re.compile(r"(?:QQ|扣扣|企鹅)(?:号码?)?\s*(?:是|为)?\s*[:：]?\s*([1-9]\d{4,11})(?!\d)", re.IGNORECASE)
_WECHAT = re.compile(
    r"(?:微信|薇信|威信|V信|weixin|wechat|(?<![a-z])vx)(?:号码?|ID)?\s*(?:是|为)?\s*[:：]?\s*"
    r"([A-Za-z][A-Za-z0-9_-]{5,19}|1[3-9]\d{9})(?![A-Za-z0-9_-])",
    re.IGNORECASE,
)
_SURNAME = (
    "(?:欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|司徒|令狐"
    "|[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范"
    "方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申"
    "尤毕聂丛焦向柳邢骆岳齐梅莫庄辛管祝左涂谷祁舒耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游裴席卫查屈鲍位覃霍翁隋甘景薄单包司柏宁柯"
    "阮桂闵解强柴华车冉房边辜吉饶刁瞿戚丘古米池滕晋苑邬臧畅宫来])"
)
_NAME = rf"(?:{_SURNAME}(?:某某?|[xX×*]{{1,2}}|(?!某)[一-鿿]{{1,2}})|[小阿老]{_SURNAME})"
_ANONYMOUS = rf"{_SURNAME}(?:某某?|[xX×*]{{1,2}})"
_ROLE = "(?:来访者|求助者|咨询者|当事人|患者|病人|学生|家长|联系人|咨询师|案主)"
_END = r"(?=[，。,.；;！!？?、\s（()）”」]|$)"
_TITLE = r"(?![一-鿿]{0,2}(?:医生|老师|同学|教授|师傅|女士|先生))"
_MARKED = (
    re.compile(rf"(?:姓名|名字|真名|联系人)(?:是|为)?[:：]\s*({_NAME}){_END}"),
    re.compile(rf"(?:我(?:的名字)?|本人)(?:叫做?|名叫|姓名是)\s*{_TITLE}({_NAME})(?:{_END}|(?=今年|来自))"),
    re.compile(rf"{_ROLE}[:：，,]?\s*({_ANONYMOUS})"),
    re.compile(rf"{_ROLE}[:：，,]?\s*({_NAME})(?=[，,、\s（(]+(?:男|女|\d{{1,2}}岁))"),
)
_MARK_WORD = re.compile(rf"姓名|名字|真名|联系人|叫|{_ROLE}")

# No words of going, dwelling and belonging inside a place name: they stand before it.
_HAN = "(?![在住于到是去来往的我他她你从和与及了])[一-鿿]"
_NUMBER = r"(?:\d{1,5}|[一二三四五六七八九十百]{1,5})"
_ADDRESS = re.compile(
    rf"(?:(?:{_HAN}){{2,4}}?(?:省|自治区|市|区|县|州|旗|镇|乡|街道)){{0,5}}"
    rf"(?:{_HAN}){{1,5}}?(?:大道|路|街|巷|弄|胡同|里|村|小区|花园|新村|公寓)"
    rf"(?:{_NUMBER}(?:号院?|弄|栋|幢|号楼))"
    rf"(?:{_NUMBER}(?:号楼|栋|幢|单元|层|楼|室|号))*(?:\d{{3,4}}(?!\d))?"
)


def qq_numbers(text: str) -> Places:
    """Numbers called QQ."""
    for found in _QQ.finditer(text):
        yield found.span(1)


def wechat_ids(text: str) -> Places:
    """Ids called 微信 (a mobile number counts too)."""
    for found in _WECHAT.finditer(text):
        yield found.span(1)


def names(text: str) -> Places:
    """Names where the text marks them."""
    if not _MARK_WORD.search(text):
        return
    for pattern in _MARKED:
        for found in pattern.finditer(text):
            yield found.span(1)


def addresses(text: str) -> Places:
    """Street addresses with a house number."""
    if "号" not in text and "栋" not in text and "弄" not in text and "幢" not in text:
        return
    for found in _ADDRESS.finditer(text):
        yield found.span()
