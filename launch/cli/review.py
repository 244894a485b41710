"""``psyche-rl review RUN``: look at the queue of a run on a local web page and decide."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import typer

from psyche_rl.terminal.plain import echo

if TYPE_CHECKING:
    from psyche_rl.config.review import ReviewConfig
    from psyche_rl.records import ReviewItem
    from psyche_rl.store import RunStore


def review(
    run_dir: Annotated[str, typer.Argument(help="run folder on a local or shared disk", metavar="RUN")],
    port: Annotated[int, typer.Option(help="0 for any that is free")] = 8020,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    token_env: Annotated[str | None, typer.Option(help="variable with the token; unset: a new one")] = None,
    sample_rate: Annotated[
        float | None, typer.Option(help="share to sample, for a run that left no queue", min=0, max=1)
    ] = None,
    reviewer: Annotated[str | None, typer.Option(help="name put into decisions; default: login name")] = None,
    browser: Annotated[bool, typer.Option(help="open the page in a browser")] = True,
) -> None:
    """Accept, edit or reject what the pipeline queued for a person (keys: a, e, r, u, j, k)."""
    from data_pipeline.review.log import DECISIONS, DecisionLog
    from data_pipeline.review.session import ReviewSession
    from launch.servers import review as review_server
    from launch.servers.redirect_file import redirect_file
    from psyche_rl.serving import Address, url_of
    from psyche_rl.serving.asgi import http_server
    from psyche_rl.store import RunStore

    store = RunStore(run_dir)
    settings, seed = _settings(store)
    items = _items(store, seed, settings.sample_rate if sample_rate is None else sample_rate)
    if not items:
        echo("nothing to review: no item is flagged and none is sampled (raise --sample-rate)")
        return
    address = Address(port, host, review_server.token_for(token_env))
    session = ReviewSession(items, DecisionLog(store), reviewer or settings.reviewer or _login())
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(address.listen())
        url = f"{url_of(listener)}/#token={address.token}"
        counts = ", ".join(f"{reason} {n}" for reason, n in sorted(session.reasons().items()))
        echo(f"{len(items)} items ({counts}); decided: {session.progress()[0]}; Ctrl-C ends\n{url}")
        if browser and _has_display():
            import webbrowser

            webbrowser.open(stack.enter_context(redirect_file(url)))
        server = http_server(review_server.review_app(session, address, store.url), grace_s=2)
        # A shell's background job ignores SIGINT: the server then ends without an exception.
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
        decided, total = session.progress()
        where = f"; decisions are in {store.path(DECISIONS)}" if decided else ""
        echo(f"{decided} of {total} decided{where}")


def _items(store: RunStore, seed: int, rate: float) -> list[ReviewItem]:
    from data_pipeline.review.finished_run import items_of_run
    from data_pipeline.review.gate import has_queue, read_queue

    return read_queue(store) if has_queue(store) else items_of_run(store, seed, rate)


def _settings(store: RunStore) -> tuple[ReviewConfig, int]:
    """The review section and the seed of the run's config; of other sections nothing is asked."""
    from psyche_rl.config.review import ReviewConfig
    from psyche_rl.errors import RunFolderError
    from psyche_rl.store.intact import intact
    from psyche_rl.store.saved_config import CONFIG, saved_config

    if not store.exists(CONFIG):
        raise RunFolderError(f"{store.url}: no run here ({CONFIG} is missing); check the path")
    config = saved_config(store)
    with intact(store.path(CONFIG), CONFIG):
        return ReviewConfig.model_validate(config.get("review") or {}), int(config.get("seed", 0))


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "reviewer"


def _has_display() -> bool:
    """A text browser would take the terminal over."""
    import os
    import sys

    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
