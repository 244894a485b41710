"""A word of advertisements beside a cue takes no cue away, and no cue is lost with an advertisement."""

import labelled_figures as figures
import pytest

from data_pipeline.cleaning.adverts import without_adverts
from data_pipeline.cleaning.crisis import crisis_cues
from data_pipeline.cleaning.crisis_post import CrisisPost
from data_pipeline.cleaning.post_cleaning import clean_post
from data_pipeline.cleaning.raw_post import RawPost
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.records import Dialogue, Message

ADVERTS = (
    "在公众号里看到的，",
    "扫码关注公众号免费领取资料，",
    "加我微信wx，",
    "Scan the QR code, join our WeChat group: ",
)
CUE = "加微信认识的人把我拉黑了，我真的不想活了"
PLAIN = "最近工作很忙，周末想去爬山放松一下"


def test_an_advert_before_it_takes_no_cue_away():
    said = [row["text"] for row in figures.rows("crisis") if row["half"] == "tuned" and row["cue"]]
    lost = []
    for place, words in enumerate(said):
        text = ADVERTS[place % len(ADVERTS)] + words
        if crisis_cues(words) and not (crisis_cues(text) and crisis_cues(without_adverts(text)[0])):
            lost.append(text)
    assert lost == []


@pytest.mark.parametrize("advert", ADVERTS)
@pytest.mark.parametrize("turn", range(4))
def test_every_turn_of_a_conversation_is_read(turn, advert):
    said = [PLAIN] * 4
    said[turn] = advert + CUE
    roles = ("user", "assistant", "user", "assistant")
    whole = [Message(role=role, content=words) for role, words in zip(roles, said, strict=True)]
    shown = Dialogue(id="d", kind="plain", messages=tuple(whole[:2]), source="s", row=1)
    post = RawPost(dialogue=shown, others=tuple(message.content for message in whole[2:]))
    end = clean_post(post, CleanConfig()).end
    assert isinstance(end, CrisisPost)
    assert "不想活" in end.cues
