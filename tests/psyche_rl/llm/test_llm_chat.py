from psyche_rl.llm import CallCache, ChatReply, ChatRequest
from psyche_rl.llm.call_cache import Answered, CallNote


def ask(text="问", **changes):
    values = {"model": "m", "messages": (("user", text),), "temperature": 0.7, "max_tokens": 64, "sample": 0}
    return ChatRequest(**(values | changes))


def test_the_key_is_that_of_model_messages_settings_and_sample():
    same = ask()
    assert same.key() == ask().key()
    others = [
        ask("别的"),
        ask(model="n"),
        ask(temperature=0.8),
        ask(max_tokens=65),
        ask(sample=1),
        ask(messages=(("system", "问"),)),
    ]
    assert len({same.key(), *(other.key() for other in others)}) == len(others) + 1


def test_the_key_is_stable_across_versions():
    assert ask().key() == "8c8d9df60d2d4643e17e9322b58385c2fdde7afd9bf9b2687cb96dbf92f70591"


def test_a_reply_is_found_again_after_reopening(tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite", clock=lambda: 1.0)
    assert cache.get(ask()) is None
    cache.put(ask(), ChatReply("答", 3, 4))
    cache.close()
    again = CallCache(tmp_path / "calls.sqlite")
    assert again.get(ask()) == ChatReply("答", 3, 4, cached=True)
    assert again.get(ask(sample=1)) is None
    assert len(again) == 1


def test_namespaces_do_not_see_each_other(tmp_path):
    one = CallCache(tmp_path / "calls.sqlite", namespace="careful teacher")
    one.put(ask(), ChatReply("答", 3, 4))
    other = CallCache(tmp_path / "calls.sqlite", namespace="hasty teacher")
    assert one.get(ask()) is not None
    assert other.get(ask()) is None
    assert CallCache(tmp_path / "calls.sqlite").get(ask()) is None


def test_a_snapshot_is_whole_while_the_cache_is_open(tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite")
    cache.put(ask(), ChatReply("答", 3, 4))
    cache.snapshot(tmp_path / "copy.sqlite")
    cache.put(ask("后来"), ChatReply("答", 3, 4))
    cache.snapshot(tmp_path / "copy.sqlite")
    assert len(CallCache(tmp_path / "copy.sqlite")) == 2


def test_half_an_emoji_is_left_out_of_replies_and_bodies(tmp_path):
    assert ChatReply("好的\ud83d", 1, 1).text == "好的"
    asked = ChatRequest("m", (("user", "问\ude00"),), 0.0, 8)
    assert asked.body() == ChatRequest("m", (("user", "问"),), 0.0, 8).body()
    cache = CallCache(tmp_path / "calls.sqlite")
    fine = ChatRequest("m", (("user", "另问"),), 0.0, 8)
    note = CallNote(model="m")
    cache.put_many(
        [Answered(asked, ChatReply("半\ud83d", 1, 1), note), Answered(fine, ChatReply("好", 1, 1), note)]
    )
    assert [cache.get(request).text for request in (asked, fine)] == ["半", "好"]
