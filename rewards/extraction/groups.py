"""Reading a group of option letters at a place of the aligned text: ``A、B，D``, ``选项A和C``, ``ABD``.

A letter may be followed by its own option text (``A.内隐记忆；C.外显记忆``). A letter that is part of a
word or term (``CCMD-3``, ``A型行为``, ``ABC理论``) is not a letter of a group.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rewards.extraction.options import OptionTable
from rewards.extraction.reading import Reading

_ITEM = re.compile(r"[ ']*(?:选项|[Oo]ptions? |[Cc]hoices? )?[ ']*:?[ ']*([A-Z]{1,26})(?![A-Za-z])'?")
_ITEM_TAIL = re.compile(r" ?(?:选项|项(?!目))")
_LABEL = re.compile(r"[ ']*(?:选项|项(?!目))?[ ]*[.、:,,—-]{0,2}[ ]*")
_BLANKS_AND_STOP = re.compile(r"[ ]*[.。]?(?=[ ]*[、,;和与及\n])")
_TERM = re.compile(
    r"\d|-[A-Za-z0-9]|\+(?![ ]*[A-Z])|'[a-z]|[型超君国市校班座轴族血级期组波群]"
    r"|类(?!比|似|化|推)|理论|因[素子]|分[类数裂]"
    r"|量表|阶段|同学|[先医学]生|女士|老师|教[师授]|细胞|行为|人格|性格|模[式型]|效应|症候|测验|反应|染色体|受体|公司|大学"
)
_NEXT = r"(?=(?:选项|option )?[ ']*[A-Z])"
_AND = re.compile(r"[ ]*(?:[、/&+|·和与及跟]|以及|并且|and |)[ ]*(?:和|与|及|and )?[ ]*" + _NEXT)
_LOOSE = re.compile(r"[ ]*(?:[,;]|\.(?=[A-Z]))\\?[ ]*(?:和|与|以及|及|and )?[ ]*" + _NEXT)
_OR = re.compile(
    r"[ \x03]*,?[ ]*(?:或者?是?|还是|抑或|or |也可能是?|也许是?|也可以?|要么)选?(?:择)?[ ]*(?:\\boxed[ ]*)?"
    + _NEXT
)
_NEXT_LABELLED = re.compile(r"[^\n。;]*[;\n][ ]*(?=[A-Z])")
MAYBE_ALL = re.compile(r"[ ]*(?:都|均|皆)(?:有可能|可能|可以|可(?!以)|行|说得通)")


class Item(NamedTuple):
    """A run of letters; ``loose`` where a comma stands before it, which may begin a new clause."""

    run: str
    start: int
    end: int
    loose: bool


class LetterGroup(NamedTuple):
    """Items that belong together; ``hedged`` where they are alternatives."""

    items: tuple[Item, ...]
    hedged: bool

    @property
    def start(self) -> int:
        return self.items[0].start

    @property
    def end(self) -> int:
        return self.items[-1].end

    def reading(self, table: OptionTable) -> Reading:
        """The group as an answer."""
        run = "".join(item.run for item in self.items)
        trouble = None
        if not table.exists(run):
            trouble = "out_of_range"
        elif self.hedged and len(set(run)) > 1:
            trouble = "ambiguous"
        return Reading(run, self.start, self.end, trouble)  # type: ignore[arg-type]

    def split_loose(self) -> tuple[LetterGroup, LetterGroup | None]:
        """Before and after the last comma: in ``选A，B错误`` the B begins a new clause."""
        for at in range(len(self.items) - 1, 0, -1):
            if self.items[at].loose:
                return LetterGroup(self.items[:at], self.hedged), LetterGroup(self.items[at:], False)
        return self, None


def read_group(text: str, at: int, table: OptionTable) -> LetterGroup | None:
    """The longest group of letters that begins at ``at`` (blanks before it allowed), or None."""
    items: list[Item] = []
    hedged, loose, position = False, False, at
    while item := _read_item(text, position, table, loose):
        items.append(item)
        if joint := _AND.match(text, item.end):
            loose = False
        elif joint := _LOOSE.match(text, item.end):
            loose = True
        elif joint := _OR.match(text, item.end):
            loose, hedged = False, True
        else:
            break
        position = joint.end()
    if not items:
        return None
    if len(items) > 1 and MAYBE_ALL.match(text, items[-1].end):
        hedged = True
    return LetterGroup(tuple(items), hedged)


def read_labelled(text: str, group: LetterGroup, table: OptionTable) -> LetterGroup:
    """The group and the labelled items after it: ``A. 某文字；C. 某文字``, one a clause or line.

    Goes on only in ascending order and only from an item that is labelled itself, so that an
    analysis below an answer is not taken for a part of it.
    """
    items = list(group.items)
    while text[items[-1].end : items[-1].end + 1] in (".", "、", ":") or items[-1].end - items[-1].start > 2:
        joint = _NEXT_LABELLED.match(text, items[-1].end)
        item = _read_item(text, joint.end(), table, True) if joint else None
        if joint is None or item is None or len(item.run) > 1 or item.run <= items[-1].run:
            break
        with_its_text = item.end - item.start > 2
        labelled = text[item.end : item.end + 1] in (".", "、", ":")
        if not (with_its_text or (labelled and "\n" not in joint[0])):
            break  # a new line whose text is not that option's is an analysis
        items.append(item)
    return LetterGroup(tuple(items), group.hedged)


def _read_item(text: str, at: int, table: OptionTable, loose: bool) -> Item | None:
    match = _ITEM.match(text, at)
    if match is None:
        return None
    run, start, end = match[1], match.start(1), match.end(1)
    own = table.texts.get(run)
    if own is not None:
        label = _LABEL.match(text, end)
        if label is not None and text.startswith(own, label.end()):
            end = label.end() + len(own)
            stop = _BLANKS_AND_STOP.match(text, end)
            return Item(run, start, stop.end() if stop else end, loose)
    if len(set(run)) < len(run) or (len(run) > 1 and max(run) > "H" and not table.exists(run)):
        return None
    if _TERM.match(text, end):
        return None
    tail = _ITEM_TAIL.match(text, end)
    return Item(run, start, tail.end() if tail else end, loose)
