"""Starts the real command again and again, at once: each run is forked from a process that has imported it.

Of the second and a half that a start takes, more than one is Python's imports, in which there is nothing to lose. What
runs is ``python -m bot`` all the same: its own process, its own lock, its own files. As a program it reads a line, a
JSON list of arguments, and answers with the new process's id, and with its exit code when it has ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

_LOOK_SECONDS = 0.02


class Launcher:
    """The process that forks each run, one at a time."""

    def __init__(self, log: Path, environ: Mapping[str, str], arguments: Sequence[str]) -> None:
        self._log = log
        self._environ = environ
        self._line = json.dumps(arguments).encode() + b"\n"

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", __name__, str(self._log))
        self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=self._environ)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()

    async def start(self) -> int:
        """The id of a new run."""
        assert self._process.stdin
        self._process.stdin.write(self._line)
        return await self._number()

    async def wait(self) -> int:
        """The exit code of the run that was started last, as subprocess has it: minus the signal that ended it."""
        return await self._number()

    async def _number(self) -> int:
        assert self._process.stdout
        return int(await self._process.stdout.readline())


# -- the other end


def serve(log: Path) -> None:
    import bot.cli  # noqa: F401 - what takes the time: imported once, here

    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            _become(json.loads(line), log)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(_status_of(child)), flush=True)


def _status_of(child: int) -> int:
    """When it has ended. Its test sends nothing meanwhile: what can be read then is the end of the test."""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        if select.select([sys.stdin], [], [], _LOOK_SECONDS)[0]:
            os.kill(child, signal.SIGKILL)


def _become(arguments: list[str], log: Path) -> None:
    from bot import __main__ as command

    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(ours, theirs)
    sys.argv = ["wirewatch", *arguments]
    code = 1
    try:
        command.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
