"""The rule by meaning, with a model under which texts of the same characters mean the same."""

import json

import pytest
import torch
from typer.testing import CliRunner
from word_vectors import word_vectors

from data_pipeline.decontamination import EvaluationIndex, EvaluationItem, decontaminate
from data_pipeline.decontamination.embedding_search import EmbeddingSearch, check_model, texts_to_compare
from data_pipeline.decontamination.files import decontaminate_files
from launch.cli.app import app
from psyche_rl.config.decontamination import DecontaminateConfig
from psyche_rl.errors import ConfigError
from psyche_rl.records import Dialogue, Message, Question

pytestmark = pytest.mark.slow  # the library takes its time to be imported

STEM = "陌生情境里哭得最凶而又难于安抚的婴儿，按照安斯沃斯的依恋理论属于哪一类"
OPTIONS = ("安全型", "回避型", "矛盾型", "混乱型")
OTHER = EvaluationItem(
    "exam", "row 2", "短时记忆的容量一般认为是多少个组块，请选出正确的一项", ("五", "七", "九", "十")
)
EXAM = [EvaluationItem("exam", "row 1", STEM, OPTIONS), OTHER]
TURNED = "按照安斯沃斯的依恋理论，婴儿在陌生情境里哭得最凶而又难于安抚属于哪一类的"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    alphabet = "".join(item.stem + "".join(item.options) for item in EXAM) + "| 工作记忆与长时有何不同"
    return word_vectors(tmp_path_factory.mktemp("model") / "vectors", alphabet)


@pytest.fixture(scope="module")
def settings(folder):
    return DecontaminateConfig(embedding_model=folder)


def question(stem, options, id_="q"):
    return Question(id=id_, stem=stem, options=options, gold="A", kind="single", source="s")


def test_a_question_in_other_words_is_found_by_meaning_alone(settings):
    turned = question(TURNED, tuple(reversed(OPTIONS)))
    assert decontaminate([turned], [], [], EvaluationIndex(EXAM, DecontaminateConfig())).matches == ()
    (match,) = decontaminate([turned], [], [], EvaluationIndex(EXAM, settings)).matches
    assert (match.rule, match.part, match.place) == ("embedding", "question", "row 1")
    assert 0.9 <= match.score <= 1


def test_another_question_of_the_subject_stays(settings):
    kept = question("工作记忆与长时记忆有何不同", ("容量", "组块", "时长", "无"))
    found = decontaminate([kept], [], [], EvaluationIndex(EXAM, settings))
    assert list(found.questions) == [kept]


def test_a_line_of_a_conversation_is_found_and_the_others_are_kept_apart(settings):
    def talk(*said):
        messages = [Message(role=("user", "assistant")[at % 2], content=text) for at, text in enumerate(said)]
        return Dialogue(id=said[0], kind="empathetic", messages=tuple(messages), source="s")

    talks = [talk("工作记忆", "长时记忆"), talk(f"你好\n{TURNED}\n谢谢", "回避型"), talk("容量", "无")]
    found = decontaminate([], [], talks, EvaluationIndex(EXAM, settings))
    assert [(match.record_id, match.part) for match in found.matches] == [(talks[1].id, "stem")]
    assert list(found.dialogues) == [talks[0], talks[2]]


def test_what_the_rules_on_characters_find_keeps_their_name(settings):
    (match,) = decontaminate([question(STEM, OPTIONS)], [], [], EvaluationIndex(EXAM, settings)).matches
    assert match.rule == "exact"


def test_the_same_hits_in_whatever_batches(folder):
    search = EmbeddingSearch(EXAM, folder, 0.5, 8, "cpu")
    records = [[TURNED], [], [OTHER.stem, STEM], ["工作记忆"]] * 400
    assert search.hits(records) == search.hits(records[:4]) * 400
    assert search.hits(records[:1]) == [search.hits(records)[0]]
    assert [len(hits) for hits in search.hits(records[:4])][1:3] == [0, 2]


def test_an_item_is_found_once_by_the_text_that_is_closest(folder):
    search = EmbeddingSearch(EXAM, folder, 0.5, 8, "cpu")
    ((hit, *_),) = search.hits([[TURNED, STEM]])
    assert (hit.place, hit.part, hit.score) == (0, "stem", 1.0)


def test_how_close_items_are_to_others_is_told_and_copies_do_not_count(settings, folder):
    twice = [*EXAM, EvaluationItem("other exam", "row 1", STEM, OPTIONS)]
    nearest = EmbeddingSearch(twice, folder, 0.9, 24, "cpu").nearest_other()
    assert len(nearest) == 3
    assert max(nearest) < 0.9
    report = decontaminate([], [], [], EvaluationIndex(twice, settings)).report
    assert report["nearest_other_item"]["p50"] == pytest.approx(nearest[0], abs=1e-4)
    assert (
        "nearest_other_item"
        not in decontaminate([], [], [], EvaluationIndex(EXAM, DecontaminateConfig())).report
    )


def test_short_lines_are_not_compared_by_themselves():
    assert texts_to_compare("甲乙\n丙丁戊己", 4) == ["甲乙\n丙丁戊己", "丙丁戊己"]
    assert texts_to_compare(" \n", 1) == []


def test_a_folder_that_is_no_model_is_refused_in_one_line(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"modules\.json is missing"):
        check_model(str(tmp_path))
    (tmp_path / "modules.json").write_text("[", "utf-8")
    with pytest.raises(ConfigError, match="is no embedding model that can be loaded") as refused:
        EmbeddingSearch(EXAM, str(tmp_path), 0.9, 8, "cpu")
    assert "\n" not in str(refused.value)
    monkeypatch.setattr("data_pipeline.decontamination.embedding_search.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'psyche-rl\[embedding\]'"):
        check_model(str(tmp_path))


def test_weights_that_are_a_pickle_are_refused(tmp_path, folder):
    from transformers import BertConfig, BertModel

    bert = BertModel(
        BertConfig(
            vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
        )
    )
    bert.config.save_pretrained(tmp_path)
    torch.save(bert.state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n甲\n乙\n丙\n", "utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}', "utf-8")
    module = {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}
    (tmp_path / "modules.json").write_text(json.dumps([module]), "utf-8")
    with pytest.raises(ConfigError, match="safetensors"):
        EmbeddingSearch(EXAM, str(tmp_path), 0.9, 8, "cpu")


def test_files_are_looked_through_by_meaning_too(tmp_path, folder):
    rows = [{"question": TURNED, "options": list(OPTIONS)}, {"text": "工作记忆与长时记忆有何不同"}]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    exam = [{"question": item.stem, "options": list(item.options)} for item in EXAM]
    (tmp_path / "exam.json").write_text(json.dumps(exam), "utf-8")
    settings = DecontaminateConfig(embedding_model=folder)
    found = decontaminate_files(str(tmp_path / "train.jsonl"), [str(tmp_path / "exam.json")], settings, None)
    assert [match.rule for match in found.matches] == ["embedding"]
    asked = [
        "decontaminate",
        str(tmp_path / "train.jsonl"),
        "--against",
        str(tmp_path / "exam.json"),
        "--check",
    ]
    done = CliRunner().invoke(app, [*asked, "--embedding-model", folder])
    assert done.exit_code == 1
    assert "embedding 1" in done.stdout
    assert "cosine of an item to the nearest other one: p50" in done.stdout
    assert CliRunner().invoke(app, asked).exit_code == 0
