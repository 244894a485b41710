"""What ``psyche-rl workers`` prints of a fleet that has shown nothing yet."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from launch.cli import fleet


@pytest.fixture
def nothing_to_see(monkeypatch):
    monkeypatch.setattr(fleet, "_board", lambda run_dir: SimpleNamespace(picture=lambda: None))


def test_programs_get_json_before_there_is_a_picture(nothing_to_see, capsys):
    fleet.workers("runs/begun", as_json=True)
    assert json.loads(capsys.readouterr().out) is None


def test_people_are_told_that_the_fleet_is_starting(nothing_to_see, capsys):
    fleet.workers("runs/begun")
    assert "the fleet is starting" in capsys.readouterr().out
