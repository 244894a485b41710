"""A reward set over HTTP: ``POST /score``, OpenRLHF's ``POST /get_reward``, ``GET /health``, OpenAPI.

Role: for trainers outside this cluster. Collaborators: the same pool of killable processes as in the
Ray actor, in the server's own event loop; ``psyche_rl.serving`` listens, and stands before every route.
Invariant: neither bodies nor the token are logged.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from actors.scoring.fork_client import worker_spec
from actors.scoring.fork_server import WorkerSpec
from actors.scoring.process_pool import ScoringProcessPool
from actors.scoring.scaling import ScalingPolicy
from launch.servers.openrlhf_protocol import OpenRlhfReply, OpenRlhfRequest, reply_of, samples_of
from psyche_rl.serving import ANY_FREE_PORT, Address, RequestLimits, url_of
from psyche_rl.serving.asgi import Limited, http_server
from psyche_rl.terminal.plain import echo
from rewards import Reward, RewardSample, Score

TOKEN_VARIABLE = "PSYCHE_RL_REWARD_TOKEN"


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
        if len(samples) > settings.max_samples:
            raise HTTPException(413, f"{len(samples)} samples in a request; at most {settings.max_samples}")
        bodies = await pool.score([(s.id, pickle.dumps(s, protocol=5)) for s in samples])
        return [pickle.loads(body) for body in bodies]

    @app.get("/health")
    async def health() -> Health:
        """Needs no token."""
        return Health(
            status="ok", reward=reward.name, fingerprint=fingerprint, workers=len(pool.status().pids)
        )

    @app.post("/score", dependencies=bearer)
    async def score(request: ScoreRequest) -> ScoreReply:
        """One score or typed error for each sample."""
        return ScoreReply(reward=reward.name, fingerprint=fingerprint, scores=await scored(request.samples))

    @app.post("/get_reward", dependencies=bearer)
    async def get_reward(request: OpenRlhfRequest) -> OpenRlhfReply:
        """OpenRLHF's remote reward; 502 where a sample has no score."""
        try:
            samples = samples_of(request)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        scores = await scored(samples)
        failed = [score.error for score in scores if score.error]
        if failed:
            raise HTTPException(
                502, f"{len(failed)} of {len(scores)} have no score: {failed[0].kind}: {failed[0].message}"
            )
        return reply_of(scores, settings.full)

    address = settings.address
    hosts = address.own_names if address.is_local and not address.token else None
    limits = RequestLimits(address.token, settings.max_body, settings.request_s, hosts)
    app.add_middleware(Limited, limits=limits)
    return app


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
