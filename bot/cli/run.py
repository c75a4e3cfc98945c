"""wirewatch run and once: poll, match and post until stopped, or for one pass."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Annotated

import structlog
import typer

from bot import app, config, notices
from bot.app import runtime
from bot.app.engines import choose_engine
from bot.app.runtime import OnceReport
from bot.cli import check, logs, terminal
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, UNUSABLE, ConfigDir, Json, duration
from bot.durations import format_count
from bot.model.errors import ConfigError, WirewatchError
from bot.model.settings import Problem
from bot.pipeline.reports import FeedReport, PassReport

#: Maximum broken feeds listed; `wirewatch status` lists all.
BROKEN_SHOWN = 10


def once(
    folder: ConfigDir = DEFAULT_CONFIG,
    now: Annotated[
        bool,
        typer.Option("--now", help="Poll every feed, due or not. Feeds whose server sent Retry-After still wait."),
    ] = False,
    drain: Annotated[str, typer.Option(help="Maximum time to spend on sending.", metavar="DURATION")] = "60 seconds",
    json: Json = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print every log line.")] = False,
) -> None:
    """Poll every due feed once, post new stories, and end.

    Exit code 0: all messages were sent, even if some feeds are broken; 1: messages are left or parked, no feed could be
    read, or a bug keeps everything from being posted; 2: the configuration or the database cannot be used.

    Example: wirewatch once --now --config config
    """
    # Log failed polls only with --verbose, because the output already lists them.
    logs.set_up(verbose=verbose, quiet=not verbose, silenced=() if verbose else (logs.POLLED,))
    report = asyncio.run(_once(folder, everything=now, drain=duration(drain)))
    if json:
        terminal.answer(_as_json(report))
    else:
        _tell(report)
    is_done = not (report.drained.left_count or report.drained.parked or report.all_feeds_fail or report.stopped)
    raise typer.Exit(DONE if is_done else LEFT)


async def _once(folder: Path, *, everything: bool, drain: timedelta) -> OnceReport:
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ, wants_warnings=False)
    check.show([problem for problem in settings.problems if problem.severity == "error"])
    with terminal.progress("polling", len(settings.feeds)) as advance:
        async with runtime.opened(
            settings, environment, on_feed=lambda report: advance(), process_name="wirewatch once"
        ) as running:
            runtime.spare_collections(lasts=False)
            return await running.once(everything=everything, drain=drain)


def _tell(report: OnceReport) -> None:
    feeds = report.passed.feeds
    new = sum(feed.new for feed in feeds)
    matched = sum(feed.matched for feed in feeds)
    tell_broken(report.passed.broken, polled=len(feeds))
    terminal.say(
        f"{format_count(len(feeds), 'feed')} polled ({len(report.passed.broken)} broken), "
        f"{format_count(new, 'new article')}, {matched} matched; "
        f"{format_count(report.drained.sent, 'message')} sent, {report.drained.left_count} to send later, "
        f"{report.drained.parked} parked"
    )
    for failure in report.stopped:
        terminal.say(f"Nothing is posted: the stage {failure.name} fails on everything ({failure.error}).")
    if not feeds:
        terminal.say("No feed was due; with --now, every feed is polled.")
    for channel, reason in sorted(report.drained.reasons.items()):
        terminal.say(f"not sent to {channel}: {reason}")
    if report.drained.left_count or report.drained.parked:
        terminal.say("Unsent messages are kept and retried at the next run; `wirewatch status` lists them.")


def tell_broken(broken: Sequence[FeedReport], *, polled: int) -> None:
    """Print a line for each of the first ten failed feeds. If all ``polled`` feeds failed, print a single line."""
    errors = [(feed.url, (feed.error or "").removeprefix(f"{feed.url}: ")) for feed in broken]
    if len(errors) == polled > 1:
        terminal.say(terminal.nothing_read(polled, errors[0][1], feed=errors[0][0]))
        return
    for url, error in errors[:BROKEN_SHOWN]:
        terminal.say(f"broken: {url}: {error}")
    if len(errors) > BROKEN_SHOWN:
        terminal.say(f"and {len(errors) - BROKEN_SHOWN} more; `wirewatch status` lists all")


def _as_json(report: OnceReport) -> dict[str, object]:
    return {
        "feeds": [
            {"url": feed.url, "error": feed.error, "new": feed.new, "matched": feed.matched}
            for feed in report.passed.feeds
        ],
        "sent": report.drained.sent,
        "left": report.drained.left_count,
        "parked": report.drained.parked,
        "not_sent": [{"channel": channel, "why": reason} for channel, reason in sorted(report.drained.reasons.items())],
    }


log = structlog.get_logger("wirewatch")

#: Maximum duration of a clean stop. Docker kills a container after ten seconds.
STOP_WITHIN = timedelta(seconds=9.5)


def run(
    folder: ConfigDir = DEFAULT_CONFIG,
    verbose: Annotated[bool, typer.Option("--verbose", help="Also log at debug level.")] = False,
) -> None:
    """Poll, match and post until stopped.

    Reloads the configuration when it changes.

    Example: wirewatch run --config /config
    """
    silenced: set[str] = set()
    logs.set_up(verbose=verbose, silenced=silenced, is_stream=True)
    try:
        asyncio.run(_run(folder, silenced))
    except WirewatchError as error:
        if not logs.are_json():
            raise
        problems = error.problems if isinstance(error, ConfigError) else ()
        _log_problems(problems)
        log.critical("cannot run", error=str(error).partition("\n")[0] if problems else str(error))
        raise typer.Exit(UNUSABLE) from None


async def _run(folder: Path, silenced: set[str]) -> None:
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ)
    errors = [problem for problem in settings.problems if problem.severity == "error"]
    if logs.are_json():
        _log_problems(errors)
    else:
        check.show(errors)
    first = _FirstPass(settings, silenced)
    async with runtime.opened(
        settings, environment, on_feed=first.on_feed, process_name="wirewatch run", begins=False
    ) as running:
        # Until now, a signal ends the process, also while it waits for the database.
        stopping = _Stopping()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, running.reload_soon)
        feeds, rules, channels = len(settings.feeds), len(settings.rules), list(running.live.channels)
        if logs.are_json():
            log.info("watching", feeds=feeds, rules=rules, channels=channels)
        else:
            terminal.say(
                f"Watching {format_count(feeds, 'feed')} with {format_count(rules, 'rule')}; "
                f"messages go to {', '.join(channels)}. Ctrl-C stops."
            )
        with first:
            await running.run(stopping.event, choose_engine(running, first.on_pass), folder=folder)
    log.info("stopped", why=stopping.why, seconds=round(time.monotonic() - stopping.since, 1))


def _log_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        log.error("configuration problem", problem=notices.problem_line(problem))


class _Stopping:
    """Stops cleanly after the first signal. Exits at once after the second signal, or if the stop takes too long.

    Exiting at once is always safe, as a kill is.
    """

    def __init__(self) -> None:
        #: Set by the first signal.
        self.event = asyncio.Event()
        self.why = ""
        #: Monotonic time of the first signal.
        self.since = 0.0
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            # A handler of the event loop would run too late if the loop is busy.
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self.why:
            if sys.stderr.isatty():
                os.write(2, b"\x1b[?25h")  # a progress bar may have hidden the cursor
            os._exit(128 + number)
        self.why, self.since = signal.Signals(number).name, time.monotonic()
        with contextlib.suppress(RuntimeError):  # the loop is closed if the bot has already stopped
            self._loop.call_soon_threadsafe(self.event.set)
        # Use an alarm, not a thread: the signal may have interrupted code in which no thread can be started.
        signal.signal(signal.SIGALRM, self._end)
        signal.setitimer(signal.ITIMER_REAL, STOP_WITHIN.total_seconds())

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        seconds = f"{STOP_WITHIN.total_seconds():g}"
        logs.write_at_once("error", f"the stop took longer than {seconds} seconds; ended at once, nothing is lost")
        os._exit(1)


class _FirstPass:
    """The display of the first pass: a progress bar and a short list of failures instead of a line for each poll."""

    def __init__(self, settings: config.Settings, silenced: set[str]) -> None:
        self._bar = terminal.progress("first poll", len(settings.feeds))
        self._waiting = {feed.url for feed in settings.feeds}
        self._reports: list[FeedReport] = []
        self._is_open = False
        self._silenced = silenced

    def __enter__(self) -> None:
        if sys.stderr.isatty():
            self._silenced.add(logs.POLLED)
        self._advance = self._bar.__enter__()
        self._is_open = True

    def __exit__(self, *_: object) -> None:
        self._close()

    def on_feed(self, report: FeedReport) -> None:
        if not self._is_open:
            return
        self._waiting.discard(report.url)
        self._reports.append(report)
        self._advance()

    def on_pass(self, report: PassReport) -> None:
        if self._is_open and not self._waiting:
            self._close()
            broken = [failed_report for failed_report in self._reports if failed_report.error]
            all_broken = len(broken) == len(self._reports)
            if logs.are_json():
                if all_broken:
                    log.error("every feed failed", feeds=len(broken), error=broken[0].error)
            elif sys.stderr.isatty() or all_broken:
                # Otherwise, the log already has a line for each failure.
                tell_broken(broken, polled=len(self._reports))

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._silenced.clear()
            self._bar.__exit__(None, None, None)
