"""A request that the process ends, which a loop asks for between its phases.

Pure. Collaborators: ``launch.signals`` makes the request; the training loops obey it; ``launch.pipeline``
marks the stage.
- A loop that obeys requests is left to finish or cut its step and to save a checkpoint. Anything else is
  interrupted at once.
- ``may_save`` is False where the run folder is another process's by now. Then nothing more is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Stopped(KeyboardInterrupt):
    """The run has ended because it was asked to; ``str`` is one line, fit to print.

    A kind of KeyboardInterrupt: no handler of errors on the way may take it for a failure.
    """

    def __init__(self, message: str = "", exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class StopRequest:
    """Set once, never taken back."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.may_save = True
        self.leaving = False
        """Whether the end has begun: what is being cleaned up is not interrupted again."""
        self._heeding = 0

    @property
    def requested(self) -> bool:
        """Whether to end."""
        return self.reason is not None

    @property
    def heeded(self) -> bool:
        """Whether a loop is running that asks between its phases."""
        return self._heeding > 0

    def request(self, reason: str, may_save: bool = True) -> None:
        """Ask for the end; the first reason stays."""
        self.reason = self.reason or reason
        self.may_save = self.may_save and may_save

    def leave(self, what: str) -> Stopped:
        """The exception by which a loop ends; ``what`` says what it has kept."""
        self.leaving = True
        return Stopped(what)

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """Inside, a loop asks :attr:`requested` itself."""
        self._heeding += 1
        try:
            yield
        finally:
            self._heeding -= 1
