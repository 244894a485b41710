"""What the selectors' verdicts come to, and that none of them is lost on the way."""

import io

import pytest

from data_pipeline.answering.judge import judge
from data_pipeline.answering.selector import Selector
from data_pipeline.answering.verdict import TOO_LONG, no_answer, verdict
from data_pipeline.rows.accounting import UnbalancedRowsError
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.config.selection import SelectConfig
from psyche_rl.events import Events
from psyche_rl.records import Question, Verdict
from psyche_rl.store import RunStore

ADDRESSES = ("http://127.0.0.1:9/v1#one", "http://127.0.0.1:9/v1#two")
SETTINGS = SelectConfig(selectors=ADDRESSES, samples=2, block_rows=2)
SELECTORS = [
    Selector(address[-3:], address, SETTINGS, PromptConfig(instruction=""), EngineConfig(), seed=0)
    for address in ADDRESSES
]


def ask(n, kind="single"):
    options = () if kind == "short" else ("甲", "乙")
    return Question(id=f"q{n}", kind=kind, stem=f"问{n}", options=options, gold="A", source="s")


QUESTIONS = [ask(0), ask(1), ask(2), ask(3, kind="short")]


def answers(label, question):
    """Two samples; selector two has no room for q1 and gets no reply for one sample of q2."""
    if (label, question.id) == ("two", "q1"):
        return [no_answer(label, question, s, f"{TOO_LONG}: no room") for s in range(2)]
    found = [verdict(label, question, s, "答案：B") for s in range(2)]
    if (label, question.id) == ("two", "q2"):
        found = [no_answer(label, question, s, "timeout: no reply") for s in range(2)]
    return found


def judged(tmp_path, tamper=lambda found: found):
    store = RunStore(str(tmp_path))

    def answer(missing):
        for selector, batches in missing:
            for batch in batches:
                found = [v for q in batch.questions for v in answers(selector.label, q)]
                store.write_records(batch.rel, Verdict, tamper(found))

    return judge(SELECTORS, QUESTIONS, store, Events(store, console=io.StringIO()), answer)


def test_a_question_that_a_selector_did_not_answer_is_not_judged_and_says_why(tmp_path):
    found = judged(tmp_path)
    assert found.unjudged == {
        "q1": (TOO_LONG, "no room"),
        "q2": ("failed", "two gave no answer: timeout: no reply"),
    }
    assert [(v.selector, v.question_id, v.sample) for v in found.verdicts] == [
        (label, "q0", sample) for label in ("one", "two") for sample in range(2)
    ]
    assert (found.reused, judged(tmp_path).reused) == (0, 4)


@pytest.mark.parametrize(
    "tamper",
    [lambda found: found[1:], lambda found: [*found, found[0]], lambda found: [found[1], *found[1:]]],
    ids=["lost", "doubled", "another in its place"],
)
def test_a_verdict_that_is_lost_or_doubled_ends_the_stage(tmp_path, tamper):
    with pytest.raises(UnbalancedRowsError, match=r"step select\.verdicts"):
        judged(tmp_path, tamper)
