"""The command line `psyche-rl`: one file a command."""
