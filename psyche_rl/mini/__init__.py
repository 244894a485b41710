"""The mini world: a small psychology of its own, for machines where nothing can be downloaded."""
