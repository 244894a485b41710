"""No reply takes long to read, whatever it holds.

Work is bounded in processor time by an interval timer that the matcher itself heeds, with a cap far above
what linear time needs and far below what a quadratic pattern takes at that length.
"""

import importlib
import pkgutil
import random
import re
import re._constants as ops  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rewards
from rewards import RewardSample, extract_answer, load_reward_set
from rewards.adapters.openrlhf import without_end_markers
from rewards.extraction import marks

CHARS = 20_000
PATTERN_CHARS = 4_000
SHORT_TEXTS = {"_ITEM": 120}
"""Patterns that are shown no more than so many characters."""
WINDOW_CHARS = 1_000
"""Patterns of a text's end, which the package looks for in windows of some 100 characters."""
CAP_S = 12.0
"""Of processor time. What is linear takes up to 1.5 here, four times that elsewhere; a power more takes
minutes."""
SOURCE = "\n".join(path.read_text("utf-8") for path in Path(rewards.__path__[0]).rglob("*.py"))
OPTIONS = ("投射", "否认", "升华", "合理化")
STEM = "下列关于防御机制的说法，错误的是"


SCALE = '{"a": 1, "b": 2, "c": 3, "d": 4}'
SCORERS = [
    (load_reward_set({"reward": name, **settings}), gold)
    for name, gold, settings in (
        ("mcq_strict", "A", {}),
        ("exact_text", "A", {}),
        ("keypoint_recall", "A", {}),
        ("eq_bench", SCALE, {}),
        ("questionnaire_error", SCALE, {"max_score": 4}),
        ("ordered_sections", "", {"sections": ["a", "b"]}),
        ("think_format", "", {}),
        ("language_mix", "", {}),
    )
]


class TooSlowError(Exception):
    pass


@contextmanager
def within(seconds: float):
    """Raises in what takes more processor time than that."""

    def stop(*_):
        raise TooSlowError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def patterns() -> dict[str, re.Pattern]:
    found = {}
    for info in pkgutil.walk_packages(rewards.__path__, "rewards."):
        for name, value in vars(importlib.import_module(info.name)).items():
            for one in value if isinstance(value, tuple | list) else [value]:
                if isinstance(one, re.Pattern):
                    found.setdefault(one.pattern, (name, one))
    return {f"{name} {at}": one for at, (name, one) in enumerate(found.values())}


PATTERNS = patterns()
SAMPLES = "aA1 是项选的,。.:\n-应不对都全|&'<(){}[]\\\"和、"


def sample(parsed, draw: random.Random) -> str:
    """A text that the parsed pattern matches, or nearly so."""
    said = ""
    for op, value in parsed:
        if op is ops.LITERAL:
            said += chr(value)
        elif op is ops.IN:
            inside = re.compile(_class(value))
            said += draw.choice([c for c in SAMPLES if inside.match(c)] or [_first(value)])
        elif op is ops.BRANCH:
            said += sample(draw.choice(value[1]), draw)
        elif op is ops.SUBPATTERN:
            said += sample(value[3], draw)
        elif op is ops.ATOMIC_GROUP:
            said += sample(value, draw)
        elif op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            said += sample(value[2], draw) * max(draw.randrange(2), value[0])
        elif op in (ops.ANY, ops.NOT_LITERAL):
            said += "a"
    return said


def _class(items) -> str:
    codes = {
        ops.CATEGORY_DIGIT: r"\d", ops.CATEGORY_SPACE: r"\s", ops.CATEGORY_WORD: r"\w",
        ops.CATEGORY_NOT_DIGIT: r"\D", ops.CATEGORY_NOT_SPACE: r"\S", ops.CATEGORY_NOT_WORD: r"\W",
    }  # fmt: skip
    inside = ""
    for op, value in items:
        if op is ops.NEGATE:
            inside += "^"
        elif op is ops.LITERAL:
            inside += re.escape(chr(value))
        elif op is ops.RANGE:
            inside += f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
        elif op is ops.CATEGORY:
            inside += codes[value]
    return f"[{inside}]"


def _first(items) -> str:
    op, value = items[0]
    return chr(value if op is ops.LITERAL else value[0] if op is ops.RANGE else ord("a"))


def pumped(parsed, draw: random.Random, before: str = ""):
    """(what leads to a repeat, what it repeats) for each long repeat of a pattern."""
    for op, value in parsed:
        if op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            if value[1] is ops.MAXREPEAT or value[1] > 8:
                for _ in range(12):
                    yield before, sample(value[2], draw)
                    yield before, sample(value[2], draw) + sample(value[2], draw)
            yield from pumped(value[2], draw, before)
        elif op is ops.BRANCH:
            for branch in value[1]:
                yield from pumped(branch, draw, before)
        elif op in (ops.SUBPATTERN, ops.ATOMIC_GROUP):
            yield from pumped(value[3] if op is ops.SUBPATTERN else value, draw, before)
        before += sample([(op, value)], draw)


def is_searched(name: str) -> bool:
    """Whether the package looks for the pattern anywhere in a text, not only at a place or in a window."""
    name = name.split(maxsplit=1)[0]
    return bool(re.search(rf"\b{name}\.(?:search\((?![^\n]* [-+] )|finditer|sub|findall|split)", SOURCE))


def stressed(name: str, pattern: re.Pattern) -> None:
    longest = WINDOW_CHARS if pattern.pattern.endswith(r"\Z") else PATTERN_CHARS
    texts, chars = set(), SHORT_TEXTS.get(name.split(maxsplit=1)[0], longest)
    for before, unit in set(pumped(parser.parse(pattern.pattern, pattern.flags), random.Random(0))):
        if unit:
            run = unit * (chars // len(unit))
            texts |= {f"{before}{run}\u2603", f"{run}\u2603"}
    for text in texts:
        pattern.match(text)
        pattern.fullmatch(text)
        if is_searched(name):
            for _ in pattern.finditer(text):
                pass


@pytest.mark.slow
@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_is_slow_on_what_it_repeats(name):
    with within(60):
        stressed(name, PATTERNS[name])


def test_the_stress_finds_an_exponential_pattern():
    pattern = re.compile(r" ?[a-z](?: ?[、,]? ?[a-z])*[ .]*")
    with pytest.raises(TooSlowError), within(0.2):
        stressed("x", pattern)


WORDS = sorted(set(re.findall("[\u4e00-\u9fff]+|[a-z]{2,}", marks.MARK.pattern)))
UNITS = st.lists(
    st.sampled_from(WORDS)
    | st.sampled_from(list("ABCDa,。、.:;\n -()（）*`|\\{}<>~'\"√×?!"))
    | st.text(max_size=2),
    min_size=1,
    max_size=5,
).map("".join)


@given(before=UNITS, unit=UNITS, options=st.sampled_from([OPTIONS, ()]))
@settings(max_examples=25, deadline=None)
def test_a_reply_of_repeats_is_read_in_time(before, unit, options):
    text = before + unit * (CHARS // max(1, len(unit)))
    with within(CAP_S):
        extract_answer(text[:CHARS], options, STEM)


@pytest.mark.parametrize("seed", range(5))
def test_a_reply_of_random_words_is_read_in_time(seed):
    words = [*WORDS, *"ABCDa,。、.:;\n -()（）*`|\\{}<>~'\"√×?!"]
    text = "".join(random.Random(seed).choices(words, k=CHARS))[:CHARS]
    with within(CAP_S):
        extract_answer(text, OPTIONS, STEM)


@pytest.mark.parametrize(
    "unit",
    ["全都", "应该", "可以", "不可能", "选项", "本题", "a b ", "a ", " a", "{", "<answer>", "答案是 ",
     "<pad> ", "[ ", "\t", "A. ", "全部", "(A", "“", "应为" * 40 + "看A。", ":A", "A、"],
)  # fmt: skip
def test_a_reply_that_once_took_long_is_read_in_time(unit):
    text = unit * (CHARS // len(unit))
    with within(CAP_S):
        extract_answer(text, OPTIONS, STEM)
        extract_answer(text, (unit * 300, "乙"))
        without_end_markers(text)
        for reward, gold in SCORERS:
            assert reward.score(RewardSample(id="1", response=text, gold=gold, kind="single")).error is None


@pytest.mark.parametrize(("chars", "letters"), [(4_000, "B"), (4_001, None)])
def test_the_beginning_of_a_long_reply_is_read(chars, letters):
    text = "答案：B".rjust(chars, "看") + "看" * 40_000
    found = extract_answer(text, OPTIONS)
    assert found.letters == letters
    assert found.span == ((3_999, 4_000) if letters else None)


@pytest.mark.parametrize(("chars", "letters"), [(16_000, "B"), (16_003, None)])
def test_the_end_of_a_long_reply_is_read(chars, letters):
    text = "看" * 40_000 + "答案：B" + "看" * (chars - 4)
    found = extract_answer(f"<think></think>{text}", OPTIONS)
    assert found.letters == letters
    if letters:
        assert f"<think></think>{text}"[slice(*found.span)] == "B"


def test_a_reply_of_the_full_length_is_read_whole():
    text = "看" * 9_000 + "答案：B" + "看" * 10_997
    assert len(text) == 20_001
    assert extract_answer(text, OPTIONS).letters == "B"
