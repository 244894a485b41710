"""The paper's rule on advertisements and links.

Invariants:
- Idempotent.
- A sentence that advertises goes as a whole, a link alone.
"""

from __future__ import annotations

import re

_LINK = re.compile(r"(?:https?://|www\.)[^\s，。；！？（）]+|[\w.+-]+@[\w-]+\.[\w.]+", re.ASCII)
_ADVERT = re.compile(
    r"加微信|微信号|扫码|扫描二维码|公众号|点击(?:链接|购买|关注)|优惠券|免费领取|QQ群|客服热线|转载请注明|版权所有|关注我们"
    r"|限时(?:特惠|优惠|折扣)|立即(?:购买|抢购|报名)|(?:私信|后台)回复|长按(?:识别|二维码)|转发抽奖|代理加盟|资料包"
)
_SENTENCE = re.compile(r"[^。！？!?\n]*(?:[。！？!?]+|\n|$)")


def adverts(text: str) -> str:
    """The text without sentences that advertise."""
    if not _ADVERT.search(text):
        return text
    return "".join(part for part in _SENTENCE.findall(text) if not _ADVERT.search(part))


def links(text: str) -> str:
    """The text without web addresses (and e-mail addresses, where they were not redacted before)."""
    return _LINK.sub("", text) if "://" in text or "www." in text or "@" in text else text
