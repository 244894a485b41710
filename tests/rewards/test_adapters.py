"""Rewards as other trainers call them: what they are given, what an error becomes."""

from __future__ import annotations

import asyncio
import inspect
import math
import subprocess
import sys

import numpy as np
import pytest

from rewards import FirstApplicable, Product, Reward, Score, exam_reward, load_reward_set
from rewards.adapters import RewardFailedError, as_openrlhf, as_trl, as_verifiers, as_verl
from rewards.adapters.openrlhf import openrlhf_sample, parts_of_all
from rewards.adapters.sample_fields import guess_kind, prompt_text, sample_of, text_of
from rewards.adapters.verl import compute_score, part_names

OPTIONS = ["内隐记忆", "外显记忆", "感觉记忆", "工作记忆"]
GOOD, WRONG = "<think>A…否</think>答案：B", "<think>…</think>答案：C"


class Brittle(Reward):
    """Fails where the reply says so."""

    name = "brittle"

    def score(self, sample):
        if "炸" in sample.response:
            raise ValueError("boom")
        return Score.of(float("好" in sample.response))


class Waiting(Reward):
    """Counts how many are waited for at once."""

    name = "waiting"
    at_once = most = 0

    async def ascore(self, sample):
        Waiting.at_once += 1
        Waiting.most = max(Waiting.most, Waiting.at_once)
        await asyncio.sleep(0.01)
        Waiting.at_once -= 1
        return Score.of(1.0)


def test_no_trainer_is_imported():
    code = (
        "import sys, rewards.adapters; "
        "assert not {'torch', 'trl', 'verl', 'openrlhf', 'verifiers', 'ray'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# TRL


def test_trl_gets_a_figure_per_completion_from_columns_and_chats():
    score = as_trl(exam_reward(1.0, 0.5), gold="answer")
    chat = [{"role": "assistant", "content": GOOD}]
    found = score(
        prompts=["问", [{"role": "user", "content": "问"}]], completions=[WRONG, chat],
        completion_ids=[[1], [1]], answer=["B", "Ｂ"], options=[OPTIONS, OPTIONS], trainer_state=object(),
    )  # fmt: skip
    assert found == [0.5, 1.5]


def test_trl_an_error_is_none_and_counted():
    logged = {}
    found = as_trl(Brittle())(
        prompts=["", ""], completions=["好", "炸"], gold=["x", "x"], log_metric=logged.__setitem__
    )
    assert found == [1.0, None]
    assert logged == {"reward_errors/brittle": 0.5}


def test_trl_knows_truncated_completions_by_their_tokens():
    score = as_trl(exam_reward(0.0, 1.0), max_completion_length=3)
    found = score(
        prompts=["", ""], completions=[GOOD, GOOD], completion_ids=[[1, 2], [1, 2, 3]], gold=["B", "B"]
    )
    assert found == [1.0, 0.0]


def test_trl_awaits_scorers_side_by_side():
    assert as_trl(Waiting())(prompts=[""] * 4, completions=["a"] * 4, gold=["x"] * 4) == [1.0] * 4
    assert Waiting.most == 4


def test_trl_names_a_missing_column():
    with pytest.raises(ValueError, match="no column 'gold'; name the gold's with gold="):
        as_trl(Brittle())(prompts=[""], completions=[""], answer=["B"])


# verl


def test_verl_dicts_have_one_key_set_whatever_was_asked():
    gate = Product([Brittle().as_part(name="gate"), exam_reward(1.0, 0.5)])
    reward = FirstApplicable([gate.as_part(kinds=["single"]), Brittle().as_part(kinds=["short"])])
    score = as_verl(reward)
    rows = [
        score("psy", "好" + GOOD, "B", {"options": np.array(OPTIONS), "index": 3, "num_turns": None}),
        score("psy", GOOD, "B", {"options": OPTIONS}),
        score("psy", "好", "记忆"),
    ]
    names = ["score", "product", "product.gate", "product.exam", "product.exam.mcq_strict"]
    assert [list(row) for row in rows] == [[*names, "product.exam.think_format", "brittle"]] * 3
    assert [row["score"] for row in rows] == [1.0, 0.0, 1.0]
    assert math.isnan(rows[1]["product.exam"])


def test_verl_an_error_stops_the_run_and_is_no_timeout():
    with pytest.raises(RewardFailedError, match="reward 'brittle' has no score for sample psy/7: scorer_ex"):
        as_verl(Brittle())("psy", "炸", "x", {"index": 7})
    assert not issubclass(RewardFailedError, TimeoutError)


def test_verl_a_bad_row_is_named():
    with pytest.raises(ValueError, match="sample psy/7: gold: "):
        as_verl(Brittle())("psy", "好", None, {"index": 7})


@pytest.fixture
def exam_yaml(tmp_path):
    path = tmp_path / "exam.yaml"
    path.write_text(
        "name: exam\ncompose: sum\nrewards:\n  - {reward: mcq_strict}\n"
        "  - {reward: think_format, weight: 0.5}\n"
    )
    return str(path)


class Words:
    """A tokenizer whose tokens are replies."""

    texts = (GOOD, WRONG)

    def decode(self, ids, skip_special_tokens=True):
        return self.texts[int(ids[0])]


def a_batch():
    import torch
    from verl import DataProto

    rows = 2
    info = [{"index": i, "options": OPTIONS, "kind": "single"} for i in range(rows)]
    return DataProto.from_dict(
        tensors={
            "prompts": torch.zeros(rows, 1, dtype=torch.long),
            "responses": torch.tensor([[0, 0], [1, 0]]),
            "attention_mask": torch.ones(rows, 3, dtype=torch.long),
        },
        non_tensors={
            "data_source": np.array(["psy"] * rows, dtype=object),
            "reward_model": np.array([{"ground_truth": "B"}] * rows, dtype=object),
            "extra_info": np.array(info, dtype=object),
        },
    )


def test_verl_its_naive_manager_takes_the_reward():
    from verl.workers.reward_manager import NaiveRewardManager

    manager = NaiveRewardManager(Words(), num_examine=0, compute_score=as_verl(exam_reward(1.0, 0.5)))
    found = manager(a_batch(), return_dict=True)
    assert found["reward_tensor"].tolist() == [[0.0, 1.5], [0.0, 0.5]]
    assert found["reward_extra_info"] == {
        "score": [1.5, 0.5], "mcq_strict": [1.0, 0.0], "think_format": [1.0, 1.0],
    }  # fmt: skip


@pytest.mark.parametrize("path", ["pkg://rewards.adapters.verl", "rewards/adapters/verl.py"])
def test_verl_takes_the_reward_from_its_config(exam_yaml, path, request, monkeypatch):
    """As the trainer does: ``custom_reward_function`` -> reward loop manager -> one sample."""
    from omegaconf import OmegaConf
    from verl.trainer.ppo.reward import load_reward_manager

    monkeypatch.chdir(request.config.rootpath)
    function = {"path": path, "name": "compute_score", "reward_kwargs": {"reward_set": exam_yaml}}
    manager = {"source": "register", "name": "naive"}
    config = OmegaConf.create({"reward": {"custom_reward_function": function, "reward_manager": manager}})

    async def both():
        loop_manager = load_reward_manager(config, Words())
        return [await loop_manager.run_single(a_batch()[i : i + 1]) for i in range(2)]

    first, second = asyncio.run(both())
    assert (first["reward_score"], second["reward_score"]) == (1.5, 0.5)
    assert first["reward_extra_info"].keys() == second["reward_extra_info"].keys()


def test_verl_module_function_is_the_adapter(exam_yaml):
    ask = ("psy", GOOD, "B", {"options": OPTIONS})
    assert compute_score(*ask, reward_set=exam_yaml) == as_verl(load_reward_set(exam_yaml))(*ask)


# OpenRLHF, by its documented signature


def test_openrlhf_gets_tensors_for_advantages_filtering_and_the_log():
    reward_func = as_openrlhf(exam_reward(1.0, 0.5), full=1.5)
    assert list(inspect.signature(reward_func).parameters)[:3] == ["queries", "prompts", "labels"]
    label = '{"gold": "B", "options": ["内隐记忆", "外显记忆"]}'
    found = reward_func(
        ["<s>问：" + GOOD + "<|im_end|>\n", "问：" + WRONG + "</s><pad>"], ["问：", "问："], [label, "B"]
    )
    assert found["rewards"].tolist() == [1.5, 0.5]
    assert found["scores"].tolist() == pytest.approx([1.0, 1 / 3])
    assert {k: v.tolist() for k, v in found["extra_logs"].items()} == {
        "mcq_strict": [1.0, 0.0], "think_format": [1.0, 1.0],
    }  # fmt: skip


def test_openrlhf_an_error_or_a_bad_row_stops_the_run():
    with pytest.raises(RewardFailedError, match="sample 1: scorer_exception"):
        as_openrlhf(Brittle())(["问好", "问炸"], ["问", "问"], ["x", "x"])
    with pytest.raises(ValueError, match="query 0 does not begin with its prompt"):
        as_openrlhf(Brittle())(["好"], ["问"], ["x"])


def test_openrlhf_a_json_gold_is_a_gold():
    reward = load_reward_set({"reward": "questionnaire_error", "max_score": 3})
    found = as_openrlhf(reward)(["问1. 3\n2. 0"], ["问"], ['{"1": 3, "2": 0}'])
    assert found["rewards"].tolist() == [0.0]


# verifiers, by its documented signature


def group(replies, reward, answer="x"):
    states = [{} for _ in replies]
    chats = [[{"role": "assistant", "content": reply}] for reply in replies]
    n = len(replies)
    columns = {"completions": chats, "answers": [answer] * n, "prompts": ["问"] * n, "infos": [{}] * n}
    return asyncio.run(as_verifiers(reward)(**columns, states=states)), states


def test_verifiers_sees_a_group_function():
    function = as_verifiers(exam_reward(1.0, 0.5))
    assert inspect.iscoroutinefunction(function)
    assert set(inspect.signature(function).parameters) <= {
        "completions", "answers", "prompts", "infos", "states", "tasks",
    }  # fmt: skip
    assert function.__name__ == "exam"
    assert group([GOOD, WRONG], exam_reward(1.0, 0.5), "B")[0] == [1.5, 0.5]


def test_verifiers_an_error_is_marked_and_moves_no_baseline():
    figures, states = group(["好", "炸", "坏", "好"], Brittle())
    assert figures == [1.0, pytest.approx(2 / 3), 0.0, 1.0]
    assert sum(figures) / 4 == pytest.approx(2 / 3)
    assert [type(state.get("error")) for state in states] == [type(None), RewardFailedError] + [
        type(None)
    ] * 2
    assert "boom" in str(states[1]["error"])


def test_verifiers_without_any_score_all_are_marked():
    figures, states = group(["炸", "炸"], Brittle())
    assert figures == [0.0, 0.0]
    assert all(state["error"] for state in states)
    _, states = group(["好"], Brittle(), answer=None)
    assert "gold" in str(states[0]["error"])


def test_trl_a_reward_sees_the_prompt():
    class Echo(Reward):
        name = "echo"

        def score(self, sample):
            return Score.of(float(sample.response == sample.prompt))

    assert as_trl(Echo())(prompts=["问", "问"], completions=["问", "答"], gold=["", ""]) == [1.0, 0.0]


def test_openrlhf_calls_a_reward_of_one_full_unless_told_otherwise():
    found = as_openrlhf(exam_reward(1.0, 0.5))(["问" + GOOD, "问" + WRONG], ["问", "问"], ["B", "B"])
    assert found["scores"].tolist() == [1.0, 0.5]
    assert as_openrlhf(exam_reward(1.0, 0.5))([], [], [])["extra_logs"] == {}
    minus = load_reward_set({"reward": "repetition", "n": 1})
    assert as_openrlhf(minus)(["问哈哈"], ["问"], [""])["scores"].tolist() == [0.0]


def test_openrlhf_logs_the_parts_that_every_score_has():
    shared = parts_of_all([Score.of(1, {"b": 1, "a": 2, "c": 3}), Score.of(1, {"a": 4, "b": 5})])
    assert list(shared.items()) == [("a", [2.0, 4.0]), ("b", [1.0, 5.0])]
    assert parts_of_all([]) == {}


@pytest.mark.parametrize("begin", ["", "<s>", "<bos>", " <|im_start|> <pad><pad>", "<|begin_of_text|>"])
@pytest.mark.parametrize("end", ["", "</s>", "<eos>\n", " <|im_end|> <pad><pad>"])
def test_openrlhf_special_tokens_at_the_ends_are_no_part_of_a_reply(begin, end):
    found = openrlhf_sample("7", f"{begin}问<|x|>答<|y|>好{end}", "问<|x|>", "B")
    assert (found.response, found.prompt, found.id, found.gold) == ("答<|y|>好", "问<|x|>", "7", "B")


@pytest.mark.parametrize(
    ("label", "gold", "kind"),
    [
        ("B", "B", "single"),
        ('{"gold": "AB", "kind": "case"}', "AB", "case"),
        (' {"gold": "AB"}', "AB", "multiple"),
        ('{"1": 3}', '{"1": 3}', "short"),
        ('{"1": 3', '{"1": 3', "short"),
    ],
)
def test_openrlhf_labels(label, gold, kind):
    found = openrlhf_sample("0", "问答", "问", label)
    assert (found.gold, found.kind) == (gold, kind)


@pytest.mark.parametrize(
    ("gold", "options", "kind"),
    [
        ("B", ("甲", "乙"), "single"), ("BA", ("甲", "乙"), "multiple"), (" AB ", (), "multiple"),
        ("BA", (), "short"), ("a", (), "short"), ("从众", ("甲", "乙"), "short"), ("B", (), "single"),
    ],
)  # fmt: skip
def test_the_kind_of_a_question_is_guessed_from_its_gold(gold, options, kind):
    assert guess_kind(gold, options) == kind


def test_a_sample_of_fields():
    found = sample_of(
        {"response": "好", "gold": "B", "options": {"B": "乙", "A": "甲"}, "row": 1, "prompt": None}
    )
    assert (found.id, found.kind, found.options, found.prompt) == ("?", "single", ("甲", "乙"), None)
    assert sample_of({"response": "", "gold": "B", "options": np.array(["甲", "乙"])}).options == ("甲", "乙")
    with pytest.raises(ValueError, match=r"^sample \?: gold: Field required \(there are response, x\)$"):
        sample_of({"response": "", "x": 1})
    with pytest.raises(
        ValueError, match=r"^sample 7: options: .*tuple.* \(there are id, response, gold, options\)$"
    ):
        sample_of({"id": "7", "response": "", "gold": "B", "options": "AB"})


class Said:
    """A message as some trainers have them: an object."""

    def __init__(self, content):
        self.content = content


def test_texts_of_chats():
    assert text_of("好") == "好"
    assert text_of([{"content": "问"}, {"content": "答"}]) == text_of([Said("问"), Said("答")]) == "答"
    for wrong in ([], 7, [{"content": None}], [object()]):
        with pytest.raises(ValueError, match=f"a list of chat messages, not {type(wrong).__name__}"):
            text_of(wrong)
    assert prompt_text(None) is None
    assert prompt_text("问") == "问"
    assert prompt_text([{"content": "一"}, {"content": None}, Said("二")]) == "一\n二"


def test_verl_names_a_sample_by_source_and_index():
    class Named(Reward):
        name = "named"

        def score(self, sample):
            raise ValueError(sample.id)

    score = as_verl(Named())
    with pytest.raises(RewardFailedError, match="for sample psy/7: scorer_exception: ValueError: psy/7"):
        score("psy", "答", "B", {"index": 7})
    with pytest.raises(RewardFailedError, match=r"for sample psy/\?: "):
        score("psy", "答", "B")


def test_verl_metrics_are_named_by_their_path():
    inner = Product([Brittle().as_part(name="a"), Brittle().as_part(name="b")], name="in")
    assert list(part_names(Product([inner, Brittle()]))) == ["in", "in.a", "in.b", "brittle"]
    assert list(part_names(Brittle())) == []


def test_verifiers_leaves_an_error_that_is_there_and_takes_fields_from_info():
    states = [{"error": "earlier"}]
    columns = {"completions": ["炸"], "answers": ["x"], "prompts": ["问"], "infos": [None]}
    assert asyncio.run(as_verifiers(Brittle())(**columns, states=states)) == [0.0]
    assert states == [{"error": "earlier"}]
    columns = {
        "completions": ["答案：乙"],
        "answers": ["B"],
        "prompts": [""],
        "infos": [{"options": ["甲", "乙"]}],
    }
    assert asyncio.run(as_verifiers(exam_reward(1.0, 0.5))(**columns, states=[{}])) == [1.0]
    assert (
        asyncio.run(as_verifiers(Waiting())(["好"] * 3, ["x"] * 3, [""] * 3, [None] * 3, [{}] * 3))
        == [1.0] * 3
    )


def test_trl_without_completions_logs_nothing():
    logged = {}
    score = as_trl(Brittle())
    assert score(prompts=[], completions=[], gold=[], log_metric=logged.__setitem__) == []
    assert logged == {}
    assert score.__name__ == "brittle"
