import pytest

from psyche_rl.llm.json_reply import rows_in_reply

ROW = '{"stem": "问", "gold": "A"}'


@pytest.mark.parametrize(
    "reply",
    [
        f"[{ROW}]",
        f"```json\n[{ROW}]\n```",
        f"```\n[{ROW},]\n```\n希望有帮助。",
        f"好的，以下是题目：\n[{ROW}]\n请查收。",
        f'{{"questions": [{ROW}]}}',
        ROW,
    ],
)
def test_rows_are_found_in_every_wrapping(reply):
    assert rows_in_reply(reply) == [{"stem": "问", "gold": "A"}]


@pytest.mark.parametrize("reply", ["", "好的。", f"[{ROW}, {{", "[1, 2]", "[]"])
def test_a_reply_without_whole_rows_is_an_error(reply):
    with pytest.raises(ValueError, match="JSON"):
        rows_in_reply(reply)
