"""What has been found in a reply so far, and what of it is the answer.

Invariants:
- Of the declarations the last wins.
- Judgements over items count together, and only where nothing was declared, or where a correction stands
  between.
- Letters taken back are no answer.
- Where the question asks for the option that is wrong, the letters judged wrong are the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rewards.extraction.groups import LetterGroup
from rewards.extraction.options import OptionTable
from rewards.extraction.question import UNKNOWN, QuestionWording
from rewards.extraction.reading import Extraction, Reading


@dataclass(slots=True)
class Findings:
    """State of one reading; spans are offsets into the folded reply."""

    table: OptionTable
    question: QuestionWording = UNKNOWN
    declared: Reading | None = None
    tentative: bool = False
    """Whether the last declaration was hedged by itself (``可能是A``)."""
    conditional: bool = False
    """Whether the last declaration holds in a case only (``如果…就选A``)."""
    judged: dict[str, tuple[int, int]] = field(default_factory=dict)
    wrong: dict[str, tuple[int, int]] = field(default_factory=dict)
    of_the_answer: set[str] = field(default_factory=set)
    """Letters whose verdict is on the answer (符合题意, 应选) rather than on the truth of the option."""
    odd: Reading | None = None
    """Letters said to be the wrong ones (错误的是D), where it is not known what the question asks for."""
    soft: Reading | None = None
    """The last letters that a clause ends with after words that may conclude (``这属于C。``)."""
    removed: set[str] = field(default_factory=set)
    """Letters taken back since the last declaration."""
    corrected: bool = False
    """Whether a correction stands after the last declaration."""
    met: set[str] = field(default_factory=set)
    """Letters that were met and not judged there."""
    verdicts: int = 0
    """How many verdicts were noted, each on one letter or several together."""
    mentioned: bool = False
    """Whether other letters were met after the last declaration."""

    def declare(self, reading: Reading, tentative: bool = False) -> int:
        """Take the reading for the answer; returns where it ends."""
        self.declared, self.tentative = reading, tentative
        self.corrected = self.mentioned = self.conditional = False
        self.removed.clear()
        self.judged.clear()
        return reading.end

    def suppose(self, reading: Reading) -> int:
        """Letters that hold in one case only. They count where nothing else is stated and no case differs."""
        before = self.declared
        if before is None or self.conditional:
            if before is not None and set(before.letters) != set(reading.letters):
                both = before.letters + reading.letters
                reading = Reading(both, before.start, reading.end, "ambiguous")
            self.declare(reading)
            self.conditional = True
        return reading.end

    def suggest(self, reading: Reading) -> None:
        """Letters that may be the answer if nothing else is said; different ones are none."""
        before = self.soft
        if before is not None and set(before.letters) != set(reading.letters):
            both = before.letters + reading.letters
            reading = Reading(both, before.start, reading.end, "ambiguous")
        self.soft = reading

    def mention(self, group: LetterGroup) -> int:
        """Letters that say nothing; returns where they end."""
        self.met.update(group.letters)
        self.mentioned = True
        return group.end

    def judge(self, group: LetterGroup, right: bool, of_the_answer: bool = False) -> None:
        """Note a verdict on each letter of the group; the last verdict on a letter holds."""
        self.verdicts += 1
        self.mentioned = True
        for item in group.items:
            for letter in item.run:
                self.judged.pop(letter, None)
                self.wrong.pop(letter, None)
                self.of_the_answer.discard(letter)
                (self.judged if right else self.wrong)[letter] = (item.start, item.end)
                if of_the_answer:
                    self.of_the_answer.add(letter)

    def judged_reading(self) -> Reading | None:
        """What has been judged right so far, as a reading."""
        return Reading("".join(self.judged), *self._span(self.judged)) if self.judged else None

    def judges_all(self) -> bool:
        """Whether every option has a verdict."""
        return self.table.closed and self.judged.keys() | self.wrong.keys() >= set(self.table.letters)

    def judge_each(self, verdicts: dict[str, tuple[bool, int, int]]) -> None:
        """Take one verdict on each option in place of those noted: whether it is right, and its span."""
        self.judged = {x: (begin, end) for x, (right, begin, end) in verdicts.items() if right}
        self.wrong = {x: (begin, end) for x, (right, begin, end) in verdicts.items() if not right}
        self.of_the_answer.clear()

    def judge_letters(self, letters: str, start: int, end: int) -> None:
        """Note that the letters are right, by words at the span that do not name them."""
        self.judged.update(dict.fromkeys(letters, (start, end)))

    def judge_others(self, letters: str, start: int, end: int) -> None:
        """Note that all options but these are right, where the options are known."""
        if letters and self.table.closed and self.table.exists(letters):
            self.judge_letters("".join(x for x in self.table.letters if x not in letters), start, end)

    def take_judgements(self, other: Findings) -> None:
        """Add the verdicts of another reading."""
        self.judged.update(other.judged)
        self.wrong.update(other.wrong)
        self.of_the_answer.update(other.of_the_answer)

    def correct(self, retract: bool) -> None:
        """A correction; one that says no takes the last declaration back, unless others were met since."""
        self.corrected = True
        if retract and self.declared is not None and not self.mentioned:
            self.removed.update(self.declared.letters)

    def conclude(self) -> Extraction | None:
        """The answer, or the trouble that spoiled it; None where nothing was stated."""
        chosen = self._chosen()
        if chosen and (self.declared is None or self.corrected or self.declared.trouble == "ambiguous"):
            return self._judgement(chosen)
        reading = self.declared or self.odd or self.soft
        if reading is None:
            return None
        span = reading.start, reading.end
        if reading.trouble:
            return Extraction(None, span, reading.trouble)
        taken_back = self.removed & set(reading.letters)
        if taken_back:
            return Extraction(None, span, "negated" if taken_back == set(reading.letters) else "ambiguous")
        return Extraction("".join(sorted(set(reading.letters))), span, "statement")

    def _chosen(self) -> dict[str, tuple[int, int]]:
        """The letters that the verdicts make the answer, and where."""
        if not self.question.negative:
            if not self.question.of_myths or self.question.several:
                return self.judged
            return self.wrong if len(self.wrong) == 1 < len(self.judged) else self.judged
        true = {x: at for x, at in self.judged.items() if x not in self.of_the_answer}
        false = {x: at for x, at in self.wrong.items() if x not in self.of_the_answer}
        named = {x: at for x, at in self.judged.items() if x in self.of_the_answer}
        if len(true) == 1 and (not false or (len(false) > 1 and not self.question.several)):
            false = true  # judged by whether they answer the question
        left = set(self.table.letters) - set(true) if self.table.closed and not false | named else set()
        if len(left) == 1 < min(len(true), self.verdicts) and left <= self.met:
            false = dict.fromkeys(left, self._span(true))  # all the others are true
        return false | named

    @staticmethod
    def _span(places: dict[str, tuple[int, int]]) -> tuple[int, int]:
        return min(s for s, _ in places.values()), max(e for _, e in places.values())

    def _judgement(self, chosen: dict[str, tuple[int, int]]) -> Extraction:
        letters, span = "".join(sorted(chosen)), self._span(chosen)
        if not self.table.exists(letters):
            return Extraction(None, span, "out_of_range")
        return Extraction(letters, span, "judgement")
