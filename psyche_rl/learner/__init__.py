"""The learner: packed batches, FSDP2 training with SFT and policy objectives, weights, checkpoints."""
