"""Every fault of the matrix is made to happen; the page shows the matrix as it is."""

import time
from pathlib import Path

import pytest
from fault_matrix import FAULTS, table

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
SECONDS: dict[str, float] = {}


def test_the_page_shows_the_matrix():
    assert table() in PAGE.read_text("utf-8")


@pytest.mark.chaos
@pytest.mark.parametrize("fault", FAULTS, ids=[fault.happens[:40] for fault in FAULTS])
def test_what_is_promised_holds(fault, tmp_path):
    begun = time.monotonic()
    fault.tried(tmp_path)
    SECONDS[fault.happens] = time.monotonic() - begun


@pytest.mark.chaos
def test_the_table_is_printed(capsys):
    with capsys.disabled():
        print()
        for fault in FAULTS:
            seconds = SECONDS.get(fault.happens)
            seen = "not tried" if seconds is None else f"held, {seconds:.1f} s"
            print(f"| {fault.happens} | {fault.promised} | {seen} |")
