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


class Launcher:
    """Starts one run at a time."""

    def __init__(self, log: Path, environ: Mapping[str, str], arguments: Sequence[str]) -> None:
        self._log = log
        self._environ = environ
        self._arguments = arguments
        self._process: BaseProcess | None = None

    async def start(self) -> int:
        """Start a run. Return its process id."""
        streams = (Path(os.devnull), self._log, self._log)
        self._process = commands.start(self._arguments, Path.cwd(), self._environ, streams)
        assert self._process.pid
        return self._process.pid

    async def wait(self) -> int:
        """Return the exit code of the last run once it has ended: minus the signal that ended it."""
        assert self._process
        await asyncio.to_thread(self._process.join)
        assert self._process.exitcode is not None
        return self._process.exitcode

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process and self._process.is_alive():
            self._process.kill()
            self._process.join()
