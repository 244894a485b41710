"""``psyche-rl bench run`` and ``bench judge`` against a scripted server: cut, resumed, failing, judged."""

import json

import pytest
import yaml
from item_rows import item_row
from scripted_server import ScriptedServer
from typer.testing import CliRunner

from launch.bench.bench_folder import bench_folder, model_name
from launch.cli.app import app
from psyche_rl.errors import DataError
from psyche_rl.evaluation.catalogue import find_benchmark
from psyche_rl.evaluation.result_files import read_results, write_results

QUICK = ("calls.attempts=1", "draws=20")


def bench(*arguments):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


@pytest.fixture
def server():
    """Answers A; or, while ``refuses`` holds, refuses every call whose prompt holds one of its words."""
    served = ScriptedServer(
        lambda prompt: 400 if any(w in prompt for w in served.refuses) else served.says(prompt)
    )
    served.refuses, served.says = (), lambda prompt: "<think>想</think>答案：A"
    yield served
    served.close()


def test_a_run_asks_each_item_once_and_only_what_failed_again(server, tmp_path):
    server.refuses = ("多选题",)
    out = tmp_path / "out"
    call = ("run", f"{server.url}#tiny", "--benchmark", "mini_exam", "--out", out, "limit=12", *QUICK)
    cut = bench(*call)
    rows = read_results(str(out / "mini_exam"))
    multiple = sum(row.kind == "multiple" for row in rows)
    assert cut.exit_code == 1
    assert f"{multiple} items failed, the first: refused" in cut.output
    assert {row.ended for row in rows if row.kind == "multiple"} == {"failed"}
    assert len(server.asked) == 12
    server.refuses = ()
    done = bench(*call, "--json")
    assert (done.exit_code, len(server.asked)) == (0, 12 + multiple)
    told = json.loads(done.stdout)[0]
    assert (told["items"], told["failed"], told["model"]) == (12, 0, "tiny")
    assert told["figures"]["mcq_strict"]["n"] == 12
    assert json.loads((out / "mini_exam/summary.json").read_text("utf-8")) == told
    # The journal alone is enough: the cache of calls may go.
    (out / "llm_calls.sqlite").unlink()
    assert bench(*call).exit_code == 0
    assert len(server.asked) == 12 + multiple
    assert len(read_results(str(out))) == 12
    with (
        pytest.raises(DataError, match="holds replies of tiny"),
        bench_folder(str(out), "http://h/v1#o", "o"),
    ):
        pass


def test_samples_have_seeds_of_their_own_and_the_file_names_its_sampling(server, tmp_path):
    run = bench(
        "run", f"{server.url}#tiny", "--benchmark", "mini_exam", "--out", tmp_path, "limit=5", "samples=3",
        "temperature=0.5", "top_p=0.9", *QUICK,
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    assert len({body["seed"] for body in server.asked}) == 15
    assert {(body["temperature"], body["top_p"]) for body in server.asked} == {(0.5, 0.9)}
    rows = read_results(str(tmp_path / "mini_exam"))
    assert sorted({row.sample for row in rows}) == [0, 1, 2]


@pytest.fixture
def own(tmp_path):
    """CPsyCounE under another name, without the overlap that takes a second to load."""
    said = find_benchmark("cpsycoune").model_dump(mode="json")
    said |= {"name": "turns", "metrics": {"open": []}}
    (tmp_path / "turns.yaml").write_text(yaml.safe_dump(said, allow_unicode=True), "utf-8")
    return tmp_path / "turns.yaml"


@pytest.fixture
def dialogues(tmp_path):
    folder = tmp_path / "data/婚恋"
    folder.mkdir(parents=True)
    for n in range(3):
        turns = [f"求助者：第{n}次，我很难过", "支持者：愿意多说说吗", "求助者：他走了", "支持者：我在听"]
        (folder / f"{n}.json").write_text(json.dumps(turns, ensure_ascii=False), "utf-8")
    return tmp_path / "data"


def judge_says(prompt):
    """A rubric's verdict on all but one reply; in pairs always the one shown first, unless both are alike."""
    if '"better"' in prompt:
        return '{"better": "A"}' if "第0次" in prompt else '{"better": "tie"}'
    if "第1次" in prompt or "不符合要求" in prompt:  # nor after it was asked to mend it
        return "我说不好"
    return '{"comprehensiveness": 2, "professionalism": 3, "authenticity": 0, "safety": 1}'


def test_replies_are_judged_turn_by_turn_and_a_failed_judgement_is_no_zero(server, dialogues, own, tmp_path):
    judge = ScriptedServer(judge_says)
    try:
        for name in ("one", "two"):
            server.says = lambda prompt, name=name: f"我听见你说的了，{name}"
            run = bench(
                "run", f"{server.url}#{name}", "--benchmark", own, "--data", dialogues, "--out",
                tmp_path / name, f"judge.models=[{judge.url}#a, {judge.url}#b]", "--json", *QUICK,
            )  # fmt: skip
            assert run.exit_code == 0, run.output
        told = json.loads(run.stdout)[0]
        figures = told["figures"]
        assert figures["judge:cpsycoune:professionalism"]["value"] == 3
        assert figures["judge:cpsycoune:mean"] | {"low": 0, "high": 0} == {
            "value": pytest.approx(0.75), "low": 0, "high": 0, "n": 4, "clusters": 2,
        }  # fmt: skip
        assert told["unscored"]["judge:cpsycoune:safety"] == 2
        assert set(told["judges"]["failed"].values()) == {2}
        rated = told["judges"]["agreement"]["judge:cpsycoune:safety"]["rated"]
        assert rated == {f"{judge.url}#{name}": 4 for name in "ab"}
        row = next(
            row for row in read_results(str(tmp_path / "two/turns/results.parquet")) if row.level == "2"
        )
        note = json.loads(row.notes["judge:cpsycoune"])
        assert (len(note["judges"]), note["prompt"].split("@")[0]) == (2, "cpsycoune")
        asked = len(judge.asked)
        again = bench(
            "judge", tmp_path / "two/turns/results.parquet", f"judge.models={judge.url}#a", "--out",
            tmp_path / "judged", "--benchmark", own, "--json", *QUICK,
        )  # fmt: skip
        assert json.loads(again.stdout)["turns"]["figures"]["judge:cpsycoune:safety"]["n"] == 4
        pairs = bench(
            "judge", tmp_path / "one/turns/results.parquet", "--against",
            tmp_path / "two/turns/results.parquet", f"judge.models={judge.url}#a", "--out",
            tmp_path / "pairs", "--json", *QUICK,
        )  # fmt: skip
        assert pairs.exit_code == 0, pairs.output
        found = json.loads(pairs.stdout)["turns"]["judges"][f"{judge.url}#a"]
        # The judge that always takes the first one contradicts itself on the two turns of dialogue 0.
        assert (found["pairs"], found["failed"], found["order_decided"]) == (6, 0, 2)
        assert (found["win_rate"]["value"], found["win_rate"]["ties"]) == (0.5, 6)
        assert len(judge.asked) > asked
    finally:
        judge.close()


def test_a_judge_who_answers_nothing_makes_the_command_fail(server, tmp_path):
    server.says = lambda prompt: "我说不好"
    results = [tmp_path / f"{model}.parquet" for model in "ab"]
    for model, path in zip("ab", results, strict=True):
        row = item_row(
            benchmark="crisis_safety", part="crisis", kind="message", model=model, response=f"在听，{model}"
        )
        write_results(str(path), [row])
    judged = f"judge.models={server.url}#j"
    alone = bench("judge", results[0], judged, "--out", tmp_path / "alone", *QUICK)
    assert (alone.exit_code, "1 of 1 judgements by" in alone.stderr) == (1, True)
    assert "failed, the first: schema: no JSON in the reply" in " ".join(alone.stderr.split())
    pairs = bench("judge", results[0], judged, "--against", results[1], "--out", tmp_path / "pairs", *QUICK)
    assert (pairs.exit_code, "1 of 1 judgements by" in pairs.stderr) == (1, True)


def test_models_have_names():
    assert model_name("http://h/v1#qwen") == "qwen"
    assert (model_name("runs/x/grpo/model"), model_name("/m/Qwen2.5-7B/")) == ("x-grpo", "Qwen2.5-7B")


def test_a_description_that_pairs_have_no_use_for_is_refused_before_anything_is_read():
    told = bench(
        "judge",
        "a.parquet",
        "--against",
        "b.parquet",
        "--benchmark",
        "own.yaml",
        "judge.models=http://h/v1#m",
    )
    assert told.exit_code == 2
    assert "leave it out" in told.output
