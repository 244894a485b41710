"""Rollout workers and the pool that hands them requests and weights."""
