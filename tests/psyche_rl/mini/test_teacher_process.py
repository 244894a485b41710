"""The teacher as a process: OpenAI's shapes, faults over HTTP, a log, and an end."""

import hashlib
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from psyche_rl.mini.teacher import TeacherFlaws
from psyche_rl.mini.teacher.process import start_teacher


def call(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


def chat(text, **extra):
    return {"model": "x", "messages": [{"role": "user", "content": text}], **extra}


def test_it_speaks_the_api_logs_each_call_and_ends(tmp_path):
    log = tmp_path / "log.jsonl"
    with start_teacher(TeacherFlaws(), seed=0, log=log) as url:
        assert url.startswith("http://127.0.0.1:")
        assert call(f"{url}/models")["data"][0]["id"] == "scripted-teacher"
        reply = call(f"{url}/chat/completions", chat("你好", seed=3))
        assert reply["choices"][0]["message"]["role"] == "assistant"
        usage = reply["usage"]
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 2
        with pytest.raises(urllib.error.HTTPError, match="400"):
            call(f"{url}/chat/completions", {"no": "messages"})
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["event"], line["call"], line["status"], line["task"]) for line in lines] == [
        ("received", 0, None, None),
        ("sent", 0, 200, "unknown"),
        ("received", 1, None, None),
        ("sent", 1, 400, "unreadable"),
    ]
    body = json.dumps(chat("你好", seed=3)).encode()
    assert lines[0]["digest"] == lines[1]["digest"] == hashlib.sha256(body).hexdigest()
    assert [line["sample"] for line in lines] == [3, 3, None, None]
    assert lines[0]["time"] <= lines[1]["time"]
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        call(f"{url}/models")


def test_faults_arrive_as_429_with_retry_after_and_500(tmp_path):
    with start_teacher(TeacherFlaws(fault_rate=1.0), seed=0) as url:
        seen = {}
        for i in range(20):
            with pytest.raises(urllib.error.HTTPError) as caught:
                call(f"{url}/chat/completions", chat(f"问题{i}"))
            seen[caught.value.code] = caught.value.headers.get("Retry-After")
    assert set(seen) == {429, 500}
    assert float(seen[429]) < 1
    assert seen[500] is None


def test_it_ends_when_its_owner_is_killed():
    owner = (
        "import os, signal\n"
        "from psyche_rl.mini.teacher import TeacherFlaws\n"
        "from psyche_rl.mini.teacher.process import start_teacher\n"
        "with start_teacher(TeacherFlaws(), 0) as url:\n"
        "    print(url, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
    assert process.returncode == -9
    for _ in range(100):
        try:
            call(f"{url}/models")
        except (urllib.error.URLError, ConnectionError):
            return
        time.sleep(0.1)
    pytest.fail("the teacher outlived its owner")
