"""Running benchmarks: asking a model for replies to items, keeping them, and having them judged."""
