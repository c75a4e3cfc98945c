"""Load the configuration, and find its database and channels. Every command starts here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bot import channels, config, plugins
from bot.durations import Clock

if TYPE_CHECKING:
    from bot import storage
    from bot.app.jobs import RunJobs
    from bot.model.channels import Channel
    from bot.model.fetching import Fetcher


class SystemClock:
    """The clock of the machine; implements ``Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the only place that reads the time

    async def sleep(self, duration: timedelta) -> None:
        # Import here, because most commands need only the time.
        import asyncio

        await asyncio.sleep(max(0.0, duration.total_seconds()))


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """A command's environment variables, clock, fetcher and scheduler. Tests, simulations and the demo replace some."""

    environ: Mapping[str, str]
    clock: Clock = msgspec.field(default_factory=SystemClock)
    fetcher: Fetcher | None = None
    #: Runs the jobs, or None for APScheduler.
    run_jobs: RunJobs | None = None


def kinds() -> config.KnownKinds:
    """Return the kinds of channels and sources that a configuration may name."""
    return config.KnownKinds(channels.kinds(), _sources, channels.features_of)


def broken_plugins() -> tuple[plugins.Broken, ...]:
    """Return the plug-ins that are installed but cannot be used."""
    # Import sources only if a plug-in adds some, because the built-in sources take 30 MB.
    of_sources = _sources().broken.values() if plugins.are_installed("wirewatch.sources") else ()
    return (*channels.kinds().broken.values(), *of_sources)


def _sources() -> plugins.Kinds:
    # Import here, because only a configuration that names a kind of source needs the parsers.
    from bot.feeds.kinds import find_kinds

    return find_kinds()


def load(
    folder: Path, environ: Mapping[str, str], previous: config.Settings | None = None, *, wants_warnings: bool = True
) -> config.Settings:
    """Load the configuration of a folder, optionally without the warnings about rules. Raises ConfigError."""
    return config.load(folder, previous=previous, environ=environ, kinds=kinds(), wants_warnings=wants_warnings)


def database_of(settings: config.Settings, environment: Environment) -> str:
    """Return the address of the database, with its password resolved. Raises ConfigError."""
    return settings.bot.database_address(environment.environ)


def channel_of(
    settings: config.Settings, name: str, environment: Environment, store: storage.Store | None = None
) -> Channel:
    """Build one channel of bot.yaml. If its secret is not set, the channel is closed and its messages wait."""
    channel = settings.bot.channels[name]
    context = channels.ChannelContext(
        resolve=lambda secret: config.resolve_secret(secret, environment.environ),
        clock=environment.clock,
        key_values=_StoreKeyValues(store, environment.clock) if store else _NoKeyValues(),
        zone=settings.bot.timezone,
    )
    return channels.build(channel.kind, name, channel.options, context)


class _StoreKeyValues:
    """Stores a channel's values, such as a resolved id, in the database."""

    def __init__(self, store: storage.Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def get(self, key: str) -> str | None:
        return await self._store.read(lambda tx: tx.key_values.get(key))

    async def put(self, key: str, value: str) -> None:
        from bot.aio import retry_until_stored  # imports asyncio, which many commands do not need

        # Retry until the database is available, because without the value, a mail that was sent would be sent again.
        await retry_until_stored(lambda: self._store.write(lambda tx: tx.key_values.put(key, value)), self._clock)


class _NoKeyValues:
    """Stores nothing, for a channel that is only checked."""

    async def get(self, key: str) -> str | None:
        return None

    async def put(self, key: str, value: str) -> None:
        pass
