"""Starts the real command again and again, at once: each run is forked from a process that has imported it.

Of the second and a half that a start takes, more than one is Python's imports, in which there is nothing to lose. What
runs is ``python -m bot`` all the same: its own process, its own lock, its own files. A line on standard input is a
JSON list of arguments; the answer is the process's id, and its exit code when it has ended.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import bot.cli  # noqa: F401 - what takes the time: imported once, here
from bot import __main__ as command


def _become(arguments: list[str], log: Path) -> None:
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


def serve(log: Path) -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line), log)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
