"""wirewatch doctor: what could be wrong with an installation, each with what to do."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from bot import app, config, model, ports, storage
from bot.articles import feed_name
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, ConfigDir, Json
from bot.ports import keys

#: Less free space than this fills within days at 10,000 feeds.
LEAST_FREE_BYTES = 1_000_000_000
#: Broken feeds named one by one; `wirewatch status` has the rest.
FEEDS_SHOWN = 10


def doctor(folder: ConfigDir = DEFAULT_CONFIG, json: Json = False) -> None:
    """Diagnose the installation; changes nothing.

    Checks configuration, database, clock, disk, feeds and channels; posts nothing. Exit code 1 when something needs
    attention.

    Example: wirewatch doctor --config config
    """
    lines = asyncio.run(_examine(folder, app.Environment(environ=os.environ)))
    if json:
        terminal.answer([{"good": line.is_good, "what": line.what, "help": line.help} for line in lines])
    else:
        _show(lines)
    raise typer.Exit(DONE if all(line.is_good for line in lines) else LEFT)


async def _examine(folder: Path, environment: app.Environment) -> list[ports.CheckLine]:
    settings = app.load(folder, environment.environ)
    lines = [_of_configuration(settings, folder)]
    lines += await _of_database(settings, environment)
    lines += await _of_channels(settings, environment)
    return lines


def _of_configuration(settings: config.Settings, folder: Path) -> ports.CheckLine:
    errors = sum(problem.severity == "error" for problem in settings.problems)
    return ports.CheckLine(
        is_good=not errors,
        what=f"configuration: {model.counted(len(settings.feeds), 'feed')}, "
        f"{model.counted(len(settings.rules), 'rule')}, {model.counted(errors, 'error')}, "
        f"{model.counted(len(settings.problems) - errors, 'warning')}",
        help=f"wirewatch check --config {folder}" if settings.problems else "",
    )


async def _of_database(settings: config.Settings, environment: app.Environment) -> list[ports.CheckLine]:
    try:
        store = storage.open_store(app.database_of(settings, environment), clock=environment.clock, read_only=True)
    except ports.WirewatchError as error:
        return [ports.CheckLine(is_good=False, what=f"database: {error}")]
    try:
        now = environment.clock.now()
        articles, tick, feeds = await store.read(
            lambda tx: (tx.articles.count(), keys.TICK.get(tx), tuple(tx.feeds.all()))
        )
        running = await archive.describe_bot(store, now)
    except ports.StoreError as error:
        return [ports.CheckLine(is_good=False, what=f"database: {error}")]
    finally:
        await store.close()
    lines = [ports.CheckLine(is_good=True, what=f"database: {store.address}, {model.counted(articles, 'article')}")]
    lines += [_of_clock(tick, now), running]
    lines += _of_disk(store.address.file)
    configured = settings.feeds_by_address
    names = {state.url: feed_name(state, configured) for state in feeds if state.url in configured}
    return lines + _of_feeds(feeds, names)


def _of_clock(ticked_at: datetime | None, now: datetime) -> ports.CheckLine:
    if ticked_at is not None and ticked_at - now > timedelta(minutes=1):
        what = f"clock: it says {now:%d %b %Y %H:%M} UTC, and the bot ran later than that"
        return ports.CheckLine(is_good=False, what=what, help="set the clock; keep it right with timesyncd or chrony")
    return ports.CheckLine(is_good=True, what=f"clock: {now:%d %b %Y %H:%M} UTC")


def _of_disk(database: Path | None) -> list[ports.CheckLine]:
    if database is None:
        return []
    free = shutil.disk_usage(database.parent).free
    return [
        ports.CheckLine.of(
            free >= LEAST_FREE_BYTES,
            f"disk: {free / 1e9:.1f} GB free at {database.parent}; "
            f"the database has {database.stat().st_size / 1e6:.1f} MB",
            otherwise="make room, or keep less: `keep: 90 days` in bot.yaml",
        )
    ]


def _of_feeds(feeds: Sequence[model.FeedState], names: Mapping[str, str]) -> list[ports.CheckLine]:
    broken = [feed for feed in feeds if feed.gone or feed.failures]
    lines = [ports.CheckLine(is_good=not broken, what=f"feeds: {len(feeds) - len(broken)} of {len(feeds)} well")]
    for twins in model.redirected_twins(feed for feed in feeds if feed.url in names):
        both = " and ".join(names[twin.url] for twin in twins)
        what = f"feeds {both}: one address, since one redirects to the other; it is polled twice"
        lines.append(ports.CheckLine(is_good=False, what=what, help="remove one of them from feeds.yaml"))
    for feed in broken[:FEEDS_SHOWN]:
        name = names.get(feed.url, feed.url)
        what = f"feed {name}: {feed.health_told}: {(feed.error or '').removeprefix(f'{feed.url}: ')}"
        lines.append(ports.CheckLine(is_good=False, what=what, help=_advice(feed)))
    if len(broken) > FEEDS_SHOWN:
        lines.append(
            ports.CheckLine(is_good=False, what=f"and {len(broken) - FEEDS_SHOWN} more", help="wirewatch status")
        )
    return lines


def _advice(feed: model.FeedState) -> str:
    if feed.gone:
        return f"remove it from feeds.yaml: {feed.url}"
    if feed.retry_after is not None:
        return f"wait: the server set Retry-After, until {feed.retry_after:%d %b %H:%M} UTC"
    return f"wirewatch feeds test {feed.url}"


async def _of_channels(settings: config.Settings, environment: app.Environment) -> list[ports.CheckLine]:
    lines: list[ports.CheckLine] = []
    for name in settings.bot.channels:
        channel = app.channel_of(settings, name, environment)
        try:
            found = await channel.check()
        except ports.WirewatchError as error:
            found = [ports.CheckLine(is_good=False, what=str(error))]
        finally:
            await channel.close()
        lines += [ports.CheckLine(is_good=x.is_good, what=f"channel {name}: {x.what}", help=x.help) for x in found]
    return lines


def _show(lines: Sequence[ports.CheckLine]) -> None:
    table = Table("", "what", "what to do", box=None, header_style="dim")
    for line in lines:
        mark = Text("ok", style="green") if line.is_good else Text("NO", style="red")
        table.add_row(mark, Text(line.what), Text(line.help))
    terminal.out().print(table)
