"""The review server: who may talk to it, what it says and writes down; the command that starts it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from review_example import ORDER, make_run

from data_pipeline.review import standing
from data_pipeline.review.gate import read_queue
from data_pipeline.review.log import DecisionLog, read_decisions
from data_pipeline.review.session import ReviewSession
from launch.servers.review import MAX_BODY, review_app, token_for
from psyche_rl.errors import ConfigError
from psyche_rl.serving import Address

ROOT = Path(__file__).parents[3]
TOKEN = "a-token-of-the-test"
JSON = {"Content-Type": "application/json"}
PATHS = [("GET", "/api/queue"), ("GET", f"/api/items/{ORDER[1]}"), ("POST", "/api/decisions")]


class Page:
    """Requests straight to the app, as a browser on ``host`` would send them."""

    def __init__(self, folder: Path, loopback: bool = True):
        self.store = make_run(folder)
        self.session = ReviewSession(read_queue(self.store), DecisionLog(self.store), "王")
        address = Address(host="127.0.0.1" if loopback else "review.example", token=TOKEN)
        self._app = review_app(self.session, address, self.store.url)
        self._made = 0

    def ask(self, method: str, path: str, token: str | None = TOKEN, host: str = "127.0.0.1:8020", **more):
        headers = {"Host": host, **more.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8020") as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(send())

    def decide(self, item_id: str, action: str, **more) -> httpx.Response:
        self._made += 1
        body = {"id": f"{self._made:032x}", "item_id": item_id, "action": action, **more}
        return self.ask("POST", "/api/decisions", json=body)


@pytest.fixture
def page(tmp_path) -> Page:
    return Page(tmp_path)


# -- who may talk to it -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_data_needs_the_token_in_a_header(page, method, path):
    for token in (None, "", "wrong", TOKEN + "x", TOKEN[:-1]):
        assert page.ask(method, path, token=token).status_code == 401
    for elsewhere in ({"headers": {"Cookie": f"token={TOKEN}"}}, {"params": {"token": TOKEN}}):
        assert page.ask(method, path, token=None, **elsewhere).status_code == 401
    assert page.ask(method, path).status_code in (200, 422)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8020", "127.0.0.1.evil.example:8020", ""])
def test_other_names_are_refused_even_with_the_token(page, host):
    for method, path in [*PATHS, ("GET", "/")]:
        assert page.ask(method, path, host=host).status_code == 400
    for own in ("127.0.0.1:8020", "localhost:8020", "[::1]:8020"):
        assert page.ask("GET", "/api/queue", host=own).status_code == 200


def test_off_loopback_any_name_goes_but_nothing_without_the_token(tmp_path):
    page = Page(tmp_path, loopback=False)
    assert page.ask("GET", "/api/queue", host="review.example").status_code == 200
    assert page.ask("GET", "/api/queue", host="review.example", token=None).status_code == 401


def test_no_other_site_is_ever_told_that_it_may_ask(page):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    reply = page.ask("OPTIONS", "/api/decisions", token=None, headers=asked)
    assert reply.status_code == 401
    assert not [name for name in reply.headers if name.startswith("access-control")]
    form = page.ask("POST", "/api/decisions", token=None, data={"action": "accept"})
    assert form.status_code == 401


def test_the_page_itself_holds_no_data_and_loads_nothing_from_elsewhere(page):
    for path in ("/", "/review.css", "/review.js", "/api.js", "/show.js", "/edit.js"):
        reply = page.ask("GET", path, token=None)
        assert reply.status_code == 200
        assert "http://" not in reply.text
        assert "https://" not in reply.text
        assert "艾宾浩斯" not in reply.text
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        assert reply.headers["Cache-Control"] == "no-store"
        assert "innerHTML" not in reply.text
    for hidden in ("/index.html", "/../review_server.py", "/docs", "/openapi.json"):
        assert page.ask("GET", hidden).status_code == 404


def test_large_and_odd_bodies_are_refused(page):
    big = page.decide(ORDER[1], "reject", reason="长" * MAX_BODY)
    assert big.status_code == 413
    assert page.decide(ORDER[1], "reject", reason="长" * 2001).status_code == 422
    for odd in ({"id": "x"}, {"action": "burn"}, {"reviewer": "我"}, {"item_id": None}):
        body = {"id": "0" * 32, "item_id": ORDER[1], "action": "accept", **odd}
        reply = page.ask("POST", "/api/decisions", json=body)
        assert (reply.status_code, reply.json()["detail"].startswith("body.")) == (422, True), odd
    for content in (b"", b"\xff{", b"[]"):
        assert page.ask("POST", "/api/decisions", content=content, headers=JSON).status_code == 422
    assert read_decisions(page.store) == ([], [])


# -- what it says and writes --------------------------------------------------------------------------------


def test_the_queue_and_an_item_hold_what_is_needed_to_judge(page):
    queue = page.ask("GET", "/api/queue").json()
    assert [line["id"] for line in queue["items"]] == ORDER
    assert queue["reviewer"] == "王"
    assert queue["items"][1] == {
        "id": "question-inhibition",
        "kind": "multiple",
        "reasons": ["label_audit"],
        "title": "学习一篇较长的材料时，中间部分往往最难记住，原因是它受到（ ）",
        "decision": None,
        "open": True,
    }
    audit = page.ask("GET", f"/api/items/{ORDER[1]}").json()["item"]
    assert audit["question"]["span"] in audit["passage"]["text"]
    assert audit["answers"][0] == {"selector": "glm-4-9b", "answer": "AB", "count": 2, "correct": False}
    crisis = page.ask("GET", f"/api/items/{ORDER[0]}").json()["item"]
    assert crisis["original"]["messages"][1]["content"] == "多出去走走，别想太多。"
    assert page.ask("GET", "/api/items/nothing").status_code == 404


def test_decisions_are_records_with_reviewer_and_time(page):
    assert page.decide(ORDER[1], "edit", changes={"gold": "BA"}).status_code == 200
    assert page.decide(ORDER[2], "reject", reason="没有唯一答案").status_code == 200
    turns = ["我睡不着", "听起来很累"]
    assert page.decide(ORDER[0], "edit", turns=turns).status_code == 200
    accepted = page.decide(ORDER[3], "accept").json()["decision"]
    undone = page.decide(ORDER[3], "undo", undoes=accepted["id"])
    assert (undone.status_code, undone.json()["line"]["open"]) == (200, True)
    decisions, bad = read_decisions(page.store)
    assert not bad
    assert [d.action for d in decisions] == ["edit", "reject", "edit", "accept", "undo"]
    assert {d.reviewer for d in decisions} == {"王"}
    assert all(d.time.endswith("+00:00") for d in decisions)
    held = standing(decisions)
    assert set(held) == set(ORDER[:3])
    assert held[ORDER[1]].question.gold == "AB"
    assert [m.content for m in held[ORDER[0]].dialogue.messages] == turns
    lines = {line["id"]: line for line in page.ask("GET", "/api/queue").json()["items"]}
    assert [lines[i]["decision"] for i in ORDER] == ["edit", "edit", "reject", None, None]


@pytest.mark.parametrize(
    ("item", "ruling", "status", "why"),
    [
        (ORDER[1], {"action": "edit", "changes": {"gold": "E"}}, 422, "gold letter E"),
        (ORDER[1], {"action": "edit", "changes": {"span": "不在文中"}}, 422, "does not stand in the passage"),
        (ORDER[1], {"action": "edit", "changes": {"source": "x"}}, 422, "source cannot be edited"),
        (ORDER[0], {"action": "edit", "turns": ["一句"]}, 422, "1 turns"),
        (ORDER[0], {"action": "accept", "turns": ["一", "二"]}, 422, "accept changes nothing"),
        (ORDER[0], {"action": "undo", "undoes": "f" * 32}, 404, "to undo"),
        ("nothing", {"action": "accept"}, 404, "no item nothing"),
    ],
)
def test_what_cannot_be_decided_is_said_and_not_written(page, item, ruling, status, why):
    reply = page.decide(item, **ruling)
    assert (reply.status_code, why in reply.json()["detail"]) == (status, True)
    assert read_decisions(page.store) == ([], [])


def test_a_full_disk_is_told_and_leaves_nothing_behind(page, monkeypatch):
    page.decide(ORDER[1], "accept")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        reply = page.decide(ORDER[2], "accept")
        assert (reply.status_code, "No space left on device" in reply.json()["detail"]) == (507, True)
    page.decide(ORDER[3], "accept")
    assert set(standing(read_decisions(page.store)[0])) == {ORDER[1], ORDER[3]}


# -- the command --------------------------------------------------------------------------------------------


def command(*arguments: object, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    line = [sys.executable, "-m", "launch", "review", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(line, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_the_command_prints_its_url_and_on_interrupt_what_was_decided(tmp_path):
    store = make_run(tmp_path)
    browser = tmp_path / "browser"
    script = 'echo "$@" > STARTED; stat -c %a "${1#file://}" >> STARTED'
    browser.write_text(f"#!/bin/sh\n{script.replace('STARTED', str(tmp_path / 'started'))}\n")
    browser.chmod(0o755)
    process = command(store.url, "--port", 0, BROWSER=f"{browser} %s", DISPLAY=":0")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("5 items (crisis 1, label_audit 1,")
    url, _, token = process.stdout.readline().strip().partition("/#token=")
    assert len(token) >= 32
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{url}/api/queue", headers=headers).json()["reviewer"] == "李老师"
    started, mode = (tmp_path / "started").read_text().split()  # before it answers
    page_file = Path(started.removeprefix("file://"))
    assert (mode, page_file.parent.stat().st_mode & 0o777, token in started) == ("600", 0o700, False)
    assert f"{url}/#token={token}" in page_file.read_text()
    body = {"id": "0" * 32, "item_id": ORDER[1], "action": "accept"}
    assert httpx.post(f"{url}/api/decisions", headers=headers, json=body).status_code == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert "1 of 5 decided" in out
    assert (process.returncode, err) == (0, "")
    assert not page_file.parent.exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("/no/such/run",), "config.yaml is missing"),
        (("RUN", "--token-env", "REVIEW_TOKEN"), "--token-env REVIEW_TOKEN: the variable must hold"),
        (("RUN", "--host", "203.0.113.1"), "cannot serve on 203.0.113.1"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, arguments, told):
    run = make_run(tmp_path).url
    process = command(*(run if a == "RUN" else a for a in arguments), "--no-browser", REVIEW_TOKEN="short")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, len(err.splitlines())) == (2, "", 1)
    assert told in err


def test_tokens_are_long_and_never_the_same(monkeypatch):
    assert len(token_for(None)) >= 40
    assert token_for(None) != token_for(None)
    monkeypatch.setenv("OWN", "a-token-that-is-long-enough")
    assert token_for("OWN") == "a-token-that-is-long-enough"
    for bad in ("", "short", "spaces are not for urls"):
        monkeypatch.setenv("OWN", bad)
        with pytest.raises(ConfigError, match="--token-env OWN"):
            token_for("OWN")
