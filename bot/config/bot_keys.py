"""The keys of bot.yaml, the path of the database, and checks of routes and of the language model's uses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from bot import keys
from bot.config import secrets
from bot.config.kinds import ChannelKeys
from bot.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, scalars_of, value_of
from bot.config.problems import ProblemReport
from bot.keys import Derived, Key, Parse
from bot.model.access import Secret
from bot.model.channels import ChannelFeatures
from bot.model.errors import ConfigError
from bot.model.language_models import LanguageModelPolicy, Use
from bot.model.rules import Severity
from bot.model.settings import Escalate, FetchPolicy, Languages, OnUnknown, Quiet, Route, TokenScope, inherit_channels

UTC = ZoneInfo("UTC")
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):([0-9]{1,5})\Z")


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


#: Words that pydantic reads as true.
_TRUE_WORDS = ("true", "yes", "on", "y", "t", "1")


def _check_installed(languages: Languages) -> Languages:
    if languages is not Languages.OFF:
        package, requirement = languages.package
        if find_spec(package) is None:
            text = f'the package of "{languages.value}" is not installed'
            raise keys.InvalidValue("missing-extra", text, f"pip install {requirement}, or remove the key")
    return languages


@dataclass(frozen=True, slots=True, kw_only=True)
class StorySettings:
    """How articles become stories."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    window: Annotated[
        keys.Duration, Key("New articles can join a story until this long after the last article joined.")
    ] = timedelta(days=14)
    languages: Annotated[
        Languages,
        Parse(_check_installed, "after"),
        Key(
            "The model that finds the story of an article in another language: off, universal-sentence-encoder (in a "
            "package) or multilingual-e5 (downloads 2.2 GB)."
        ),
    ] = Languages.OFF


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
            "The public address of the page. With it, messages link to the pages of their stories, and WebSub hubs can "
            "push news of feeds. Requires token.",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """One channel of bot.yaml."""

    name: str
    kind: str
    #: The channel's options, validated by its kind.
    options: ChannelKeys
    features: ChannelFeatures = field(default_factory=ChannelFeatures)
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
        "rules": "rules belong in files of their own: rules/telecom.yaml",
        "sets": "sets belong in the rule file that uses them: rules/telecom.yaml",
        "feeds": "feeds belong in feeds.yaml",
        **dict.fromkeys(("interval", "poll", "polling", "refresh"), "write fetch: {every: 5 minutes}"),
        "user_agent": "write fetch: {contact: you@example.org}; requests name Wirewatch and this address",
        "proxy": "a proxy belongs to a feed in feeds.yaml; for HTTPS_PROXY, write fetch: {use_proxy: true}",
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
    escalate: Annotated[
        Escalate | None, Key("A story of severity high that nobody claims goes to a second channel.")
    ] = None
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
        return absolute_address(self._database(environ), database_folder(self.folder, environ))

    def _database(self, environ: Mapping[str, str]) -> str:
        return self.database if isinstance(self.database, str) else secrets.resolve_secret(self.database, environ)


#: Variable with the folder from which relative paths start. Default: the folder of bot.yaml, which may be read-only.
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
        raise ConfigError(
            f"the database cannot be in {base}, because its address cannot contain a ?; rename the folder"
        )
    return f"{scheme}:///{base / path}"


def _split_relative(address: str) -> tuple[str, str]:
    """Return the scheme and the path of a relative SQLite address. The path of any other address is empty."""
    scheme, _, path = address.strip().partition(":///")
    is_relative = scheme.partition("+")[0] == "sqlite" and not path.startswith(("/", ":memory:"))
    return scheme, path.partition("?")[0] if is_relative else ""


def check_routes(root: Node, channels: Collection[str], report: ProblemReport) -> None:
    """Report unknown channels, stories that no route takes, and routes that are never reached."""
    top = _route_items(root)
    _check_level(top, channels, report, is_top=True)
    if top and (key := top[-1].key("match")):
        message = "a story that no route takes would be lost"
        report.add(key, "no-last-route", message, "add a last route without match: - to: alerts")


def check_channel(name: str, node: Node, channels: Collection[str], report: ProblemReport) -> None:
    """Report the channel name in ``node`` if no such channel exists."""
    if name not in channels:
        otherwise = "the channels are " + ", ".join(sorted(channels))
        help_text = keys.did_you_mean(name, sorted(channels), otherwise=otherwise)
        message = f'no channel "{keys.shorten(name)}"'
        report.add(node, "unknown-channel", message, help_text)


def warn_of_unknown_rules(root: Node | None, names: Collection[str], report: ProblemReport) -> None:
    """Warn of rule names in routes that match no rule."""
    folded = [name.casefold() for name in names]
    for route in _walk_routes(_route_items(root)):
        match = route.get("match")
        for item in scalars_of(value_of(match, "rule")):
            if not any(fnmatchcase(name, item.value.strip().casefold()) for name in folded):
                help_text = keys.did_you_mean(item.value, list(names), otherwise="`wirewatch status` lists the rules")
                message = f'no rule is named "{keys.shorten(item.value)}"'
                report.add(item, "unknown-rule", message, help_text, severity="warning")


def _check_level(
    routes: Sequence[MappingNode], channels: Collection[str], report: ProblemReport, *, is_top: bool
) -> None:
    is_closed = False
    for route in routes:
        if is_closed:
            message = "this route is never reached: the previous route takes everything"
            advice = "move it up, or give the previous route continue: true"
            report.add(route.head, "route-not-reached", message, advice, severity="warning")
            break
        if route.get("to") is None and is_top:
            advice = f"write to: {next(iter(sorted(channels)), 'alerts')}"
            report.add(route.head, "missing-key", 'the key "to" is missing', advice)
        for item in scalars_of(route.get("to")):
            if name := item.value.strip():
                check_channel(name, item, channels, report)
        continue_node = route.get("continue")
        continues = isinstance(continue_node, ScalarNode) and continue_node.value.strip().lower() in _TRUE_WORDS
        is_closed = route.get("match") is None and not continues
        _check_level(_route_items(route), channels, report, is_top=False)


def _route_items(node: Node | None) -> list[MappingNode]:
    routes = value_of(node, "routes")
    return [item for item in routes.items if isinstance(item, MappingNode)] if isinstance(routes, SequenceNode) else []


def _walk_routes(routes: Sequence[MappingNode]) -> Iterator[MappingNode]:
    for route in routes:
        yield route
        yield from _walk_routes(_route_items(route))


#: Use of a language model -> what must have a configuration key so that the use has an effect, and that key.
_WANTED_BY = {Use.RELEVANCE: ("enabled rule", "about"), Use.TRANSLATE: ("channel", "translate")}


def warn_of_no_use(key: ScalarNode, use: Use, uses: Collection[str], report: ProblemReport) -> None:
    """Warn of a key that requires a language model's ``use``, if the ``uses`` of the model do not include it."""
    if use not in uses:
        message = f"{key.value} does nothing: bot.yaml has no model with the use {use}"
        advice = f"add a model with {use} among its uses to bot.yaml, or remove {key.value}"
        report.add(key, "no-use", message, advice, severity="warning")


def warn_of_idle_uses(root: Node | None, needed: Collection[Use], report: ProblemReport) -> None:
    """Warn of uses in bot.yaml that do nothing: they require a key in a rule or channel, and are not ``needed``."""
    for item in scalars_of(value_of(value_of(root, "model"), "uses")):
        for use, (owner, key) in _WANTED_BY.items():
            if item.value.strip() == use and use not in needed:
                message = f"the use {use} does nothing: no {owner} has {key}"
                report.add(
                    item, "no-use", message, f"add {key} to at least one {owner}, or remove {use}", severity="warning"
                )
