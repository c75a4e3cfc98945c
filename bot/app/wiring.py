"""The concrete parts, each made from the settings and the environment."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot import __version__, channels, config, model, ports, rules, storage
from bot.app.environment import Environment, channel_of
from bot.app.live import Live
from bot.app.observers import Observers
from bot.fetch import fulltext, google_news, room
from bot.fetch.first_use import FetcherAtFirstUse
from bot.language import encoders
from bot.maintenance.heartbeat import Heartbeat
from bot.pipeline.deciding import Deciding
from bot.pipeline.passes import Pipeline
from bot.pipeline.reports import FeedReport
from bot.pipeline.snapshot import Snapshot
from bot.reading import processes
from bot.reading.processes import Processes
from bot.reading.threads import Threads

if TYPE_CHECKING:
    from bot.fetch.client import HttpFetcher


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is wired once at the start and stays until the end; what a reload swaps is ``Live``."""

    environment: Environment
    store: storage.SqlStore
    clock: ports.Clock
    heartbeat: Heartbeat
    observers: Observers
    fetcher: ports.Fetcher
    #: Reads documents outside of the event loop.
    documents: Threads | Processes
    deciding: Deciding
    pipeline: Pipeline


def snapshot_of(settings: config.Settings) -> Snapshot:
    """The settings as the pipeline reads them."""
    bot = settings.bot
    return Snapshot(
        feeds={feed.url: feed for feed in settings.feeds},
        rules=rules.RuleSet(settings.rules),
        fetch=bot.fetch,
        policies={name: _policy(bot, channel) for name, channel in bot.channels.items()},
        routes=bot.routes,
        mention=bot.mention,
        people={name: channels.people(channel.options) for name, channel in bot.channels.items()},
        channels=frozenset(bot.channels),
        restricted=frozenset(name for name, each in bot.channels.items() if channels.may_act(each.options)),
        with_buttons=frozenset(name for name, channel in bot.channels.items() if channels.has_buttons(channel.options)),
        escalate=bot.escalate,
        operator=bot.operator,
        window=bot.stories_window,
        public_url=bot.public_url or "",
        zone=bot.timezone,
        language_model=bot.language_model,
        encoder=encoders.of(bot.languages),
    )


def _policy(bot: config.BotSettings, channel: config.ChannelSettings) -> model.SpeakPolicy:
    told = channels.digest(channel.options)
    digest = model.Digest(at=told[0], zone=told[1] or bot.timezone) if told else None
    return model.SpeakPolicy(
        quiet=bot.quiet,
        posts_per_hour=bot.posts_per_hour,
        can_edit=channels.can_edit(channel.kind, channel.options),
        gather=bot.gather,
        digest=digest,
        translate=channel.translate,
        thread=channel.thread,
    )


def fetcher_of(policy: model.FetchPolicy, environment: Environment) -> ports.Fetcher:
    """The HTTP client of feeds, or the one that ``environment`` brings."""

    def made() -> HttpFetcher:
        # Costs start-up: httpx and the certificates.
        from bot.fetch.client import HttpFetcher

        return HttpFetcher(
            policy, environment.clock, secret_of=lambda secret: config.resolve(secret, environment.environ)
        )

    return environment.fetcher or FetcherAtFirstUse(made)


def parts_of(
    settings: config.Settings,
    environment: Environment,
    store: storage.SqlStore,
    *,
    on_feed: Callable[[FeedReport], None],
    process_name: str,
) -> Parts:
    """Everything over an open store, nothing of it begun; ``on_feed`` is told of each poll beside the observers."""
    clock, fetch, observers = environment.clock, settings.bot.fetch, Observers()
    fetcher = fetcher_of(fetch, environment)
    documents = processes.of(fetch)
    deciding = Deciding(store=store, clock=clock, window=settings.bot.stories_window, on_decided=observers.on_decided)

    def on_feed_of_both(report: FeedReport) -> None:
        on_feed(report)
        observers.on_feed(report)

    return Parts(
        environment=environment,
        store=store,
        clock=clock,
        heartbeat=Heartbeat(
            store,
            clock,
            process=f"{process_name}, process {os.getpid()} on {platform.node()}",
            version=__version__,
            is_alone=store.address.is_sqlite,
        ),
        observers=observers,
        fetcher=fetcher,
        documents=documents,
        deciding=deciding,
        pipeline=Pipeline(
            store=store,
            fetcher=fetcher,
            documents=documents,
            pages=fulltext.TrafilaturaReader(fetcher, clock, extract=documents.text_of_page),
            links=google_news.GoogleNews(fetcher, clock),
            clock=clock,
            concurrency=fetch.concurrency,
            room=room.Room(),
            deciding=deciding,
            on_feed=on_feed_of_both,
        ),
    )


def live_of(
    settings: config.Settings,
    environment: Environment,
    store: storage.SqlStore,
    *,
    given: Mapping[str, ports.Channel] | None = None,
) -> Live:
    """The configuration as it takes force now; ``given`` channels are taken as they are, the others are built."""
    given = given or {}
    return Live(
        settings=settings,
        snapshot=snapshot_of(settings),
        channels={
            name: given.get(name) or channel_of(settings, name, environment, store) for name in settings.bot.channels
        },
        loaded_at=environment.clock.now(),
    )
