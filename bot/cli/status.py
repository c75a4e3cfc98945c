"""wirewatch status: feeds, rules, outbox, and the last sign of life."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.table import Table
from rich.text import Text

from bot import app, articles, config, model, ports
from bot.alerts import routing
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir, Json
from bot.pipeline import silences
from bot.polling import websub
from bot.ports import keys

#: Rules are shown with their hits of this time.
RECENT = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the command shows, read in one transaction."""

    now: datetime
    feeds: tuple[model.FeedState, ...]
    counts: Mapping[tuple[str, model.SendState], int]
    unsent: tuple[model.Outgoing, ...]
    articles: int
    hits: Mapping[str, int]
    tick: datetime | None
    #: Channel -> why its buttons are not connected.
    unheard: Mapping[str, str]
    #: Of the feeds that name a hub.
    hubs: tuple[model.Subscription, ...]
    #: In force.
    silences: tuple[silences.Listed, ...]


def status(folder: ConfigDir = DEFAULT_CONFIG, json: Json = False) -> None:
    """Show the state of feeds, rules and the outbox.

    Feeds and their health, rules and their hits, and waiting messages with the reason.

    Example: wirewatch status --config config
    """
    settings = app.load(folder, os.environ, wants_warnings=False)
    found, running = asyncio.run(_look(settings))
    if json:
        terminal.answer({"bot": running.what.removeprefix("bot: "), **_as_json(settings, found)})
    else:
        _show(settings, found)
        terminal.row(running.what, style="dim" if running.is_good else "yellow")


async def _look(settings: config.Settings) -> tuple[Status, ports.CheckLine]:
    environment = app.Environment(environ=os.environ)
    now, channels = environment.clock.now(), list(settings.bot.channels)
    async with archive.opened(settings, environment) as store:
        found = await store.read(lambda tx: status_of(tx, now, channels=channels))
        return found, await archive.describe_bot(store, now)


def status_of(tx: ports.Transaction, now: datetime, *, channels: Sequence[str] = ()) -> Status:
    """Read the status; ``channels`` are those whose buttons are looked up."""
    unheard = {name: keys.buttons_trouble(name).get(tx) for name in channels}
    return Status(
        now=now,
        feeds=tuple(tx.feeds.all()),
        counts=tx.outbox.counts(),
        unsent=tuple(tx.outbox.unsent()),
        articles=tx.articles.count(),
        hits=tx.stories.count_by_rule(since=now - RECENT),
        tick=keys.TICK.get(tx),
        unheard={name: reason for name, reason in unheard.items() if reason},
        hubs=tuple(tx.subscriptions.all()),
        silences=tuple(silences.listed(tx, now=now)),
    )


def _as_json(settings: config.Settings, found: Status) -> dict[str, object]:
    # Costs start-up: the documents, which only --json needs.
    from bot.answers import building

    feeds = settings.feeds_by_address
    return {
        "last_tick": found.tick.isoformat() if found.tick else None,
        "articles": found.articles,
        "feeds": [building.feed(state, feeds).model_dump(mode="json") for state in found.feeds],
        "rules": [
            building.rule_line(entry.rule, found.hits.get(entry.rule.name, 0), settings.bot.routes).model_dump(
                mode="json"
            )
            for entry in settings.rules
        ],
        "outbox": [
            {"channel": channel, "state": state.value, "count": count}
            for (channel, state), count in sorted(found.counts.items())
        ],
        "buttons_not_heard": [{"channel": channel, "why": reason} for channel, reason in sorted(found.unheard.items())],
        "hubs": [{"feed": feed, "subscription": told} for feed, told in _hubs(settings, found)],
        "silences": [building.silence(each).model_dump(mode="json") for each in found.silences],
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
            for row in found.unsent
        ],
    }


def _show(settings: config.Settings, found: Status) -> None:
    configured = settings.feeds_by_address
    names = {state.url: articles.feed_name(state, configured) for state in found.feeds}
    feeds = Table("feed", "health", "last good", "last new", "what is wrong", box=None, header_style="dim")
    # A line for each feed, however long its error: --json and `wirewatch feeds test` have the whole of it.
    room = max(20, terminal.out().width - 72)
    for state in found.feeds:
        feeds.add_row(
            _cut(names[state.url], 30),
            state.health_told,
            _ago(found.now, state.ok_at),
            _ago(found.now, state.new_at),
            _cut(_wrong(state), room),
        )
    terminal.out().print(feeds)
    if found.feeds and all(state.failures and state.ok_at is None for state in found.feeds):
        terminal.row(nothing_read(len(found.feeds), _wrong(found.feeds[0])), style="yellow")
    rules = Table("rule", "to", "stories in 7 days", "", box=None, header_style="dim")
    for entry in settings.rules:
        rule = entry.rule
        rules.add_row(
            Text(rule.name),
            Text(routing.told(settings.bot.routes, rule)),
            str(found.hits.get(rule.name, 0)),
            "paused" if rule.paused else "",
        )
    terminal.out().print()
    terminal.out().print(rules)
    terminal.out().print()
    for (channel, sent), count in sorted(found.counts.items()):
        terminal.row(f"{channel}: {count} {sent.value}")
    for channel, why in sorted(found.unheard.items()):
        terminal.row(f"{channel}: the buttons are not connected: {why}", style="yellow")
    for feed, told in _hubs(settings, found):
        terminal.row(f"{names.get(feed) or feed}: {told}", style="dim")
    for each in found.silences:
        terminal.row(f"silence {each.line}")
    for row in found.unsent:
        reason = f": {row.error}" if row.error else ""
        tries = model.counted(row.attempts, "attempt")
        text = f"  {row.state.value} {row.message.kind.value} to {row.channel}, {tries}{reason}"
        terminal.row(text, style="yellow" if row.state is model.SendState.PARKED else "")
    errors = sum(problem.severity == "error" for problem in settings.problems)
    if errors:
        text = f"configuration: {model.counted(errors, 'error')}; `wirewatch check` says where"
        terminal.row(text, style="yellow")
    terminal.row(f"{model.counted(found.articles, 'article')} in the archive", style="dim")


def _hubs(settings: config.Settings, found: Status) -> list[tuple[str, str]]:
    """Feeds that name a hub, each with what came of it."""
    public_url = settings.bot.public_url
    return [(each.feed, websub.told(each, public_url=public_url, now=found.now)) for each in found.hubs]


def _cut(text: str, characters: int) -> Text:
    cut = Text(text, no_wrap=True)
    cut.truncate(characters, overflow="ellipsis")
    return cut


def nothing_read(feeds: int, error: str) -> str:
    """One line for a machine that reaches no feed; ``error`` is that of one of them."""
    return (
        f"None of the {model.counted(feeds, 'feed')} could be read; one of the reasons: {error}. "
        "Is this machine offline, or behind a proxy (`fetch: {use_proxy: true}` in bot.yaml)? "
        "`wirewatch demo` shows the whole job without a network."
    )


def _wrong(state: model.FeedState) -> str:
    """What is wrong, without the address that the row names already."""
    if state.error:
        return state.error.removeprefix(f"{state.url}: ")
    return "; ".join(state.remarks)


def _ago(now: datetime, when: datetime | None) -> str:
    if when is None:
        return "never"
    return archive.shown_age(now - when)
