"""What the three kinds of file say, once read: the settings of a running bot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pydantic

from bot import model, rules
from bot.config import database_place, secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """One channel of bot.yaml."""

    name: str
    kind: str
    #: Of the channel's own ``Options``, checked.
    options: pydantic.BaseModel
    #: Where it is, for messages: “config/bot.yaml:5”.
    place: str
    #: The language that its readers want beside the original; None: none.
    translate: str | None = None
    #: What its threads get.
    thread: model.Thread = model.Thread.NEWS


@dataclass(frozen=True, slots=True, kw_only=True)
class WebToken:
    """A program's token, and what it opens."""

    token: model.Secret
    may: model.TokenScope


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Where the status page listens, and what it asks of its readers."""

    listen: str
    host: str
    port: int
    #: Asked of every reader but /healthz; None: nothing is asked.
    token: model.Secret | None = None
    #: Of programs, by name: with these they ask the API.
    tokens: Mapping[str, WebToken] = field(default_factory=dict)
    #: The tools for assistants are served too.
    mcp: bool = False
    #: Under which others reach the page; None: hubs are not subscribed to.
    public_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """bot.yaml."""

    #: The folder of bot.yaml: a relative path in the database's address starts there.
    folder: Path
    #: An address without a password, or where the whole address is kept.
    database: str | model.Secret
    timezone: ZoneInfo
    channels: Mapping[str, ChannelSettings]
    #: Of rules that name no channel.
    routes: tuple[model.Route, ...]
    #: Whom stories of a severity mention, where the rule does not say.
    mention: Mapping[model.Severity, tuple[str, ...]]
    #: What becomes of high stories that nobody claims; None: nothing.
    escalate: model.Escalate | None
    #: The channel in which the bot posts about itself; None: the log only.
    operator: str | None
    fetch: model.FetchPolicy
    #: With what the feeds of a host are asked, by its name or ``*.`` and the name above it.
    hosts: Mapping[str, model.Access]
    stories_window: timedelta
    languages: model.Languages
    quiet: model.QuietHours | None
    #: Of each channel; None: no cap.
    posts_per_hour: int
    #: How long first posts wait for other outlets; None: they do not.
    gather: timedelta | None
    web: WebSettings | None
    #: How long articles are kept; None: for ever.
    keep: timedelta | None
    on_unknown: model.OnUnknown
    #: None: no language model is asked.
    language_model: model.LanguageModelPolicy | None = None

    @property
    def public_url(self) -> str | None:
        """The address under which hubs reach the page; None: there is no page, or they cannot."""
        return self.web.public_url if self.web else None

    @property
    def people(self) -> frozenset[str]:
        """Names of those whom a channel can mention."""
        return frozenset(name for channel in self.channels.values() for name in getattr(channel.options, "people", {}))

    def database_address(self, environ: Mapping[str, str]) -> str:
        """The whole address, its secret part read now and its path absolute. Raises ConfigError."""
        return database_place.absolute(self._database(environ), database_place.start(self.folder, environ))

    def refuse_stray_database(self, environ: Mapping[str, str]) -> None:
        """Raises ConfigError, with the line that moves it, where the archive is at its place of earlier versions."""
        database_place.refuse_stray(self._database(environ), database_place.start(self.folder, environ))

    def _database(self, environ: Mapping[str, str]) -> str:
        return self.database if isinstance(self.database, str) else secrets.resolve(self.database, environ)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRule:
    """One rule and where it is."""

    compiled: rules.CompiledRule
    line: int
    column: int
    #: What is allowed in it and rarely meant.
    warnings: tuple[rules.RuleProblem, ...] = ()
    #: It was refused as it is now; this is its last good version.
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What shows without reading whether a file changed."""

    modified_ns: int
    changed_ns: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """One file as last read: what a reload need not do again."""

    path: str
    stamp: Stamp
    #: SHA-256 of its bytes.
    digest: str
    problems: tuple[model.Problem, ...] = ()
    #: Of a rule file.
    rules: tuple[LoadedRule, ...] = ()
    #: Names of rules that were refused and have no good version: they are off.
    off: tuple[str, ...] = ()
    #: Of a rule file: the channels and feeds that it names, which other files must have.
    needs: frozenset[tuple[str, str]] = frozenset()
    #: Those of them that no other file had.
    missing: frozenset[tuple[str, str]] = frozenset()
    #: A value of it depends on bot.yaml's time zone.
    uses_zone: bool = False
    #: Of feeds.yaml.
    feeds: tuple[model.Feed, ...] = ()
    #: Names that this file gives to others: channels, or feeds' names, addresses and tags.
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that was read, and everything that is wrong with it."""

    bot: BotSettings
    feeds: tuple[model.Feed, ...]
    rules: tuple[rules.CompiledRule, ...]
    #: Sorted by place.
    problems: tuple[model.Problem, ...]
    #: Hash of the contents of all files.
    version: str
    #: Rules that run in their last good version, since the present one was refused.
    kept: tuple[str, ...] = ()
    #: Rules that were refused and had no good version: they are off.
    off: tuple[str, ...] = ()
    #: What a reload compares with, by path.
    files: Mapping[str, FileState] = field(default_factory=dict, repr=False)

    @property
    def feeds_by_address(self) -> Mapping[str, model.Feed]:
        """The configured feeds by their address."""
        return {feed.url: feed for feed in self.feeds}
