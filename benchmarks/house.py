"""The repository, put before this folder on the path; imported before anything of the repository.

A script's own folder comes first there, and ``rewards.py`` would hide the package that it measures.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path = [str(ROOT), *(entry for entry in sys.path if entry != str(HERE)), str(HERE)]
