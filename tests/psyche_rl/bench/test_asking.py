"""Items asked with a full window, their replies kept through a kill, and rows made of them."""

from concurrent.futures import Future
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyche_rl.bench.full_window import AT_ONCE, answered_in_turn, failed
from psyche_rl.bench.item_ask import ItemAsk, asks_of, sampling_of
from psyche_rl.bench.item_codec import ItemCodec
from psyche_rl.bench.item_rows import item_rows
from psyche_rl.bench.reply_journal import ReplyJournal
from psyche_rl.config.bench import BenchConfig, bench_config
from psyche_rl.errors import ConfigError, DataError, TeacherError
from psyche_rl.evaluation.benchmark import BenchmarkSampling
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.evaluation.catalogue import find_benchmark
from psyche_rl.evaluation.item_scoring import ItemReply
from psyche_rl.records import Message

MINI = find_benchmark("mini_exam")


def item(number, gold="A"):
    said = (Message(role="user", content=f"问题{number}"),)
    return BenchmarkItem(
        id=f"q-{number}", part="single", kind="single", cluster=f"q-{number}", messages=said, stem="问",
        options=("甲", "乙"), gold=gold,
    )  # fmt: skip


def asks(count, samples=1):
    return list(asks_of(MINI, [item(n) for n in range(count)], BenchmarkSampling(samples=samples)))


class CountingTokenizer:
    """One token per letter; counts what it renders."""

    rendered = 0

    def apply_chat_template(self, chat, **_):
        self.rendered += 1
        return "".join(turn["content"] for turn in chat)

    def encode(self, text, **_):
        return [ord(letter) for letter in text]


def test_an_items_prompt_is_rendered_once_for_all_its_samples_and_then_forgotten():
    once, anew = CountingTokenizer(), CountingTokenizer()
    asked = asks(3, samples=4)
    codec = ItemCodec(once, 100, (0,))
    found = [codec.request(ask, ask.key) for ask in asked]
    assert once.rendered == 1 + 3  # one to see whether the template opens a think block
    assert found == [ItemCodec(anew, 100, (0,)).request(ask, ask.key) for ask in asked]
    assert not codec._kept


@settings(max_examples=30)
@given(st.integers(0, 30), st.integers(1, 7), st.randoms())
def test_every_ask_comes_back_once_and_the_window_stays_full(count, window, random):
    under_way, widest = [], []

    def submit(ask):
        future = Future()
        under_way.append((ask, future))
        widest.append(len(under_way))
        if len(under_way) == window or len(widest) == count:  # whoever answers does so in any order
            random.shuffle(under_way)
            while under_way and (len(widest) == count or len(under_way) >= window):
                of, done = under_way.pop()
                done.set_result(ItemReply(of.item.id))
        return future

    wanted = asks(count)
    found = [pair for batch in answered_in_turn(wanted, submit, window) for pair in batch]
    assert sorted(ask.item.id for ask, _ in found) == sorted(ask.item.id for ask in wanted)
    assert all(reply.text == ask.item.id for ask, reply in found)
    assert max(widest, default=0) == min(window, count)


def test_asks_are_put_together_a_hand_full_at_a_time():
    sizes, ready = [], []

    @contextmanager
    def together():
        sizes.append(0)
        yield
        while ready:
            ready.pop().set_result(ItemReply("答案：A"))

    def submit(ask):
        sizes[-1] += 1
        ready.append(Future())
        return ready[-1]

    found = [p for batch in answered_in_turn(asks(150), submit, 150, together=together) for p in batch]
    assert len(found) == 150
    assert [size for size in sizes if size] == [AT_ONCE, AT_ONCE, 150 - 2 * AT_ONCE]


def test_a_bad_item_is_a_row_and_a_dead_server_ends_the_run_after_what_came():
    def submit(ask):
        future = Future()
        number = int(ask.item.id[2:])
        if number == 1:
            return failed(ValueError("template refuses it"))
        if number == 3:
            future.set_exception(TeacherError("the server is gone"))
        else:
            future.set_result(ItemReply("答案：A"))
        return future

    came, batches = [], answered_in_turn(asks(4), submit, 4)
    with pytest.raises(TeacherError, match="gone"):
        came.extend(pair for batch in batches for pair in batch)
    assert {ask.item.id: reply.ended for ask, reply in came} == {
        "q-1": "failed",
        "q-0": "stop",
        "q-2": "stop",
    }
    assert {a.item.id: r.error for a, r in came}["q-1"] == "ValueError: template refuses it"


def test_what_came_is_handed_out_before_a_model_that_takes_nothing_more_ends_the_run():
    def submit(ask):
        if ask.item.id == "q-2":
            raise TeacherError("no more")
        future = Future()
        future.set_result(ItemReply("答案：A"))
        return future

    came, batches = [], answered_in_turn(asks(9), submit, 3)
    with pytest.raises(TeacherError, match="no more"):
        came.extend(pair for batch in batches for pair in batch)
    assert [ask.item.id for ask, _ in came] == ["q-0", "q-1"]


def test_what_is_kept_outlives_a_kill_and_failures_are_asked_again(tmp_path):
    first, second, third = asks(3)
    journal = ReplyJournal(tmp_path / "replies.jsonl")
    journal.keep([(first, ItemReply("答案：A\n\ud83d", "想", "length", None, 3, 4))])
    journal.keep([(second, ItemReply("", ended="failed", error="timeout"))])
    with (tmp_path / "replies.jsonl").open("ab") as file:
        file.write(b'{"key": "' + third.key.encode())  # a killed process was writing this
    again = ReplyJournal(tmp_path / "replies.jsonl")
    assert [again.is_finished(ask) for ask in (first, second, third)] == [True, False, False]
    assert again.get(first).reasoning == "想"
    again.keep([(second, ItemReply("答案：B"))])
    rows = item_rows(MINI, [first, second, third], ReplyJournal(tmp_path / "replies.jsonl"), "m")
    assert [(row.ended, row.scores.get("mcq_strict")) for row in rows] == [
        ("length", 1.0), ("stop", 0.0), ("failed", None),
    ]  # fmt: skip
    assert (rows[2].error, rows[2].unscored) == ("never asked", ("mcq_strict", "mcq_elastic"))
    (tmp_path / "replies.jsonl").write_text("{}\n", "utf-8")
    with pytest.raises(DataError, match=r"replies\.jsonl:1: no reply"):
        ReplyJournal(tmp_path / "replies.jsonl")


def test_seeds_are_fixed_and_other_settings_are_other_asks():
    one, two = asks(2, samples=2)[:2]
    assert len({ask.seed for ask in asks(2, samples=2)}) == 4
    assert (one.key, two.key) == tuple(ask.key for ask in asks(2))
    warm = ItemAsk(one.item, 0, one.sampling.model_copy(update={"temperature": 0.5}), one.seed)
    assert warm.key != one.key
    config = bench_config(["seed=7", "samples=3", "temperature=0.6"])
    drawn = sampling_of(MINI, config)
    assert (drawn.samples, drawn.temperature, drawn.max_tokens) == (3, 0.6, 40)
    assert next(asks_of(MINI, [item(0)], drawn)).seed != one.seed


def test_a_mistyped_key_names_the_nearest():
    with pytest.raises(ConfigError, match=r"sampels: unknown key; did you mean 'samples'\?"):
        bench_config(["sampels=3"])
    with pytest.raises(ConfigError, match=r"calls\.attemps: unknown key; did you mean 'calls\.attempts'\?"):
        bench_config(["calls.attemps=3"])
    with pytest.raises(ConfigError, match=r"judge\.models: names a judge twice"):
        bench_config(["judge.models=[a/b, a/b]"])
    assert bench_config(["judge.models=a/b"]).judge.models == ("a/b",)
    assert bench_config([]) == BenchConfig()
