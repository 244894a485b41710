"""The client actor: one door for several callers, and a cache that finds its way home."""

import fsspec
import pytest

from actors.llm.client import CACHE_FILE, CacheHome, only_here, start_llm
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import TeacherError
from psyche_rl.llm import CallCache, ChatReply, ChatRequest
from psyche_rl.mini.teacher import TeacherFlaws
from psyche_rl.mini.teacher.process import start_teacher
from psyche_rl.store import RunStore


def ask(text):
    return ChatRequest("m", (("user", text),), 0.0, 8)


def test_calls_are_answered_in_order_counted_and_kept(ray_local, tmp_path):
    with start_teacher(TeacherFlaws(), seed=0) as url:
        config = TeacherConfig(base_url=url)
        llm = start_llm(config, str(tmp_path))
        results = llm.complete([ask("甲"), ask("乙"), ask("甲")], "test")
        assert [isinstance(r, ChatReply) for r in results] == [True] * 3
        assert llm.complete([], "test") == []
        assert (llm.notices(), llm.limit_stage(65)) == ([], 2 * 900 + 3600)
        llm.close()
        assert (tmp_path / CACHE_FILE).is_file()
        again = start_llm(config, str(tmp_path))
        assert all(r.cached for r in again.complete([ask("乙"), ask("甲")], "test"))
        assert again.counts() == {
            "calls": 0, "cached": 2, "failures": 0, "prompt_tokens": 0, "completion_tokens": 0,
        }  # fmt: skip
        again.close()


@pytest.mark.slow
def test_a_server_that_is_gone_is_named(ray_local, tmp_path):
    llm = start_llm(TeacherConfig(base_url="http://127.0.0.1:9/v1", attempts=1), str(tmp_path))
    with pytest.raises(TeacherError, match=r"127\.0\.0\.1:9"):
        llm.complete([ask("甲")], "test")
    llm.close()


@pytest.mark.parametrize(
    ("teacher", "tied"),
    [
        ({"base_url": "http://127.0.0.1:9/v1"}, True),
        ({"base_url": "http://localhost/v1"}, True),
        ({"base_url": "https://example.org/v1"}, False),
        ({"endpoints": [{"base_url": "http://a/v1"}, {"base_url": "http://[::1]:1/v1"}]}, True),
        ({"engine": "vllm", "model": "m"}, False),
    ],
)
def test_a_client_is_tied_to_this_node_by_a_server_that_only_it_reaches(teacher, tied):
    assert only_here(TeacherConfig.model_validate(teacher)) is tied


def test_the_cache_of_a_remote_run_folder_is_fetched_and_brought_back():
    store = RunStore("memory://runs/cache-home")
    home = CacheHome(store)
    cache = CallCache(home.path)
    cache.put(ask("甲"), ChatReply("好", 1, 1))
    home.bring_back(cache)
    elsewhere = CacheHome(store)
    assert elsewhere.path != home.path
    later = CallCache(elsewhere.path)
    assert later.get(ask("甲")) == ChatReply("好", 1, 1, cached=True)
    fsspec.filesystem("memory").rm("/runs", recursive=True)


def test_a_local_run_folder_holds_the_cache_itself(tmp_path):
    assert CacheHome(RunStore(str(tmp_path))).path == tmp_path / CACHE_FILE
