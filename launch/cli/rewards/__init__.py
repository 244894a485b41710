"""`psyche-rl rewards`: one file a subcommand."""
