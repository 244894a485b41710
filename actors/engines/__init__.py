"""vLLM engines behind the protocol of `psyche_rl.rollout.engine`."""
