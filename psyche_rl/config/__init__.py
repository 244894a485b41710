"""The config: one file per stage (light to import: no torch, ray or vllm)."""

from psyche_rl.config.load import dump_config, load_config, parse_config
from psyche_rl.config.run import RunConfig

__all__ = ["RunConfig", "dump_config", "load_config", "parse_config"]
