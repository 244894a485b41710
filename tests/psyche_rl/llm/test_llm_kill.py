"""A client that is killed loses the calls in flight and nothing else.

Commits are slow in the client that is killed, so that many replies are on their way to the disk: a place that
were given to the next call before that would double the loss.
"""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallCache, ChatClient, ChatRequest
from psyche_rl.mini.teacher import TeacherFlaws
from psyche_rl.mini.teacher.process import start_teacher

CALLS, IN_FLIGHT = 300, 6
CLIENT = """
import asyncio, sys
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallCache, ChatClient, ChatRequest, group_commit
group_commit.PAUSE_S = 0.4
async def main(url, path, calls, in_flight):
    client = ChatClient(TeacherConfig(base_url=url, max_in_flight=in_flight), CallCache(path))
    async def one(i):
        await client.complete(ChatRequest("m", (("user", f"call {i}"),), 0.0, 8))
        print(i, flush=True)
    await asyncio.gather(*(one(i) for i in range(calls)))
asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
"""


def answered(log):
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return Counter(line["digest"] for line in lines if line["status"] == 200)


def test_no_finished_call_is_sent_again_after_a_kill(tmp_path):
    log, path = tmp_path / "teacher.jsonl", tmp_path / "calls.sqlite"
    with start_teacher(TeacherFlaws(latency_ms=5), seed=0, log=log) as url:
        command = [sys.executable, "-c", CLIENT, url, str(path), str(CALLS), str(IN_FLIGHT)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            printed = [int(process.stdout.readline()) for _ in range(18)]
            time.sleep(0.2)  # between two commits, with all that a place lets through answered
            process.send_signal(signal.SIGKILL)
        cache = CallCache(path)
        kept = len(cache)
        assert len(printed) <= kept < CALLS

        async def finish():
            client = ChatClient(TeacherConfig(base_url=url, max_in_flight=IN_FLIGHT), cache)
            requests = [ChatRequest("m", (("user", f"call {i}"),), 0.0, 8) for i in range(CALLS)]
            results = await client.complete_many(requests)
            await client.close()
            return results

        results = asyncio.run(finish())
    assert sum(result.cached for result in results) == kept
    assert all(results[i].cached for i in printed)
    times_sent = answered(log)
    assert len(times_sent) == CALLS
    repeated = sum(times_sent.values()) - CALLS
    assert repeated <= IN_FLIGHT
