"""The learner as Ray actors: FSDP ranks that train, and the frozen reference model."""
