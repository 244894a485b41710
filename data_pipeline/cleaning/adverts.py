"""The paper's rule on advertisements and links.

Role: which sentences advertise, and the text without them.
Collaborators: ``text_rules`` counts what goes and hands it on, so that it can be looked at.
Invariants:
- Idempotent.
- A sentence that advertises goes as a whole, a link alone.
- One word is no advertisement: a sentence goes for signs of two kinds (:data:`SIGNS`), or one and a link.
  Where it speaks of somebody (我, 他 …) it takes three: people tell of whom they met by 微信.
- A sentence with a cue of a crisis never goes.
"""

from __future__ import annotations

import re

from data_pipeline.cleaning.crisis import crisis_cues

_LINK = re.compile(r"(?:https?://|www\.)[^\s，。；！？（）]+|[\w.+-]+@[\w-]+\.[\w.]+", re.ASCII)
SIGNS: dict[str, re.Pattern[str]] = {
    kind: re.compile(words, re.IGNORECASE)
    for kind, words in {
        "channel": (
            r"加(?:我|老师|客服)?(?:微信|V信|VX|QQ)|微信号|(?:微信)?公众号|QQ群|微信群|客服(?:热线|电话|微信)"
            r"|二维码|小程序|订阅号|视频号|直播间|官方(?:网站|微博|旗舰店)|［(?:微信|QQ|电话|邮箱)］"
        ),
        "call": (
            r"扫码|扫描(?:上方|下方)?二维码|点击(?:链接|购买|关注|下方|下载|阅读)|长按(?:识别|图片|二维码)"
            r"|关注(?:我们|公众号|微信)|立即(?:购买|抢购|报名|领取|咨询|加入)|(?:私信|后台|公众号|留言)回复"
            r"|欢迎(?:关注|报名|咨询|加入|订阅|选购)|(?:转发|分享)(?:抽奖|朋友圈)|快来(?:领取|报名|抢购)"
            r"|搜索关注|报名(?:请|电话|热线|从速)"
        ),
        "offer": (
            r"优惠券|免费(?:领取|试听|赠送|领)|限时(?:特惠|优惠|折扣|免费|抢购)|资料包(?!括|含)|代理加盟|特价|包邮"
            r"|领(?:取)?(?:资料|课程|福利|红包|优惠|真题)|团购价|原价\d+|仅需\d+元|名额有限|先到先得|保过班?"
            r"|押题(?:密卷|班)|VIP会员|买一送一"
        ),
        "rights": r"转载请(?:注明|联系)|版权所有|侵权必究|未经(?:授权|许可)",
    }.items()
}
_SOMEBODY = re.compile(
    r"(?<![加关注找联系添为])我(?![们司社校店])|(?<![其利])[他她](?!人)|对方|网友|男友|女友|老公|老婆|孩子|朋友(?!圈)"
)
_SENTENCE = re.compile(r"[^。！？!?\n]*(?:[。！？!?]+|\n|$)")


def without_adverts(text: str) -> tuple[str, list[str]]:
    """The text without sentences that advertise, and those sentences."""
    if not any(words.search(text) for words in SIGNS.values()):
        return text, []
    sentences = _SENTENCE.findall(text)
    gone = [sentence for sentence in sentences if _advertises(sentence)]
    return ("".join(s for s in sentences if s not in gone), gone) if gone else (text, [])


def links(text: str) -> str:
    """The text without web addresses (and e-mail addresses, where they were not redacted before)."""
    return _LINK.sub("", text) if "://" in text or "www." in text or "@" in text else text


def _advertises(sentence: str) -> bool:
    signs = sum(bool(words.search(sentence)) for words in SIGNS.values())
    if not signs:
        return False
    evidence = signs + bool(_LINK.search(sentence))
    if evidence < (3 if _SOMEBODY.search(sentence) else 2):
        return False
    return not crisis_cues(sentence)
