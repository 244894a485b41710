"""A user who changes the fleet of a run again and again, from a shell of his own.

    python tests/chaos/scaler.py RUN SEED CHANGES MOST

Joins the cluster by RAY_ADDRESS; prints what was asked for and what the run answered, a line for each.
"""

from __future__ import annotations

import random
import sys


def main(run: str, seed: str, changes: str, most: str) -> None:
    from actors.cluster import connect
    from actors.rollout.board import UserSide

    connect()
    dice, now = random.Random(int(seed)), 0
    for _ in range(int(changes)):
        now = dice.choice([n for n in range(1, int(most) + 1) if n != now])
        print(now, UserSide(run).scale(now), flush=True)


main(*sys.argv[1:])
