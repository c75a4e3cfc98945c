"""Starts the real command at once, again and again: each run is forked from a process that has imported it.

Of the second and a half that a start takes, more than one is Python's imports, in which there is nothing to lose. What
runs is ``python -m bot`` all the same: its own process, its own lock, its own files.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.testbed import commands


class Run:
    """A forked command, with the methods of a process of asyncio."""

    def __init__(self, process: BaseProcess) -> None:
        assert process.pid
        self._process = process
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        """Return the exit code, minus the signal that ended it, or None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    async def wait(self) -> int:
        """Return the exit code once it has ended."""
        await asyncio.to_thread(self._process.join)
        assert self._process.exitcode is not None
        return self._process.exitcode


def start(words: Sequence[str], environ: Mapping[str, str], log: Path) -> Run:
    """Start one command. Its output and its errors are appended to ``log``."""
    return Run(commands.start(words, Path.cwd(), environ, (Path(os.devnull), log, log)))
