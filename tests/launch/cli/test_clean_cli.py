"""``psyche-rl clean``: every row of one's data as a run would make it, without a run."""

from __future__ import annotations

import json
import re

import pytest
from test_cli import HEAVY, modules_after
from typer.testing import CliRunner

from launch.cli.app import app

FIELDS = [
    "source",
    "row",
    "raw",
    "outcome",
    "reason",
    "text",
    "id",
    "rules",
    "cues",
    "redactions",
    "taken_out",
]


def cleaned(tmp_path, rows, *options):
    given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    given.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    done = CliRunner().invoke(app, ["clean", str(given), "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()], done


def test_passages_as_a_run_would_make_them(tmp_path):
    text = "记忆的三个步骤是编码、储存和提取。"
    rows = [
        {"text": f"{text}扫码关注公众号领取资料！"},
        {"text": "我的电话是13800138000，晚上联系我。"},
        {"nothing": 1},
        {"text": "短"},
        {"text": text},
        {"text": "一段😀关于遗忘曲线的文字。"},
    ]
    shown, done = cleaned(tmp_path, rows)
    assert all(sorted(row) == sorted(FIELDS) for row in shown)
    assert [(row["row"], row["outcome"]) for row in shown] == [
        (1, "ok"), (2, "ok"), (3, "quarantined"), (4, "filtered"), (5, "filtered"), (6, "ok"),
    ]  # fmt: skip
    assert (shown[0]["raw"], shown[0]["text"]) == (rows[0]["text"], text)
    assert (shown[0]["rules"], shown[0]["source"]) == (["adverts"], "in.jsonl")
    assert shown[0]["taken_out"] == [{"rule": "adverts", "text": "扫码关注公众号领取资料！"}]
    assert (shown[1]["redactions"], shown[1]["rules"]) == ({"phone": 1}, [])
    assert shown[1]["text"] == "我的电话是［电话］，晚上联系我。"
    assert (shown[2]["id"], json.loads(shown[2]["raw"])) == (None, {"nothing": 1})
    assert shown[3]["reason"].startswith("too_short: 1 characters")
    assert shown[4]["reason"] == "repeat: the same text as in.jsonl row 1, after cleaning"
    assert (shown[4]["id"], shown[5]["rules"]) == (shown[0]["id"], ["emoji"])
    assert done.stdout == ""
    assert "quarantined" in done.stderr


def test_cues_are_read_before_cleaning_in_every_turn(tmp_path):
    rows = [
        {"post": "扫码加微信领取资料，我真的不想活了。", "reply": "我在听。"},
        {"post": "最近睡不着。", "reply": "我以前也想过死，现在还是每天都想。"},
        {"post": "Lately I keep thinking I want to die.", "reply": "Thank you for telling me."},
        {
            "messages": [
                {"role": "user", "content": "最近睡不着。"},
                {"role": "assistant", "content": "多久了？"},
                {"role": "user", "content": "其实我已经写好遗书了。"},
            ]
        },
        {"post": "最近总失眠。", "reply": "可以拨打12356或希望24热线400-161-9995。"},
    ]
    shown, _ = cleaned(tmp_path, rows, "--posts")
    assert [row["outcome"] for row in shown] == ["review", "review", "filtered", "review", "ok"]
    assert [[cue["speaker"] for cue in row["cues"]][:1] for row in shown] == [
        ["seeker"], ["counsellor"], ["seeker"], ["another turn"], [],
    ]  # fmt: skip
    assert "不想活" in shown[0]["text"]
    assert re.match("cues of a crisis: (passive|active)_ideation: .*不想", shown[0]["reason"])
    assert "12356" in shown[4]["text"]
    assert "400-161-9995" in shown[4]["text"]
    assert shown[4]["redactions"] == {}


def test_the_settings_are_those_of_a_config(tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("run_dir: runs/x\nmini: {}\nclean: {min_chars: 2, languages: []}\n", "utf-8")
    shown, _ = cleaned(tmp_path, [{"text": "短文。"}], "--config", str(config))
    assert [row["outcome"] for row in shown] == ["ok"]


@pytest.mark.slow
def test_it_starts_without_torch_ray_and_vllm(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "我叫李明，邮箱a@qq.com，IP 10.0.0.1，见面。"}\n', "utf-8")
    code = (
        "from typer.testing import CliRunner\nfrom launch.cli.app import app\n"
        f"paths = ['{tmp_path}/in.jsonl', '--out', '{tmp_path}/o']\n"
        "done = CliRunner().invoke(app, ['clean', *paths])\n"
        "assert done.exit_code == 0, done.output"
    )
    assert not modules_after(code) & HEAVY
    assert json.loads((tmp_path / "o").read_text("utf-8"))["redactions"] == {"email": 1, "ip": 1, "name": 1}


def test_a_domains_own_cues_are_used(tmp_path):
    domain = tmp_path / "law"
    assert CliRunner().invoke(app, ["domain", "new", str(domain)]).exit_code == 0
    words = (domain / "domain.yaml").read_text("utf-8").replace("cues: builtin", "cues: cues.yaml")
    assert "cues: cues.yaml" in words
    (domain / "domain.yaml").write_text(words, "utf-8")
    (domain / "cues.yaml").write_text("despair: [走投无路]\n", "utf-8")
    config = tmp_path / "c.yaml"
    config.write_text(f"run_dir: {tmp_path}/run\ndomain: {domain}\n", "utf-8")
    posts = [
        {"post": "房东不退押金，我已经走投无路了。", "reply": "先协商，再起诉到法院。"},
        {"post": "我不想活了，合同的事让我整夜睡不着。", "reply": "先缓一缓，再找人帮忙看合同。"},
    ]
    shown, _ = cleaned(tmp_path, posts, "--posts", "--config", str(config))
    assert [row["outcome"] for row in shown] == ["review", "ok"]
    assert shown[0]["cues"] == [{"kind": "despair", "words": "走投无路", "speaker": "seeker"}]
    passages, _ = cleaned(
        tmp_path, [{"text": "他已走投无路，不想活了，写下一封长信。"}], "--config", str(config)
    )
    assert passages[0]["cues"] == [{"kind": "despair", "words": "走投无路"}]
