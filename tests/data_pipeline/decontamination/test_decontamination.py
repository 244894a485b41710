"""Planted copies of evaluation items are all found, other questions on the same matter are not."""

from __future__ import annotations

import json
import random
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.decontamination import EvaluationIndex, EvaluationItem, decontaminate, items_of, read_sets
from data_pipeline.decontamination.fragments import of_text
from data_pipeline.decontamination.training_records import fragments_of
from data_pipeline.ingest import ingest_questions
from data_pipeline.text.comparable import comparable
from psyche_rl.config.decontamination import DecontaminateConfig
from psyche_rl.errors import DataError
from psyche_rl.records import LETTERS, Dialogue, Message, Question, Rationale
from rewards.text.canonical import LOOK_ALIKES

REAL = Path(__file__).parents[4] / "shared" / "data"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the real exam files are not on this machine")

EXAM = [
    EvaluationItem("exam", f"row {number}", *fields)
    for number, fields in enumerate(
        [
            ("短时记忆的容量一般认为是（ ）", ("5±2个组块", "7±2个组块", "9±2个组块", "无限")),
            ("弗洛伊德认为人格结构中遵循快乐原则的是", ("本我", "自我", "超我", "理想自我")),
            ("桑代克通过迷笼实验提出的学习理论称为", ("试误说", "顿悟说", "认知地图", "观察学习")),
            ("关于性格，正确的说法包括", ("后天形成", "有好坏之分", "与气质无关", "表现为态度")),
            ("可能的诊断是", ("抑郁症", "焦虑症", "强迫症"), "求助者，男，23岁，大学生，近三月反复洗手。"),
            ("简述系统脱敏法的三个基本步骤",),
        ],
        1,
    )
]
INDEX = EvaluationIndex(EXAM, DecontaminateConfig())
SEVERAL = [item for item in EXAM if item.options]

_KANGXI = {unicodedata.normalize("NFKC", chr(c)): chr(c) for c in range(0x2F00, 0x2FD6)}
_SUPPLEMENT = {to: chr(code) for code, to in LOOK_ALIKES.items()}
_TRADITIONAL = dict(zip("时忆认为个组块无结构则习论称实验", "時憶認爲個組塊無結構則習論稱實驗", strict=True))
_WIDE = {chr(c - 0xFEE0): chr(c) for c in range(0xFF01, 0xFF5F)}
_CONFUSED = {"己": "已", "日": "曰", "士": "土", "人": "入", "未": "末"}
TWINS = [_KANGXI, _SUPPLEMENT, _TRADITIONAL, _WIDE, _CONFUSED]
BETWEEN = ["", " ", "\u3000", "\n", "，", "。", "\u200b", "（）", "…", "_", "-", "\ufeff"]


def disguised(text: str, draw: random.Random) -> str:
    """Look-alike characters for some, spaces and punctuation between others, none of the old ones."""
    out = []
    for char in text:
        if not char.isalnum() and char not in "±":
            continue
        tables = [table for table in TWINS if char in table]
        out.append(draw.choice(tables)[char] if tables and draw.random() < 0.8 else char)
        out.append(draw.choice(BETWEEN) if draw.random() < 0.4 else "")
    return "".join(out)


def question(item: EvaluationItem, **changed) -> Question:
    fields = {"stem": item.stem, "options": item.options, "case": item.case, **changed}
    return Question(id="q", kind="multiple", gold="AB", source="t", **fields)


def found(record) -> list[tuple[str, str]]:
    """(place, rule) of all matches."""
    return [(hit.item.place, hit.rule) for hit in INDEX.hits(fragments_of(record))]


def talk(*texts: str) -> Dialogue:
    return Dialogue(
        id="d", kind="plain", messages=tuple(Message(role="user", content=t) for t in texts), source="t"
    )


@given(st.sampled_from(SEVERAL), st.randoms(use_true_random=False))
def test_a_disguised_copy_with_shuffled_options_is_found_exactly(item, draw):
    options = [disguised(option, draw) for option in item.options]
    draw.shuffle(options)
    planted = question(
        item, stem=f"{draw.randint(1, 90)}．单选：{disguised(item.stem, draw)}", options=tuple(options)
    )
    assert (item.place, "exact") in found(planted)


@given(st.sampled_from(SEVERAL), st.randoms(use_true_random=False), st.booleans())
def test_a_disguised_copy_in_a_chat_is_found(item, draw, inline):
    options = [disguised(option, draw).replace("\n", "") for option in item.options]
    draw.shuffle(options)
    lines = [f"{LETTERS[i]}. {option}" for i, option in enumerate(options)]
    choices = ("  " if inline else "\n").join(lines)
    asked = f"请回答下面的题目。\n多选题：{disguised(item.stem, draw)}\n{choices}"
    assert item.place in [place for place, _ in found(talk("你好。", asked, "<think>想一想</think>答案：A"))]


@given(st.sampled_from([i for i in EXAM if len(comparable(i.stem)) >= 8]), st.randoms(use_true_random=False))
def test_a_stem_embedded_in_a_longer_text_is_found(item, draw):
    filler = "学习心理学需要耐心，复习要趁早，做题之前先想清楚概念。" * 3
    at = draw.randrange(len(filler))
    text = filler[:at] + disguised(item.stem, draw) + filler[at:]
    rationale = Rationale(id="r", question_id="q", prompt="p", text=text, answer="A", round=0, model="m")
    assert (item.place, "ngram") in found(rationale)


def test_a_case_is_found_whatever_is_asked_about_it():
    case = "求助者，男，23岁，大学生，近三月 反复洗手，睡眠尚可。"
    assert found(question(EXAM[0], stem="该求助者的年龄特点是什么样的", options=("甲", "乙"), case=case)) == [
        ("row 5", "ngram")
    ]


def test_edits_that_break_n_grams_are_found_by_minhash():
    item = EvaluationItem(
        "exam",
        "row 1",
        "社会心理学家阿希所做的线段判断实验主要研究的是",
        ("人们的从众行为", "群体的去个性化"),
    )
    index = EvaluationIndex([item], DecontaminateConfig(jaccard=0.6))
    edited = question(item, stem="社会心理学者阿希所做的线段判断试验主要研究的是")
    (match,) = index.hits(fragments_of(edited))
    assert match.rule == "minhash"
    assert 0.6 <= match.score < 1


@pytest.mark.parametrize(
    ("stem", "options"),
    [
        ("长时记忆的容量一般被看作是（ ）", ("有限的", "无限的", "7±2个组块", "由注意决定")),
        ("感觉记忆的保持时间大约是（ ）", ("一秒以内", "一分钟", "一小时", "一天")),
        ("弗洛伊德提出的人格结构不包括", ("本我", "自我", "超我", "集体潜意识")),
        ("人格结构中遵循现实原则的是", ("本我", "自我", "超我", "自我理想")),
        ("苛勒通过黑猩猩实验提出的是", ("试误说", "顿悟说", "认知地图", "观察学习")),
        ("关于气质，正确的说法包括", ("先天为主", "无好坏之分", "与性格有关", "表现为速度")),
        ("桑代克通过迷笼实验提出的学习理论称为", ("试误说", "顿悟说", "符号学习", "社会学习")),
        ("可能的诊断是", ("抑郁症", "双相障碍", "精神分裂症", "适应障碍")),
        ("系统脱敏法最适合用于治疗", ("恐惧症", "精神分裂症", "人格障碍", "智力障碍")),
    ],
)
def test_another_question_on_the_same_matter_is_not(stem, options):
    assert (
        found(question(EXAM[0], stem=stem, options=options, case="求助者，女，36岁，教师，失眠两月。")) == []
    )


def test_words_of_an_item_scattered_over_a_long_text_are_no_copy():
    item = EvaluationItem("exam", "row 1", "感觉是", ("心理过程", "个性", "意识", "行为"))
    index = EvaluationIndex([item], DecontaminateConfig())
    far = "无关的话。" * 40
    scattered = f"感觉是第一步。{far}心理过程与个性。{far}意识和行为。"
    near = "感觉是：A心理过程 B个性 C意识 D行为。" + far
    assert not index.hits(of_text(scattered))
    assert [hit.part for hit in index.hits(of_text(near))] == ["question"]


def test_what_is_removed_is_listed_and_takes_its_rationales_along():
    planted = question(EXAM[1]).model_copy(update={"id": "planted"})
    clean = Question(
        id="clean", kind="single", stem="睡眠的功能", options=("恢复", "消耗"), gold="A", source="t"
    )

    def why(id_: str, text: str) -> Rationale:
        return Rationale(
            id=f"r-{id_}", question_id=id_, prompt="p", text=text, answer="A", round=0, model="m"
        )

    leaking = why("clean", f"就像题目“{EXAM[2].stem}”那样。").model_copy(update={"id": "leaking"})
    out = decontaminate(
        [clean, planted],
        [why("clean", "恢复体力。"), leaking, why("planted", "本我。")],
        [talk("我睡不好。", "慢慢来。")],
        INDEX,
    )
    assert [q.id for q in out.questions] == ["clean"]
    assert [r.id for r in out.rationales] == ["r-clean"]
    assert len(out.dialogues) == 1
    assert [(m.record_id, m.record_kind, m.place) for m in out.matches] == [
        ("planted", "question", "row 2"),
        ("leaking", "rationale", "row 3"),
    ]
    assert out.report["removed"] == {"question": 1, "rationale": 1, "dialogue": 0}
    assert out.report["rationales_of_removed_questions"] == 1
    assert out.report["sets"] == {"exam": {"items": 6, "matches": {"exact": 1, "ngram": 1}}}


def test_sets_are_read_in_many_shapes_with_or_without_a_key(tmp_path):
    (tmp_path / "exam").mkdir()
    rows = [
        {"question": "短时记忆的容量", "options": {"A": "七", "B": "九"}},
        {"question": "短时记忆的容量", "A": "七", "B": "九", "answer": ""},
        {"stem": "短时记忆的容量", "options": ["A.七", "B.九"], "gold": "Z"},
        {"question": "短时记忆的容量", "choices": {"label": ["A", "B"], "text": ["七", "九"]}},
        {"case_introduction": "男，30岁。", "questions_and_answers": [{"question": "诊断"}, {"nothing": 1}]},
    ]
    (tmp_path / "exam" / "rows.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    items, bad = items_of(DecontaminateConfig(against=(str(tmp_path / "exam"),)), [question(EXAM[0])])
    assert [(i.set, i.stem, i.options) for i in items[1:5]] == [("exam", "短时记忆的容量", ("七", "九"))] * 4
    assert (items[0].set, items[5].case, len(bad)) == ("held-out exam", "男，30岁。", 1)
    for path, said in ((tmp_path / "nowhere", "nowhere"), (tmp_path, "no exam item among")):
        (tmp_path / "exam" / "rows.json").write_text('[{"a": 1}]')
        with pytest.raises(DataError, match=said):
            read_sets([str(path)])


@real
def test_every_item_of_a_real_exam_is_found_in_disguise_and_unrelated_text_is_not_flagged():
    items, _ = read_sets([str(REAL / "pceb")])
    index = EvaluationIndex(items, DecontaminateConfig())
    draw = random.Random(5)
    chosen = [item for item in items if item.options][::4]
    for item in chosen:
        options = [disguised(option, draw) for option in item.options]
        draw.shuffle(options)
        planted = question(item, stem=disguised(item.stem, draw), options=tuple(options), case=None)
        places = [hit.item.place for hit in index.hits(fragments_of(planted))]
        assert item.place in places, (item, planted)
    dialogues = [path.read_text("utf-8") for path in sorted((REAL / "cpsycoun").glob("*.txt"))[:100]]
    assert not [hit for text in dialogues for hit in index.hits(of_text(text))]
    others, _ = ingest_questions(str(REAL / "cpsyexam"))
    general = [q for q in others if "KG-" in q.source]
    assert len(general) > 200
    assert not [hit for q in general for hit in index.hits(fragments_of(q))]
