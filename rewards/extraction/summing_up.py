"""The last sentence that sums up, in the question's own words: ``因此，属于非言语沟通的有A、C、D。``

Collaborators: ``reply_rules`` asks it where verdicts on options would decide, since a verdict may have been
missed; ``restated`` reads the sentence. Invariants:
- A word says that it sums up, and it stands after the last of the verdicts.
"""

from __future__ import annotations

import re

from rewards.extraction.options import OptionTable
from rewards.extraction.question import QuestionWording
from rewards.extraction.reading import Reading
from rewards.extraction.restated import restated_answer

_SUMS_UP = re.compile(
    r"(?:(?:^|[\n。!;]) ?|[.] )(?=(?:因此|所以|综上|综合|故|总之|由此可[见知]"
    r"|(?i:(?:therefore|thus|so|hence|overall|consequently|in (?:conclusion|summary|short|sum)|to sum up"
    r"|to summari[sz]e))\b))"
)


def summed_up(text: str, after: int, table: OptionTable, question: QuestionWording) -> Reading | None:
    """What the last sentence after a place that sums up says the answer is."""
    begin = max((found.end() for found in _SUMS_UP.finditer(text, after)), default=len(text))
    reading = restated_answer(text[begin:], table, question)
    if reading is None or reading.trouble:
        return None
    return reading._replace(start=reading.start + begin, end=reading.end + begin)
