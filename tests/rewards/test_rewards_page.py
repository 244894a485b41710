"""The page on rewards lists what there is, and its examples run."""

import re
from pathlib import Path

import yaml

from rewards import load_reward_set
from rewards.reference import SHIPPED

PAGE = (Path(__file__).parents[2] / "docs" / "rewards.md").read_text("utf-8")


def test_the_table_lists_every_shipped_reward():
    rows = re.findall(r"^\| `([a-z_]+)` \| .*\|.*\|.*\|$", PAGE, re.MULTILINE)
    assert rows == ["reward", *SHIPPED], "a header and a row each"


def test_the_reward_sets_of_the_page_load():
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        assert load_reward_set(yaml.safe_load(block)).fingerprint()


def test_the_python_of_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("exam.yaml").write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    place: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, place)
    told = [line.rpartition("  # ")[2] for line in PAGE.splitlines() if line.startswith("print(")]
    assert [line for line in capsys.readouterr().out.splitlines() if line in told] == told
