from fake_llm import FakeLLM

from data_pipeline.empathy import empathy_block, rewritten
from data_pipeline.ingest.posts import plain_dialogue
from data_pipeline.outcomes import from_outcomes
from psyche_rl.llm import CallFailure, ChatReply
from psyche_rl.records import Dialogue, Quarantined

PLAIN = plain_dialogue("睡不着", "早点睡。", "posts.txt")


def test_the_post_stays_and_the_reply_is_replaced():
    (found,) = from_outcomes(
        empathy_block(
            Dialogue.to_table([PLAIN]), seed=0, llm=FakeLLM(lambda p, s: ChatReply("辛苦了！！😀", 1, 1))
        ),
        Dialogue,
    )
    assert found.kind == "empathetic"
    assert [m.content for m in found.messages] == ["睡不着", "辛苦了！"]
    assert found.source_id == PLAIN.id


def test_unusable_rewrites_are_quarantined():
    for result in (CallFailure("timeout", "x"), ChatReply("早点睡。", 1, 1), ChatReply("😀", 1, 1)):
        found = rewritten(PLAIN, result)
        assert isinstance(found, Quarantined)
        assert found.source == "posts.txt"
