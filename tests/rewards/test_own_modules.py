"""A module in a reward set is a file: beside the YAML, then in the working directory, never on sys.path."""

from __future__ import annotations

import linecache
import pickle
import sys

import pytest

from rewards import RewardSample, RewardSetError, load_reward_set
from rewards.own_modules import (
    OwnModule,
    install,
    load_own_module,
    loaded_as,
    own_modules,
    written_name,
)

SAMPLE = RewardSample(id="1", response="x", gold="A", kind="single")


def module(value, cls="Fixed"):
    return f"""
from __future__ import annotations
from typing import Literal
from rewards import Reward, RewardSample, Score

WORTH = {value}

class {cls}(Reward):
    name = "fixed"

    def __init__(self, unit: Literal["a", "b"] = "a") -> None:
        self.unit = unit

    def score(self, sample: RewardSample) -> Score:
        return Score.of(WORTH)
"""


@pytest.fixture
def folders(tmp_path, monkeypatch):
    for name in ("yaml", "work", "path"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    (tmp_path / "yaml" / "set.yaml").write_text("reward: mine:Fixed\n", "utf-8")
    return tmp_path


def test_the_file_beside_the_yaml_comes_first_then_the_working_directory(folders):
    (folders / "work" / "mine.py").write_text(module(2.0), "utf-8")
    assert load_reward_set(folders / "yaml" / "set.yaml").score(SAMPLE).value == 2.0
    (folders / "yaml" / "mine.py").write_text(module(1.0), "utf-8")
    assert load_reward_set(folders / "yaml" / "set.yaml").score(SAMPLE).value == 1.0


def test_what_is_only_on_sys_path_is_not_loaded(folders):
    (folders / "path" / "mine.py").write_text(module(3.0), "utf-8")
    with pytest.raises(RewardSetError, match=r"no file .*/yaml/mine\.py or .*/work/mine\.py"):
        load_reward_set(folders / "yaml" / "set.yaml")


def test_a_module_of_that_name_that_is_imported_already_does_not_take_its_place(folders):
    (folders / "yaml" / "json.py").write_text(module(4.0), "utf-8")
    (folders / "yaml" / "set.yaml").write_text("reward: json:Fixed\n", "utf-8")
    assert load_reward_set(folders / "yaml" / "set.yaml").score(SAMPLE).value == 4.0
    assert "dumps" in vars(sys.modules["json"])


@pytest.mark.parametrize("written", ["pack.inner:Fixed", "pack/inner.py:Fixed"])
def test_dots_and_paths_lead_into_folders(folders, written):
    (folders / "yaml" / "pack").mkdir()
    (folders / "yaml" / "pack" / "inner.py").write_text(module(5.0), "utf-8")
    (folders / "yaml" / "set.yaml").write_text(f"reward: {written}\n", "utf-8")
    reward = load_reward_set(folders / "yaml" / "set.yaml")
    assert reward.score(SAMPLE).value == 5.0
    assert reward.describe() == {"reward": written, "unit": "a"}
    assert load_reward_set(reward.describe()).fingerprint() == reward.fingerprint()


def test_a_file_that_cannot_be_run_is_told_in_one_line(folders):
    (folders / "yaml" / "mine.py").write_text("import nothing_like_this\n", "utf-8")
    with pytest.raises(RewardSetError, match="cannot be loaded: ModuleNotFoundError"):
        load_reward_set(folders / "yaml" / "set.yaml")


def test_a_process_that_has_only_the_text_can_score(folders):
    (folders / "yaml" / "mine.py").write_text(module(6.0), "utf-8")
    reward = load_reward_set(folders / "yaml" / "set.yaml")
    pickled = pickle.dumps(reward)
    (sent,) = [module for module in own_modules() if module.name.encode() in pickled]
    del sys.modules[sent.name]
    (folders / "yaml" / "mine.py").unlink()
    with pytest.raises(ModuleNotFoundError):
        pickle.loads(pickled)
    install(sent)
    assert pickle.loads(pickled).score(SAMPLE).value == 6.0


def test_a_traceback_shows_the_line_of_a_file_that_is_gone(folders):
    path = folders / "yaml" / "mine.py"
    path.write_text("one = 1\ntwo = 2", "utf-8")
    made = load_own_module("mine", path.parent)
    path.unlink()
    assert made.__file__ == str(path)
    assert [linecache.getline(str(path), line) for line in (1, 2, 3)] == ["one = 1\n", "two = 2", ""]
    linecache.checkcache(str(path))


def test_a_file_that_is_no_text_is_told(folders):
    (folders / "yaml" / "mine.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"/yaml/mine\.py cannot be read: "):
        load_own_module("mine", folders / "yaml")


def test_running_it_once_is_enough_and_a_failed_run_leaves_nothing(folders):
    broken = OwnModule("bad", "/nowhere/bad.py", "1 / 0")
    with pytest.raises(ValueError, match=r"^/nowhere/bad\.py cannot be loaded: ZeroDivisionError: division"):
        install(broken)
    assert broken.name not in sys.modules
    assert broken not in own_modules()
    once = OwnModule("once", "/nowhere/once.py", "made = []")
    install(once).made.append(1)
    assert install(once).made == [1]
    assert once in own_modules()
    assert len(once.name) == len("own_reward_") + 16


def test_what_was_loaded_last_under_a_name_counts(folders):
    assert loaded_as("two") is None
    first, second = (OwnModule("two", "/nowhere/two.py", f"n = {n}") for n in (1, 2))
    install(first)
    install(second)
    assert loaded_as("two").n == 2
    assert written_name(second.name) == "two"
    assert written_name("json") == "json"
