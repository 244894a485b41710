"""How many logits the learner holds at a time. Light to import, since the plan of memory counts them too."""

LOGITS_PER_CHUNK = 2**27
"""512 MiB in float32; a chunk's are computed again in the backward pass."""
