"""wirewatch status: show or check the state of the installation, or whether the running bot is ready."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot import app, config, storage
from bot.aio import Failure
from bot.alerts import routing
from bot.cli import archive, terminal
from bot.cli.audit import show_summary
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, ConfigDir, Json
from bot.config import bot_file, files
from bot.durations import format_count, format_rough
from bot.feeds import links
from bot.model.channels import CheckLine
from bot.model.errors import ConfigError, StoreError, WirewatchError
from bot.model.feeds import FeedState, redirected_twins
from bot.model.messages import SendState
from bot.queries.feeds import FeedDocument, find_problems
from bot.queries.quarantine import count_pieces
from bot.queries.registry import Archive, Parameters
from bot.queries.rules import RuleLine
from bot.queries.silences import read_silences
from bot.queries.status import ModelDocument, StatusDocument, describe_bot, read_failures, show_status
from bot.storage import keys
from bot.web.health import readiness

#: `status --check` fails with less free space, which 10,000 feeds fill within days.
LEAST_FREE_BYTES = 1_000_000_000
#: Maximum problems of feeds that --check lists.
PROBLEMS_SHOWN = 10


def status(
    folder: ConfigDir = DEFAULT_CONFIG,
    check: Annotated[bool, typer.Option("--check", help="Check the installation and suggest remedies.")] = False,
    ready: Annotated[bool, typer.Option("--ready", help="Only check whether the bot looks for due feeds.")] = False,
    json: Json = False,
) -> None:
    """Show feeds, rules, waiting messages, and whether the bot runs.

    With --check, checks the configuration, database, clock, disk, quarantine, feeds and channels. Exit code 1:
    something needs attention. With --ready, exits with 1 unless the bot has looked for due feeds within 30 seconds,
    for health checks where /healthz/ready cannot be requested. Changes and posts nothing.

    Example: wirewatch status --check
    """
    if ready:
        is_ready, reason = asyncio.run(_look_up(_load_bot(folder)))
        terminal.say(f"wirewatch: {'ready' if is_ready else 'not ready: ' + reason}")
        raise typer.Exit(DONE if is_ready else LEFT)
    if check:
        lines = asyncio.run(_check(folder))
        if json:
            terminal.answer([{"good": line.is_good, "what": line.what, "help": line.help} for line in lines])
        else:
            terminal.show_checks(lines)
        raise typer.Exit(DONE if all(line.is_good for line in lines) else LEFT)
    settings = app.load(folder, os.environ, wants_warnings=False)
    shown, active_silences, now = archive.look(
        settings,
        lambda archive: (
            show_status(archive, Parameters()),
            read_silences(archive.tx, now=archive.now),
            archive.now,
        ),
    )
    if json:
        terminal.answer(shown)
        return
    _show_feeds(shown.feeds, now)
    _show_rules(shown, settings)
    terminal.row("")
    for count in shown.outbox:
        terminal.row(f"{count.channel}: {format_count(count.count, 'message')} {count.state}")
    for held in shown.held:
        until = f", the first until {held.until:%Y-%m-%d %H:%M} UTC" if held.until else ""
        terminal.row(f"{held.channel}: {format_count(held.count, 'story')} held: {held.reason}{until}")
    for buttons in shown.unconnected_buttons:
        terminal.row(f"{buttons.channel}: the buttons are not connected: {buttons.why}", style="yellow")
    for silence in active_silences:
        terminal.row(f"silence {silence.line}")
    for row in shown.unsent:
        reason = f": {row.why}" if row.why else ""
        tries = format_count(row.attempts, "attempt")
        style = "yellow" if row.state == SendState.PARKED.value else ""
        terminal.row(f"  {row.state} {row.kind} to {row.channel}, {tries}{reason}", style=style)
    for failure in shown.failing:
        times = format_count(failure.count, "time")
        text = f"{failure.name} has failed since {failure.since:%Y-%m-%d %H:%M} UTC ({failure.error}, {times} in a row)"
        terminal.row(f"{text}; read the log", style="yellow")
    for pieces in shown.quarantined:
        set_aside = format_count(pieces.count, pieces.kind)
        text = f"{set_aside} set aside by the stage {pieces.stage}; `wirewatch quarantine list` lists the errors"
        terminal.row(text, style="yellow")
    if shown.words_alone:
        terminal.row(f"stories are grouped by words alone: {shown.words_alone}", style="yellow")
    _show_model(shown.language_model)
    errors = sum(problem.severity == "error" for problem in settings.problems)
    if errors:
        text = f"configuration: {format_count(errors, 'error')}; `wirewatch check` lists them"
        terminal.row(text, style="yellow")
    if shown.audit is not None:
        show_summary(shown.audit)
    if shown.unwatched is not None:
        gap = f"{shown.unwatched.since:%Y-%m-%d %H:%M} to {shown.unwatched.until:%Y-%m-%d %H:%M} UTC"
        terminal.row(f"no feed was polled from {gap}", style="dim")
    terminal.row(f"{format_count(shown.articles, 'article')} in the archive", style="dim")
    terminal.row(f"bot: {shown.bot}", style="dim" if shown.is_running else "yellow")


def _show_model(shown: ModelDocument | None) -> None:
    if shown is None:
        terminal.row(terminal.WITHOUT_A_MODEL, style="dim")
        return
    for use in shown.uses:
        text = f"model {shown.name}, {use.use}: {format_count(use.calls, 'call')} in 24 hours"
        if use.calls:
            text += f", {use.refused} refused, {use.failed} failed, {use.seconds} seconds each"
        if use.use == "same_event":
            text += f"; its answers weigh {shown.weight:.2f}"
        terminal.row(f"{text}{f'; switched off: {use.off}' if use.off else ''}", style="yellow" if use.off else "")
    if shown.warning:
        terminal.row(shown.warning, style="yellow")


def _show_feeds(feeds: Sequence[FeedDocument], now: datetime) -> None:
    header = ("feed", "health", "last good", "last new", "what is wrong")
    rows = [(feed.outlet, _health(feed), _ago(now, feed.ok_at), _ago(now, feed.new_at), _wrong(feed)) for feed in feeds]
    terminal.show_columns(header, rows, unbroken=header[1:4])
    if feeds and all(feed.error and feed.ok_at is None for feed in feeds):
        terminal.row(terminal.nothing_read(len(feeds), _wrong(feeds[0])), style="yellow")
    terminal.row("")


def _show_rules(shown: StatusDocument, settings: config.Settings) -> None:
    rows = []
    for entry, line in zip(settings.rules, shown.rules, strict=True):
        routes = routing.describe_routes(settings.bot.routes, entry.rule)
        rows.append((line.name, routes, str(line.stories_7d), _state(line)))
    for broken in shown.rules_with_mistakes:
        why = (
            "has a mistake; the running bot keeps its last good version"
            if broken.is_kept
            else "off because of a mistake"
        )
        rows.append((broken.name, "", str(broken.stories_7d), why))
    terminal.show_columns(("rule", "to", "stories in 7 days", ""), rows, warns=True)


def _state(rule: RuleLine) -> str:
    return "ended" if rule.ended else "paused" if rule.paused else rule.unmeasured


def _health(feed: FeedDocument) -> str:
    """Return the health of a feed. A feed that can be read and has, for example, moved is not simply ok."""
    return "problem" if feed.health == "ok" and feed.problems else feed.health


def _wrong(feed: FeedDocument) -> str:
    """Return the error of a feed without its address, which the row already shows, or else its problems and remarks."""
    if feed.error:
        return feed.error.removeprefix(f"{feed.url}: ")
    return "; ".join([*(problem.text for problem in feed.problems), *feed.remarks])


def _ago(now: datetime, when: datetime | None) -> str:
    return f"{format_rough(now - when)} ago" if when else "never"


# -- --check


async def _check(folder: Path) -> list[CheckLine]:
    settings = app.load(folder, os.environ)
    try:
        async with archive.opened(settings) as answers:
            kept, database = await answers.read(_read_checks)
    except WirewatchError as error:
        kept, database = (), [CheckLine(is_good=False, what=f"database: {error}")]
    return [_of_configuration(settings, kept, folder), *database, *await _of_channels(settings)]


def _of_configuration(settings: config.Settings, kept: Collection[str], folder: Path) -> CheckLine:
    """Return the line of the configuration. ``kept`` are refused rules whose last good version is in force."""
    kept = set(kept) & set(settings.off)
    errors = sum(problem.severity == "error" for problem in settings.problems)
    in_force = format_count(len(settings.rules) + len(kept), "rule") + " in force"
    if kept:
        in_force += f" ({len(kept)} in the last good version)"
    what = (
        f"configuration: {format_count(len(settings.feeds), 'feed')}, {in_force}, {format_count(errors, 'error')}, "
        f"{format_count(len(settings.problems) - errors, 'warning')}"
    )
    help_text = f"wirewatch check --config {folder}" if settings.problems else ""
    return CheckLine(is_good=not errors, what=what, help=help_text)


def _read_checks(archive: Archive) -> tuple[Sequence[str], list[CheckLine]]:
    """Return the rules that the running bot keeps in their last good version, and the lines of the checks."""
    tx, now, store = archive.tx, archive.now, archive.watched.store
    articles = format_count(tx.articles.count(), "article")
    bot = describe_bot(tx, owner=store.owner, now=now)
    return keys.KEPT_RULES.get(tx) or () if bot.is_good else (), [
        CheckLine(is_good=True, what=f"database: {store.address}, {articles}"),
        _of_clock(keys.TICK.get(tx), now),
        CheckLine(is_good=bot.is_good, what=f"bot: {bot.what}", help=bot.help),
        *_of_failures(read_failures(tx, now=now) if bot.is_good else []),
        *_of_disk(store.address.file),
        _of_quarantine(sum(pieces.count for pieces in count_pieces(tx))),
        *check_feeds(archive),
    ]


def _of_failures(failures: Sequence[Failure]) -> list[CheckLine]:
    return [
        CheckLine(
            is_good=False,
            what=f"task {failure.name}: has failed since {failure.since:%Y-%m-%d %H:%M} UTC ({failure.error})",
            help="read the end of the log",
        )
        for failure in failures
    ]


def _of_quarantine(count: int) -> CheckLine:
    if not count:
        return CheckLine(is_good=True, what="quarantine: nothing is set aside")
    verb = "is" if count == 1 else "are"
    what = f"quarantine: {format_count(count, 'piece')} of work {verb} set aside after an unexpected error"
    return CheckLine(is_good=False, what=what, help="wirewatch quarantine list")


def _of_clock(ticked_at: datetime | None, now: datetime) -> CheckLine:
    if ticked_at is not None and ticked_at - now > timedelta(minutes=1):
        what = f"clock: shows {now:%Y-%m-%d %H:%M} UTC, which is earlier than the bot's last activity"
        return CheckLine(is_good=False, what=what, help="set the clock; keep it right with timesyncd or chrony")
    return CheckLine(is_good=True, what=f"clock: {now:%Y-%m-%d %H:%M} UTC")


def _of_disk(database: Path | None) -> list[CheckLine]:
    if database is None:
        return []
    free = shutil.disk_usage(database.parent).free
    return [
        CheckLine.of(
            free >= LEAST_FREE_BYTES,
            f"disk: {free / 1e9:.1f} GB free at {database.parent}; "
            f"the database has {database.stat().st_size / 1e6:.1f} MB",
            otherwise="free some space, or keep articles for a shorter time, such as `keep: 90 days` in bot.yaml",
        )
    ]


def check_feeds(archive: Archive) -> list[CheckLine]:
    """Return one line about all feeds, and one for each problem of a feed."""
    states, settings = archive.tx.feeds.all(), archive.settings
    names = {state.url: links.feed_name(state, settings.feeds_by_address) for state in states}
    problems = [(state, problem) for state in states for problem in find_problems(state, settings, archive.now)]
    count = len({state.url for state, _ in problems})
    verb = "has" if count == 1 else "have"
    what = f"{count} of {len(states)} {verb} problems" if count else f"all {len(states)} work"
    lines = [CheckLine(is_good=not count, what=f"feeds: {what if states else 'none has been polled yet'}")]
    for twins in redirected_twins(state for state in states if state.url in settings.feeds_by_address):
        both = " and ".join(names[twin.url] for twin in twins)
        what = f"feeds {both} are the same, because one redirects to the other; the feed is polled twice"
        lines.append(CheckLine(is_good=False, what=what, help="remove one of them from feeds.yaml"))
    for state, problem in problems[:PROBLEMS_SHOWN]:
        advice = _advice(state) if problem.kind in ("gone", "broken", "failing") else ""
        lines.append(CheckLine(is_good=False, what=f"feed {names[state.url]} {problem.text}", help=advice))
    if len(problems) > PROBLEMS_SHOWN:
        more = format_count(len(problems) - PROBLEMS_SHOWN, "more problem")
        lines.append(CheckLine(is_good=False, what=f"and {more}", help="wirewatch status"))
    return lines


def _advice(feed: FeedState) -> str:
    if feed.gone:
        return f"remove it from feeds.yaml: {feed.url}"
    if feed.retry_after is not None:
        return f"wait: the server set Retry-After, until {feed.retry_after:%Y-%m-%d %H:%M} UTC"
    return f"wirewatch feeds test {feed.url}"


async def _of_channels(settings: config.Settings) -> list[CheckLine]:
    environment = app.Environment(environ=os.environ)
    lines: list[CheckLine] = []
    for name in settings.bot.channels:
        channel = app.channel_of(settings, name, environment)
        try:
            result = await channel.check()
        except WirewatchError as error:
            result = [CheckLine(is_good=False, what=str(error))]
        finally:
            await channel.close()
        lines += [CheckLine(is_good=x.is_good, what=f"channel {name}: {x.what}", help=x.help) for x in result]
    return lines


# -- --ready


def _load_bot(folder: Path) -> config.BotSettings:
    """Load bot.yaml without feeds and rules, because many rules take longer to load than a health check may take."""
    path = str(folder / files.BOT)
    try:
        report = files.parse_file(path, files.read_content(path))
    except OSError as error:
        raise ConfigError(f"reading {path}: {error.strerror}") from None
    settings = bot_file.parse_bot_file(report, kinds=app.kinds(), environ=os.environ)
    if settings is None or report.error_count:
        raise ConfigError(f"{path} has errors", report.finish())
    return settings


async def _look_up(settings: config.BotSettings) -> tuple[bool, str]:
    environment = app.Environment(environ=os.environ)
    address = settings.database_address(environment.environ)
    try:
        store = storage.open_store(address, clock=environment.clock, read_only=True)
    except StoreError as error:
        return False, str(error)
    try:
        result = await readiness(store, environment.clock.now())
    finally:
        await store.close()
    return result.is_ready, result.reason
