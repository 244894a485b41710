"""``python -m launch`` is ``psyche-rl``; Ray jobs and tests use it where the script is not on PATH.

Python puts the working directory first on the path for ``-m``; unless this package is from there it goes.
"""

import os
import sys

HERE, CODE = os.path.realpath(os.getcwd()), os.path.realpath(os.path.dirname(os.path.dirname(__file__)))
if not sys.flags.safe_path and HERE != CODE and sys.path and os.path.realpath(sys.path[0]) == HERE:
    del sys.path[0]

from launch.cli.app import main  # noqa: E402

main()
