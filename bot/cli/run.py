"""wirewatch run: poll, match, post, for ever."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from bot import app, config, model, pipeline
from bot.cli import check, logs, once, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir


def run(
    folder: ConfigDir = DEFAULT_CONFIG,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log at debug level too.")] = False,
) -> None:
    """Poll, match and post until stopped.

    Reloads the configuration when it changes.

    Example: wirewatch run --config /config
    """
    silenced: set[str] = set()
    logs.set_up(verbose=verbose, silenced=silenced)
    asyncio.run(_run(folder, silenced))


async def _run(folder: Path, silenced: set[str]) -> None:
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ)
    check.show([problem for problem in settings.problems if problem.severity == "error"])
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    first = _FirstPass(settings, silenced)
    async with app.opened(settings, environment, on_feed=first.on_feed, process_name="wirewatch run") as running:
        loop.add_signal_handler(signal.SIGHUP, running.reload_soon)
        terminal.say(
            f"Watching {model.counted(len(settings.feeds), 'feed')} with {model.counted(len(settings.rules), 'rule')}; "
            f"messages go to {', '.join(running.live.channels)}. Ctrl-C stops."
        )
        with first:
            await running.run(stop, folder=folder, on_pass=first.on_pass)


class _FirstPass:
    """Progress of the first pass, and what failed in it: on a terminal a few lines, not one for each poll."""

    def __init__(self, settings: config.Settings, silenced: set[str]) -> None:
        self._bar = terminal.progress("first poll", len(settings.feeds))
        self._waiting = {feed.url for feed in settings.feeds}
        self._reports: list[pipeline.FeedReport] = []
        self._is_open = False
        self._silenced = silenced

    def __enter__(self) -> None:
        if terminal.err().is_terminal:
            self._silenced.add(logs.POLLED)
        self._advance = self._bar.__enter__()
        self._is_open = True

    def __exit__(self, *_: object) -> None:
        self._close()

    def on_feed(self, report: pipeline.FeedReport) -> None:
        if not self._is_open:
            return
        self._waiting.discard(report.url)
        self._reports.append(report)
        self._advance()

    def on_pass(self, report: pipeline.PassReport) -> None:
        if self._is_open and not self._waiting:
            self._close()
            broken = [each for each in self._reports if each.error]
            # Where the log is read by a program it has each of them.
            if terminal.err().is_terminal or len(broken) == len(self._reports):
                once.tell_broken(broken, polled=len(self._reports))

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._silenced.clear()
            self._bar.__exit__(None, None, None)
