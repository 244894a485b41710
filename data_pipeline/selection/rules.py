"""Cross-selection: which questions are hard, and what each training set holds (paper section 3.2).

Pure rules over questions and verdicts; ``data_pipeline.answering.engine_job`` gets the verdicts, the select
stage writes the results. Invariants: a question is hard if every selector is wrong on it, by the rule set;
every other question goes to the SFT set if it has a rationale; results keep the order of the questions.
``label_audit`` decides which keys are doubtful, ``training_sets`` guards what is written.
Known weakness of the paper's rule: "all wrong" also collects wrong keys. Questions on which all samples
agree on one answer that is not the key are therefore listed for an audit of labels.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from psyche_rl.config.prompt import PromptConfig
from psyche_rl.config.selection import SelectionRule
from psyche_rl.questions.render import question_text, reply_text
from psyche_rl.records import Dialogue, Message, Question, Rationale, SftExample, Verdict, content_id
from psyche_rl.seeded import rank

Verdicts = Mapping[str, Sequence[Verdict]]
"""Question id -> what all selectors answered in all samples."""


def by_question(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Verdicts under their question's id, in the order given."""
    grouped: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        grouped[verdict.question_id].append(verdict)
    return dict(grouped)


def can_be_judged(question: Question) -> bool:
    """Letters can be compared with a key; key points of short answers cannot: these are not selected on."""
    return question.kind != "short" and bool(question.options)


def is_hard(
    verdicts: Sequence[Verdict],
    rule: SelectionRule = "all_wrong",
    band: tuple[float, float] = (0.0, 0.5),
) -> bool:
    """Every selector wrong (no verdict at all is no proof of hardness).

    ``all_wrong``: a selector is wrong if none of its samples is right (the paper's rule).
    ``majority``: a selector is wrong unless more than half of its samples are right, so that a lucky guess
    does not take a question it cannot answer out of the GRPO set.
    ``pass_rate``: the share of right samples over all selectors lies in ``band``, its ends included.
    """
    if rule == "pass_rate":
        return bool(verdicts) and band[0] <= pass_rate(verdicts) <= band[1]
    samples: dict[str, list[bool]] = defaultdict(list)
    for verdict in verdicts:
        samples[verdict.selector].append(verdict.correct)
    needed = {name: len(hits) / 2 if rule == "majority" else 0 for name, hits in samples.items()}
    return bool(samples) and all(sum(hits) <= needed[name] for name, hits in samples.items())


def pass_rate(verdicts: Sequence[Verdict]) -> float:
    """Share of right samples in [0, 1].

    Raises:
        ZeroDivisionError: there is no verdict.
    """
    return sum(v.correct for v in verdicts) / len(verdicts)


def hard_ids(
    questions: Sequence[Question],
    verdicts: Verdicts,
    rule: SelectionRule = "all_wrong",
    band: tuple[float, float] = (0.0, 0.5),
) -> set[str]:
    """Ids of the questions for GRPO."""
    return {q.id for q in questions if is_hard(verdicts.get(q.id, ()), rule, band)}


def random_ids(questions: Sequence[Question], share: float, seed: int) -> set[str]:
    """Ablation: ``share`` of the judgeable questions for GRPO, drawn by a seeded hash of their ids."""
    pool = [q.id for q in questions if can_be_judged(q)]
    pool.sort(key=lambda id_: rank(seed, "select", id_))
    return set(pool[: round(share * len(pool))])


def suspects(questions: Sequence[Question], verdicts: Verdicts) -> dict[str, str]:
    """Question id -> the one answer on which all samples of all selectors agree although the key differs."""
    found = {}
    for question in questions:
        answers = {v.answer for v in verdicts.get(question.id, ())}
        if len(answers) == 1 and (answer := answers.pop()) is not None and answer != question.gold:
            found[question.id] = answer
    return found


def sft_examples(
    questions: Sequence[Question],
    rationales: Sequence[Rationale],
    dialogues: Sequence[Dialogue],
    prompt: PromptConfig,
) -> list[SftExample]:
    """A chat for each question that has a rationale (the last accepted one), then empathetic dialogues."""
    last: dict[str, Rationale] = {}
    for rationale in rationales:
        known = last.get(rationale.question_id)
        if known is None or rationale.round >= known.round:
            last[rationale.question_id] = rationale
    reasoning = [_reasoning(q, last[q.id], prompt) for q in questions if q.id in last]
    return reasoning + [_empathy(d) for d in dialogues if d.kind == "empathetic"]


def pass_rate_histogram(questions: Sequence[Question], verdicts: Verdicts) -> dict[str, list[list[float]]]:
    """``"all"`` and each kind -> [share of right samples, number of questions], by rising share."""
    counts: dict[str, Counter[float]] = {"all": Counter()}
    for question in questions:
        given = verdicts.get(question.id)
        if given:
            rate = pass_rate(given)
            for scope in ("all", question.kind):
                counts.setdefault(scope, Counter())[rate] += 1
    return {scope: [[rate, n] for rate, n in sorted(c.items())] for scope, c in counts.items()}


def selector_accuracy(questions: Sequence[Question], verdicts: Verdicts) -> dict[str, dict[str, float]]:
    """Selector -> kind (and ``"all"``) -> share of its samples that were right."""
    right: dict[str, dict[str, list[bool]]] = {}
    for question in questions:
        for verdict in verdicts.get(question.id, ()):
            for scope in (question.kind, "all"):
                right.setdefault(verdict.selector, {}).setdefault(scope, []).append(verdict.correct)
    return {
        selector: {scope: round(sum(hits) / len(hits), 4) for scope, hits in scopes.items()}
        for selector, scopes in right.items()
    }


def _reasoning(question: Question, rationale: Rationale, prompt: PromptConfig) -> SftExample:
    user = Message(role="user", content=question_text(question, prompt))
    assistant = Message(role="assistant", content=reply_text(rationale.text, rationale.answer))
    return SftExample(
        id=content_id("sft", question.id, rationale.id),
        kind="reasoning",
        messages=(user, assistant),
        source_id=question.id,
    )


def _empathy(dialogue: Dialogue) -> SftExample:
    return SftExample(
        id=content_id("sft", dialogue.id), kind="empathy", messages=dialogue.messages, source_id=dialogue.id
    )
