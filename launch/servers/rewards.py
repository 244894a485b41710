"""A reward set over HTTP: ``POST /score``, OpenRLHF's ``POST /get_reward``, ``GET /health``, OpenAPI.

Role: for trainers outside this cluster. Collaborators: the same pool of killable processes as in the
Ray actor, in the server's own event loop; ``psyche_rl.serving`` listens, and stands before every route.
Invariants:
- Neither bodies nor the token are logged, and no error repeats what was sent.
- Bodies are read, and replies written, beside the event loop; how many samples there are is seen to before
  they are looked at.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from actors.scoring.fork_client import worker_spec
from actors.scoring.fork_server import WorkerSpec
from actors.scoring.process_pool import ScoringProcessPool
from actors.scoring.scaling import ScalingPolicy
from launch.servers.json_routes import answer_json, document_bodies, say_bad_bodies
from launch.servers.openrlhf_protocol import OpenRlhfReply, OpenRlhfRequest, reply_of, samples_of
from psyche_rl.json_shape import JsonShape
from psyche_rl.serving import ANY_FREE_PORT, Address, RequestLimits, url_of
from psyche_rl.serving.asgi import Limited, http_server
from psyche_rl.serving.json_bodies import BadBodyError, beside_loop, read_body
from psyche_rl.serving.limits import MOST_TOLD
from psyche_rl.terminal.plain import echo
from rewards import Reward, RewardSample, Score

TOKEN_VARIABLE = "PSYCHE_RL_REWARD_TOKEN"
VALUES_OF_SAMPLE = 64
"""JSON values that a sample has on average, at most."""


@dataclass(frozen=True)
class ServerSettings:
    """Where and within which limits to serve. Times in seconds, ``max_body`` in bytes."""

    address: Address = ANY_FREE_PORT
    max_body: int = 16 << 20
    max_samples: int = 4096
    request_s: float = 300.0
    full: float = 1.0
    """The reward that OpenRLHF is told is a score of 1."""


class ScoreRequest(BaseModel):
    """Samples to be scored."""

    model_config = ConfigDict(extra="forbid")

    samples: list[RewardSample] = Field(min_length=1)


class ScoreReply(BaseModel):
    """One score or typed error per sample, in order, and the rule they were reached by."""

    reward: str
    fingerprint: str
    scores: list[Score]


class Health(BaseModel):
    """That the server is up, and by which rule it scores."""

    status: str
    reward: str
    fingerprint: str
    workers: int


def reward_app(reward: Reward, pool: ScoringProcessPool, settings: ServerSettings) -> FastAPI:
    """The routes over running scoring processes."""
    # Swagger's page would be loaded from the network; the schema itself is at /openapi.json.
    app = FastAPI(title=f"psyche-rl reward {reward.name}", docs_url=None, redoc_url=None)
    bearer = [Depends(HTTPBearer(auto_error=False))]  # for the schema; it has been checked by then
    fingerprint = reward.fingerprint()

    async def scored(samples: Sequence[RewardSample]) -> list[Score]:
        bodies = await pool.score([(s.id, pickle.dumps(s, protocol=5)) for s in samples])
        return [_short(pickle.loads(body)) for body in bodies]

    @app.get("/health")
    async def health() -> Health:
        """Needs no token."""
        return Health(
            status="ok", reward=reward.name, fingerprint=fingerprint, workers=len(pool.status().pids)
        )

    @app.post("/score", dependencies=bearer, response_model=ScoreReply)
    async def score(request: Request) -> Response:
        """One score or typed error for each sample."""
        body = await request.body()
        asked = await beside_loop(
            lambda: read_body(body, ScoreRequest, "samples", settings.max_samples), len(body)
        )
        scores = await scored(asked.samples)
        reply = ScoreReply(reward=reward.name, fingerprint=fingerprint, scores=scores)
        return await answer_json(reply, len(body))

    @app.post("/get_reward", dependencies=bearer, response_model=OpenRlhfReply)
    async def get_reward(request: Request) -> Response:
        """OpenRLHF's remote reward; 502 where a sample has no score."""
        body = await request.body()
        scores = await scored(await beside_loop(lambda: _openrlhf_samples(body, settings), len(body)))
        failed = [score.error for score in scores if score.error]
        if failed:
            raise HTTPException(502, f"{len(failed)} of {len(scores)} have no score: {failed[0].kind}")
        return await answer_json(reply_of(scores, settings.full), len(body))

    say_bad_bodies(app)
    document_bodies(app, {"/score": ScoreRequest, "/get_reward": OpenRlhfRequest})
    address = settings.address
    hosts = address.own_names if address.is_local and not address.token else None
    shape = JsonShape(most_values=VALUES_OF_SAMPLE * settings.max_samples, most_depth=32)
    limits = RequestLimits(address.token, settings.max_body, settings.request_s, hosts, shape=shape)
    app.add_middleware(Limited, limits=limits)
    return app


def _openrlhf_samples(body: bytes, settings: ServerSettings) -> list[RewardSample]:
    asked = read_body(body, OpenRlhfRequest, "query", settings.max_samples)
    try:
        return samples_of(asked)
    except ValueError as error:
        # Without the names that a label gave its fields.
        raise BadBodyError(422, str(error).partition(" (there are ")[0]) from None


def _short(score: Score) -> Score:
    """Scorers name what they could not read, which may be as long as a body."""
    if score.error is None or len(score.error.message) <= MOST_TOLD:
        return score
    return Score.failed(score.error.kind, score.error.message[:MOST_TOLD])


def serve(
    reward: Reward, settings: ServerSettings, policy: ScalingPolicy, timeout_s: float, memory_mib: int | None
) -> None:
    """Serve until interrupted; prints the URL when it is reachable.

    Raises:
        ConfigError: no token for a public address, the address is taken, or the reward cannot be loaded.
    """
    asyncio.run(_serve(reward, settings, worker_spec(reward, timeout_s, memory_mib), policy))


async def _serve(reward: Reward, settings: ServerSettings, spec: WorkerSpec, scaling: ScalingPolicy) -> None:
    with settings.address.listen() as listener:
        pool = ScoringProcessPool(spec, scaling)
        try:
            echo(url_of(listener))
            await http_server(reward_app(reward, pool, settings)).serve(sockets=[listener])
        finally:
            await pool.close()
