"""Places are handed out once, and again only after a run that ended with them under way."""

from hypothesis import given
from hypothesis import strategies as st
from loop_fakes import question

from psyche_rl.loops.prompt_queue import PromptQueue
from psyche_rl.loops.prompt_schedule import PromptSchedule
from psyche_rl.loops.prompt_states import PromptStates
from psyche_rl.store import RunStore


def queue():
    return PromptQueue(PromptSchedule([question(i) for i in range(5)], 2, 0, False))


@given(st.lists(st.integers(0, 6), max_size=40), st.integers(0, 40))
def test_every_place_ends_once_whenever_the_run_is_cut(choices, cut):
    asked, ended, at_work = [], [], []
    prompts = queue()
    for number, choice in enumerate(choices):
        if number == cut:
            prompts, state = queue(), prompts.state()
            prompts.restore(state)
            at_work.clear()
        if choice < 4 or not at_work:
            place, found = prompts.next()
            assert found == queue()._schedule.question(place)
            asked.append(place)
            at_work.append(place)
        else:
            place = at_work.pop(choice % len(at_work))
            prompts.ended(place)
            ended.append(place)
    assert len(ended) == len(set(ended))
    assert sorted({*ended, *at_work, *prompts.state()["under_way"]}) == sorted(set(asked))


def test_what_was_under_way_is_asked_again_first():
    prompts = queue()
    places = [prompts.next()[0] for _ in range(4)]
    assert places == [0, 1, 2, 3]
    prompts.ended(1)
    assert prompts.state() == {"next": 4, "under_way": [0, 2, 3]}
    again = queue()
    again.restore(prompts.state())
    assert again.state() == prompts.state()
    assert [again.next()[0] for _ in range(5)] == [0, 2, 3, 4, 5]


def test_states_by_step_of_which_the_later_counts(tmp_path):
    states = PromptStates(RunStore(str(tmp_path)), "grpo")
    assert states.at(3) is None
    for step, following in ((3, 8), (4, 9), (3, 7)):
        states.keep(step, {"next": following, "under_way": []})
    with (tmp_path / "grpo/prompts.jsonl").open("a") as file:
        file.write('{"step": 9, "ne')  # cut off by a kill
    assert states.at(3)["next"] == 7
    assert states.at(4)["next"] == 9
    assert states.at(9) is None
