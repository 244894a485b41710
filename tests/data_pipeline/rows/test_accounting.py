import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.rows.accounting import RowAccounting, UnbalancedRowsError, _Step
from data_pipeline.rows.outcome_counts import OutcomeCounts, RunningCounts, flat_counts
from data_pipeline.rows.row_origin import RowOrigin
from psyche_rl.llm import CallFailure

ENDINGS = {
    "ok": lambda row: row.ok("x"),
    "filtered": lambda row: row.filtered("span", "not there"),
    "failed": lambda row: row.failed(CallFailure("timeout", "no reply")),
    "quarantined": lambda row: row.quarantined("not JSON", "好的"),
}


def counted(rows, outcomes):
    counts = RunningCounts()
    for outcome in outcomes:
        counts.add(outcome)
    return counts.of(rows)


def ended(*statuses, stage="s"):
    return [ENDINGS[status](RowOrigin(stage, f"r{i}", "f.txt", i)) for i, status in enumerate(statuses)]


@given(st.lists(st.sampled_from(list(ENDINGS))))
def test_a_tally_adds_up_to_the_rows_that_went_in(statuses):
    found = counted(len(statuses), ended(*statuses))
    assert found.open == 0
    assert found.ok + found.filtered + found.failed + found.quarantined == len(statuses)
    assert {s: getattr(found, s) for s in ENDINGS} == {s: statuses.count(s) for s in ENDINGS}
    assert sum(found.filters.values()) == found.filtered


def test_books_balance_when_every_row_ended_once_also_where_rows_are_equal():
    accounting = RowAccounting()
    accounting.expect("s", ["r0", "r1", "r1"])
    accounting.note([*ended("ok", "filtered"), ENDINGS["failed"](RowOrigin("s", "r1"))])
    assert accounting.balance("s").as_dict() == {
        "rows": 3, "ok": 1, "filtered": 1, "failed": 1, "quarantined": 0, "filters": {"span": 1},
    }  # fmt: skip
    assert flat_counts(accounting.all_counts()) == {"s.rows": 3, "s.ok": 1, "s.filtered": 1, "s.failed": 1}


@pytest.mark.parametrize(
    "rows",
    [["r0", "r1", "r2"], ["r0"], ["r0", "r0", "r1"], ["r0", "r2"]],
    ids=["lost", "extra", "once", "other"],
)
def test_books_that_do_not_add_up_are_refused(rows):
    accounting = RowAccounting()
    accounting.expect("s", rows)
    accounting.note(ended("ok", "ok"))
    with pytest.raises(UnbalancedRowsError, match="step s"):
        accounting.balance("s")


def test_what_is_under_way_is_open_and_what_is_not_in_form_can_be_looked_at():
    accounting = RowAccounting()
    accounting.expect("s", ["r0", "r1", "r2"])
    accounting.note(ended("ok", "quarantined"))
    assert accounting.counts("s").open == 1
    (bad,) = accounting.quarantined()
    assert (bad.stage, bad.source, bad.row, bad.reason, bad.content) == ("s", "f.txt", 1, "not JSON", "好的")


def test_a_repeat_names_rule_and_keeper_and_keeps_its_whole_text():
    found = RowOrigin("s", "r1").repeated("near", "q0", "0.97", "字" * 5000)
    assert (found.status, found.filter, found.keeper, found.reason) == ("filtered", "near", "q0", "0.97")
    assert found.content == "字" * 5000


def test_a_step_that_nothing_went_into_has_a_line_of_zeros():
    accounting = RowAccounting()
    accounting.expect("s", [])
    assert accounting.all_counts()["s"].as_dict()["rows"] == 0


def test_rows_that_are_known_once_a_file_is_read_go_into_the_next_step():
    accounting = RowAccounting()
    file = RowOrigin("files", "a.txt")
    accounting.expect("files", ["a.txt", "b.txt"])
    accounting.note([file.ok(rows_read=["r0"])])
    accounting.expect_read("s", "files")
    accounting.note([RowOrigin("files", "b.txt").ok(rows_read=["r1", "r2"])])
    assert list(accounting.all_counts()) == ["files", "s"]
    assert (accounting.counts("s").rows, accounting.counts("s").open) == (3, 3)
    accounting.note(ended("ok", "ok", "failed"))
    assert accounting.balance("files").ok == 2
    assert accounting.balance("s").ended == 3
    assert [outcome.row for outcome in accounting.outcomes()] == ["a.txt", "b.txt", "r0", "r1", "r2"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["x"], "step s: 1 of 2 records are gone and 0 records are of no row, for example x"),
        (["x", "x", "y"], "step s: 0 of 2 records are gone and 1 records are of no row, for example y"),
    ],
)
def test_the_records_that_go_on_are_those_that_the_outcomes_name(given, said):
    accounting = RowAccounting()
    accounting.expect("s", ["r0", "r1", "r2"])
    accounting.note(ended("ok", "ok", "filtered"))
    assert accounting.balance("s", ["x", "x"]).ok == 2
    with pytest.raises(UnbalancedRowsError) as refused:
        accounting.balance("s", given)
    assert str(refused.value) == said


def test_rows_that_do_not_end_and_outcomes_of_no_row_are_counted_apart():
    accounting = RowAccounting()
    accounting.expect("s", ["r0", "r7", "r8"])
    accounting.note(ended("ok", "ok"))
    with pytest.raises(UnbalancedRowsError) as refused:
        accounting.balance("s")
    assert str(refused.value) == (
        "step s: 2 of 3 rows did not end and 1 outcomes belong to no row, for example r7"
    )


def test_a_row_in_no_form_without_a_text_is_shown_by_its_name():
    accounting = RowAccounting()
    accounting.note([RowOrigin("s", "f.txt:7", "f.txt", 7).quarantined("empty")])
    assert [bad.content for bad in accounting.quarantined()] == ["f.txt:7"]


def test_reasons_and_contents_are_cut_and_outcomes_say_where_a_row_came_from():
    row = RowOrigin("s", "r", "f.txt", 7, prompt="q")
    for found in (row.filtered("span", "因" * 301, "文" * 2001), row.quarantined("因" * 301, "文" * 2001)):
        assert (len(found.reason), len(found.content)) == (300, 2000)
        assert (found.stage, found.row, found.source, found.source_row) == ("s", "r", "f.txt", 7)
        assert found.prompt == "q"
    assert row.filtered("span", "x").content == row.quarantined("x").content == ""
    assert row.failed(CallFailure("timeout", "no reply")).reason == "call failed: timeout: no reply"
    ok = row.ok()
    assert (ok.reason, ok.gives, ok.rows_read) == ("", None, ())
    placed = RowOrigin.at("s", "f.txt", 3)
    assert placed == RowOrigin("s", "f.txt:3", "f.txt", 3, None)
    assert RowOrigin("s", "r") == RowOrigin("s", "r", "", 0, None)


def test_counts_name_filters_in_order_and_ways_of_ending_that_occurred():
    rows = [RowOrigin("s", f"r{n}") for n in range(4)]
    found = counted(6, [rows[n].filtered(name, "") for n, name in enumerate("zaza")])
    assert (found.ended, found.open) == (4, 2)
    assert list(found.as_dict()["filters"].items()) == [("a", 2), ("z", 2)]
    assert flat_counts({"s": found, "t": counted(0, [])}) == {
        "s.rows": 6, "s.filtered": 4, "t.rows": 0,
    }  # fmt: skip
    assert OutcomeCounts() == OutcomeCounts(0, 0, 0, 0, 0, {})


def test_a_row_in_form_does_not_take_the_last_reason_away():
    step = _Step()
    step.note(RowOrigin("s", "a").quarantined("no stem"))
    step.note(RowOrigin("s", "b").ok())
    assert step.last_reason == "no stem"
    step.note(RowOrigin("s", "c").quarantined("no options"))
    assert step.last_reason == "no options"
