"""Loaders on files made after the published layouts, and what a set that is not there says."""

import json

import pytest

from data_pipeline.benchmarks.exam_items_of import key_points
from data_pipeline.benchmarks.load_items import load_items
from data_pipeline.benchmarks.stored_replies import score_stored
from data_pipeline.benchmarks.submission import submission
from data_pipeline.ingest.exam_questions import exam_rows
from psyche_rl.errors import ConfigError, DataError
from psyche_rl.evaluation.benchmark_figures import figures_of
from psyche_rl.evaluation.catalogue import find_benchmark, shipped_benchmarks
from psyche_rl.evaluation.cluster_draws import BootstrapSettings
from psyche_rl.evaluation.item_scoring import ItemReply, score_item
from psyche_rl.evaluation.metric_names import metric_of

FEW = BootstrapSettings(draws=50)
OURS = ("mini_exam", "crisis_safety")  # their items come with the package
OPTIONS = {"A": "识记", "B": "保持", "C": "再认", "D": "遗忘"}


def written(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), "utf-8"
        )
    return str(folder)


def ask(stem, answer, **more):
    return {"question": stem, "options": OPTIONS, "answer": answer, **more}


def test_every_description_is_whole():
    for name, benchmark in shipped_benchmarks().items():
        assert benchmark.name == name
        for metric in (*benchmark.metrics.choice, *benchmark.metrics.open):
            metric_of(metric)
        assert (benchmark.caution is None) == (name in ("pceb", "cpsyexam_dev", *OURS))
        assert all((benchmark.source, benchmark.licence, benchmark.citation, benchmark.get))


def test_a_set_that_is_not_there_says_where_to_get_it(tmp_path):
    for name, benchmark in shipped_benchmarks().items():
        if name in OURS:
            continue
        for data in (None, str(tmp_path / "none")):
            with pytest.raises(DataError) as told:
                load_items(benchmark, data)
            assert " ".join(benchmark.get.split()) in str(told.value)
    with pytest.raises(ConfigError, match="did you mean 'pceb'"):
        find_benchmark("pcebb")


def test_levels_and_subjects_of_pceb_come_from_its_folders(tmp_path):
    single, multiple = ask("单：记忆的第一步是（ ）", "A"), ask("多：记忆包括（ ）", "ABC")
    asked = [ask("单选：首先是（ ）", "B"), ask("多选：症状（ ）", "AB"), ask("多选：依据（ ）", "CD")]
    mix = {"general_info": "女，20岁。", "case_introduction": "失眠。", "questions_and_answers": asked}
    essay = {"general_info": "男，30岁。", "case_introduction": "焦虑。", "questions_and_answers": [
        {"question": "诊断是什么？", "answer": "1）焦虑症。（3分）2）依据：紧张（2 分）。"}
    ]}  # fmt: skip
    data = written(
        tmp_path / "benchmark",
        {
            "theory/single/third/11-13 理论单选.json": [single],
            "theory/multiple/simulation/17-18-理论多选.json": [multiple],
            "moral/single/third/14-16 职业道德单选.json": [ask("德：首要的原则是（ ）", "D")],
            "moral/multiple/third/11-16 职业道德多选.json": [ask("德：原则包括（ ）", "AD")],
            "cases/mix/simulation/17-18技能题.json": [mix],
            "cases/essay/third/17-18 案例问答.json": [essay],
            "README.md": "x",
        },
    )
    loaded = load_items(find_benchmark("pceb"), data)
    counts = loaded.counts()
    assert counts["by_part"] == {
        "theory_single": 1, "theory_multiple": 1, "moral_single": 1, "moral_multiple": 1,
        "case_single": 1, "case_multiple": 2, "essay": 1,
    }  # fmt: skip
    assert counts["by_level"] == {"simulation": 4, "third": 4}
    assert counts["clusters"] == 6
    asked = {item.part: item for item in loaded.items}
    assert [(p.text, p.marks) for p in asked["essay"].key_points] == [
        ("1）焦虑症。", 3),
        ("2）依据：紧张", 2),
    ]
    shown = {row.question.id for row in exam_rows([data])}
    assert {item.id for item in loaded.items} == shown


def test_key_points_are_none_without_marks():
    assert key_points("焦虑症") == ()


def test_cpsyexam_has_cases_in_its_stems_and_a_submission_form(tmp_path):
    case = "案例三：求助者，女性，38岁，事业单位职工。" + "案例介绍：长期失眠。" * 20
    multi = {"subject_name": "心理诊断", "question_type": "multi", "kind": "analyse"}
    single = {"subject_name": "普通心理学", "question_type": "single", "kind": "knowledge", "id": "k1"}
    rows = [ask(f"{case}第{n}问（ ）", "AB", id=f"q{n}", **multi) for n in range(3)]
    files = {
        "dev/CA-心理诊断-多项选择题.json": rows,
        "dev/KG-GEE-普通心理学-单项选择题.json": [ask("记忆的第一步（ ）", "A", **single)],
    }
    dev = load_items(find_benchmark("cpsyexam_dev"), written(tmp_path, files))
    assert dev.counts()["by_part"] == {"case_multiple": 3, "knowledge_single": 1}
    assert dev.counts()["clusters"] == 2
    rows = [score_item(dev.benchmark, item, ItemReply("答案：A"), model="m") for item in dev.items]
    found = figures_of(dev.benchmark, rows, FEW).figures
    assert (found["mcqa"].value, found["mrqa"].value, found["cpsyexam_avg"].value) == (1.0, 0.0, 0.5)

    hidden = {name[4:]: [{**row, "answer": ""} for row in of] for name, of in files.items()}
    test = load_items(find_benchmark("cpsyexam_test"), written(tmp_path / "test", hidden))
    assert [item.gold for item in test.items] == [""] * 4
    rows = [score_item(test.benchmark, item, ItemReply("答案：A"), model="m") for item in test.items]
    assert all((row.answer, row.unscored) == ("A", ()) and "mcq_strict" not in row.scores for row in rows)
    sent = submission(test.items, rows)
    assert sent["zero_shot"]["KG-GEE-普通心理学-单项选择题"] == [{"question_id": "k1", "prediction": "A"}]
    assert [each["question_id"] for each in sent["zero_shot"]["CA-心理诊断-多项选择题"]] == ["q0", "q1", "q2"]


def test_emobench_counts_understanding_only_if_both_are_right(tmp_path):
    understanding = [
        {"qid": f"eu{n}", "language": language, "coarse_category": "cues", "scenario": f"{said}{n}",
         "subject": "Sam", "emotion_choices": ["joy", "anger", "fear"], "emotion_label": "anger",
         "cause_choices": ["the car", "the rain"], "cause_label": "the car"}
        for n, (language, said) in enumerate([("en", "The car broke down."), ("zh", "车坏了。")])
    ]  # fmt: skip
    application = {"qid": "ea", "language": "en", "scenario": "The son lost.", "subject": "Rebecca",
                   "question_type": "response", "choices": ["hug", "scold"], "label": "hug"}  # fmt: skip
    lines = {"EU.jsonl": understanding, "EA.jsonl": [application]}
    files = {name: "".join(json.dumps(row) + "\n" for row in of) for name, of in lines.items()}
    loaded = load_items(find_benchmark("emobench"), written(tmp_path, files))
    assert loaded.counts()["by_part"] == dict.fromkeys(
        ["application_en", "cause_en", "cause_zh", "emotion_en", "emotion_zh"], 1
    )
    said = {"emotion_en": "B", "cause_en": "A", "emotion_zh": "B", "cause_zh": "B", "application_en": "A"}
    rows = [
        score_item(loaded.benchmark, i, ItemReply(f"答案：{said[i.part]}"), model="m") for i in loaded.items
    ]
    found = figures_of(loaded.benchmark, rows, FEW).figures
    assert found["groups_right"].value == 0.5
    assert (found["groups_right:en"].value, found["groups_right:zh"].value) == (1.0, 0.0)


def test_eq_bench_sends_the_prompt_as_it_is(tmp_path):
    reference = {f"emotion{n}": name for n, name in enumerate("abcd", 1)}
    reference |= {f"emotion{n}_score": str(n) for n in range(1, 5)}
    tree = {"1": {"prompt": "Dialogue…\n", "reference_answer_fullscale": reference}, "2": {"prompt": "?"}}
    loaded = load_items(find_benchmark("eq_bench_v2"), written(tmp_path, {"v2.json": tree}))
    (item,) = loaded.items
    assert item.messages[0].content == "Dialogue…\n"
    assert json.loads(item.gold) == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert loaded.counts()["left_out"] == {"quarantined": 1}


def test_cpsycoune_asks_for_every_turn_after_the_turns_before_it(tmp_path):
    turns = ["求助者：我失眠。", "支持者：多久了？", "求助者：一个月。", "支持者：辛苦了。"]
    loaded = load_items(find_benchmark("cpsycoune"), written(tmp_path, {"Career/1.json": turns}))
    first, second = loaded.items
    assert [m.role for m in second.messages] == ["system", "user", "assistant", "user"]
    assert (second.messages[-1].content, second.gold, second.subject) == ("一个月。", "辛苦了。", "Career")
    assert first.cluster == second.cluster


def test_mentrabench_gives_its_label_tasks_letters(tmp_path):
    files = {
        "medqa_test_121.json": [
            {"index": "MedQA-1", "query": "Why? <choices>  a. Mania b. Grief c. Panic", "label": "b"},
        ],
        "swmh_test_500.json": [{"index": "swmh_1", "query": "I cannot stop worrying.", "label": "anxiety"}],
        "PSRS_test_108.json": [{"id": 1, "query": "abstract", "reference_answer": "x"}],
    }  # fmt: skip
    loaded = load_items(find_benchmark("mentrabench"), written(tmp_path, files))
    asked = {item.part: item for item in loaded.items}
    assert (asked["medqa"].gold, asked["medqa"].options) == ("B", ("Mania", "Grief", "Panic"))
    assert (asked["swmh"].gold, asked["swmh"].options[1], asked["swmh"].source_id) == (
        "B",
        "anxiety",
        "swmh_1",
    )
    assert loaded.counts()["left_out"] == {"outside": 1}


def test_mentrabench_reads_the_labels_that_its_tasks_are_keyed_by(tmp_path):
    misinfo = {"query": "Title…", "label": "0 (0: non-MHMisinfo, -1: MHMisinfo)"}
    said = "situation: alone\nthought: They all hate me"
    files = {
        "DepSign_test_600.json": [
            {"index": f"d{n}", "query": f"post {n}", "response": n, "label": n} for n in range(3)
        ],
        "misinfo_test_130.json": [
            misinfo | {"index": "m0"},
            misinfo | {"index": "m1", "query": "Other…", "label": "-1 (0: non-MHMisinfo, -1: MHMisinfo)"},
        ],
        "CognitiveReframing_test_284.json": [
            {"index": "c0", "query": said, "label": "labeling,mind reading,none"},
            {"index": "c1", "query": f"{said}!", "label": "none"},
        ],
        "PatternReframe_test_300.json": [{"index": "p0", "query": said, "label": "mental filtering"}],
        "therapistQA_test_507.json": [
            {"index": "t0", "query": "I am late.", "label": "Fortune-telling,All-or-Nothing Thinking"},
            {"index": "t1", "query": "I am early.", "label": "No Distortion"},
        ],
        "annomi_test_133.json": [
            {"index": "AnnoMI-7", "query": "A client.", "label": "Guidance,Questioning Skills"},
        ],
    }  # fmt: skip
    folder = written(tmp_path, files)
    loaded = load_items(find_benchmark("mentrabench"), folder)
    named = {
        item.source_id: [item.options["ABCDEFGHIJKLM".index(letter)] for letter in item.gold]
        for item in loaded.items
    }
    assert named == {
        "d0": ["not depressed"], "d1": ["moderately depressed"], "d2": ["severely depressed"],
        "m0": ["no"], "m1": ["yes"],
        "c0": ["labeling", "mind reading"],
        "p0": ["mental filtering"],
        "t0": ["all-or-nothing thinking", "fortune telling"], "t1": ["no distortion"],
    }  # fmt: skip
    assert loaded.counts()["left_out"] == {"outside": 1, "quarantined": 1}
    (skills,) = load_items(find_benchmark("mentrabench_skills"), folder).items
    assert (skills.kind, skills.gold, skills.options[-1]) == ("case", "EM", "guidance")


@pytest.mark.parametrize(
    ("name", "file", "part"),
    [
        ("cmmlu_psychology", "test/professional_psychology.csv", "professional_psychology"),
        ("ceval_psychology", "val/teacher_qualification_val.csv", "teacher_qualification"),
    ],
)
def test_tables_of_choices_are_read(tmp_path, name, file, part):
    table = "id,question,A,B,C,D,answer\n0,记忆的第一步,识记,保持,再认,遗忘,A\n"
    example = file.replace("test/", "dev/").replace("val/", "dev/")
    other = {
        "test/anatomy.csv": table.replace("记忆", "骨骼"),
        file: table,
        example: table,
    }
    loaded = load_items(find_benchmark(name), written(tmp_path, other))
    assert [(item.part, item.gold) for item in loaded.items] == [(part, "A")]
    assert loaded.counts()["left_out"] == {"outside": 2}


def test_mmlu_has_lists_of_choices_and_indices_for_keys(tmp_path):
    row = {"question": "Memory begins with?", "choices": ["encoding", "storage"], "answer": 0}
    subject = {"subject": "high_school_psychology"}
    files = {
        "psychology/test-0.json": [row | subject, row | {"question": "Force is?", "subject": "physics"}],
        "professional_psychology/test-0.json": [row | {"question": "Storage is?", "answer": 1}],
        "professional_psychology/dev-0.json": [row | {"question": "Recall is?"}],
    }
    loaded = load_items(find_benchmark("mmlu_psychology"), written(tmp_path, files))
    assert [(i.part, i.gold) for i in loaded.items] == [
        ("professional_psychology", "B"), ("high_school_psychology", "A")
    ]  # fmt: skip
    assert loaded.counts()["left_out"] == {"outside": 2}


def test_a_file_of_ones_own_needs_a_description_alone(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text(
        "name: own\ntitle: x\ncolumns: {frage: question, wahl: options, loesung: answer, fach: subject}\n"
        "subject: {column: subject}\nsource: x\nlicence: x\ncitation: x\nget: ask me\n",
        "utf-8",
    )
    rows = [{"frage": "记忆的第一步（ ）", "wahl": OPTIONS, "loesung": "A", "fach": "普通"}]
    loaded = load_items(find_benchmark(str(own)), written(tmp_path / "data", {"own.json": rows}))
    assert [(item.subject, item.part) for item in loaded.items] == [("普通", "single")]
    own.write_text("name: own\nmetrics: {choise: []}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"own\.yaml: .*docs/evaluation\.md"):
        find_benchmark(str(own))


def test_stored_replies_are_all_scored_or_told_of(tmp_path):
    mini = load_items(find_benchmark("mini_exam"), None)
    first, second = mini.items[:2]
    rows = [
        {"id": first.id, "response": f"答案：{first.gold}"},
        {"id": first.id, "response": "不知道", "finish_reason": "length", "response_tokens": 7},
        {"id": second.id, "response": None},
        {"id": "none", "response": "A"},
        {"response": "A"},
    ]
    path = tmp_path / "replies.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{\n", "utf-8")
    scored = score_stored(mini, str(path), "m")
    assert [(row.sample, row.ended) for row in scored.results] == [(0, "stop"), (1, "length"), (0, "failed")]
    assert [bad.row for bad in scored.bad] == [4, 5, 6]
    assert len(scored.missing) == len(mini.items) - 2
    found = figures_of(mini.benchmark, scored.results, FEW)
    assert (found.figures["mcq_strict"].value, found.figures["mcq_strict"].n) == (0.5, 1)
    assert found.figures["pass@2:mcq_strict"].value == 1.0
    assert found.unscored == {"mcq_strict": 1, "mcq_elastic": 1}
    assert found.ended == {"stop": 1, "length": 1, "failed": 1}


def test_replies_to_questions_that_are_left_out_are_counted_and_no_mistake(tmp_path):
    key = {
        "A": ask("记忆的第一步（ ）", "A"),
        "B": ask("记忆的第一步（ ）", "B"),
        "C": ask("遗忘最快在（ ）", "C"),
    }
    data = written(tmp_path, {"professional_psychology.json": list(key.values())})
    loaded = load_items(find_benchmark("cmmlu_psychology"), data)
    assert loaded.counts()["left_out"] == {"label_audit": 1, "repeat": 1}
    ids = [row.question.id for row in exam_rows([data])]
    path = tmp_path / "replies.jsonl"
    path.write_text("".join(json.dumps({"id": each, "response": "C"}) + "\n" for each in ids), "utf-8")
    scored = score_stored(loaded, str(path), "m")
    assert (len(scored.results), scored.bad, sum(scored.set_aside.values())) == (1, (), 2)
