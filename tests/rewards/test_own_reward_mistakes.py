"""Mistakes in a reward of one's own: one line each, at load where they can be seen there."""

import pytest

from rewards import RewardSample, RewardSetError, load_reward_set

NAME = "    name = 'x'\n"
SCORE = "    def score(self, sample): return Score.of(1.0)\n"
HEAD = "from rewards import Reward, RewardSample, Score\n\nclass Mine(Reward):\n"
SAMPLE = RewardSample(id="1", response="答", gold="答", kind="short")
SET = 'name: own\ncompose: sum\nrewards:\n  - {reward: "my_rewards:Mine"}\n'


def reward_set(tmp_path, body):
    (tmp_path / "my_rewards.py").write_text(HEAD + body, "utf-8")
    path = tmp_path / "own.yaml"
    path.write_text(SET, "utf-8")
    return load_reward_set(path)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (SCORE, "the class has no name; write name = 'mine' in it"),
        (NAME + "    def score(self): ...\n", "score takes one sample, as score"),
        (NAME + "    def score(self, sample, gold): ...\n", "score takes one sample, as score"),
        (NAME + "    async def ascore(self): ...\n", "ascore takes one sample, as ascore"),
        (
            NAME + "    def __init__(self): self.a = 1 + 'b'\n" + SCORE,
            "cannot be made: TypeError: unsupported",
        ),
        (NAME, "cannot be made: TypeError: Mine defines neither score nor ascore"),
    ],
)
def test_what_can_be_seen_at_load_is_one_line_that_names_file_and_class(tmp_path, body, told):
    with pytest.raises(RewardSetError) as caught:
        reward_set(tmp_path, body)
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'own.yaml'}: rewards[0].reward: my_rewards:Mine")
    assert told in line
    assert "\n" not in line


@pytest.mark.parametrize("returned", ["1.0", "None", "True"])
def test_a_score_that_is_none_is_an_error_that_says_so_also_as_a_part(tmp_path, returned):
    own = reward_set(tmp_path, f"    name = 'x'\n    def score(self, sample): return {returned}\n")
    error = own.score(SAMPLE).error
    assert error.kind == "scorer_exception"
    assert f"it returned {returned}, which is no Score; return Score.of(value)" in error.message
