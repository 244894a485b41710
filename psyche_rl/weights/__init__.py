"""Weights of a policy outside the learner: as arrays in memory and in model folders."""
