"""The beginning of every stage that takes processes: plan, table, places.

Collaborators: ``psyche_rl.placement`` plans, ``actors.placement`` reads the cluster and reserves.
Invariant: nothing is loaded before the plan is shown, and nothing of the plan is left when the stage ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from psyche_rl.run_context import StageContext

if TYPE_CHECKING:
    from actors.placement.reserve import Places


@contextmanager
def placed(context: StageContext, stage: str) -> Iterator[Places]:
    """The places of ``stage``'s actors on the cluster that there is.

    Raises:
        PlacementError: they do not fit it.
        RunFolderError: a node does not see the run folder.
        RemoteWaitError: there is no cluster, or some place is not free in time.
    """
    from actors.cluster import connect
    from actors.placement.live_cluster import live_shape
    from actors.placement.reserve import reserved
    from actors.placement.run_folder import seen_by_all_nodes
    from launch.checks.plan_table import print_plans
    from psyche_rl.placement.planner import plan_stage
    from psyche_rl.progress import awaiting
    from psyche_rl.terminal.console import PlainConsole

    with awaiting(context.events, f"{stage}: Ray cluster"):
        connect(context.config.cluster.pass_env)
        seen_by_all_nodes(context.store)
    plan = plan_stage(stage, context.config, live_shape())
    print_plans([plan] if plan.seats else [], PlainConsole(stderr=True))
    for line in plan.unknown:
        context.events.say(f"not planned: {line}")
    roles = dict.fromkeys(seat.role for seat in plan.seats)
    numbers = {role.replace(" ", "_"): len(plan.seats_of(role)) for role in roles}
    if plan.grows:
        context.events.say(f"{stage}: waits for the cluster to grow", gpus=plan.grows)
    with ExitStack() as stack:
        with awaiting(context.events, f"{stage}: places", lambda: {k: str(n) for k, n in numbers.items()}):
            places = stack.enter_context(reserved(plan))
        if plan.seats:
            context.events.say(f"{stage}: places reserved", on="GPU" if plan.on_gpu else "CPU", **numbers)
        yield places
