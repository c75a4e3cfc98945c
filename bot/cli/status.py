"""wirewatch status and probe: feeds, rules, outbox; whether the bot runs; what needs attention."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from bot import app, channels, config, model, storage
from bot.alerts import routing
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, ConfigDir, Json
from bot.config import bot_file, files
from bot.feeds import health, outlets, websub
from bot.pipeline import silences
from bot.queries.registry import Archive
from bot.storage import keys
from bot.web.health import readiness

#: Rules are shown with their hits of this time.
RECENT = timedelta(days=7)
#: Less free space than this fills within days at 10,000 feeds.
LEAST_FREE_BYTES = 1_000_000_000
#: Broken feeds that --check names one by one.
FEEDS_SHOWN = 10


def status(
    folder: ConfigDir = DEFAULT_CONFIG,
    check: Annotated[bool, typer.Option("--check", help="Check the installation and say what to do.")] = False,
    json: Json = False,
) -> None:
    """Show feeds, rules, waiting messages, and whether the bot runs.

    With --check: check configuration, database, clock, disk, feeds and channels; exit code 1 when something needs
    attention. Changes and posts nothing.

    Example: wirewatch status --check
    """
    if check:
        lines = asyncio.run(_check(folder, app.Environment(environ=os.environ)))
        if json:
            terminal.answer([{"good": line.is_good, "what": line.what, "help": line.help} for line in lines])
        else:
            terminal.show_checks(lines)
        raise typer.Exit(DONE if all(line.is_good for line in lines) else LEFT)
    settings = app.load(folder, os.environ, wants_warnings=False)
    asyncio.run(_print_status(settings, as_json=json))


async def _print_status(settings: config.Settings, *, as_json: bool) -> None:
    environment = app.Environment(environ=os.environ)
    async with archive.opened(settings, environment) as answers:
        running = await archive.describe_bot(answers.watched.store, environment.clock.now())
        if as_json:
            document = await answers.read(lambda archive: describe_status(archive, is_running=running.is_good))
            terminal.answer({"bot": running.what.removeprefix("bot: "), **document})
            return
        # Printed after the transaction: a pager may take its time.
        parts = await answers.read(lambda archive: list(_parts(archive, is_running=running.is_good)))
    for part in parts:
        if isinstance(part, Table):
            terminal.show_table(part)
        else:
            terminal.row(*part)
    terminal.row(running.what, style="dim" if running.is_good else "yellow")


def describe_status(archive: Archive, *, is_running: bool) -> dict[str, object]:
    """Return the status for ``--json``."""
    # Costs start-up: the documents, which only --json needs.
    from bot.queries.feeds import describe_feed
    from bot.queries.rules import summarize_rule
    from bot.queries.silences import SilencesAnswer

    tx, settings = archive.tx, archive.settings
    tick, stories = keys.TICK.get(tx), tx.stories.count_by_rule(since=archive.now - RECENT)
    kept = _kept(tx) if is_running else []
    return {
        "last_tick": tick.isoformat() if tick else None,
        "articles": tx.articles.count(),
        "feeds": [describe_feed(state, settings.feeds_by_address) for state in tx.feeds.all()],
        "rules": [
            summarize_rule(entry.rule, stories.get(entry.rule.name, 0), settings.bot.routes) for entry in settings.rules
        ],
        "rules_with_mistakes": [{"name": name, "is_kept": name in kept} for name in settings.off],
        "outbox": [
            {"channel": channel, "state": state.value, "count": count}
            for (channel, state), count in sorted(tx.outbox.counts().items())
        ],
        "buttons_not_heard": [{"channel": channel, "why": reason} for channel, reason in _unheard(archive)],
        "hubs": [{"feed": feed, "subscription": text} for feed, text in _hubs(archive)],
        "silences": SilencesAnswer.of(silences.list_silences(tx, now=archive.now)).silences,
        "unsent": [
            {
                "id": row.id,
                "channel": row.channel,
                "kind": row.message.kind.value,
                "state": row.state.value,
                "attempts": row.attempts,
                "due_at": row.due_at.isoformat(),
                "why": row.error,
            }
            for row in tx.outbox.unsent()
        ],
    }


def _kept(tx: storage.Transaction) -> list[str]:
    """Return the rules with a mistake whose last good version the running bot still uses."""
    names: list[str] = json.loads(keys.KEPT_RULES.get(tx) or "[]")
    return names


def _unheard(archive: Archive) -> list[tuple[str, str]]:
    """Return the channels whose buttons are not connected, each with the reason."""
    reasons = ((name, keys.buttons_trouble(name).get(archive.tx)) for name in sorted(archive.settings.bot.channels))
    return [(name, reason) for name, reason in reasons if reason]


def _parts(archive: Archive, *, is_running: bool) -> Iterator[Table | tuple[str, str]]:
    """Return the tables and lines to print, each line with its style."""
    tx, now, settings = archive.tx, archive.now, archive.settings
    states, kept = tx.feeds.all(), _kept(tx) if is_running else []
    names = {state.url: outlets.feed_name(state, settings.feeds_by_address) for state in states}
    feeds = Table("feed", "health", "last good", "last new", "what is wrong", box=None, header_style="dim")
    for column in feeds.columns[1:4]:
        column.no_wrap = True
    for state in states:
        feeds.add_row(
            Text(names[state.url]),
            state.health_told,
            _ago(now, state.ok_at),
            _ago(now, state.new_at),
            Text(_wrong(state)),
        )
    yield feeds
    if states and all(state.failures and state.ok_at is None for state in states):
        yield nothing_read(len(states), _wrong(states[0])), "yellow"
    rules = Table("rule", "to", "stories in 7 days", "", box=None, header_style="dim")
    stories = tx.stories.count_by_rule(since=now - RECENT)
    for rule in (entry.rule for entry in settings.rules):
        routes = routing.describe_routes(settings.bot.routes, rule)
        rules.add_row(Text(rule.name), Text(routes), str(stories.get(rule.name, 0)), "paused" if rule.paused else "")
    for name in settings.off:
        why = "has a mistake; the running bot keeps its last good version" if name in kept else "off: a mistake"
        rules.add_row(Text(name), "", str(stories.get(name, 0)), Text(why, style="yellow"))
    yield "", ""
    yield rules
    yield "", ""
    for (channel, sent), count in sorted(tx.outbox.counts().items()):
        yield f"{channel}: {count} {sent.value}", ""
    for channel, why in _unheard(archive):
        yield f"{channel}: the buttons are not connected: {why}", "yellow"
    for feed, subscription in _hubs(archive):
        yield f"{names.get(feed) or feed}: {subscription}", "dim"
    for silence in silences.list_silences(tx, now=now):
        yield f"silence {silence.line}", ""
    for row in tx.outbox.unsent():
        reason = f": {row.error}" if row.error else ""
        tries = model.format_count(row.attempts, "attempt")
        text = f"  {row.state.value} {row.message.kind.value} to {row.channel}, {tries}{reason}"
        yield text, "yellow" if row.state is model.SendState.PARKED else ""
    errors = sum(problem.severity == "error" for problem in settings.problems)
    if errors:
        text = f"configuration: {model.format_count(errors, 'error')}; `wirewatch check` says where"
        yield text, "yellow"
    yield f"{model.format_count(tx.articles.count(), 'article')} in the archive", "dim"


def _hubs(archive: Archive) -> list[tuple[str, str]]:
    """Return the feeds that name a hub, each with the state of its subscription."""
    public_url = archive.settings.bot.public_url
    return [
        (entry.feed, websub.describe_subscription(entry, public_url=public_url, now=archive.now))
        for entry in archive.tx.subscriptions.all()
    ]


def nothing_read(feeds: int, error: str) -> str:
    """Return one line for a machine that reaches no feed, with the error of one feed."""
    what = (
        f"None of the {feeds} feeds could be read; one of the reasons"
        if feeds > 1
        else "The only feed could not be read"
    )
    return (
        f"{what}: {error}. "
        "Is this machine offline, or behind a proxy (`fetch: {use_proxy: true}` in bot.yaml)? "
        "`wirewatch demo` shows the whole job without a network."
    )


def _wrong(state: model.FeedState) -> str:
    """Return the error of a feed without its address, which the row shows already."""
    if state.error:
        return state.error.removeprefix(f"{state.url}: ")
    return "; ".join(health.poll_remarks(state))


def _ago(now: datetime, when: datetime | None) -> str:
    return f"{model.format_rough(now - when)} ago" if when else "never"


# -- --check


async def _check(folder: Path, environment: app.Environment) -> list[model.CheckLine]:
    settings = app.load(folder, environment.environ)
    lines = [_of_configuration(settings, folder)]
    lines += await _of_database(settings, environment)
    lines += await _of_channels(settings, environment)
    return lines


def _of_configuration(settings: config.Settings, folder: Path) -> model.CheckLine:
    errors = sum(problem.severity == "error" for problem in settings.problems)
    return model.CheckLine(
        is_good=not errors,
        what=f"configuration: {model.format_count(len(settings.feeds), 'feed')}, "
        f"{model.format_count(len(settings.rules), 'rule')}, {model.format_count(errors, 'error')}, "
        f"{model.format_count(len(settings.problems) - errors, 'warning')}",
        help=f"wirewatch check --config {folder}" if settings.problems else "",
    )


async def _of_database(settings: config.Settings, environment: app.Environment) -> list[model.CheckLine]:
    try:
        store = storage.open_store(app.database_of(settings, environment), clock=environment.clock, read_only=True)
    except model.WirewatchError as error:
        return [model.CheckLine(is_good=False, what=f"database: {error}")]
    try:
        now = environment.clock.now()
        count, tick, feeds = await store.read(
            lambda tx: (tx.articles.count(), keys.TICK.get(tx), tuple(tx.feeds.all()))
        )
        running = await archive.describe_bot(store, now)
    except model.StoreError as error:
        return [model.CheckLine(is_good=False, what=f"database: {error}")]
    finally:
        await store.close()
    lines = [model.CheckLine(is_good=True, what=f"database: {store.address}, {model.format_count(count, 'article')}")]
    lines += [_of_clock(tick, now), running]
    lines += _of_disk(store.address.file)
    configured = settings.feeds_by_address
    names = {state.url: outlets.feed_name(state, configured) for state in feeds if state.url in configured}
    return lines + _of_feeds(feeds, names)


def _of_clock(ticked_at: datetime | None, now: datetime) -> model.CheckLine:
    if ticked_at is not None and ticked_at - now > timedelta(minutes=1):
        what = f"clock: it says {now:%d %b %Y %H:%M} UTC, and the bot ran later than that"
        return model.CheckLine(is_good=False, what=what, help="set the clock; keep it right with timesyncd or chrony")
    return model.CheckLine(is_good=True, what=f"clock: {now:%d %b %Y %H:%M} UTC")


def _of_disk(database: Path | None) -> list[model.CheckLine]:
    if database is None:
        return []
    free = shutil.disk_usage(database.parent).free
    return [
        model.CheckLine.of(
            free >= LEAST_FREE_BYTES,
            f"disk: {free / 1e9:.1f} GB free at {database.parent}; "
            f"the database has {database.stat().st_size / 1e6:.1f} MB",
            otherwise="make room, or keep less: `keep: 90 days` in bot.yaml",
        )
    ]


def _of_feeds(feeds: Sequence[model.FeedState], names: Mapping[str, str]) -> list[model.CheckLine]:
    broken = [feed for feed in feeds if feed.gone or feed.failures]
    what = f"{len(broken)} of {len(feeds)} are broken" if broken else f"all {len(feeds)} are well"
    lines = [model.CheckLine(is_good=not broken, what=f"feeds: {what if feeds else 'none has been polled yet'}")]
    for twins in model.redirected_twins(feed for feed in feeds if feed.url in names):
        both = " and ".join(names[twin.url] for twin in twins)
        what = f"feeds {both}: one address, since one redirects to the other; it is polled twice"
        lines.append(model.CheckLine(is_good=False, what=what, help="remove one of them from feeds.yaml"))
    for feed in broken[:FEEDS_SHOWN]:
        name = names.get(feed.url, feed.url)
        what = f"feed {name}: {feed.health_told}: {(feed.error or '').removeprefix(f'{feed.url}: ')}"
        lines.append(model.CheckLine(is_good=False, what=what, help=_advice(feed)))
    if len(broken) > FEEDS_SHOWN:
        lines.append(
            model.CheckLine(is_good=False, what=f"and {len(broken) - FEEDS_SHOWN} more", help="wirewatch status")
        )
    return lines


def _advice(feed: model.FeedState) -> str:
    if feed.gone:
        return f"remove it from feeds.yaml: {feed.url}"
    if feed.retry_after is not None:
        return f"wait: the server set Retry-After, until {feed.retry_after:%d %b %H:%M} UTC"
    return f"wirewatch feeds test {feed.url}"


async def _of_channels(settings: config.Settings, environment: app.Environment) -> list[model.CheckLine]:
    lines: list[model.CheckLine] = []
    for name in settings.bot.channels:
        channel = app.channel_of(settings, name, environment)
        try:
            result = await channel.check()
        except model.WirewatchError as error:
            result = [model.CheckLine(is_good=False, what=str(error))]
        finally:
            await channel.close()
        lines += [model.CheckLine(is_good=x.is_good, what=f"channel {name}: {x.what}", help=x.help) for x in result]
    return lines


#: A probe that waits longer is a failed one for whoever asked.
TIMEOUT_SECONDS = 5.0


def probe(folder: ConfigDir = DEFAULT_CONFIG) -> None:
    """Check whether the running bot is ready.

    Asks its status page; without one, checks its last tick in the database.

    Example: wirewatch probe --config /config
    """
    settings = _load_settings(folder)
    if settings.web:
        is_ready, reason = _ask_page(settings.web)
    else:
        is_ready, reason = asyncio.run(_looked_up(settings))
    terminal.say(f"wirewatch: {'ready' if is_ready else 'not ready: ' + reason}")
    raise typer.Exit(DONE if is_ready else LEFT)


def _load_settings(folder: Path) -> config.BotSettings:
    """bot.yaml alone: a hundred thousand rules would take longer to read than a probe may wait."""
    path = str(folder / files.BOT)
    try:
        report = files.parse_file(files.read_file(path, None))
    except OSError as error:
        raise model.ConfigError(f"reading {path}: {error.strerror}") from None
    settings = bot_file.parse_bot_file(report, kinds=channels.kinds(), environ=os.environ)
    if settings is None or report.error_count:
        raise model.ConfigError(f"reading {path}: it cannot be used", report.finish())
    return settings


def _ask_page(page: config.WebSettings) -> tuple[bool, str]:
    # If the page listens on all addresses, ask on the loopback.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(page.host, page.host)  # noqa: S104 - compared, not listened at
    connection = http.client.HTTPConnection(host, page.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/healthz/ready")
        answer = connection.getresponse()
        text = json.loads(answer.read(10_000))
        return answer.status == http.client.OK, str(text["reason"])
    except (OSError, http.client.HTTPException) as error:
        return False, f"nobody answers at {page.listen} ({str(error) or type(error).__name__})"
    except (ValueError, LookupError, TypeError):
        return False, f"what answers at {page.listen} is not Wirewatch"
    finally:
        connection.close()


async def _looked_up(settings: config.BotSettings) -> tuple[bool, str]:
    environment = app.Environment(environ=os.environ)
    address = settings.database_address(environment.environ)
    try:
        store = storage.open_store(address, clock=environment.clock, read_only=True)
    except model.StoreError as error:
        return False, str(error)
    try:
        result = await readiness(store, environment.clock.now())
    finally:
        await store.close()
    return result.is_ready, result.reason
