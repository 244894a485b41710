"""How every command ends when it does not end well: the one handler of errors.

Role: ``Commands`` is the class of the top group, so every command below it, also of sub-apps, runs inside its
``invoke`` and none can forget it. Commands raise; they neither print errors nor choose exit codes for them.
Invariants:

- a ``PsycheError`` is a line on stderr for each mistake it tells of, and its own exit code;
- an interrupt exits with 130, ``Resumable`` commands say that they can go on; one that brings a line and an
  exit code of its own (a stop by a signal) keeps them;
- so is a fault of the disk, whatever library ran into it;
- when whoever read our output has gone (``… | head``), the command ends silently with 141, as if by SIGPIPE;
- anything else is a defect and shows its traceback, in which no secret stands.
"""

from __future__ import annotations

import os
import select
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import typer
from typer.core import TyperCommand, TyperGroup

from psyche_rl.errors import PsycheError
from psyche_rl.masking import masked
from psyche_rl.terminal.plain import echo

INTERRUPTED, READER_GONE = 130, 141  # 128 + the number of the signal, as shells count


class Resumable(TyperCommand):
    """A command that goes on where it was when it is given again."""

    interrupted = "interrupted; the same command goes on from here"


class Commands(TyperGroup):
    """The top group."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override] # older typers name click's own
        """Run the command that was asked for."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except PsycheError as error:
            for line in str(error).splitlines():
                echo(f"error: {line}", err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt as interrupt:
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            with suppress(OSError):  # the terminal may be gone
                echo(str(interrupt) or getattr(command, "interrupted", "interrupted"), err=True)
            raise typer.Exit(getattr(interrupt, "exit_code", INTERRUPTED)) from None
        except BrokenPipeError:
            if not _silence_closed():
                raise
            raise typer.Exit(READER_GONE) from None
        except SystemExit as end:  # what rich makes of a broken pipe, which it has silenced
            if not isinstance(end.__context__, BrokenPipeError):
                raise
            raise typer.Exit(READER_GONE) from None
        except Exception as error:
            from psyche_rl.store.disk import disk_fault  # not before it is wanted: it brings pyarrow

            if (fault := disk_fault(error)) is None:
                raise
            echo(f"error: {fault}", err=True)
            raise typer.Exit(fault.exit_code) from None
        return result


@contextmanager
def defects_told() -> Iterator[None]:
    """A defect shows its traceback, which may quote data or keys: it is masked and made plain."""
    try:
        yield
    except Exception as error:
        echo(masked("".join(traceback.format_exception(error))), err=True)
        sys.exit(1)


def _silence_closed() -> bool:
    """Whether the reader of stdout or stderr has gone; what is left for it then goes nowhere."""
    gone = [stream for stream in (sys.stdout, sys.stderr) if _reader_gone(stream)]
    for stream in gone:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    return bool(gone)


def _reader_gone(stream: TextIO) -> bool:
    try:
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError):  # a stream without a descriptor, such as a test's
        return False
