import pytest
from fake_llm import FakeLLM

from data_pipeline.domains import load_domain
from data_pipeline.rows.mixed_records import from_mixed
from data_pipeline.synthesis.quality import QuestionBesidePassage, beside_passages, issues_of, quality_block
from psyche_rl.llm import CallFailure, ChatReply
from psyche_rl.records import Passage, Question, RowOutcome

DOMAIN = load_domain("psychology")


def ask(i):
    return Question(
        id=f"q{i}",
        kind="single",
        stem=f"问{i}",
        options=("甲", "乙"),
        gold="B",
        passage_id="p",
        span="据",
        source="s",
    )


def test_questions_without_issues_pass_and_the_others_end_by_code():
    replies = {
        "问0": ChatReply('{"issues": [], "comment": ""}', 1, 1),
        "问1": ChatReply('{"issues": ["ambiguous", "wrong_key"], "comment": "题干含糊"}', 1, 1),
        "问2": CallFailure("server_error", "HTTP 500"),
        "问3": ChatReply("很好的题目。", 1, 1),
        "问4": ChatReply('{"issues": ["too_nice"]}', 1, 1),
    }
    llm = FakeLLM(lambda prompt, sample: next(r for stem, r in replies.items() if stem in prompt))
    passages = {"p": Passage(id="p", text="材料的全文", source="s", row=1)}
    pairs = list(beside_passages([ask(i) for i in range(5)], passages))
    block = QuestionBesidePassage.to_table(pairs)
    table = quality_block(block, seed=0, llm=llm, domain=DOMAIN)
    assert [q.id for q in from_mixed(table, Question)] == ["q0"]
    ended = from_mixed(table, RowOutcome)
    assert [(o.row, o.status, o.filter) for o in ended] == [
        ("q0", "ok", None),
        ("q1", "filtered", "ambiguous"),
        ("q2", "failed", None),
        ("q3", "quarantined", None),
        ("q4", "filtered", "other"),
    ]
    assert ended[1].reason == "ambiguous, wrong_key: 题干含糊"
    assert "too_nice" in ended[4].reason
    prompt = llm.asked[0].messages[0][1]
    assert "材料的全文" in prompt
    assert "标准答案：B" in prompt
    assert len(llm.asked) == 6  # the one that could not be read was asked for again


@pytest.mark.parametrize("reply", ['{"comment": "好"}', '{"issues": "none"}', "好"])
def test_a_review_without_a_list_of_issues_cannot_be_read(reply):
    with pytest.raises(ValueError, match=r"issues|JSON"):
        issues_of(reply, DOMAIN.words.issues)
