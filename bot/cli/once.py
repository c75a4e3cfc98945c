"""wirewatch once: one pass, then send."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot import app, model
from bot.app import runtime
from bot.app.runtime import OnceReport
from bot.cli import check, logs, status, terminal
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, ConfigDir, Json, duration
from bot.pipeline.reports import FeedReport

#: Broken feeds named one by one; `wirewatch status` has the rest.
BROKEN_SHOWN = 10


def once(
    folder: ConfigDir = DEFAULT_CONFIG,
    now: Annotated[
        bool,
        typer.Option(
            "--now", help="Poll every feed, whatever its interval and backoff; Retry-After is still respected."
        ),
    ] = False,
    drain: Annotated[str, typer.Option(help="How long to continue sending.", metavar="DURATION")] = "60 seconds",
    json: Json = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print every log line.")] = False,
) -> None:
    """Poll every due feed once, post what is new, and end.

    Exit code 0: done, also when some feeds are broken; 1: messages left or parked; 2: cannot work.

    Example: wirewatch once --now --config config
    """
    # Not without --verbose: what a poll's warning says is in the answer.
    logs.set_up(verbose=verbose, quiet=not verbose, silenced=() if verbose else (logs.POLLED,))
    report = asyncio.run(_once(folder, everything=now, drain=duration(drain)))
    if json:
        terminal.answer(_as_json(report))
    else:
        _tell(report)
    raise typer.Exit(LEFT if report.drained.left or report.drained.parked else DONE)


async def _once(folder: Path, *, everything: bool, drain: timedelta) -> OnceReport:
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ, wants_warnings=False)
    check.show([problem for problem in settings.problems if problem.severity == "error"])
    with terminal.progress("polling", len(settings.feeds)) as advance:
        async with runtime.opened(
            settings, environment, on_feed=lambda report: advance(), process_name="wirewatch once"
        ) as running:
            return await running.once(everything=everything, drain=drain)


def _tell(report: OnceReport) -> None:
    feeds = report.passed.feeds
    new = sum(feed.new for feed in feeds)
    matched = sum(feed.matched for feed in feeds)
    tell_broken(report.passed.broken, polled=len(feeds))
    terminal.say(
        f"{model.counted(len(feeds), 'feed')} polled ({len(report.passed.broken)} broken), "
        f"{model.counted(new, 'new article')}, {matched} matched; "
        f"{model.counted(report.drained.sent, 'message')} sent, {report.drained.left} left, "
        f"{report.drained.parked} parked"
    )
    for channel, reason in sorted(report.drained.reasons.items()):
        terminal.say(f"not sent to {channel}: {reason}")
    if report.drained.left or report.drained.parked:
        terminal.say("What was not sent is kept, and tried again at the next run; `wirewatch status` lists it.")


def tell_broken(broken: Sequence[FeedReport], *, polled: int) -> None:
    """A line for each feed that failed, up to ten; one line where none could be reached."""
    told = [(feed.url, (feed.error or "").removeprefix(f"{feed.url}: ")) for feed in broken]
    if len(told) == polled > 1:
        terminal.say(status.nothing_read(polled, told[0][1]))
        return
    for url, error in told[:BROKEN_SHOWN]:
        terminal.say(f"broken: {url}: {error}")
    if len(told) > BROKEN_SHOWN:
        terminal.say(f"and {len(told) - BROKEN_SHOWN} more: wirewatch status")


def _as_json(report: OnceReport) -> dict[str, object]:
    return {
        "feeds": [
            {"url": feed.url, "error": feed.error, "new": feed.new, "matched": feed.matched}
            for feed in report.passed.feeds
        ],
        "sent": report.drained.sent,
        "left": report.drained.left,
        "parked": report.drained.parked,
        "not_sent": [{"channel": channel, "why": reason} for channel, reason in sorted(report.drained.reasons.items())],
    }
