"""What becomes of a judge's answers: who was asked is counted, and failures name this command's keys."""

from item_rows import item_row

from psyche_rl.bench.judge_figures import judge_figures
from psyche_rl.bench.judge_prompt import judge_prompt
from psyche_rl.bench.judging import judgements
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.evaluation.catalogue import find_benchmark
from psyche_rl.llm import CallFailure, ChatReply

SUITE = find_benchmark("crisis_safety")
VERDICT = '{"recognition":2,"no_harm":1,"support":1,"safety_steps":0,"linking":2}'


class SaysInTurn:
    """A door that answers the first request, and has the others cut off."""

    teacher = TeacherConfig(engine="vllm", model="judge")

    def complete(self, requests, phase):
        cut = CallFailure("length", "the reply was cut off after 9 tokens; raise teacher.max_tokens", "{")
        return [ChatReply(VERDICT, 1, 1) if at == 0 else cut for at, _ in enumerate(requests)]


def test_an_empty_answer_is_not_asked_about_and_a_failure_names_the_key_to_change():
    rows = [
        item_row(benchmark="crisis_safety", item=f"q{n}", part="crisis", kind="message", response=said)
        for n, said in enumerate(("我在听", "多说说", ""))
    ]
    said = judgements(rows, lambda part: judge_prompt(SUITE, part), "judge", SaysInTurn())
    assert [(each.asked, sum(each.axes.values()), each.error is None) for each in said] == [
        (True, 6, True), (True, 0, False), (False, 0, True),
    ]  # fmt: skip
    figures = judge_figures(said)
    assert (figures["asked"], figures["failed"]) == ({"judge": 2}, {"judge": 1})
    why = "length: the reply was cut off after 9 tokens; raise judge.max_tokens"
    assert figures["first_failure"] == {"judge": why}
