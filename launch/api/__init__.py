"""psyche-rl from Python: the commands' own machinery, for notebooks and programs.

>>> from launch import api
>>> config = api.load("launch/configs/mini.yaml", {"run_dir": "runs/mine", "grpo.lr": 1e-6})
>>> config.grpo.lr
1e-06

``run`` runs stages, ``open_run`` reads a run's records, ``score`` asks a reward, ``bench`` asks a model a
benchmark's questions, ``score_replies`` scores replies that are stored.

Invariants:
- Nothing is done here that a command does in another way: the same functions, the same files.
- Importing it imports no torch, Ray, vLLM or pyarrow; what a call needs comes with the call.
- What a user can mend is a ``psyche_rl.errors.PsycheError`` of one line (``PsycheError`` here).
"""

from launch.api.bench_runs import bench, items, score_replies
from launch.api.reply_scores import score
from launch.api.run_tables import Run
from launch.api.stage_runs import load, open_run, run
from psyche_rl.errors import PsycheError

__all__ = ["PsycheError", "Run", "bench", "items", "load", "open_run", "run", "score", "score_replies"]
