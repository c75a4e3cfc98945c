"""The settings of a running bot, as the three kinds of file give them; and the folder of a relative database path."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pydantic

from bot import model, rules
from bot.config import secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """One channel of bot.yaml."""

    name: str
    kind: str
    #: The validated options of its kind.
    options: pydantic.BaseModel
    #: Its place, for messages: “config/bot.yaml:5”.
    place: str
    #: Translate into this language; None: do not translate.
    translate: str | None = None
    #: The replies in its threads.
    thread: model.Thread = model.Thread.NEWS


@dataclass(frozen=True, slots=True, kw_only=True)
class WebToken:
    """The token of a program, and its scope."""

    token: model.Secret
    may: model.TokenScope


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Where the status page listens, and its tokens."""

    listen: str
    host: str
    port: int
    #: Required for every page except /healthz; None: not required.
    token: model.Secret | None = None
    #: Tokens of programs for the API, by name.
    tokens: Mapping[str, WebToken] = field(default_factory=dict)
    #: Serve the tools for assistants too.
    mcp: bool = False
    #: The public address of the page; None: the bot subscribes to no hub.
    public_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """The settings of bot.yaml."""

    #: The folder of bot.yaml, where a relative path in the database's address starts.
    folder: Path
    #: An address without a password, or a reference to the whole address.
    database: str | model.Secret
    timezone: ZoneInfo
    channels: Mapping[str, ChannelSettings]
    #: The routes of rules without a channel.
    routes: tuple[model.Route, ...]
    #: The people to mention, by severity, if the rule names none.
    mention: Mapping[model.Severity, tuple[str, ...]]
    #: Escalation of high stories that nobody claims; None: none.
    escalate: model.Escalate | None
    #: The channel for notices about the bot; None: only the log.
    operator: str | None
    fetch: model.FetchPolicy
    #: What requests to a host carry, by host name or ``*.`` and a domain.
    hosts: Mapping[str, model.Access]
    stories_window: timedelta
    languages: model.Languages
    quiet: model.QuietHours | None
    #: Maximum posts per hour in each channel.
    posts_per_hour: int
    #: How long first posts wait for other outlets; None: not at all.
    gather: timedelta | None
    web: WebSettings | None
    #: How long articles are kept; None: for ever.
    keep: timedelta | None
    on_unknown: model.OnUnknown
    #: None: no language model.
    language_model: model.LanguageModelPolicy | None = None

    @property
    def public_url(self) -> str | None:
        """Return the public address of the page, or None if there is none."""
        return self.web.public_url if self.web else None

    @property
    def people(self) -> frozenset[str]:
        """Return the names of people whom a channel can mention."""
        return frozenset(name for channel in self.channels.values() for name in getattr(channel.options, "people", {}))

    def database_address(self, environ: Mapping[str, str]) -> str:
        """Return the whole address, with its secret part and an absolute path. Raises ConfigError."""
        return absolute_address(self._database(environ), database_folder(self.folder, environ))

    def refuse_stray_database(self, environ: Mapping[str, str]) -> None:
        """Raise ConfigError, with the command that moves it, if the archive is where earlier versions kept it."""
        refuse_stray_archive(self._database(environ), database_folder(self.folder, environ))

    def _database(self, environ: Mapping[str, str]) -> str:
        return self.database if isinstance(self.database, str) else secrets.resolve_secret(self.database, environ)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRule:
    """One rule and its place."""

    compiled: rules.CompiledRule
    line: int
    column: int
    #: What it allows and rarely means.
    warnings: tuple[rules.RuleProblem, ...] = ()
    #: Its current text was refused; this is the last good version.
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What shows a change of a file without reading it."""

    modified_ns: int
    changed_ns: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """One file as last read, so that a reload can skip it."""

    path: str
    stamp: Stamp
    #: SHA-256 of its bytes.
    digest: str
    problems: tuple[model.Problem, ...] = ()
    #: The rules of a rule file.
    rules: tuple[LoadedRule, ...] = ()
    #: Names of refused rules without a good version.
    off: tuple[str, ...] = ()
    #: The channels, people and feeds that a rule file names, which other files must have.
    needs: frozenset[tuple[str, str]] = frozenset()
    #: The needs that no other file met.
    missing: frozenset[tuple[str, str]] = frozenset()
    #: A value depends on the time zone of bot.yaml.
    uses_zone: bool = False
    #: The feeds of feeds.yaml.
    feeds: tuple[model.Feed, ...] = ()
    #: Names that other files can use: names, addresses and tags of feeds.
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration, with all its problems."""

    bot: BotSettings
    feeds: tuple[model.Feed, ...]
    rules: tuple[rules.CompiledRule, ...]
    #: Sorted by place.
    problems: tuple[model.Problem, ...]
    #: Hash of the contents of all files.
    version: str
    #: Rules that run in their last good version because the current one was refused.
    kept: tuple[str, ...] = ()
    #: Refused rules without a good version: they are off.
    off: tuple[str, ...] = ()
    #: The files as read, by path, for the next reload.
    files: Mapping[str, FileState] = field(default_factory=dict, repr=False)

    @property
    def feeds_by_address(self) -> Mapping[str, model.Feed]:
        """Return the configured feeds by address."""
        return {feed.url: feed for feed in self.feeds}


#: Variable with the folder for relative paths, instead of the folder of bot.yaml, which may be read-only.
HOME_VARIABLE = "WIREWATCH_HOME"


def database_folder(folder: Path, environ: Mapping[str, str]) -> Path:
    """Return the absolute folder that a relative path starts from; ``folder`` is the folder of bot.yaml."""
    return Path(environ.get(HOME_VARIABLE) or folder).absolute()


def absolute_address(address: str, base: Path) -> str:
    """Return the address with an absolute path; only a relative SQLite address changes. Raises ConfigError."""
    scheme, path = _split_relative(address)
    if not path:
        return address
    if "?" in str(base):
        raise model.ConfigError(f"placing the database in {base}: an address cannot hold a ?; rename the folder")
    return f"{scheme}:///{base / path}"


def refuse_stray_archive(address: str, base: Path) -> None:
    """Raise ConfigError if the archive of ``address`` is still where earlier versions kept it.

    Their paths started from the working directory. A second archive would announce everything again.
    """
    _, path = _split_relative(address)
    new, old = base / path, Path(path).absolute()
    if not path or new.exists() or not old.is_file() or old.resolve() == new.resolve():
        return
    folder, file = shlex.quote(str(new.parent)), shlex.quote(str(old))
    lines = (
        (
            f"A relative path starts from the folder of bot.yaml (or from {HOME_VARIABLE}), "
            "no longer from the working directory."
        ),
        "Stop the bot, then move the archive:",
        f"  mkdir -p {folder} && mv {file}* {folder}/",
        "or, where that archive belongs to another configuration, begin with an empty one:",
        f"  mkdir -p {folder} && touch {shlex.quote(str(new))}",
    )
    advice = "\n".join(lines)
    raise model.ConfigError(f"opening the database {new}: no such file, but {old} exists. {advice}")


def _split_relative(address: str) -> tuple[str, str]:
    """Return the scheme and the path of a relative SQLite address; an empty path for any other."""
    scheme, _, path = address.strip().partition(":///")
    is_relative = scheme.partition("+")[0] == "sqlite" and not path.startswith(("/", ":memory:"))
    return scheme, path.partition("?")[0] if is_relative else ""
