"""Logs that inspect_ai's viewer reads, of evaluated items and of training rollouts (extra ``inspect``)."""
