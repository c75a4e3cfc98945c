"""wirewatch once: one pass, then send."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot import app
from bot.cli import check, logs, terminal
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, ConfigDir, Json, duration


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
    logs.set_up(verbose=verbose, quiet=not verbose)
    report = asyncio.run(_once(folder, everything=now, drain=duration(drain)))
    if json:
        terminal.answer(_as_json(report))
    else:
        _tell(report)
    raise typer.Exit(LEFT if report.drained.left or report.drained.parked else DONE)


async def _once(folder: Path, *, everything: bool, drain: timedelta) -> app.OnceReport:
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ)
    check.show([problem for problem in settings.problems if problem.severity == "error"])
    with terminal.progress("polling", len(settings.feeds)) as advance:
        async with app.opened(
            settings, environment, on_feed=lambda report: advance(), process_name="wirewatch once"
        ) as running:
            return await running.once(everything=everything, drain=drain)


def _tell(report: app.OnceReport) -> None:
    feeds = report.passed.feeds
    new = sum(feed.new for feed in feeds)
    matched = sum(feed.matched for feed in feeds)
    for feed in report.passed.broken:
        error = (feed.error or "").removeprefix(f"{feed.url}: ")
        terminal.say(f"broken: {feed.url}: {error}")
    terminal.say(
        f"{len(feeds)} feeds polled ({len(report.passed.broken)} broken), {new} new articles, {matched} matched; "
        f"{report.drained.sent} messages sent, {report.drained.left} left, {report.drained.parked} parked"
    )
    if report.drained.parked:
        terminal.say("Parked messages are kept; `wirewatch status` lists them with the reason.")


def _as_json(report: app.OnceReport) -> dict[str, object]:
    return {
        "feeds": [
            {"url": feed.url, "error": feed.error, "new": feed.new, "matched": feed.matched}
            for feed in report.passed.feeds
        ],
        "sent": report.drained.sent,
        "left": report.drained.left,
        "parked": report.drained.parked,
    }
