"""``psyche-rl rewards new``: what it writes works as it stands."""

import sys

import pytest
from typer.testing import CliRunner

from launch.cli.app import app
from rewards import load_reward_set
from rewards.selftest import selftest


def new(*arguments):
    return CliRunner().invoke(app, ["rewards", "new", *map(str, arguments)])


def test_the_reward_scores_and_its_own_test_passes(tmp_path):
    made = new("cites_article", "--into", tmp_path)
    assert made.exit_code == 0, made.output
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cites_article.py", "cites_article.yaml", "test_cites_article.py",
    ]  # fmt: skip
    result = selftest(load_reward_set(str(tmp_path / "cites_article.yaml")))
    assert (result.hacks, result.failed, result.unread) == ((), (), ())
    scope: dict = {"__file__": str(tmp_path / "test_cites_article.py"), "__name__": "own_test"}
    exec((tmp_path / "test_cites_article.py").read_text("utf-8"), scope)
    reward = load_reward_set(str(tmp_path / "cites_article.yaml"))
    assert [scope["worth"](reward, text) for text in ("答案：B", "答案：A")] == [1.0, 0.0]
    again = new("cites_article", "--into", tmp_path)
    assert again.exit_code != 0
    assert not any(name.startswith("cites_article") for name in sys.modules)


@pytest.mark.parametrize(
    ("name", "why"), [("Cites", "no name"), ("class", "no name"), ("mcq_strict", "shipped")]
)
def test_what_is_no_name_is_refused(tmp_path, name, why):
    result = new(name, "--into", tmp_path)
    assert result.exit_code == 2
    assert why in result.output
    assert not list(tmp_path.iterdir())
