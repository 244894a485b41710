"""A stage that loses its learner begins again from its checkpoint, a stated number of times."""

from types import SimpleNamespace

import pytest

from launch.stages import grpo
from launch.stages.grpo_rollouts import Users
from psyche_rl.errors import RemoteWaitError


def lost_twice(monkeypatch, failovers):
    """A run whose learner is lost twice; what each start was told of users, and what was said."""
    told, said = [], []

    def train(context, questions, users):
        told.append((users.asked, users.board))
        if len(told) < 3:
            raise grpo.LostInTrainingError(
                RemoteWaitError("learner", "train", 3, "gone"), Users(1 + len(told), "the board")
            )
        return {"steps": 8}

    monkeypatch.setattr(grpo, "_train", train)
    context = SimpleNamespace(
        config=SimpleNamespace(grpo=SimpleNamespace(failovers=failovers)),
        store=SimpleNamespace(read_records=lambda *_: ["a question"]),
        events=SimpleNamespace(say=lambda what, **fields: said.append(fields["times_left"])),
    )
    return context, told, said


def test_it_begins_again_with_what_a_user_has_asked_for(monkeypatch):
    context, told, said = lost_twice(monkeypatch, failovers=2)
    assert grpo.run(context) == {"steps": 8}
    assert (told, said) == ([(None, None), (2, "the board"), (3, "the board")], [2, 1])


def test_but_not_more_often_than_stated(monkeypatch):
    context, told, _ = lost_twice(monkeypatch, failovers=1)
    with pytest.raises(RemoteWaitError, match="learner in phase 'train' at weight version 3: gone"):
        grpo.run(context)
    assert told == [(None, None), (2, "the board")]
