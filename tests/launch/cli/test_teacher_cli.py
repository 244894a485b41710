"""``psyche-rl teacher``: its one line, its end, its refusals."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest
from typer.testing import CliRunner

from launch.cli.app import app

RUNNER = CliRunner()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_one_line_with_the_address_and_a_clean_end_even_with_a_call_that_hangs(tmp_path, how):
    log = tmp_path / "log.jsonl"
    flags = ("--port", "0", "--faults", "1", "--fault-kinds", "hang", "--log", str(log))
    with subprocess.Popen(
        [sys.executable, "-m", "launch", "teacher", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "PSYCHE_RL_TEACHER_TOKEN"},
    ) as process:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{url}/models", timeout=20) as response:
            assert response.status == 200
        body = json.dumps({"messages": [{"role": "user", "content": "你好"}]})
        call = [sys.executable, "-c", CALL, f"{url}/chat/completions", body]
        with subprocess.Popen(call, stderr=subprocess.DEVNULL) as caller:
            while not log.read_text():
                assert caller.poll() is None
            process.send_signal(how)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


CALL = """
import sys, urllib.request
kind = {"Content-Type": "application/json"}
urllib.request.urlopen(urllib.request.Request(sys.argv[1], sys.argv[2].encode(), kind), timeout=60)
"""


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--fault-kinds", "hang,hung"], "there is no 'hung'; choose from rate_limited, "),
        (["--host", "0.0.0.0"], "set PSYCHE_RL_TEACHER_TOKEN"),
        (["--host", "192.0.2.1", "--port", "1"], "set PSYCHE_RL_TEACHER_TOKEN"),
        (["--log", "/nowhere/at/all"], "give a file that can be written"),
        (["--faults", "1.5"], "--faults"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(flags, said, monkeypatch):
    monkeypatch.delenv("PSYCHE_RL_TEACHER_TOKEN", raising=False)
    result = RUNNER.invoke(app, ["teacher", "--port", "0", *flags])
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_port_that_is_taken_is_named():
    with subprocess.Popen(
        [sys.executable, "-m", "launch", "teacher", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        port = process.stdout.readline().strip().removesuffix("/v1").rpartition(":")[2]
        result = RUNNER.invoke(app, ["teacher", "--port", port])
        process.terminate()
    assert result.exit_code == 2
    assert f"cannot serve on 127.0.0.1 port {port}" in result.stderr
