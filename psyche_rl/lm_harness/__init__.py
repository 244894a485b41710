"""Exchange with lm-evaluation-harness: choice benchmarks as its tasks, and its logs of samples read back."""
