"""The books: they close over every path, and dropping or doubling anything on any path is found."""

from __future__ import annotations

import pytest
from book_story import Story, book_of, numbered, story
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.ledger.balance import LEVELS, LINES, Amount
from psyche_rl.ledger.book import MOST_FINDINGS
from psyche_rl.ledger.entry import ENDINGS, PARTY

STORY = story()


def findings(entries, done: bool = True) -> tuple[str, ...]:
    return book_of(numbered(entries)).balance(done).findings


def test_the_story_knows_every_event():
    assert {entry.event for entry in STORY} == set(PARTY)


def test_the_books_close_with_each_line_counted_by_its_party():
    balance = book_of(numbered(STORY)).balance(done=True)
    assert balance.findings == ()
    assert balance.closes
    assert balance.lines == {
        "issued": Amount(11, 22, 12 + 7 + 4 + 7 + 17 + 8 + 0 + 12 + 11 + 12 + 12),
        "trained": Amount(4, 7, 12 + 3 + 12 + 12),
        "stale": Amount(1, 2, 8),
        "filtered": Amount(1, 2, 17),
        "errored": Amount(2, 5, 4 + 4 + 6 + 1),
        "surplus": Amount(1, 2, 0),
        "rolled back": Amount(1, 2, 12),
        "abandoned": Amount(1, 2, 11),
        "in flight": Amount(),
    }
    assert (balance.lost, balance.steps_rolled_back, balance.incarnations) == (Amount(0, 1, 3), 1, 3)
    assert balance.workers["w3"] == Amount(0, 1, 8)
    assert sum((a for a in balance.workers.values()), Amount()).tokens == balance.line("issued").tokens


def test_at_any_moment_the_sums_agree():
    entries = numbered(STORY)
    for end in range(len(entries) + 1):
        assert book_of(entries[:end]).balance().gap == Amount(), entries[end - 1]


def named(entry) -> str:
    """What a finding about an entry must name: its group, one of its samples, or the step."""
    return "step" if entry.event == "held" else entry.group or entry.groups[0]


KILLED = next(i for i, e in enumerate(STORY) if e.event == "opened" and e.incarnation == 2)
LAST_WORDS = (KILLED - 3, KILLED - 1)
"""What a process told in the step in which it was killed; nobody else can know whether that was all. Its step
was not finished and has no checkpoint, so nothing of it counts as trained."""
TOLD = [i for i in range(len(STORY)) if i not in LAST_WORDS]


@pytest.mark.parametrize("index", TOLD, ids=lambda i: f"{STORY[i].event}-{i}")
def test_an_entry_that_is_dropped_or_doubled_is_found_and_named(index):
    """As if the party had never called, or called twice: the numbers of the entries are whole."""
    entry = STORY[index]
    dropped = findings(STORY[:index] + STORY[index + 1 :])
    doubled = findings([*STORY[: index + 1], *STORY[index:]])
    for found in (dropped, doubled):
        assert found
        if entry.event not in ("opened", "closed"):
            assert any(named(entry) in line for line in found), found
            parties = (*PARTY.values(), "worker", "workers")
            assert any(party in line for line in found for party in parties), found


@pytest.mark.parametrize("event", [*ENDINGS, "generated", "scored", "failed"])
def test_a_sample_that_is_dropped_or_doubled_within_an_entry_is_found(event):
    index = next(i for i, e in enumerate(STORY) if e.event == event and e.samples)
    entry = STORY[index]
    short = entry.model_copy(update={"samples": entry.samples[1:], "tokens": entry.tokens[1:]})
    assert any(entry.samples[0] in f for f in findings([*STORY[:index], short, *STORY[index + 1 :]]))
    strange = entry.model_copy(
        update={"samples": (*entry.samples, f"{entry.group}/9"), "tokens": (*entry.tokens, 0)}
    )
    assert any(
        f"sample {entry.group}/9: {event} by the {entry.party}, but never issued" in f
        for f in findings([*STORY[:index], strange, *STORY[index + 1 :]])
    )


@pytest.mark.parametrize("event", [*ENDINGS, "scored", "failed"])
def test_parties_that_count_other_tokens_than_the_worker_are_found(event):
    index = next(i for i, e in enumerate(STORY) if e.event == event and e.samples)
    entry = STORY[index]
    wrong = entry.model_copy(update={"tokens": (entry.tokens[0] + 1, *entry.tokens[1:])})
    found = findings([*STORY[:index], wrong, *STORY[index + 1 :]])
    assert any(
        f"sample {entry.samples[0]}: {wrong.tokens[0]} tokens at the {entry.party}" in f for f in found
    )


def test_lines_that_are_gone_from_a_file_or_doubled_there_are_found_by_their_numbers():
    entries = numbered(STORY)
    for cut in range(1, len(entries) - 1):
        if cut != KILLED - 1:  # with nothing behind it: like a line that the kill itself cut short
            assert book_of(entries[:cut] + entries[cut + 1 :]).balance(done=True).findings
        assert book_of(entries[: cut + 1] + entries[cut:]).balance(done=True).findings


@given(st.data())
def test_the_sums_agree_only_if_nothing_was_found(data):
    """Sums may agree by chance over a wrong stream, but never the other way round."""
    entries = list(STORY)
    for _ in range(data.draw(st.integers(0, 3))):
        i, j = (data.draw(st.integers(0, len(entries) - 1)) for _ in range(2))
        entries[i], entries[j] = entries[j], entries[i]
    balance = book_of(numbered(entries)).balance()
    if balance.closes:
        assert balance.gap == Amount()
        assert set(balance.lines) == set(LINES)


def test_what_the_buffer_holds_must_be_what_is_open_in_groups_samples_and_tokens():
    index = next(i for i, e in enumerate(STORY) if e.groups)
    for wrong in ({"samples_held": 1}, {"tokens_held": 10}):
        entry = STORY[index].model_copy(update=wrong)
        assert findings([*STORY[:index], entry, *STORY[index + 1 :]])[0].startswith(
            "step 1: the buffer holds 1 groups"
        )
    forgot = STORY[index].model_copy(update={"groups": (), "samples_held": 0, "tokens_held": 0})
    found = findings([*STORY[:index], forgot, *STORY[index + 1 :]])
    assert found == (
        "group 0/4: issued by the dispatcher, ended by nobody and not held by the buffer after step 1",
    )
    more = STORY[index].model_copy(update={"groups": ("0/4", "0/0")})
    found = findings([*STORY[:index], more, *STORY[index + 1 :]])
    assert "group 0/0: held by the buffer after step 1, but it was trained in step 1 already" in found[0]


def test_a_run_in_its_middle_has_things_in_flight_and_its_books_are_in_order():
    cut = next(i for i, e in enumerate(STORY) if e.event == "held") + 1
    balance = book_of(numbered(STORY[:cut])).balance()
    assert balance.closes
    assert balance.line("in flight") == Amount(1, 2, 9)
    assert book_of(numbered(STORY[:cut])).balance(done=True).findings == (
        "the run has ended, but the loop never closed its books",
    )


def test_negative_staleness_is_found():
    told = Story()
    told.say("opened", step=0)
    told.train("0/0", 1, 1)
    assert findings(told.entries, done=False) == (
        "group 0/0: sampled at weight version 1, but trained by the learner in step 1, at version 0: "
        "negative staleness",
    )


def test_an_ending_in_another_step_than_the_loops_is_found():
    told = Story()
    told.say("opened", step=0)
    told.train("0/0", 2, 0)
    assert findings(told.entries, done=False)[0].endswith("in step 2, while the loop was in step 1")


def test_an_older_checkpoint_rolls_back_the_steps_of_all_earlier_incarnations():
    told = Story()
    told.say("opened", step=0)
    for step in (1, 2):
        told.train(f"{step - 1}/0", step, step - 1)
        told.say("held", step=step)
    told.say("opened", step=2)
    told.train("2/0", 3, 2)
    told.say("held", step=3)
    told.say("opened", step=1)
    told.say("rolled_back", of=1, groups=("1/0",))
    told.say("rolled_back", of=2, groups=("2/0",))
    balance = book_of(numbered(told.entries)).balance()
    assert balance.closes
    assert (balance.line("rolled back"), balance.steps_rolled_back) == (Amount(2, 4, 24), 2)
    assert balance.line("trained") == Amount(1, 2, 12)


def test_a_process_killed_before_it_named_what_was_left_costs_nothing():
    told = Story()
    told.say("opened", step=0)
    told.issue("0/0", 0)
    told.say("opened", step=0)
    told.say("opened", step=0)
    told.say("abandoned", of=1, groups=("0/0",))
    assert findings(told.entries, done=False) == ()


def test_a_loss_that_the_dispatcher_does_not_know_of_is_told_by_the_worker():
    told = Story()
    told.say("opened", step=0)
    told.issue("0/0", 0)
    told.say("generated", "0/0", {"0": 1}, worker="w2", attempt=2)
    assert findings(told.entries, done=False) == (
        "sample 0/0/0: worker w2 was given it for the 2. time, the dispatcher counts it lost 0 times",
    )


def test_a_fault_in_every_step_does_not_fill_the_memory():
    told = Story()
    told.say("opened", step=0)
    for i in range(MOST_FINDINGS + 7):
        told.say("trained", f"{i}/0", {}, step=1)
    found = findings(told.entries, done=False)
    assert found[MOST_FINDINGS] == "and 7 more"
    assert found[0] == "group 0/0: trained by the learner, but the dispatcher never issued it"
    assert [line.partition(":")[0] for line in found[MOST_FINDINGS + 1 :]] == [LEVELS[0]]


@pytest.mark.parametrize(
    ("event", "party"),
    [("generated", "worker"), ("lost", "dispatcher"), ("scored", "scorer"), ("failed", "scorer")],
)
def test_what_is_told_of_a_group_that_is_not_in_flight_is_found(event, party):
    told = Story()
    told.say("opened", step=0)
    told.say(event, "9/9", {"0": 0})
    told.train("0/0", 1, 0)
    told.say(event, "0/0", {"0": 0})
    assert findings(told.entries, done=False)[:2] == (
        f"group 9/9: {event} by the {party}, but the dispatcher never issued it",
        f"group 0/0: {event} by the {party}, but it was trained in step 1 already",
    )


def test_a_sample_that_failed_and_is_trained_on_is_found():
    told = Story()
    told.say("opened", step=0)
    told.issue("0/0", 0)
    told.say("generated", "0/0", {"0": 3, "1": 4}, worker="w1")
    told.say("scored", "0/0", {"0": 3})
    told.say("failed", "0/0", {"1": 4})
    told.say("trained", "0/0", {"0": 3, "1": 4}, step=1)
    assert findings(told.entries, done=False)[0] == (
        "sample 0/0/1: failed by the scorers, yet trained by the learner"
    )


@pytest.mark.parametrize("judged", [0, 1, 2, None])
def test_scores_that_the_filter_saw_and_nobody_entered_are_found(judged):
    told = Story()
    told.say("opened", step=0)
    told.issue("0/0", 0)
    told.say("generated", "0/0", {"0": 3, "1": 4}, worker="w1")
    told.say("stale", "0/0", {"0": 3, "1": 4}, step=1, judged=judged)
    wrong = f"group 0/0: stale by the filter with {judged} samples judged, the scorers judged 0"
    assert findings(told.entries, done=False) == ((wrong,) if judged else ())


def test_samples_of_an_errored_group_that_only_some_scorers_judged_are_found():
    told = Story()
    told.say("opened", step=0)
    told.issue("0/0", 0)
    told.say("generated", "0/0", {"0": 3, "1": 4}, worker="w1")
    told.say("failed", "0/0", {"0": 3})
    told.say("errored", "0/0", {"1": 4}, step=1)
    assert findings(told.entries, done=False) == (
        "sample 0/0/1: errored by the filter, but no scorer judged it",
    )


def test_a_sample_that_no_worker_handed_out_cannot_be_trained_on_however_short():
    told = Story()
    told.say("opened", step=0)
    told.issue("0/0", 0, n=1)
    told.say("scored", "0/0", {"0": 0})
    told.say("trained", "0/0", {"0": 0}, step=1)
    assert findings(told.entries, done=False) == (
        "sample 0/0/0: trained by the learner, but no worker handed it out",
    )


@pytest.mark.parametrize("event", ["issued", "generated", "scored", "failed", "trained"])
def test_a_sample_that_is_named_twice_in_one_entry_is_found(event):
    index = next(i for i, e in enumerate(STORY) if e.event == event and e.samples)
    entry = STORY[index]
    twice = entry.model_copy(
        update={"samples": (*entry.samples, entry.samples[0]), "tokens": entry.tokens + entry.tokens[:1]}
    )
    found = findings([*STORY[:index], twice, *STORY[index + 1 :]])
    assert found[0] == f"sample {entry.samples[0]}: {event} twice at once by the {entry.party}"
    summed = event != "scored"  # what the sums count
    assert any(line.startswith(("samples: ", "tokens: ")) for line in found[1:]) == summed


def test_a_group_that_is_missed_is_told_once_in_each_incarnation():
    told = Story()
    for _ in range(2):
        told.say("opened", step=0)
        if told.incarnation == 2:
            told.say("abandoned", of=1, groups=("0/0",))
            told.say("rolled_back", of=1, groups=())
        told.issue("0/0", 0)
        told.say("held", step=1)
        told.say("held", step=2)
    found = findings(told.entries, done=False)
    assert [line.partition(":")[0] for line in found] == ["group 0/0", "group 0/0"]
