"""`psyche-rl bench`: one file a subcommand."""
