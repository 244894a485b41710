"""An LLM judge: a score per dimension of a rubric, from an OpenAI-compatible endpoint.

The judge sees the question (``RewardSample.prompt``, where there is one) and the answer part, never the
think block. ``value`` is the mean of score / highest score over the dimensions, 0.0 to 1.0; ``parts`` hold
the scores themselves. An empty answer is worth 0.0 and is not sent; a cut-off one is judged as it stands.

The verdict has to fit the rubric's JSON schema. If it does not, the judge is told what is wrong and asked
once more. Verdicts are cached in ``cache``. An endpoint that stays away, or a verdict that still does not
fit, is the error ``judge_unavailable``; no verdict within ``timeout_s`` seconds, retries included, is
``timeout``.

Sources: LLM-as-a-judge (Zheng et al. 2023, arXiv 2306.05685); presets ``cpsycoune`` (CPsyCoun, arXiv
2405.16433: 0-2, 0-3, 0-3, 0-1), ``psyllm`` (PsyLLM, arXiv 2505.15715) and ``empathy_logic_guidance``.
"""

from __future__ import annotations

import json
from typing import ClassVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from rewards.judge.cache import VerdictCache
from rewards.judge.endpoint import JudgeEndpoint, JudgeUnavailableError
from rewards.judge.rubric import PRESETS, Rubric, judge_messages, verdict_model
from rewards.reply import answer_part
from rewards.reward import Reward, digest
from rewards.score import RewardSample, Score
from rewards.text.json_values import json_values


class RubricJudge(Reward):
    """The mean normalised score over a rubric's dimensions.

    ``endpoint`` is the base URL that ends in /v1. ``rubric`` is the name of a preset, or a mapping of
    dimension -> ``{top: …, asks: …}``. ``api_key_env`` names the environment variable that holds the key, if
    the endpoint wants one. ``VERSION`` goes up with the wording of a preset, as with the prompt.

    Raises:
        ValueError: there is no such preset, the rubric is empty, a bound is not positive, or the URL holds
            credentials, which would land in logs and run folders.
    """

    name = "rubric_judge"
    INCIDENTAL: ClassVar[frozenset[str]] = frozenset({"api_key_env", "timeout_s", "attempts", "cache"})

    def __init__(
        self,
        endpoint: str,
        model: str,
        rubric: str | Rubric = "cpsycoune",
        api_key_env: str | None = None,
        timeout_s: float = 60.0,
        attempts: int = 3,
        cache: str | None = None,
    ) -> None:
        if isinstance(rubric, str) and rubric not in PRESETS:
            raise ValueError(f"no rubric {rubric!r}; there are {', '.join(PRESETS)}, or give dimensions")
        if not rubric or timeout_s <= 0 or attempts < 1:
            raise ValueError("a rubric needs a dimension, timeout_s > 0 and attempts >= 1")
        if "@" in endpoint:
            raise ValueError("the endpoint's URL holds credentials: name an environment variable instead")
        self.endpoint, self.model, self.rubric, self.api_key_env = endpoint, model, rubric, api_key_env
        self.timeout_s, self.attempts, self.cache = timeout_s, attempts, cache
        given = PRESETS[rubric] if isinstance(rubric, str) else rubric
        self._dimensions = TypeAdapter(Rubric).validate_python(given)

    async def ascore(self, sample: RewardSample) -> Score:
        """0.0 to 1.0; error ``judge_unavailable`` or ``timeout`` where there is no verdict."""
        import asyncio

        answer = answer_part(sample.response)
        if not answer:
            return self._scored(dict.fromkeys(self._dimensions, 0))
        try:
            async with asyncio.timeout(self.timeout_s):
                return self._scored(
                    await self._verdict(judge_messages(self._dimensions, sample.prompt, answer))
                )
        except TimeoutError:
            message = f"sample {sample.id}: no verdict from {self.endpoint} within {self.timeout_s:g} s"
            return Score.failed("timeout", message)
        except JudgeUnavailableError as error:
            return Score.failed("judge_unavailable", f"sample {sample.id}: {error}")

    async def _verdict(self, messages: list[dict[str, str]]) -> dict[str, int]:
        import asyncio

        if self.cache is None:
            return await self._ask(messages)
        cache, key = VerdictCache(self.cache), digest([self.endpoint, self.model, messages])
        known = await asyncio.to_thread(cache.get, key)
        if known is None:
            known = await self._ask(messages)
            await asyncio.to_thread(cache.put, key, known)
        return known

    async def _ask(self, messages: list[dict[str, str]]) -> dict[str, int]:
        """A verdict that fits the schema, at the latest after one repair turn."""
        endpoint = JudgeEndpoint(self.endpoint, self.model, self.api_key_env, self.attempts)
        model = verdict_model(self._dimensions)
        said = await endpoint.complete(messages)
        verdict, wrong = _read(said, model)
        if verdict is None:
            schema = json.dumps(model.model_json_schema(), ensure_ascii=False)
            repair = f"这不符合要求：{wrong}。请只输出一个符合此 JSON Schema 的对象：{schema}"
            turns = [{"role": "assistant", "content": said}, {"role": "user", "content": repair}]
            verdict, wrong = _read(await endpoint.complete([*messages, *turns]), model)
        if verdict is None:
            raise JudgeUnavailableError(f"{self.endpoint}: the verdict does not fit the rubric: {wrong}")
        return verdict

    def _scored(self, verdict: dict[str, int]) -> Score:
        shares = [verdict[name] / dimension.top for name, dimension in self._dimensions.items()]
        return Score.of(sum(shares) / len(shares), {name: float(verdict[name]) for name in self._dimensions})


def _read(said: str, model: type[BaseModel]) -> tuple[dict[str, int] | None, str]:
    """The verdict, or None and what is wrong; text around the object (a code fence, thoughts) is ignored."""
    try:
        found = [each.value for each in json_values(said) if isinstance(each.value, dict)]
    except ValueError as error:
        return None, f"没有 JSON 对象 (no JSON object): {error}"
    if not found:
        return None, "没有 JSON 对象 (no JSON object)"
    wrong = ""
    for value in found:
        try:
            return model.model_validate(value).model_dump(), ""
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            wrong = wrong or f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return None, wrong
