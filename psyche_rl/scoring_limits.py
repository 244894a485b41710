"""What the score of one sample may take unless a user says otherwise: the same for a run, the commands and
Python.

Pure data.
"""

from __future__ import annotations

TIMEOUT_S = 10.0
"""Seconds."""
MEMORY_MIB = 4096
"""Address space of a scoring process."""
