import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.rows.accounting import RowAccounting, UnbalancedRowsError
from data_pipeline.rows.outcome_counts import count_outcomes, flat_counts
from data_pipeline.rows.row_origin import RowOrigin
from psyche_rl.llm import CallFailure

ENDINGS = {
    "ok": lambda row: row.ok("x"),
    "filtered": lambda row: row.filtered("span", "not there"),
    "failed": lambda row: row.failed(CallFailure("timeout", "no reply")),
    "quarantined": lambda row: row.quarantined("not JSON", "好的"),
}


def ended(*statuses, stage="s"):
    return [ENDINGS[status](RowOrigin(stage, f"r{i}", "f.txt", i)) for i, status in enumerate(statuses)]


@given(st.lists(st.sampled_from(list(ENDINGS))))
def test_a_tally_adds_up_to_the_rows_that_went_in(statuses):
    found = count_outcomes(len(statuses), ended(*statuses))
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
