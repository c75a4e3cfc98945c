"""What every command starts from: the configuration, its database and its channels; no stage of a running bot."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bot import channels, config, model, plugins

if TYPE_CHECKING:
    from bot import storage
    from bot.app.engines.stages import TickEvery


class SystemClock:
    """Implements ``ports.Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one place where time comes in

    async def sleep(self, duration: timedelta) -> None:
        # Costs start-up: commands that only ask for the time do without.
        import asyncio

        await asyncio.sleep(max(0.0, duration.total_seconds()))


async def _tick_every(every: timedelta, work: Callable[[], Coroutine[None, None, None]]) -> None:
    # Costs start-up: APScheduler, which only a running bot needs.
    from bot.app.engines.stages import tick_every

    await tick_every(every, work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a test, a simulation or the demo may replace; each default is the real thing."""

    environ: Mapping[str, str]
    clock: model.Clock = field(default_factory=SystemClock)
    fetcher: model.Fetcher | None = None
    tick_every: TickEvery = _tick_every


def kinds() -> config.Kinds:
    """What may be in the configuration as ``kind``."""
    return config.Kinds(channels.kinds(), _sources)


def broken_plugins() -> tuple[plugins.Broken, ...]:
    """Those that are installed and cannot be used, of channels and sources."""
    # Our own sources are imported by the reader processes; here it would cost 30 MB.
    of_sources = _sources().broken.values() if plugins.are_installed("wirewatch.sources") else ()
    return (*channels.kinds().broken.values(), *of_sources)


def _sources() -> plugins.Kinds:
    # Costs start-up: the parsers, which only a configuration that names a kind of source needs.
    from bot.feeds.kinds import find_kinds

    return find_kinds()


def load(
    folder: Path, environ: Mapping[str, str], previous: config.Settings | None = None, *, wants_warnings: bool = True
) -> config.Settings:
    """The configuration of a folder; without the warnings of rules where nobody reads them. Raises ConfigError."""
    return config.load(folder, previous=previous, environ=environ, kinds=kinds(), wants_warnings=wants_warnings)


def database_of(settings: config.Settings, environment: Environment) -> str:
    """The database's whole address, its secret part read now. Raises ConfigError.

    Also where the archive is still at its place of earlier versions.
    """
    settings.bot.refuse_stray_database(environment.environ)
    return settings.bot.database_address(environment.environ)


def channel_of(
    settings: config.Settings, name: str, environment: Environment, store: storage.Store | None = None
) -> model.Channel:
    """One channel of bot.yaml; one whose secret is unset is built closed: it parks what it is given."""
    found = settings.bot.channels[name]
    return channels.build(
        found.kind,
        name,
        found.options,
        resolve=lambda secret: config.resolve_secret(secret, environment.environ),
        clock=environment.clock,
        key_values=_StoreKeyValues(store, environment.clock) if store else _NoKeyValues(),
        zone=settings.bot.timezone,
    )


class _StoreKeyValues:
    """The small facts that a channel keeps, such as a resolved id."""

    def __init__(self, store: storage.Store, clock: model.Clock) -> None:
        self._store = store
        self._clock = clock

    async def get(self, key: str) -> str | None:
        return await self._store.read(lambda tx: tx.key_values.get(key))

    async def put(self, key: str, value: str) -> None:
        from bot.model.runtime import retry_until_stored  # asyncio, which many commands do without

        # Waits where the database is locked: a mail that has left would leave again.
        await retry_until_stored(lambda: self._store.write(lambda tx: tx.key_values.put(key, value)), self._clock)


class _NoKeyValues:
    """For a channel that is only looked at: nothing is remembered."""

    async def get(self, key: str) -> str | None:
        return None

    async def put(self, key: str, value: str) -> None:
        pass
