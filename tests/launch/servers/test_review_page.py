"""The review page in a real browser, against a real server: every key, reloads, two tabs, a killed server.

Needs Chromium or Chrome on PATH, or playwright's own; skipped where there is none. The picture in the docs:

    PSYCHE_RL_SCREENSHOT=docs/images/review.png pytest -m slow -k picture tests/launch/servers
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from headless import CONTRAST, headless_browser
from review_example import ORDER, make_run

from data_pipeline.review import standing
from data_pipeline.review.gate import read_queue
from data_pipeline.review.log import DecisionLog, read_decisions
from data_pipeline.review.session import ReviewSession
from launch.servers import review as review_server
from psyche_rl.records import ReviewDecision
from psyche_rl.serving import Address, url_of
from psyche_rl.serving.asgi import http_server
from psyche_rl.store import RunStore

ROOT = Path(__file__).parents[3]
TOKEN = "a-token-of-the-test"
CRISIS, AUDIT, TEACHER, QUALITY, SAMPLED = ORDER


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with headless_browser() as browser:
        yield browser


@dataclass
class OpenPage:
    """A run, the server on it, and a browser to look at it with."""

    store: RunStore
    url: str
    context: object
    errors: list[str]

    def open(self):
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(self.url)
        page.wait_for_selector("body[data-ready]")
        return page

    def decided(self) -> dict[str, ReviewDecision]:
        return standing(read_decisions(self.store)[0])


@contextmanager
def served_here(store: RunStore) -> Iterator[str]:
    """The server in a thread: it starts at once."""
    session = ReviewSession(read_queue(store), DecisionLog(store), "李老师")
    address = Address(token=TOKEN)
    with address.listen() as listener:
        server = http_server(review_server.review_app(session, address, "runs/psyche"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"{url_of(listener)}/#token={TOKEN}"
        server.should_exit = True
        thread.join()


def served_apart(store: RunStore) -> tuple[subprocess.Popen[str], str]:
    """``psyche-rl review`` on the run, as a user starts it."""
    command = [sys.executable, "-m", "launch", "review", store.url, "--port", "0", "--no-browser"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process, process.stdout.readline().strip()


@pytest.fixture
def session(browser, tmp_path) -> Iterator[OpenPage]:
    store = make_run(tmp_path)
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, reduced_motion="reduce")
    with served_here(store) as url:
        session = OpenPage(store, url, context, [])
        yield session
        context.close()
    assert session.errors == []


def shows(page, item_id: str) -> None:
    """Waits until the page shows the item and takes keys."""
    page.wait_for_selector(f'#card[data-item="{item_id}"] .item')
    page.wait_for_function("!document.body.classList.contains('busy')")


def test_every_key_does_its_work_and_a_reload_loses_nothing(session):
    page = session.open()
    shows(page, CRISIS)
    assert "#" not in page.url  # the token has left the address bar
    assert page.locator(".turns").first.inner_text().startswith("提问")

    page.keyboard.press("a")
    shows(page, AUDIT)
    assert session.decided()[CRISIS].action == "accept"
    assert page.locator("mark").inner_text() == "一份材料的中间部分同时受到两种抑制，所以最难记住"
    assert page.locator(".options .right").inner_text().split() == ["A", "前摄抑制", "✓"]
    assert "AB ×2" in page.locator(".answers").inner_text()

    page.keyboard.press("e")
    page.get_by_label("B is right").check()
    page.get_by_label("Stem").fill("学习较长的材料时，中间部分最难记住，是因为（ ）")
    page.get_by_label("Span").fill("文中没有的话")
    page.keyboard.press("Control+Enter")
    page.get_by_text("the span does not stand in the passage").wait_for()
    assert AUDIT not in session.decided()
    page.get_by_label("Span").fill("一份材料的中间部分同时受到两种抑制")
    page.keyboard.press("Control+Enter")
    shows(page, TEACHER)
    edited = session.decided()[AUDIT].question
    assert (edited.gold, edited.stem) == ("AB", "学习较长的材料时，中间部分最难记住，是因为（ ）")
    assert edited.span == "一份材料的中间部分同时受到两种抑制"

    page.keyboard.press("r")
    page.keyboard.type("ar 150% 没有依据")  # letters in a field are no commands
    page.keyboard.press("Enter")
    shows(page, QUALITY)
    assert (session.decided()[TEACHER].action, session.decided()[TEACHER].reason) == (
        "reject",
        "ar 150% 没有依据",
    )

    page.keyboard.press("u")
    shows(page, TEACHER)
    assert TEACHER not in session.decided()
    page.keyboard.press("k")
    shows(page, AUDIT)
    page.keyboard.press("j")
    shows(page, TEACHER)

    page.reload()
    shows(page, TEACHER)  # the first open one
    assert "2 of 5 decided" in page.locator("#figures").inner_text()
    page.keyboard.press("k")
    shows(page, AUDIT)
    assert "edited" in page.locator(".stamp").inner_text()
    assert page.locator(".options .right").count() == 2
    page.keyboard.press("u")  # without decisions of its own, the page takes back the one that it shows
    page.wait_for_selector(".stamp", state="detached")
    assert set(session.decided()) == {CRISIS}
    actions = [d.action for d in read_decisions(session.store)[0]]
    assert actions == ["accept", "edit", "reject", "undo", "undo"]
    assert {d.reviewer for d in read_decisions(session.store)[0]} == {"李老师"}


@pytest.mark.slow
def test_filters_buttons_and_the_list_work_by_mouse_too(session):
    page = session.open()
    shows(page, CRISIS)
    page.get_by_role("button", name="label audit").click()
    shows(page, AUDIT)
    assert page.locator("#list li").count() == 1
    assert page.get_by_role("button", name="label audit").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="accept").click()
    page.wait_for_selector(".stamp.accept")
    page.get_by_role("button", name="all").click()
    page.get_by_label("open ones only").check()
    assert page.locator("#list li").count() == 5  # the one that is shown stays until it is left
    page.locator("#list").get_by_text("什么是倒摄抑制").click()
    shows(page, QUALITY)
    assert page.locator("#list li").count() == 4
    assert page.get_by_role("progressbar").get_attribute("aria-valuenow") == "1"


def test_a_dialogue_is_edited_turn_by_turn_and_an_edit_is_not_dropped_unasked(session):
    page = session.open()
    shows(page, CRISIS)
    page.keyboard.press("e")
    page.get_by_label("2 · assistant").fill("我在听。")
    page.locator("#list button").nth(2).click()
    page.get_by_text("Save the edit or leave it").wait_for()
    page.get_by_label("2 · assistant").focus()
    page.keyboard.press("Escape")
    page.get_by_text("Esc once more drops them").wait_for()
    page.keyboard.press("Control+Enter")
    shows(page, AUDIT)
    assert [m.content for m in session.decided()[CRISIS].dialogue.messages][1] == "我在听。"
    page.keyboard.press("e")
    page.get_by_label("Stem").fill("别的")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    shows(page, AUDIT)
    assert AUDIT not in session.decided()


@pytest.mark.slow
def test_two_tabs_see_each_other_and_the_last_decision_wins(session):
    one, two = session.open(), session.open()
    shows(one, CRISIS)
    shows(two, CRISIS)
    one.keyboard.press("a")
    shows(one, AUDIT)
    two.keyboard.press("r")
    two.keyboard.press("Enter")
    shows(two, AUDIT)
    assert session.decided()[CRISIS].action == "reject"
    one.keyboard.press("u")  # of its own accept, not of the other tab's rejection
    shows(one, CRISIS)
    one.wait_for_selector(".stamp.reject")
    assert session.decided()[CRISIS].action == "reject"


@pytest.mark.slow
def test_a_killed_server_is_told_and_what_was_decided_is_there(session):
    process, session.url = served_apart(session.store)
    page = session.open()
    shows(page, CRISIS)
    page.keyboard.press("a")
    shows(page, AUDIT)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert session.decided()[CRISIS].action == "accept"
    page.keyboard.press("a")
    page.get_by_role("alert").get_by_text("the server does not answer; nothing was saved").wait_for()
    shows(page, AUDIT)
    process, session.url = served_apart(session.store)
    again = session.open()
    shows(again, AUDIT)
    again.keyboard.press("a")
    shows(again, TEACHER)
    assert set(session.decided()) == {CRISIS, AUDIT}
    process.kill()
    process.wait()


def test_without_the_token_the_page_asks_for_it(session):
    address, _, token = session.url.partition("#token=")
    page = session.context.new_page()
    page.goto(address)
    page.get_by_role("dialog", name="Token").wait_for()
    assert page.locator("#list li").count() == 0
    page.get_by_label("Token", exact=True).and_(page.locator("input")).fill(token)
    page.keyboard.press("Enter")
    shows(page, CRISIS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_told_from_its_ground(session, scheme):
    """WCAG AA, 4.5 to 1, for every text that the page shows."""
    page = session.open()
    page.emulate_media(color_scheme=scheme)
    shows(page, CRISIS)
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    shows(page, AUDIT)
    for item in (AUDIT, CRISIS):
        shows(page, item)
        faint = page.evaluate(CONTRAST)
        assert faint == []
        page.keyboard.press("k")


@pytest.mark.slow
def test_the_picture_in_the_docs(session, tmp_path):
    target = Path(os.environ.get("PSYCHE_RL_SCREENSHOT") or tmp_path / "review.png")
    page = session.open()
    shows(page, CRISIS)
    page.keyboard.press("a")
    shows(page, AUDIT)
    page.screenshot(path=str(target))
    assert target.stat().st_size > 20_000
