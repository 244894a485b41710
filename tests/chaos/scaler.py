"""A user who changes the fleet of a run again and again, from a shell of his own.

    python tests/chaos/scaler.py RUN SEED CHANGES MOST

Joins the cluster by RAY_ADDRESS; prints what was asked for and what the run answered, a line for each. A
fleet whose board is not to be found is asked again for a while, since a lost node may have had it.
"""

from __future__ import annotations

import random
import sys
import time

LONGEST_S = 180.0


def main(run: str, seed: str, changes: str, most: str) -> None:
    from actors.cluster import connect
    from actors.rollout.board import UserSide
    from psyche_rl.errors import RemoteWaitError, RunFolderError

    connect()
    dice, now = random.Random(int(seed)), 0
    for _ in range(int(changes)):
        now = dice.choice([n for n in range(1, int(most) + 1) if n != now])
        end = time.monotonic() + LONGEST_S
        while True:
            try:
                print(now, UserSide(run).scale(now), flush=True)
                break
            except (RunFolderError, RemoteWaitError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)


main(*sys.argv[1:])
