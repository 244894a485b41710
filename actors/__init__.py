"""Thin Ray shells over the core: rollout workers, learner ranks, reference model, reward and LLM workers."""
