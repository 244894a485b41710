"""``python -m psyche_rl.mini.teacher '{"flaws": {…}, "seed": 0, "log": null}'``: see ``process.py``."""

import json
import sys

from psyche_rl.mini.teacher.flaws import TeacherFlaws
from psyche_rl.mini.teacher.server import serve

settings = json.loads(sys.argv[1])
serve(
    TeacherFlaws(**settings["flaws"]),
    seed=settings["seed"],
    port=0,
    log=settings["log"],
    until_stdin_closes=True,
)
