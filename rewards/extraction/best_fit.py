"""Sentences that say what a case fits best: ``The presentation fits D best.``, ``The case best matches B.``

Collaborators: ``conclusions`` asks it of letters and the words before them. Invariants:
- The subject points at the case that the question tells of, and names no option.
- The words say that nothing fits better; ``fits D well`` and ``fits D, but …`` say nothing.
"""

from __future__ import annotations

import re

from rewards.extraction.cues import END

_MOST = (
    r"(?:best|most (?:closely|clearly|strongly|accurately|precisely|directly|neatly|exactly|fully|completely"
    r"|naturally|obviously|likely|readily)|perfectly|exactly)"
)
_FITS = (
    r"(?:fits?(?: with| into)?|match(?:es)?|suits?|supports?|favou?rs?|describes?|captures?|reflects?"
    r"|illustrates?|exemplif(?:y|ies)|resembles?|represents?|indicates?|suggests?"
    r"|(?:corresponds?|points?|belongs?|amounts?) to|(?:aligns?|agrees?) with|falls? under)"
)
_BY = (
    r"(?:explained|described|captured|accounted for|covered|represented|illustrated|summari[sz]ed"
    r"|characteri[sz]ed|reflected|answered|supported|addressed) (?:by|in)"
)
_CASE = (
    r"(?:^|[,:] ?|\b(?:that|and|so|thus|hence|therefore|but|because|since) )"
    r"(?:the|this|that|these|those|it|his|her|their|he|she|they|all|which|what|everything|evidence)\b"
    r"(?![^,.:;]*\b(?:other|another|second|first|third|last|former|latter)\b)[^,.:;]{0,80}?"
)
AFTER = re.compile(
    rf" (?:the )?(?:{_MOST}|better than (?:(?:option )?[A-H](?:(?:, | or | and )[A-H])*"
    r"|(?:any|all)(?: of)? (?:the )?(?:others?|options?|rest|alternatives)(?: options?| choices?| ones?)?"
    r"|the (?:others?|rest)(?: options?| choices?| ones?)?))"
    rf"(?: of all(?: of them)?| here| overall| among [a-z ]{{3,20}})?{END}"
    r"(?! ?,? ?(?:but|though|yet|however)\b)"
)
"""After letters: nothing fits better."""
_BEFORE = re.compile(rf"(?i:{_CASE}\b{_MOST} {_FITS}|{_CASE}\b(?:is|are) {_MOST} {_BY}) ?\Z")
_WITH_AFTER = re.compile(rf"(?i:{_CASE}\b(?:{_FITS}|(?:is|are) {_BY})) ?\Z")
_SPOILS = re.compile(
    r"(?<![A-Za-z0-9'-])[B-H](?![A-Za-z0-9'-])"
    r"|(?i:\bthe (?:term|word|label|option|choice)\b|\b(?:may|might|could|would|seems?|appears?|perhaps)\b)"
)
"""In the words before: an option is spoken of, or it is not said for sure."""


def fits_best(before: str, after: bool) -> bool:
    """Whether the words of a sentence before letters say that the case fits them best.

    ``after``: whether ``AFTER`` stands after the letters.
    """
    said = _BEFORE.search(before) or (after and _WITH_AFTER.search(before))
    return bool(said) and _SPOILS.search(before) is None
