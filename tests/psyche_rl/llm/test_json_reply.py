import pytest
from pydantic import BaseModel

from psyche_rl.llm.json_reply import read_json, rows_in_reply

ROW = '{"stem": "问", "gold": "A"}'


class Item(BaseModel):
    stem: str
    gold: str


class Items(BaseModel):
    items: list[Item]


@pytest.mark.parametrize(
    "reply",
    [
        f"[{ROW}]",
        f"```json\n[{ROW}]\n```",
        f"```\n[{ROW},]\n```\n希望有帮助。",
        f"好的，以下是题目：\n[{ROW}]\n请查收。",
        f'{{"questions": [{ROW}]}}',
        ROW,
        f"<think>原文[1]说容量有限</think>\n[{ROW}]",
        f"根据原文[1]：\n[{ROW}]",
        f'<think>[{{"stem": "草稿", "gold": "B"}}]</think>[{ROW}]',
        f'[{{"stem": "草稿", "gold": "B"}}]</thinking>\n{ROW}',
    ],
)
def test_rows_are_found_in_every_wrapping(reply):
    assert rows_in_reply(reply) == [{"stem": "问", "gold": "A"}]


@pytest.mark.parametrize(
    "reply", [f"{ROW}\n{ROW}", f"[{ROW}]\n[{ROW}]", f'{{"a": [{ROW}]}}\n{{"a": [{ROW}]}}']
)
def test_the_rows_of_several_values_are_all_taken(reply):
    assert rows_in_reply(reply) == [{"stem": "问", "gold": "A"}] * 2


@pytest.mark.parametrize("reply", ["", "好的。", f"[{ROW}, {{", "[1, 2]", "[]", f"<think>{ROW}"])
def test_a_reply_without_whole_rows_is_an_error(reply):
    with pytest.raises(ValueError, match="JSON"):
        rows_in_reply(reply)


def test_the_first_value_that_fits_a_shape_is_taken():
    assert read_json(f'{{"note": 1}}\n{ROW}', Item) == Item(stem="问", gold="A")
    example = '{"stem": "…", "gold": "…"}'
    assert read_json(f"按格式{example}出题：\n{ROW}", Item) == Item(stem="问", gold="A")


@pytest.mark.parametrize("reply", [f'{{"items": [{ROW}, {ROW}]}}', f"[{ROW}, {ROW}]", f"{ROW}\n{ROW}"])
def test_a_shape_around_one_list_takes_the_list_and_its_items(reply):
    assert read_json(reply, Items) == Items(items=[Item(stem="问", gold="A")] * 2)


@pytest.mark.parametrize(
    ("reply", "rows"),
    [
        ('{"note": "好", "rows": [{"a": 1}]}', [{"a": 1}]),
        ('{"none": [], "rows": [{"a": 1}]}', [{"a": 1}]),
        ('{"one": [{"a": 1}], "two": [{"a": 2}]}', [{"one": [{"a": 1}], "two": [{"a": 2}]}]),
        ('{"stem": "问", "options": ["甲", "乙"]}', [{"stem": "问", "options": ["甲", "乙"]}]),
        ('{"a": 1}', [{"a": 1}]),
        ('{"rows": [{"a": 1}, 3]}', [{"a": 1}]),
        ('{"rows": [3, {"a": 1}]}', [{"rows": [3, {"a": 1}]}]),
        ('[{"a": 1}, "好", {"a": 2}, [{"a": 3}]]', [{"a": 1}, {"a": 2}]),
    ],
)
def test_which_objects_are_rows(reply, rows):
    assert rows_in_reply(reply) == rows


class Pair(BaseModel):
    items: tuple[Item, ...]


class Noted(BaseModel):
    note: str
    items: list[Item]


class Named(BaseModel):
    items: dict[str, int]


def test_only_a_shape_around_one_list_takes_a_bare_one():
    item = Item(stem="问", gold="A")
    assert read_json(f"[{ROW}]", Pair) == Pair(items=(item,))
    assert read_json(f"{ROW}\n{ROW}\n{ROW}", Items).items == [item] * 3
    with pytest.raises(ValueError, match="the whole: "):
        read_json(f"[{ROW}]", Noted)
    with pytest.raises(ValueError, match="the whole: "):
        read_json("[{}]", Named)
    with pytest.raises(ValueError, match=r"^items: Field required$"):
        read_json(ROW, Items)


def test_three_faults_of_the_first_value_are_told_and_the_rest_counted():
    with pytest.raises(ValueError, match="JSON") as none:
        read_json("好", Items)
    assert str(none.value) == "no JSON in the reply"
    for bad, told in ((1, ""), (3, ""), (4, "; and 1 more"), (6, "; and 3 more")):
        with pytest.raises(ValueError, match=r"^items\.0\.gold: ") as caught:
            read_json('{"items": [' + ", ".join(['{"stem": "问"}'] * bad) + ']}\n{"x": 1}', Items)
        first = "; ".join(f"items.{n}.gold: Field required" for n in range(min(bad, 3)))
        assert str(caught.value) == first + told
