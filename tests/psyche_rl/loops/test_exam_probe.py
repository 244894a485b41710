"""The accuracy curve: one greedy answer to each dev question, graded by kind; and the codec it asks with."""

import pytest
from loop_fakes import CharTokenizer, FakeRollouts, question, sample

from psyche_rl.config.prompt import PromptConfig
from psyche_rl.loops.exam_probe import ExamProbe
from psyche_rl.rollout.question_codec import QuestionCodec
from psyche_rl.rollout.sampling import Sampling
from rewards import ThinkFormat, exam_reward

PROMPT = PromptConfig(instruction="请作答。")
CODEC = QuestionCodec(CharTokenizer(), PROMPT, max_tokens=20, max_model_len=70, stops=(0, 9))
HOT = Sampling(0.7, 0.9, 20)
RIGHT, WRONG, BARE = "<think>想</think>答案：A", "<think>想</think>答案：B", "答案：A"


def answers(*texts: str):
    return lambda request, index: texts[int(request.id.removeprefix("dev/"))]


def test_accuracy_whole_and_by_kind_and_the_share_of_well_formed_replies():
    calls: list = []
    several = question(3, "AC", kind="multiple")
    probe = ExamProbe([question(0), question(1), question(2), several], CODEC)
    rollouts = FakeRollouts(calls, answers(RIGHT, WRONG, BARE, RIGHT), served=(0, 4))
    assert probe.measure(rollouts, version=4) == {
        "eval/strict_accuracy": 0.5,
        "eval/format_rate": 0.75,
        "eval/multiple": 0.0,
        "eval/single": pytest.approx(2 / 3),
        "eval/questions": 4,
        "eval/questions_multiple": 1,
        "eval/questions_single": 3,
    }
    ((_, version, requests),) = calls
    assert version == 4
    assert {(r.n, r.temperature, r.top_p, r.top_k) for r in requests} == {(1, 0.0, 1.0, None)}


def test_the_format_is_measured_as_it_is_rewarded():
    silent = answers("<think>\n</think>答案：A")
    for form, rate in ((ThinkFormat(), 1), (ThinkFormat(allow_empty=False), 0)):
        figures = ExamProbe([question(0)], CODEC, form).measure(FakeRollouts([], silent, served=(0, 0)), 0)
        assert (figures["eval/format_rate"], figures["eval/strict_accuracy"]) == (rate, 1)


def test_questions_that_cannot_be_graded_give_no_figures():
    short = question(0, "要点", kind="short", options=())
    rollouts = FakeRollouts([], answers("记忆"), served=(0, 0))
    assert ExamProbe([short], CODEC).measure(rollouts, 0) == {}


def test_a_request_is_the_prompt_with_a_seed_of_its_place_and_question():
    request = CODEC.request(question(0), "3/1", 5, HOT, seed=1)
    text = "[user]请作答。\n单选题：题干0\nA.0甲\nB.0乙\nC.0丙\nD.0丁[assistant]"
    assert "".join(map(chr, request.prompt_ids)) == text
    assert (request.id, request.n) == ("3/1", 5)
    assert (request.temperature, request.top_p, request.top_k) == (0.7, 0.9, 20)
    assert (request.max_tokens, request.stop_token_ids) == (20, (0, 9))
    assert request == CODEC.request(question(0), "3/1", 5, HOT, seed=1)
    others = [("3/2", 0, 1), ("3/1", 1, 1), ("3/1", 0, 2)]
    seeds = {CODEC.request(question(n), place, 5, HOT, seed).seed for place, n, seed in others}
    assert len(seeds | {request.seed}) == 4
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_question_fits_when_prompt_and_longest_reply_do():
    length = len(CODEC.request(question(0), "0/0", 1, Sampling(), 0).prompt_ids)
    for room, fits in ((length + 20, True), (length + 19, False)):
        assert QuestionCodec(CharTokenizer(), PROMPT, 20, room, (0,)).fits(question(0)) is fits


def test_a_reward_sample_holds_the_question_as_it_was_shown_and_the_text_without_the_end():
    seen = CODEC.reward_sample(question(0, "D"), sample("答案：D", finish="length"))
    assert (seen.response, seen.gold, seen.kind, seen.truncated) == ("答案：D", "D", "single", True)
    assert seen.options == question(0).options
    assert not CODEC.reward_sample(question(0), sample("答案：D")).truncated


class ThinkingTokenizer(CharTokenizer):
    """Its template opens the think block, as DeepSeek-R1's does; or closes it, or only speaks of it."""

    ending = "<think>\n"

    def apply_chat_template(self, chat, add_generation_prompt, tokenize):
        return super().apply_chat_template(chat, add_generation_prompt, tokenize) + self.ending


THINKING = QuestionCodec(ThinkingTokenizer(), PROMPT, max_tokens=20, max_model_len=70, stops=(0, 9))


def test_a_think_block_that_the_template_opened_belongs_to_the_reply():
    whole = THINKING.reward_sample(question(0), sample("想</think>答案：A"))
    assert whole.response == "<think>\n想</think>答案：A"
    cut = THINKING.reward_sample(question(0), sample("想，答案：A", finish="length"))
    reward = exam_reward(1.0, 0.5)
    assert (reward.score(whole).value, reward.score(cut).value) == (1.5, 0)
    assert reward.score(CODEC.reward_sample(question(0), sample("想，答案：A"))).value == 1  # no block at all
    figures = ExamProbe([question(0)], THINKING).measure(
        FakeRollouts([], answers("想</think>答案：A"), served=(0, 0)), 0
    )
    assert figures["eval/strict_accuracy"] == figures["eval/format_rate"] == 1


@pytest.mark.parametrize(
    ("ending", "opened"),
    [
        ("<think>\n", True), ("<think>", True), ("<think>\n\n</think>\n\n", False), ("", False),
        ("<think>好的", False), ("在<think></think>里想", False),
    ],
)  # fmt: skip
def test_a_request_says_whether_its_prompt_ends_in_an_open_think_block(ending, opened, monkeypatch):
    monkeypatch.setattr(ThinkingTokenizer, "ending", ending)
    codec = QuestionCodec(ThinkingTokenizer(), PROMPT, max_tokens=20, max_model_len=70, stops=(0, 9))
    assert codec.request(question(0), "0/0", 1, Sampling(), 0).think_opened is opened
    assert codec.opened == (ending if opened else "")


def test_tags_that_the_template_speaks_of_before_do_not_matter(monkeypatch):
    monkeypatch.setattr(ThinkingTokenizer, "ending", "在<think></think>里想。<think>\n")
    assert (
        QuestionCodec(ThinkingTokenizer(), PROMPT, max_tokens=20, max_model_len=70, stops=(0, 9)).opened
        == "<think>\n"
    )


def test_the_instructions_own_tags_open_nothing():
    paper = QuestionCodec(CharTokenizer(), PromptConfig(), max_tokens=20, max_model_len=70, stops=(0, 9))
    assert not paper.request(question(0), "0/0", 1, Sampling(), 0).think_opened


def test_a_question_that_does_not_fit_says_by_how_much():
    length = len(CODEC.request(question(0), "0/0", 1, Sampling(), 0).prompt_ids)
    told = QuestionCodec(CharTokenizer(), PROMPT, 20, length + 19, (0,)).excess(question(0))
    assert told == f"a prompt of {length} tokens and a reply of 20 do not fit a context of {length + 19}"
    assert QuestionCodec(CharTokenizer(), PROMPT, 20, length + 20, (0,)).excess(question(0)) is None
