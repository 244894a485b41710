"""inspect_ai where it is installed; one line where it is not.

Role: the only door to the library, so that nothing else imports it before a log is wanted. Invariant: the
library is asked for its log format and its viewer, never to run anything.
"""

from __future__ import annotations

from types import ModuleType

from psyche_rl.errors import ConfigError


def inspect_log() -> ModuleType:
    """``inspect_ai.log``.

    Raises:
        ConfigError: the extra is not installed.
    """
    try:
        import inspect_ai.log
    except ImportError as error:
        raise ConfigError(
            f"logs for inspect need inspect_ai ({error}): pip install 'psyche-rl[inspect]'"
        ) from None
    return inspect_ai.log
