"""``python -m psyche_rl.mini.teacher '{"flaws": {…}, "seed": 0, "log": null}'``: see ``process.py``."""

import json
import sys

from psyche_rl.mini.teacher.faults import FaultPlan
from psyche_rl.mini.teacher.flaws import TeacherFlaws
from psyche_rl.mini.teacher.serving import Serving, serve

settings = json.loads(sys.argv[1])
flaws = TeacherFlaws(**settings["flaws"])
serve(
    flaws,
    seed=settings["seed"],
    plan=FaultPlan(flaws.fault_rate),
    serving=Serving(log=settings["log"], until_stdin_closes=True),
)
