"""A chat server on loopback that answers by a function of the prompt, and a door to it without an actor."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from psyche_rl.llm import CallCache, ChatClient


class ScriptedServer:
    """``answer(prompt)`` gives a text or an HTTP status; ``asked`` holds the bodies."""

    def __init__(self, answer):
        self.asked = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self._send(200, {"data": []})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.asked.append(body)
                said = answer(body["messages"][-1]["content"])
                if isinstance(said, int):
                    self._send(said, {})
                else:
                    message = {"message": {"role": "assistant", "content": said}}
                    usage = {"prompt_tokens": 1, "completion_tokens": 1}
                    self._send(200, {"choices": [message], "usage": usage})

            def _send(self, status, tree):
                reply = json.dumps(tree).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *args):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._http.shutdown()
        self._http.server_close()


class DirectDoor:
    """The client and its cache as the actor has them, in this process."""

    def __init__(self, teacher, run_dir):
        self.teacher, self._file = teacher, run_dir / "llm_calls.sqlite"

    def complete(self, requests, phase):
        async def story():
            cache = CallCache(self._file)
            client = ChatClient(self.teacher, cache, backoff_s=0.001)
            try:
                return await client.complete_many(requests, f"eval.{phase}")
            finally:
                await client.close()
                cache.close()

        return asyncio.run(story())

    def close(self):
        pass
