"""``python -m launch`` is ``psyche-rl``; Ray jobs and tests use it where the script is not on PATH."""

from launch.cli.app import main

main()
