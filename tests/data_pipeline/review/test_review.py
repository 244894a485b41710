"""The review queue as pure rules: what enters, which decisions count, what they do to the records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from data_pipeline.review import (
    EditFault,
    Evidence,
    Flag,
    apply_decisions,
    edited_dialogue,
    edited_question,
    is_open,
    is_sampled,
    queue_items,
    standing,
)
from data_pipeline.review.queue import URGENCY, merged
from psyche_rl.records import (
    Dialogue,
    Message,
    Passage,
    Question,
    Rationale,
    ReviewDecision,
    ReviewItem,
    Verdict,
)

PASSAGE = Passage(id="p", text="遗忘先快后慢。复习要早。", source="s", row=0)


def question(name: str, **changes) -> Question:
    fields = {
        "id": name, "kind": "single", "stem": "遗忘的进程是", "options": ("先快后慢", "先慢后快", "匀速"),
        "gold": "A", "passage_id": "p", "span": "遗忘先快后慢。", "source": "s",
    }  # fmt: skip
    return Question(**{**fields, **changes})


def dialogue(name: str, kind: str = "empathetic", source_id: str | None = None) -> Dialogue:
    turns = (Message(role="user", content="睡不着"), Message(role="assistant", content="听起来很累"))
    return Dialogue(id=name, kind=kind, messages=turns, source_id=source_id, source="s")


def decision(name: str, item: str, action: str = "accept", **more) -> ReviewDecision:
    return ReviewDecision(
        id=name, item_id=item, action=action, reviewer="w", time="2026-01-01T00:00:00+00:00", **more
    )


QUESTIONS = [question(f"q{i}") for i in range(200)]
names = st.sampled_from([f"q{i}" for i in range(6)])
flags = st.lists(st.builds(Flag, names, st.sampled_from(URGENCY), st.sampled_from(["", "甲", "乙"])))


# -- the queue ----------------------------------------------------------------------------------------------


@given(st.text(), st.integers(), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_rate_only_adds(name, seed, one, other):
    low, high = sorted((one, other))
    assert is_sampled(name, seed, low) <= is_sampled(name, seed, high)
    assert is_sampled(name, seed, 1.0)
    assert not is_sampled(name, seed, 0.0)


def test_the_sampled_share_is_that_asked_for_and_another_seed_draws_others():
    drawn = [{n for n in range(20_000) if is_sampled(f"q{n}", seed, 0.1)} for seed in (1, 2)]
    assert all(1850 < len(d) < 2150 for d in drawn)
    assert 120 < len(drawn[0] & drawn[1]) < 280


@given(st.permutations(QUESTIONS[:40]), st.integers(0, 40))
def test_who_is_sampled_depends_on_no_other_record(shuffled, cut):
    def drawn(questions):
        return {i.id for i in queue_items(questions, seed=3, rate=0.3)}

    assert drawn(shuffled[:cut]) == drawn(QUESTIONS[:40]) & {q.id for q in shuffled[:cut]}


@given(flags, st.sampled_from([0.0, 0.3, 1.0]))
def test_one_item_per_flagged_or_sampled_record_the_urgent_first(found, rate):
    questions = QUESTIONS[:6]
    items = queue_items(questions, flags=found, seed=0, rate=rate)
    flagged = {f.record_id for f in found}
    assert {i.id for i in items} == {q.id for q in questions if q.id in flagged or is_sampled(q.id, 0, rate)}
    assert len({i.id for i in items}) == len(items)
    for item in items:
        wanted = {f.reason for f in found if f.record_id == item.id}
        assert set(item.reasons) == wanted | ({"sampled"} if is_sampled(item.id, 0, rate) else set())
        assert set(item.notes) == {f.note for f in found if f.record_id == item.id} - {""}
    order = [URGENCY.index(i.reasons[0]) for i in items]
    assert order == sorted(order)
    assert ReviewItem.from_table(ReviewItem.to_table(items)) == items


def test_plain_dialogues_are_shown_if_flagged_but_never_sampled():
    both = [dialogue("post", "plain"), dialogue("reply", source_id="post")]
    [item] = queue_items([], both, seed=0, rate=1.0)
    assert (item.id, item.original) == ("reply", both[0])
    crisis, _ = queue_items([], both, flags=[Flag("post", "crisis", "想死")], seed=0, rate=1.0)
    assert (crisis.id, crisis.reasons, crisis.notes) == ("post", ("crisis",), ("想死",))


def test_the_evidence_is_shown_beside_the_question():
    verdicts = [
        Verdict(question_id="q0", selector=s, sample=i, text="", answer=a, correct=a == "A")
        for s, answers in (("m", ("B", "B", "A")), ("k", (None,)))
        for i, a in enumerate(answers)
    ]
    rationale = Rationale(id="r", question_id="q0", prompt="", text="先快", answer="A", round=0, model="m")
    evidence = Evidence({"p": PASSAGE}, {"q0": rationale}, {"q0": verdicts})
    [item] = queue_items(QUESTIONS[:1], seed=0, rate=1, evidence=evidence)
    assert (item.passage, item.rationale) == (PASSAGE, "先快")
    told = [(a.selector, a.answer, a.count, a.correct) for a in item.answers]
    assert told == [("k", None, 1, False), ("m", "B", 2, False), ("m", "A", 1, True)]


def test_queues_of_several_stages_are_one_item_per_record():
    early = queue_items(
        QUESTIONS[:2],
        flags=[Flag("q1", "quality_filter", "甲")],
        seed=0,
        rate=1,
        evidence=Evidence({"p": PASSAGE}),
    )
    newer = question("q1", stem="改过的题")
    late = queue_items([newer], flags=[Flag("q1", "label_audit", "乙")], seed=0, rate=0)
    first, second = merged([*early, *late])
    assert (first.id, first.question, first.passage) == ("q1", newer, PASSAGE)
    assert first.reasons == ("label_audit", "quality_filter", "sampled")
    assert (first.notes, second.id) == (("甲", "乙"), "q0")


@pytest.mark.parametrize("fields", [{}, {"question": question("other")}, {"reasons": ()}])
def test_an_item_is_of_one_record_and_has_a_reason(fields):
    with pytest.raises(ValidationError, match="holds one record"):
        ReviewItem(**{"id": "q", "reasons": ("sampled",), **fields})


# -- which decisions count ----------------------------------------------------------------------------------


@st.composite
def logs(draw):
    """Decisions and undos in the order of a log; an undo names an earlier decision of its item."""
    log: list[ReviewDecision] = []
    for n in range(draw(st.integers(0, 12))):
        earlier = [d for d in log if d.action != "undo"]
        if earlier and draw(st.booleans()):
            undone = draw(st.sampled_from(earlier))
            log.append(decision(f"d{n}", undone.item_id, "undo", undoes=undone.id))
        else:
            log.append(decision(f"d{n}", draw(names), draw(st.sampled_from(["accept", "reject"]))))
    return log


@given(logs())
def test_the_last_decision_that_was_not_undone_stands(log):
    undone = {d.undoes for d in log if d.action == "undo"}
    left = [d for d in log if d.action != "undo" and d.id not in undone]
    found = standing(log)
    assert set(found) == {d.item_id for d in left}
    for item_id, holds in found.items():
        assert holds == [d for d in left if d.item_id == item_id][-1]


@given(logs(), st.data())
def test_a_line_that_is_there_twice_counts_once(log, data):
    doubled = list(log)
    if log:
        doubled.append(data.draw(st.sampled_from(log)))
    assert standing(doubled) == standing(log)


def test_an_undo_brings_the_decision_before_back_and_leaves_others_alone():
    log = [decision("1", "q0", "reject"), decision("2", "q0"), decision("3", "q1")]
    assert standing([*log, decision("4", "q0", "undo", undoes="2")])["q0"].id == "1"
    assert standing([*log, decision("4", "q0", "undo", undoes="1")])["q0"].id == "2"
    assert standing([*log, decision("4", "q0", "undo", undoes="3")]) == standing(log)


def test_an_item_is_open_again_when_something_new_was_found():
    [item] = queue_items(QUESTIONS[:1], seed=0, rate=1)
    done = standing([decision("1", "q0", reasons=("sampled",))])
    assert is_open(item, {})
    assert not is_open(item, done)
    assert is_open(item.model_copy(update={"reasons": ("label_audit", "sampled")}), done)


# -- edits --------------------------------------------------------------------------------------------------


def test_an_edit_is_a_question_again():
    edited = edited_question(
        question("q"), {"gold": "ＢA", "kind": "multiple", "stem": " 新题 ", "explanation": " "}, PASSAGE
    )
    assert (edited.gold, edited.kind, edited.stem, edited.explanation) == ("AB", "multiple", "新题", None)
    assert (edited.id, edited.passage_id, edited.source) == ("q", "p", "s")
    short = question("q", kind="short", options=(), gold="先快后慢")
    assert edited_question(short, {"gold": "先快；后慢"}, PASSAGE).gold == "先快；后慢"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"gold": "D"}, "gold letter D is not among the 3 options"),
        ({"gold": "AB"}, "a single-choice question with the gold AB"),
        ({"gold": ""}, "not made of option letters"),
        ({"options": ["先快后慢", "先快后慢"]}, "two options are the same"),
        ({"options": ["先快后慢", " "]}, "option B is empty"),
        ({"options": "先快后慢"}, "options: "),
        ({"stem": " "}, "the stem is empty"),
        ({"span": "遗忘先慢后快。"}, "the span does not stand in the passage"),
        ({"span": ""}, "the span is empty"),
        ({"kind": "short"}, "a short question has no options"),
        ({"kind": "essay"}, "kind: "),
        ({"gold": 3}, "gold: "),
        ({"id": "x"}, "id cannot be edited"),
        ({"passage_id": "x"}, "passage_id cannot be edited"),
    ],
)
def test_an_edit_that_is_no_question_is_refused(changes, why):
    with pytest.raises(EditFault, match=why):
        edited_question(question("q"), changes, PASSAGE)


def test_without_the_passage_only_the_span_that_was_checked_passes():
    assert edited_question(question("q"), {"stem": "新题"}, None).stem == "新题"
    with pytest.raises(EditFault, match="does not stand in the passage"):
        edited_question(question("q"), {"span": "复习要早。"}, None)
    assert edited_question(question("q"), {"span": "复习要早。"}, PASSAGE).span == "复习要早。"


def test_turns_of_a_dialogue_can_be_edited_but_not_who_speaks():
    edited = edited_dialogue(dialogue("d"), ["睡不着觉 ", "我在听"])
    assert [(m.role, m.content) for m in edited.messages] == [("user", "睡不着觉"), ("assistant", "我在听")]
    with pytest.raises(EditFault, match="1 turns; the dialogue has 2"):
        edited_dialogue(dialogue("d"), ["睡不着"])
    with pytest.raises(EditFault, match="turn 2 is empty"):
        edited_dialogue(dialogue("d"), ["睡不着", "\n"])


# -- applying -----------------------------------------------------------------------------------------------

GOOD_EDIT = question("q2", gold="B")
BAD_EDIT = question("q3", gold="C", span="不在文中")


def test_records_go_on_accepted_undecided_or_edited_and_no_other_way():
    records = QUESTIONS[:7]
    flags = [Flag("q4", "crisis"), Flag("q5", "crisis"), Flag("q6", "label_audit")]
    items = queue_items(records, flags=flags, seed=0, rate=0)
    log = [
        decision("1", "q0"),
        decision("2", "q1", "reject", reason="答案错"),
        decision("3", "q2", "edit", question=GOOD_EDIT),
        decision("4", "q3", "edit", question=BAD_EDIT),
        decision("5", "q4"),
        decision("6", "gone", "reject"),
    ]
    applied = apply_decisions(records, items, standing(log), hold=("crisis",), passages={"p": PASSAGE})
    assert applied.kept == [records[0], GOOD_EDIT, records[4], records[6]]
    assert applied.out == {
        "q1": ("rejected", "答案错"),
        "q3": ("bad_edit", "the span does not stand in the passage"),
        "q5": ("held", "crisis"),
    }
    assert (applied.accepted, applied.edited) == (["q0", "q4"], ["q2"])
    assert sum(applied.counts().values()) == len(records)
    assert applied.counts()["review_undecided"] == 1


def test_an_edit_of_another_kind_of_record_is_not_taken():
    told = [decision("1", "d", "edit", question=question("d"))]
    applied = apply_decisions([dialogue("d")], [], standing(told))
    assert applied.out == {"d": ("bad_edit", "the edit is not of a dialogue")}
    stranger = dialogue("d").model_copy(update={"source": "elsewhere"})
    applied = apply_decisions([dialogue("d")], [], standing([decision("1", "d", "edit", dialogue=stranger)]))
    assert applied.out == {"d": ("bad_edit", "only the turns of a dialogue can be edited")}


@given(flags, logs(), st.sets(st.sampled_from(URGENCY)))
def test_every_record_is_accounted_for_and_applying_twice_is_applying_once(found, log, hold):
    records = QUESTIONS[:6]
    items = queue_items(records, flags=found, seed=0, rate=0.5)
    decided = standing(log)
    once = apply_decisions(records, items, decided, hold=hold, passages={"p": PASSAGE})
    assert [q.id for q in records if q.id not in once.out] == [q.id for q in once.kept]
    assert len(once.kept) + len(once.out) == len(records) == sum(once.counts().values())
    held = {i.id for i in items if set(i.reasons) & hold and i.id not in decided}
    assert {name for name, (outcome, _) in once.out.items() if outcome == "held"} == held
    twice = apply_decisions(once.kept, items, decided, hold=hold, passages={"p": PASSAGE})
    assert (twice.kept, twice.out) == (once.kept, {})


@pytest.mark.parametrize(
    ("action", "more", "why"),
    [
        ("edit", {}, "with the records"),
        ("accept", {"question": question("q")}, "with the records"),
        ("edit", {"question": question("x")}, "with the records"),
        ("undo", {}, "names what it undoes"),
        ("accept", {"undoes": "1"}, "names what it undoes"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(action, more, why):
    with pytest.raises(ValidationError, match=why):
        decision("1", "q", action, **more)
