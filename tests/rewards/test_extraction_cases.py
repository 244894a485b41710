"""Small replies that were read wrongly, each for a kind, and the same with other letters, widths and words.

``extraction_cases.jsonl``: ``text`` and ``options`` go in, ``expect`` are the letters (null: none), ``why``
names the kind. ``KINDS`` has each kind in the other language or another order.
"""

import json
import re
from pathlib import Path

import pytest

from rewards import extract_answer

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "extraction_cases.jsonl").read_text("utf-8").splitlines()
]
ENDLESS = CASES[-1]
MOODS = ("anxious", "calm", "bored", "sad")
DEFENCES = ("投射", "否认", "升华", "合理化")
LETTER = re.compile(r"(?<![A-Za-z<|_])(?!AT|II)[A-D]{1,4}(?![A-Za-z_])")
IN_ORDER = ("f013", "f015", "f019")  # a copy is one by the order of its letters
WIDE = str.maketrans({c: chr(ord(c) + 0xFEE0) for c in "(),:;ABCD"})
NARROW = str.maketrans("（），：；。", "(),:;.")


def shifted(text: str, by: int) -> str:
    def moved(run: re.Match[str]) -> str:
        return "".join("ABCD"[("ABCD".index(x) + by) % 4] for x in run[0])

    return LETTER.sub(moved, text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_case_is_read_right(case):
    assert extract_answer(case["text"], case["options"]).letters == case["expect"], case["why"]


@pytest.mark.parametrize("by", [1, 2, 3])
@pytest.mark.parametrize("case", [c for c in CASES if c["id"] not in IN_ORDER], ids=lambda case: case["id"])
def test_a_case_is_read_right_with_other_letters(case, by):
    options = case["options"][-by:] + case["options"][:-by]
    expect = case["expect"] and "".join(sorted(shifted(case["expect"], by)))
    text = shifted(case["text"], by)
    assert extract_answer(text, options).letters == expect, text


@pytest.mark.parametrize("table", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("case", [c for c in CASES if "\\" not in c["text"]], ids=lambda case: case["id"])
def test_a_case_is_read_right_in_other_widths(case, table):
    text = case["text"]
    if table is WIDE and re.search("[A-D][a-z]|[A-Z]{2}|im_end", text):
        text = text.translate({k: v for k, v in WIDE.items() if chr(k) not in "ABCD"})
    else:
        text = text.translate(table)
    assert extract_answer(text, case["options"]).letters == case["expect"], text


KINDS = [
    # a bracket or note after the answer begins with another letter
    ("The answer is B) calm (A would mean worry, C is too weak).", MOODS, "B"),
    ("正确答案：C）升华（A说的是投射）。", DEFENCES, "C"),
    ("答案是A投射（B是另一回事）", DEFENCES, "A"),
    ("选D（选项A和B都太片面）", DEFENCES, "D"),
    ("答案：A、C（B、D属于另一类）", DEFENCES, "AC"),
    ("Answer: C. bored (A and B are too strong)", MOODS, "C"),
    ("答案是A，B是另一回事", DEFENCES, "A"),
    ("The answer is D, A is far too strong.", MOODS, "D"),
    # what stands under "not correct" is no answer
    ("These are not correct:\n\nA. too strong\n\nB. too weak\n\nSo option D is the closest.", MOODS, "D"),
    ("不正确的选项：\n\nA. 太强\n\nB. 太弱\n\n因此选项C最合适。", DEFENCES, "C"),
    ("Not right: A, B and D.", MOODS, None),
    # a conclusion with an adverb wins over an older mention
    ("At first A seems right. The answer should therefore be (D), not (A).", MOODS, "D"),
    ("答案应当确实是C，而不是A。", DEFENCES, "C"),
    ("It must indeed be B; the answer must then be B.", MOODS, "B"),
    # the question or its options copied back
    ("Which of the following are correct: A: anxious; B: calm; C: bored; D: sad.", MOODS, None),
    ("A. anxious\nB. calm\nC. bored\nD. sad\n</s>", MOODS, None),
    ("下列属于防御机制的有（ ）\nA. 投射\nB. 否认\nC. 升华\nD. 合理化", DEFENCES, None),
    ("投射\n否认\n升华\n合理化", DEFENCES, None),
    ("下列属于防御机制的有（ ）\nA. 投射\nB. 否认\nC. 升华\nD. 合理化\n答案：AC", DEFENCES, "AC"),
    ("答案：\nA. 投射\nB. 否认\nC. 升华\nD. 合理化", DEFENCES, "ABCD"),
    # the prompt's own example
    ("Reply in this format, for example: Answer: A", MOODS, None),
    ("输出格式如下：答案：AB", DEFENCES, None),
    ("请以“答案：A”的格式作答。\n答案：C", DEFENCES, "C"),
    ("例如：答案：A。本题答案：B。", DEFENCES, "B"),
    # another question before or after
    ("答案：C\n\n题目：哪一个是镇静？\nA. 甲\nB. 乙\n答案：B", DEFENCES, "C"),
    ("答案：C\n\n2. 下列关于记忆的说法正确的是（ ）\nA. 甲\nB. 乙\n答案：B", DEFENCES, "C"),
    ("B<|im_end|>\n<|im_start|>user\n下一题<|im_end|>\n<|im_start|>assistant\nC", DEFENCES, "B"),
    ("The answer is B.\n\nHuman: and this one?\n\nAssistant: The answer is C.", MOODS, "B"),
    ("Question: Which is worry?\nA. x\nB. y\nAnswer: A\n\nQuestion: Which is dull?\nA. anxious\nB. calm"
     "\nC. bored\nD. sad\nAnswer: C", MOODS, "C"),
    # the text after the letter holds a negation
    ("The answer is (D). Denial is not a mature defence.", DEFENCES, "D"),
    ("The correct answer is B. calm is not a disorder", MOODS, "B"),
    ("答案：C（非语言沟通）", ("甲", "乙", "非言语交流", "丁"), "C"),
    ("答案：B. 错误归因所致", ("甲", "不正确的归因", "丙", "丁"), "B"),
    ("Answer: D - not otherwise specified type", ("a", "b", "c", "NOS"), "D"),
    # (A) and (I) are letters
    ("正确答案：(A) mildly raised tension", MOODS, "A"),
    ("The answer is (I) mildly raised", tuple("abcdefghi"), "I"),
    ("Answer: A) mildly raised tension", MOODS, "A"),
    ("A patient came. The answer is B.", MOODS, "B"),
    # lists under a cue
    ("正确答案是：\n\n- **B. 只有平静时**", DEFENCES, "B"),
    ("The correct answers are:\n\n- **A. anxious**\n- **C. bored**", MOODS, "AC"),
    # conclusions
    ("没有完全符合的，但最接近的是（C）。", DEFENCES, "C"),
    ("The most appropriate is D.", MOODS, "D"),
    ("C is the most fitting.", MOODS, "C"),
    ("也就是变老的意思，即选项D。", DEFENCES, "D"),
    ("因此，该机制为C. 升华。", DEFENCES, "C"),
    ("数值约为3（选项C）。", ("1", "2", "3", "4"), "C"),
    ("这种机制称为**升华**（**C**）。", DEFENCES, "C"),
    # end markers, explanations on one line
    ("B<|eot_id|>", MOODS, "B"), ("AC<｜end▁of▁sentence｜>", DEFENCES, "AC"), ("D<end_of_turn>", MOODS, "D"),
    ("D. Explanation: the item is about mood.", MOODS, "D"),
    ("B, because it is not strong.", MOODS, "B"),
    ("AC。解析：略", DEFENCES, "AC"),
    ("C: bored is what is left when nothing happens", MOODS, "C"),
    ("B.C.正确，A.D.错误", DEFENCES, "BC"),
    ("Options A, B and D are all symptoms of low mood.", MOODS, "ABD"),
    # no options
    ("The answer is A (USA).", (), "A"), ("答案：C（DNA）", (), "C"), ("NASA", (), None),
    ("答案：ABD", (), "ABD"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "options", "letters"), KINDS, ids=lambda value: str(value)[:40])
def test_a_kind_is_read_right_in_other_words(text, options, letters):
    assert extract_answer(text, options).letters == letters


WRONG_ASKED = (
    "下列说法错误的是（ ）",
    "关于防御机制，不正确的描述是",
    "Which of the following is NOT correct?",
)
OUTSIDE_ASKED = (
    "下列不属于防御机制的是",
    "Which is not a defence?",
    "以下都是防御机制，除了……之外，例外的是",
    "哪项不是防御机制？",
)


@pytest.mark.parametrize("stem", WRONG_ASKED + OUTSIDE_ASKED)
def test_verdicts_answer_a_question_for_what_is_wrong(stem):
    for text, letters in (
        ("A正确，B正确，C正确，D错误", "D"),
        ("A对，B错，C对，D对。", "B"),
        ("A is correct, B is correct, C is wrong, D is correct.", "C"),
        ("A正确，B正确，C正确，D错误，故D符合题意", "D"),
        ("A不符合题意，B不符合题意，C符合题意。", "C"),
        ("错误的是D", "D"),
        ("A、B、C属于防御机制，D不属于。", "D"),
        ("A错误，B错误，C错误，D正确", "D"),
        ("A正确，B错误。答案：B", "B"),
        ("排除A", None),
    ):
        assert extract_answer(text, DEFENCES, stem).letters == letters, text


def test_verdicts_of_a_question_for_several_wrong_ones():
    stem = "下列说法错误的有哪些？"
    assert extract_answer("A错误，B错误，C错误，D正确", DEFENCES, stem).letters == "ABC"
    assert extract_answer("正确的是A、B，错误的是C、D", DEFENCES, stem).letters == "CD"


@pytest.mark.parametrize("stem", ["下列说法正确的是", "不能入睡的患者，首选的治疗是", "Which is a defence?"])
def test_verdicts_answer_a_question_for_what_is_right(stem):
    assert extract_answer("A正确，B正确，C正确，D错误", DEFENCES, stem).letters == "ABC"
    assert extract_answer("错误的是D", DEFENCES, stem).letters is None


def test_the_prompt_tells_the_polarity_too():
    prompt = "请回答。\n单选题：某来访者不愿说话。下列说法错误的是\nA.投射\nB.否认\nC.升华\nD.合理化"
    assert extract_answer("A正确，B正确，C错误，D正确", DEFENCES, prompt).letters == "C"


def test_chat_models_replies_are_read_right():
    """Written after the shapes of chat models' replies; the rules were corrected on them."""
    path = Path(__file__).parent / "extraction_chat.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    read = [extract_answer(row["text"], row["options"], row["stem"]).letters for row in rows]
    assert [
        (row["text"], found) for row, found in zip(rows, read, strict=True) if found != row["letters"]
    ] == []
    assert len(rows) > 300
