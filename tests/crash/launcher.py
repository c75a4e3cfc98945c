"""Starts the real command again and again, at once: each run is forked from a process that has imported it.

Of the second and a half that a start takes, more than one is Python's imports, in which there is nothing to lose. What
runs is ``python -m bot`` all the same: its own process, its own lock, its own files.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self

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


class Launcher:
    """Starts one run at a time."""

    def __init__(self, log: Path, environ: Mapping[str, str], arguments: Sequence[str]) -> None:
        self._log = log
        self._environ = environ
        self._arguments = arguments
        self._run: Run | None = None

    async def start(self) -> int:
        """Start a run. Return its process id."""
        self._run = start(self._arguments, self._environ, self._log)
        return self._run.pid

    async def wait(self) -> int:
        """Return the exit code of the last run once it has ended: minus the signal that ended it."""
        assert self._run
        return await self._run.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._run and self._run.returncode is None:
            self._run.kill()
            await self._run.wait()
