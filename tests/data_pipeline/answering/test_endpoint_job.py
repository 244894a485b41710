from dataclasses import replace

import pytest
from fake_llm import FakeLLM

from data_pipeline.answering.endpoint_job import answer_remotely, endpoint
from data_pipeline.answering.selector import Selector, batches
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.config.selection import SelectConfig
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import TeacherError
from psyche_rl.llm import CallFailure, ChatReply
from psyche_rl.records import Question, Verdict
from psyche_rl.store import RunStore

ADDRESS = "http://127.0.0.1:9/v1#org/judge-7b"
SETTINGS = SelectConfig(selectors=(ADDRESS,), samples=2, temperature=0.3, max_tokens=9, block_rows=2)
SELECTOR = Selector("judge-7b", ADDRESS, SETTINGS, PromptConfig(instruction=""), EngineConfig(), seed=0)
QUESTIONS = [
    Question(id=f"q{i}", kind="single", stem=f"问{i}", options=("甲", "乙"), gold="A", source="s")
    for i in range(3)
]


def answers(store, answer):
    llm = FakeLLM(answer)
    parts = batches(SELECTOR, QUESTIONS)
    assert list(answer_remotely(SELECTOR, parts, store, llm)) == [2, 1]
    return parts, llm


def test_replies_become_verdicts_under_the_same_files_as_an_engines(tmp_path):
    store = RunStore(str(tmp_path))
    parts, llm = answers(store, lambda prompt, sample: ChatReply("<think>x</think>答案：A", 1, 1))
    verdicts = [v for part in parts for v in store.read_records(part.rel, Verdict)]
    assert [(v.question_id, v.sample, v.answer, v.correct) for v in verdicts] == [
        (f"q{i}", k, "A", True) for i in range(3) for k in range(2)
    ]
    assert {r.model for r in llm.asked} == {"org/judge-7b"}
    assert {r.temperature for r in llm.asked} == {0.3}
    assert len({r.key() for r in llm.asked}) == 6
    assert parts[0].rel.startswith("select/verdicts/judge-7b/")


def test_a_call_that_fails_is_no_wrong_answer_and_leaves_its_batch_to_be_asked_again(tmp_path):
    store = RunStore(str(tmp_path))
    parts, _ = answers(
        store, lambda p, s: CallFailure("timeout", "no reply") if "问0" in p else ChatReply("答案：B", 1, 1)
    )
    assert not store.exists(parts[0].rel)
    failed = store.read_records(parts[0].partial, Verdict)
    assert [(v.question_id, v.error) for v in failed[:3]] == [
        ("q0", "timeout: no reply"), ("q0", "timeout: no reply"), ("q1", None),
    ]  # fmt: skip
    assert store.exists(parts[1].rel)
    answers(store, lambda p, s: ChatReply("答案：B", 1, 1))
    assert store.exists(parts[0].rel)
    assert not store.exists(parts[0].partial)


def test_an_endpoint_that_answers_nothing_ends_the_stage(tmp_path):
    with pytest.raises(TeacherError, match=r"judge-7b at .* answered none of 4 calls"):
        answers(RunStore(str(tmp_path)), lambda p, s: CallFailure("server_error", "HTTP 500"))


def test_the_endpoint_has_its_own_address_model_and_lengths_but_the_teachers_limits():
    found = endpoint(SELECTOR, TeacherConfig(max_in_flight=7, timeout_s=3, attempts=2))
    assert (found.base_url, found.model) == ("http://127.0.0.1:9/v1", "org/judge-7b")
    assert (found.temperature, found.max_tokens, found.max_in_flight, found.attempts) == (0.3, 9, 7, 2)


def test_a_remote_selector_has_its_own_fields_and_the_teachers_times():
    settings = SELECTOR.settings.model_copy(update={"extra_body": {"top_k": 3}, "omit": ("seed",)})
    teacher = TeacherConfig(call_s=500.0, stage_s=900.0, extra_body={"top_k": 9}, omit=("max_tokens",))
    found = endpoint(replace(SELECTOR, settings=settings), teacher)
    assert (found.extra_body, found.omit) == ({"top_k": 3}, ("seed",))
    assert (found.call_s, found.stage_s) == (500.0, 900.0)


@pytest.mark.parametrize(
    "selector", ["http://127.0.0.1:9/v1", "https://user:word@host/v1#m", "https://host/v1?key=x#m"]
)
def test_an_address_names_its_model_and_holds_no_secret(selector):
    with pytest.raises(ValueError, match=r"model|password"):
        SelectConfig(selectors=(selector,))
