"""How many lightly paraphrased copies of an exam are found, by the manner in which they are stored, and how
many rows of other subjects are taken for copies.

    python benchmarks/decontamination.py EXAM --unrelated FILES_OR_FOLDERS… [--rate 0.07] [--items 400]

Of the characters of stem and options a share ``--rate`` is changed: 70 % of the changes put a common one
in its place, 15 % take it out, 15 % put one in. The draws are seeded. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from typing import Any

import house  # noqa: F401  the repository comes first on the path

# isort: split

from data_pipeline.decontamination import EvaluationIndex, read_sets
from data_pipeline.decontamination.file_rows import records_of_row
from data_pipeline.ingest.raw_rows import read_rows
from psyche_rl.config.decontamination import DecontaminateConfig
from psyche_rl.records import LETTERS, Quarantined

COMMON = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面"
)
TASK = "请回答下面的单选题，只给出字母。"


def changed(text: str, draw: random.Random, rate: float) -> str:
    """A text with a share of its characters changed."""
    out = []
    for character in text:
        if character.isalnum() and draw.random() < rate:
            how = draw.random()
            out.append(
                draw.choice(COMMON) if how < 0.7 else "" if how < 0.85 else character + draw.choice(COMMON)
            )
        else:
            out.append(character)
    return "".join(out)


def manners(stem: str, options: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The ways in which training files hold a question."""
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    body = "\n".join((stem, *lines))
    ask, said = {"role": "user", "content": body}, {"role": "assistant", "content": "选C"}
    system = {"role": "system", "content": "你是一位经验丰富的心理学专家，请认真回答。"}
    yield "text", {"text": body}
    yield "text, in one line", {"text": f"{stem} {' '.join(lines)}"}
    yield "chat", {"messages": [ask, said]}
    yield (
        "chat, content before role",
        {"messages": [dict(reversed(ask.items())), dict(reversed(said.items()))]},
    )
    yield "chat with a system turn", {"messages": [system, ask, said]}
    yield "instruction, input, output", {"instruction": TASK, "input": body, "output": "C"}
    yield "output, input, instruction", {"output": "C", "input": body, "instruction": TASK}
    yield "behind an instruction", {"prompt": f"{TASK}\n{body}", "completion": "答案：C"}
    yield "behind one in its line", {"prompt": f"{TASK}题目：{body}", "completion": "答案：C"}
    yield "exam item", {"question": stem, "options": options, "answer": "C"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exam")
    parser.add_argument("--unrelated", nargs="+", required=True)
    parser.add_argument("--rate", type=float, default=0.07)
    parser.add_argument("--items", type=int, default=400)
    given = parser.parse_args()
    items, _ = read_sets([given.exam])
    index, draw = EvaluationIndex(items, DecontaminateConfig()), random.Random(7)
    with_options = [item for item in items if item.options]
    chosen = draw.sample(with_options, min(given.items, len(with_options)))
    found: dict[str, int] = {}
    for item in chosen:
        stem = changed(item.stem, draw, given.rate)
        options = [changed(option, draw, given.rate) for option in item.options]
        for manner, row in manners(stem, options):
            places = {h.item.place for fragments, _ in records_of_row(row) for h in index.hits(fragments)}
            found[manner] = found.get(manner, 0) + (item.place in places)
    print(
        f"{len(chosen)} of {len(with_options)} items with options, {given.rate:.0%} of characters changed\n"
    )
    print("| stored as | found |\n|---|---|")
    for manner, count in found.items():
        print(f"| {manner} | {count / len(chosen):.1%} |")
    rows = wrong = 0
    for path in given.unrelated:
        for row in read_rows(path, "benchmark"):
            if not isinstance(row, Quarantined):
                rows += 1
                wrong += any(index.hits(fragments) for fragments, _ in records_of_row(row.value))
    print(f"\n{wrong} of {rows} unrelated rows taken for copies ({wrong / max(rows, 1):.2%})")


if __name__ == "__main__":
    main()
