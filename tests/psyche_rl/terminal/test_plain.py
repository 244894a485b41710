"""Text that a terminal shows and does not obey."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted_text import PLANTED, steers
from rich.table import Table
from rich.text import Text

from psyche_rl.events import Events
from psyche_rl.progress import Progress
from psyche_rl.store import RunStore
from psyche_rl.terminal.console import PlainConsole
from psyche_rl.terminal.plain import echo, plain


@given(st.text(st.characters()))
def test_nothing_that_steers_is_left_and_what_does_not_stays(text):
    made = plain(text)
    assert not steers(made)
    assert plain(made) == made
    if not steers(text) and text.isalnum():
        assert made == text


@pytest.mark.parametrize("kept", ["中文，标点。\n\t", "👩‍👩‍👧 café", "עברית العربية", ""])
def test_text_of_every_language_stays(kept):
    assert plain(kept) == kept


def test_json_keeps_its_values():
    tree = {PLANTED: [PLANTED, "\ud83d", "\U000e0041"]}
    made = plain(json.dumps(tree, ensure_ascii=False))
    assert not steers(made)
    assert json.loads(made) == tree


def test_a_stream_of_another_encoding_shows_what_it_lacks():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    echo(f"中\x1b[1m {PLANTED[:4]}", file=stream)
    assert raw.getvalue() == b"\\u4e2d\\u001b[1m \\u001b[31\n"


@pytest.mark.parametrize("cell", [PLANTED, Text(PLANTED), Text("ok", style="bold red")])
def test_a_table_draws_in_colours_of_its_own_only(cell):
    out = io.StringIO()
    console = PlainConsole(file=out, force_terminal=True, color_system="standard", width=200)
    table = Table(title=cell)
    table.add_column(cell)
    table.add_row(cell)
    console.print(table)
    console.print(cell)
    shown = out.getvalue()
    for own in ("\x1b[1;31m", "\x1b[0m", "\x1b[3m", "\x1b[1m", "\x1b[1;3;31m", "\x1b[3;31m"):
        shown = shown.replace(own, "")
    if "ok" not in shown:
        assert "\\u001b[31mred" in shown
        assert "[bold]x[/bold]" in shown
    assert [c for c in steers(shown) if c != "\x1b"] == []
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown


def test_events_and_progress_are_plain_and_an_event_is_one_line(tmp_path):
    out = io.StringIO()
    events = Events(RunStore(str(tmp_path)), console=out)
    events.say(f"read {PLANTED}", file=f"{PLANTED}\n12:00:00 all is well")
    with Progress(out, 1, PLANTED, "rows") as progress:
        progress.advance()
    assert not steers(out.getvalue())
    assert out.getvalue().count("\n") == 2
    assert json.loads((tmp_path / "events.jsonl").read_text())["message"] == f"read {PLANTED}"
