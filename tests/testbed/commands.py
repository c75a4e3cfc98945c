"""Runs commands of wirewatch in this process, or in one forked from a process that has imported its libraries.

In this process a command takes a fifth of the time. A forked one is a process like any other, which can be killed, own
a database or have a terminal: with its own folder, environment, standard streams and exit code.
"""

from __future__ import annotations

import contextlib
import io
import logging
import multiprocessing
import os
import pty
import re
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path

import structlog

from bot.cli import commands, terminal
from tests.testbed import faults


def call(*words: str, folder: Path, code: int | None = 0, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run one command in this process, in ``folder``; its exit code must be ``code``. No secret of Slack is inherited.

    If ``code`` is None, the command may end with any exit code. It has a thread of its own, so a test may call it while
    its event loop runs.
    """
    out, err = io.StringIO(), io.StringIO()
    with (
        _as_process(words, environ),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        ThreadPoolExecutor(1) as thread,
    ):
        error = thread.submit(commands.main).exception()
    done = subprocess.CompletedProcess(list(words), 0, out.getvalue(), err.getvalue())
    if isinstance(error, SystemExit):
        done.returncode = int(error.code or 0)
    elif error is not None:
        raise error
    assert code in (None, done.returncode), f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr[-4000:]
    return done


@contextlib.contextmanager
def _as_process(words: Sequence[str], environ: Mapping[str, str]) -> Iterator[None]:
    """Give this process the arguments and the environment of a command, and undo what the command sets up."""
    arguments, inherited = sys.argv, dict(os.environ)
    hooks, handlers, log = (sys.excepthook, threading.excepthook), logging.root.handlers[:], structlog.get_config()
    sys.argv = ["wirewatch", *words]
    for name in [name for name in inherited if name.startswith("SLACK_")]:
        del os.environ[name]
    os.environ.update({"COLUMNS": "100", **environ})
    try:
        yield
    finally:
        sys.argv = arguments
        os.environ.clear()
        os.environ.update(inherited)
        (sys.excepthook, threading.excepthook), logging.root.handlers[:] = hooks, handlers
        structlog.configure(**log)
        # The width of the next command may be another one.
        terminal.out.cache_clear()
        terminal.err.cache_clear()


def at_terminal(*words: str, folder: Path, answers: Sequence[str] = (), **environ: str) -> str:
    """Run one command on a terminal of 80 columns on which somebody types the answers.

    Return what the screen shows, without styles.
    """
    person, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (40, 80))
    os.write(person, "".join(f"{answer}\n" for answer in answers).encode())
    process = start(words, folder, {"TERM": "xterm", **environ}, [Path(os.ttyname(terminal))] * 3)
    process.join()
    os.close(terminal)
    screen = b"".join(iter(lambda: _read_or_end(person), b"")).decode()
    os.close(person)
    assert process.exitcode == 0, screen
    return re.sub(r"\x1b\[[0-9;]*m", "", screen).replace("\r", "")


def _read_or_end(terminal: int) -> bytes:
    """Linux ends a terminal whose other side is closed with an error."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""


def start(words: Sequence[str], folder: Path, environ: Mapping[str, str], streams: Sequence[Path]) -> BaseProcess:
    """Start one command. ``streams``: the files that it reads from, and appends its output and its errors to."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "tests.testbed.preloaded"])
    values = (tuple(words), str(folder), dict(environ), [str(name) for name in streams])
    process = context.Process(target=_command, args=values)
    process.start()
    return process


def _command(words: tuple[str, ...], folder: str, environ: dict[str, str], streams: list[str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    if places := environ.get("PYTHONPATH"):
        sys.path += places.split(os.pathsep)
        faults.forget_plugins()
    for number, (name, mode) in enumerate(zip(streams, ("r", "a", "a"), strict=True)):
        with open(name, mode, encoding="utf-8") as stream:
            os.dup2(stream.fileno(), number)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    sys.argv = ["wirewatch", *words]
    from bot.__main__ import main

    main()
