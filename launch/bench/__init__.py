"""Benchmark runs: the models that answer, the judges, and the folder of results."""
