"""What the core asks of rollout engines, and how questions become token ids."""
