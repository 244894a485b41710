"""The reward server: a real one, over real HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from launch.servers.openrlhf_protocol import OpenRlhfRequest, reply_of, samples_of
from rewards import RewardSample, Score, exam_reward

ROOT = Path(__file__).parents[3]
TOKEN = "a-token-of-the-test"
SET = """
name: exam
compose: sum
rewards:
- reward: mcq_strict
- reward: think_format
  weight: 0.5
"""
GOOD = "<think>想</think>答案：B"
JSON = {"Content-Type": "application/json"}
QUESTION = {"gold": "B", "kind": "single", "options": ["甲", "乙", "丙", "丁"]}


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "fakes")]), **more}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "launch", "rewards", "serve", *map(str, arguments)]


@contextmanager
def server(config: Path, *options: object, **variables: str) -> Iterator[httpx.Client]:
    with subprocess.Popen(
        command(config, "--port", 0, *options),
        env=environment(**variables),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:")
            with httpx.Client(base_url=url, timeout=60) as client:
                yield client
        finally:
            process.terminate()
            assert process.wait(30) in (0, -15)


@pytest.fixture(scope="module")
def exam(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("sets") / "exam.yaml"
    file.write_text(SET, "utf-8")
    return file


@pytest.fixture(scope="module")
def client(exam) -> Iterator[httpx.Client]:
    with server(exam, "--max-body-mib", 1, PSYCHE_RL_REWARD_TOKEN=TOKEN) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client


def sample(number: int, response: str = GOOD, **changes: object) -> dict:
    return {"id": str(number), "response": response, **QUESTION, **changes}


def test_a_batch_gets_scores_and_typed_errors_in_order(client):
    batch = [sample(0), sample(1, "答案：A"), sample(2, gold="E"), *(sample(i) for i in range(3, 100))]
    reply = client.post("/score", json={"samples": batch})
    assert reply.status_code == 200
    got = reply.json()
    reward = exam_reward(1.0, 0.5)
    assert (got["reward"], got["fingerprint"]) == ("exam", reward.fingerprint())
    scores = [Score.model_validate(score) for score in got["scores"]]
    assert scores == [reward.score(RewardSample.model_validate(given)) for given in batch]
    assert (scores[0].value, scores[2].error.kind) == (1.5, "bad_gold")


def test_health_needs_no_token_but_nothing_else_goes_without(client):
    bare = httpx.Client(base_url=client.base_url)
    assert bare.get("/health").json()["status"] == "ok"
    for path, body in (("/score", {"samples": [sample(0)]}), ("/get_reward", {})):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
            assert bare.post(path, json=body, headers=headers).status_code == 401
    assert bare.get("/openapi.json").status_code == 401


def test_the_schema_tells_of_both_protocols(client):
    schema = client.get("/openapi.json").json()
    assert {"/score", "/get_reward", "/health"} <= set(schema["paths"])
    assert {"RewardSample", "Score", "OpenRlhfRequest"} <= set(schema["components"]["schemas"])
    assert "HTTPBearer" in schema["components"]["securitySchemes"]


def test_bodies_over_the_limit_are_refused_told_or_not(client):
    big = b"x" * ((1 << 20) + 1)
    assert client.post("/score", content=big, headers=JSON).status_code == 413
    assert client.post("/score", content=iter([big[:1000], big]), headers=JSON).status_code == 413  # not told


@pytest.mark.parametrize(
    "body", [{}, {"samples": []}, {"samples": [{"id": "1"}]}, {"samples": [sample(0, extra=1)]}]
)
def test_bad_requests_name_what_is_wrong(client, body):
    reply = client.post("/score", json=body)
    assert reply.status_code == 422
    assert "samples" in reply.text


def test_openrlhf_gets_rewards_scores_and_logs(client):
    prompt = "<|im_start|>user\n单选题：…\nA.甲\nB.乙<|im_end|>\n<|im_start|>assistant\n"
    body = {
        "query": [f"{prompt}{GOOD}<|im_end|>\n", f"{prompt}答案：A<|im_end|><|endoftext|>"],
        "prompts": [prompt, prompt],
        "labels": ["B", '{"gold": "A", "options": ["甲", "乙"]}'],
    }
    reply = client.post("/get_reward", json=body).json()
    assert reply == {
        "rewards": [1.5, 1.0],
        "scores": [1.0, 1.0],
        "extra_logs": {"mcq_strict": [1.0, 1.0], "think_format": [1.0, 0.0]},
    }


def test_openrlhf_is_never_told_a_zero_for_an_error(client):
    body = {"query": ["问答案：A", "问答案：A"], "prompts": ["问", "问"], "labels": ["A", " "]}
    reply = client.post("/get_reward", json=body)
    assert reply.status_code == 502
    assert "1 of 2 have no score: bad_gold" in reply.json()["detail"]
    reply = client.post("/get_reward", json={**body, "prompts": ["答", "问"]})
    assert (reply.status_code, reply.json()["detail"]) == (422, "query 0 does not begin with its prompt")


def test_a_loopback_server_without_a_token_answers_to_its_own_names_only(tmp_path):
    rogue = tmp_path / "rogue.yaml"
    rogue.write_text(f"reward: {ROOT}/tests/fakes/reward_rogues.py:Obedient\n", "utf-8")
    with server(rogue, "--request-s", 6, "--timeout-s", 300, PSYCHE_RL_REWARD_TOKEN="") as client:
        body = {"samples": [sample(3, "")]}
        assert client.post("/score", json=body).json()["scores"][0]["value"] == 3.0
        assert client.post("/score", json=body, headers={"Host": "evil.example:80"}).status_code == 400
        slow = client.post("/score", json={"samples": [sample(4, "hang")]})
        assert slow.status_code == 504
        assert client.post("/score", json=body).json()["scores"][0]["value"] == 3.0


def test_other_addresses_need_a_token(exam):
    done = subprocess.run(
        command(exam, "--host", "0.0.0.0"),
        env=environment(PSYCHE_RL_REWARD_TOKEN=""),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "serving on 0.0.0.0 without a token is refused" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_labels_of_openrlhf():
    def read(*labels: str) -> list[RewardSample]:
        return samples_of(
            OpenRlhfRequest(query=["问答"] * len(labels), prompts=["问"] * len(labels), labels=list(labels))
        )

    plain, several, short, full = read("B", "AC", "要点一；要点二", '{"gold": "AB", "kind": "case"}')
    assert [s.kind for s in (plain, several, short, full)] == ["single", "multiple", "short", "case"]
    assert (full.gold, full.response, full.prompt) == ("AB", "答", "问")
    with pytest.raises(ValueError, match="sample 0: gold: Input should be"):
        read('{"kind": "case", "gold": 3}')
    with pytest.raises(ValueError, match="differ in length: 2, 1, 1"):
        samples_of(OpenRlhfRequest(query=["a", "b"], prompts=["a"], labels=["a"]))


def test_openrlhf_logs_hold_only_the_parts_that_all_have():
    scores = [Score.of(3.0, {"a": 1.0, "b": 2.0}), Score.of(-1.0, {"a": 0.0})]
    reply = reply_of(scores, full=2.0)
    assert (reply.scores, reply.extra_logs) == ([1.0, 0.0], {"a": [1.0, 0.0]})


def post(client: httpx.Client, path: str, content: bytes) -> httpx.Response:
    return client.post(path, content=content, headers=JSON)


def labelled(label: str) -> bytes:
    return json.dumps({"query": ["a"], "prompts": ["a"], "labels": [label]}).encode()


WORD = "planted"
PLAIN = json.dumps({"samples": [sample(0)]})


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/score", b"[" + b"1," * 400_000 + b"1]", 413),
        ("/score", b'{"samples": [' + b"{}," * 5000 + b"{}]}", 413),
        ("/score", b"[" * 60_000 + b"]" * 60_000, 422),
        ("/score", b'{"samples": ' + b"[" * 500 + b"]" * 500 + b"}", 422),
        ("/score", PLAIN.replace("B", "\\ud83d").encode(), 422),
        ("/score", PLAIN.encode("utf-16"), 422),
        ("/score", PLAIN.replace('"B"', "NaN").encode(), 422),
        ("/score", PLAIN.replace('"gold"', f'"{WORD}": 1, "gold"').encode(), 422),
        ("/score", json.dumps({"samples": [sample(0, kind=[WORD])] * 4000}).encode(), 422),
        ("/score", b"9" * 5000, 422),
        ("/get_reward", labelled("{" * 100_000), 422),
        ("/get_reward", labelled('{"gold": ' + "[" * 900), 422),
        ("/get_reward", labelled(json.dumps({"gold": 3, WORD: 1})), 422),
    ],
)
def test_bodies_that_no_parser_should_see_are_refused_in_a_line(client, path, content, status):
    reply = post(client, path, content)
    assert (reply.status_code, len(reply.text) < 400, WORD in reply.text) == (status, True, False)
    assert client.get("/health").status_code == 200


def test_what_is_not_json_by_its_own_account_is_refused(client):
    for headers in ({"Content-Type": "text/plain"}, {**JSON, "Content-Encoding": "gzip"}):
        assert client.post("/score", content=PLAIN.encode(), headers=headers).status_code == 415
