"""The keys of bot.yaml, their values and descriptions; and the checks of its routes and its language model."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import pydantic

from bot import model
from bot.config import access_keys
from bot.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, scalars_of, value_of
from bot.config.problems import ProblemReport
from bot.config.strict import StrictShape
from bot.model import OnUnknown, Severity, values
from bot.model.values import Parse

_MODEL = model.LanguageModelPolicy(url="", name="", uses=frozenset())
_MAX_WAIT = timedelta(minutes=2)
#: Uses that need a key elsewhere: the owner of the key, and the key.
_WANTED_BY = {model.Use.RELEVANCE: ("enabled rule", "about"), model.Use.TRANSLATE: ("channel", "translate")}


def _parse_model_url(value: object) -> str:
    written = values.parse_text(value)
    if written.startswith("file:"):
        if not written.removeprefix("file:").strip():
            raise values.InvalidValue("address", "after file: comes the path of a file", "write file:answers.jsonl")
        return written
    parts = values.split_address(written)
    if parts is None or parts[0] not in ("http", "https") or not parts[1] or any(map(str.isspace, written)):
        message = f'"{values.shorten(written)}" is not the address of a model\'s API'
        raise values.InvalidValue("address", message, "write the whole address: http://127.0.0.1:11434/v1")
    if "@" in parts[2]:
        raise values.InvalidValue("secret", "a password in an address would be shown in logs and messages", "remove it")
    checked = written.rstrip("/")
    for end in ("/chat/completions", "/completions", "/responses"):
        if checked.endswith(end):
            raise values.InvalidValue(
                "address", f"the address of a model's API ends before {end}", f"write {checked.removesuffix(end)}"
            )
    return checked


def _check_wait(value: timedelta) -> timedelta:
    if value > _MAX_WAIT:
        limit = model.format_duration(_MAX_WAIT)
        raise values.InvalidValue("duration", f"an article waits at most {limit} for a model", f"write {limit} or less")
    return value


def warn_of_no_use(
    key: ScalarNode, use: model.Use, uses: Collection[str], report: ProblemReport, rule: str | None = None
) -> None:
    """Warn of a key that only a language model can follow; ``uses`` are the uses of the model (empty: no model)."""
    if use not in uses:
        report.add_at(
            key,
            "no-use",
            f"{key.value} does nothing: bot.yaml has no model with the use {use}",
            f"give it a model with {use} among its uses, or remove {key.value}",
            rule=rule,
            severity="warning",
        )


def warn_of_idle_uses(root: Node | None, wanted: Collection[model.Use], report: ProblemReport) -> None:
    """Warn of uses in bot.yaml that no key needs; ``wanted`` are those that a key needs."""
    for item in scalars_of(value_of(value_of(root, "model"), "uses")):
        for use, (owner, key) in _WANTED_BY.items():
            if item.value.strip() == use and use not in wanted:
                report.add_at(
                    item,
                    "no-use",
                    f"the use {use} does nothing: no {owner} has {key}",
                    f"add {key} to one, or remove {use}",
                    severity="warning",
                )


_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):([0-9]{1,5})\Z")


def parse_listen(value: object) -> str:
    """Check "127.0.0.1:8080" and return it unchanged. Raises InvalidValue."""
    written = values.parse_text(value)
    match = _LISTEN.match(written)
    if not match or not 0 <= int(match[2]) <= 65535:
        raise values.InvalidValue("listen", f'"{written}" is not an address to listen at', "write 127.0.0.1:8080")
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
    written = values.parse_text(value)
    parts = values.split_address(written)
    if parts is None or parts[0] not in ("http", "https") or not parts[1] or set(written) & set("@?# "):
        raise values.InvalidValue(
            "address", f'"{values.shorten(written)}" is not the address of a website', "write https://watch.example.org"
        )
    return written.rstrip("/")


def parse_database(value: object) -> str | model.Secret:
    """Parse a database's address without a password, or the secret that holds it. Raises InvalidValue."""
    written = values.parse_text(value)
    if written.startswith(("env:", "file:")):
        try:
            return model.Secret.parse(written)
        except ValueError as error:
            raise values.InvalidValue("secret", str(error)) from None
    scheme, _, rest = written.partition("://")
    kind = scheme.partition("+")[0]
    if not rest or kind not in ("sqlite", "postgresql"):
        advice = "write sqlite:///data/wirewatch.db or postgresql://user@host/name"
        if kind in ("postgres", "pgsql"):
            advice = "write postgresql:// instead of " + kind + "://"
        raise values.InvalidValue("database", "this is not the address of a database that Wirewatch supports", advice)
    if kind == "sqlite" and not rest.startswith("/"):
        raise values.InvalidValue(
            "database", "an SQLite address has three slashes, four for an absolute path", f"write sqlite:///{rest}"
        )
    parts = values.split_address(written)
    if parts is None:
        raise values.InvalidValue(
            "database", "this is not the address of a database", "write postgresql://user@host:5432/name"
        )
    if ":" in parts[2].rpartition("@")[0] or re.search(r"[?&]password=", written):
        raise values.InvalidValue(
            "secret",
            "a password is not written into the configuration",
            "put the whole address into a variable and write env:DATABASE_URL",
        )
    return written


Listen = Annotated[str, Parse(parse_listen, type="string", examples=["127.0.0.1:8080"])]
WebAddress = Annotated[str, Parse(parse_web_address, type="string", pattern="^https?://")]
Database = Annotated[
    str | model.Secret,
    Parse(
        parse_database,
        type="string",
        pattern=r"^(sqlite(\+\w+)?:///|postgresql(\+\w+)?://|env:|file:)",
        examples=["sqlite:///data/wirewatch.db", "postgresql://user@host/name", "env:DATABASE_URL"],
    ),
]


class ModelShape(StrictShape):
    """A language model for what the bot cannot decide alone; the bot also runs without one."""

    url: Annotated[
        str,
        pydantic.PlainValidator(_parse_model_url),
        pydantic.WithJsonSchema({"type": "string", "pattern": "^(https?://|file:)"}),
    ] = pydantic.Field(
        ...,
        description=(
            "The base address of an API that is compatible with OpenAI's: https://api.openai.com/v1, or a local one "
            "such as http://127.0.0.1:11434/v1. file:PATH: a file of prompts and their answers instead."
        ),
        examples=["http://127.0.0.1:11434/v1"],
    )
    name: values.Text = pydantic.Field(..., description="The model, as the API names it.", examples=["qwen2.5:14b"])
    key: model.Secret | None = pydantic.Field(None, description="The API's key: env:NAME or file:/path.")
    uses: Annotated[tuple[model.Use, ...], pydantic.BeforeValidator(values.as_list), pydantic.Field(min_length=1)] = (
        pydantic.Field(..., description="The tasks of the model.", examples=["[same_event, facts]"])
    )
    calls_per_day: Annotated[int, pydantic.Field(ge=1)] = pydantic.Field(
        _MODEL.calls_per_day, description="Maximum number of calls on one day (UTC)."
    )
    tokens_per_day: Annotated[int, pydantic.Field(ge=1)] = pydantic.Field(
        _MODEL.tokens_per_day, description="Maximum number of tokens on one day (UTC), of prompts and answers."
    )
    timeout: values.Duration = pydantic.Field(_MODEL.timeout, description="Timeout of one call.")
    wait: Annotated[values.Duration, pydantic.AfterValidator(_check_wait)] = pydantic.Field(
        _MODEL.wait,
        description=("How long a decision waits for the model, at most 2 minutes; then it is made without the model."),
    )
    at_once: Annotated[int, pydantic.Field(ge=1, le=64)] = pydantic.Field(
        _MODEL.at_once, description="Calls under way at the same time."
    )

    def policy(self, folder: Path) -> model.LanguageModelPolicy:
        """Return the policy; the path of an answer file starts in ``folder``."""
        is_file = self.url.startswith("file:")
        url = f"file:{folder / self.url.removeprefix('file:').strip()}" if is_file else self.url
        return self.as_value(model.LanguageModelPolicy, url=url, uses=frozenset(self.uses))


#: Words that pydantic reads as true.
_TRUE_WORDS = ("true", "yes", "on", "y", "t", "1")


class MatchShape(StrictShape):
    """The conditions of a route; all must hold."""

    rule: values.Texts = pydantic.Field((), description="Rules by name, any of them; * is any text: BlackBerry*.")
    tag: values.Texts = pydantic.Field(
        (), description="Tags of feeds, any of them: a feed with the tag has an article that the rule matched."
    )
    severity: tuple[model.Severity, ...] = pydantic.Field((), description="Severities of rules, any of them.")
    hours: values.Quiet | None = pydantic.Field(
        None, description="The hours of the first decision about the story: 09:00 to 17:00 Asia/Karachi."
    )

    @pydantic.field_validator("severity", mode="before")
    @classmethod
    def _is_list(cls, written: object) -> object:
        return values.as_list(written)


_CONTINUE_FIELD = pydantic.Field(False, description="true: the routes after this one are tried too.")
# A keyword of Python cannot be a field in a class body.
_ContinueShape = pydantic.create_model("_Continue", __base__=StrictShape, **{"continue": (bool, _CONTINUE_FIELD)})  # type: ignore[call-overload]  # its stubs take no unpacked names


class RouteShape(_ContinueShape):  # type: ignore[misc, valid-type]  # made above: no class to mypy
    """Where stories of rules without notify are posted."""

    match: MatchShape = pydantic.Field(
        default_factory=lambda: MatchShape.model_validate({}),
        description="The stories that the route takes: rule, tag, severity, hours. Without it, all.",
    )
    to: values.Texts = pydantic.Field(
        (), description="One channel, or a list of them. An inner route without it posts where the outer one does."
    )
    routes: tuple[RouteShape, ...] = pydantic.Field(
        (), description="Routes inside this one, tried first; where none takes the story, it goes to this one's to."
    )


def make_routes(shapes: Sequence[RouteShape], zone: ZoneInfo, outer: tuple[str, ...] = ()) -> tuple[model.Route, ...]:
    """Make the routes with their inherited values: ``zone`` for hours without one, ``outer`` channels."""
    routes = []
    for shape in shapes:
        to, hours = tuple(dict.fromkeys(shape.to)) or outer, shape.match.hours
        routes.append(
            model.Route(
                to=to,
                rules=shape.match.rule,
                tags=shape.match.tag,
                severities=shape.match.severity,
                hours=model.QuietHours(start=hours[0], end=hours[1], zone=hours[2] or zone) if hours else None,
                goes_on=getattr(shape, "continue"),
                routes=make_routes(shape.routes, zone, to),
            )
        )
    return tuple(routes)


def check_routes(root: Node, channels: Collection[str], report: ProblemReport) -> None:
    """Report unknown channels, stories that no route takes, and routes that are never reached."""
    top = _route_items(root)
    if not top:
        return
    _check_level(top, channels, report, is_top=True)
    if key := top[-1].key("match"):
        report.add_at(
            key,
            "no-last-route",
            "a story that no route takes would be lost",
            "add a last route without match: - to: alerts",
        )


def check_channel(name: str, node: Node, channels: Collection[str], report: ProblemReport) -> None:
    """Report a channel in ``node`` that does not exist."""
    if name not in channels:
        otherwise = "the channels are " + ", ".join(sorted(channels))
        help_text = values.did_you_mean(name, sorted(channels), otherwise=otherwise)
        message = f'no channel "{values.shorten(name)}"'
        report.add_at(node, "unknown-channel", message, help_text)


def warn_of_unknown_rules(root: Node | None, names: Collection[str], report: ProblemReport) -> None:
    """Warn of rules in a route that no file has."""
    folded = [name.casefold() for name in names]
    for route in _walk_routes(_route_items(root)):
        match = route.get("match")
        for item in scalars_of(value_of(match, "rule")):
            if not any(fnmatchcase(name, item.value.strip().casefold()) for name in folded):
                help_text = values.did_you_mean(item.value, list(names), otherwise="`wirewatch status` lists the rules")
                message = f'no rule is named "{values.shorten(item.value)}"'
                report.add_at(item, "unknown-rule", message, help_text, severity="warning")


def _check_level(
    routes: Sequence[MappingNode], channels: Collection[str], report: ProblemReport, *, is_top: bool
) -> None:
    is_closed = False
    for route in routes:
        first = route.pairs[0][0] if route.pairs else None
        start, end = (first.start, first.end) if first else (route.start, route.start + 1)
        if is_closed:
            report.add(
                "route-not-reached",
                "this route is never reached: the previous route takes everything",
                "move it up, or give the previous route continue: true",
                start=start,
                end=end,
                severity="warning",
            )
            break
        if route.get("to") is None and is_top:
            report.add(
                "missing-key",
                'the key "to" is missing',
                f"write to: {next(iter(sorted(channels)), 'alerts')}",
                start=start,
                end=end,
            )
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


_FETCH = model.FetchPolicy()


def _parse_network(value: object) -> str:
    import ipaddress

    written = values.parse_text(value)
    try:
        return str(ipaddress.ip_network(written))
    except ValueError as error:
        help_text = "write 10.0.0.0/8, 192.168.1.20 or fd00::/8"
        if "host bits" in str(error):
            help_text = f"write {ipaddress.ip_network(written, strict=False)}"
        raise values.InvalidValue(
            "network", f'"{values.shorten(written)}" is not a range of addresses', help_text
        ) from None


class FetchShape(StrictShape):
    """How feeds are polled."""

    every: values.Duration = pydantic.Field(
        _FETCH.every,
        description="The shortest time between two polls of a feed; a feed that publishes rarely is polled less often.",
    )
    at_least: values.AtLeast = pydantic.Field(
        _FETCH.at_least,
        description=(
            "The longest time between two polls of a feed, however rarely it publishes; only its publisher can set "
            "a longer one. Default: 20 minutes, or every where that is longer."
        ),
    )
    concurrency: Annotated[int, pydantic.Field(ge=1, le=1024)] = pydantic.Field(
        _FETCH.concurrency, description="Feeds polled at the same time."
    )
    readers: Annotated[int, pydantic.Field(ge=0, le=16)] = pydantic.Field(
        _FETCH.readers,
        description="Number of reader processes, which parse documents; 0: parse in the main process.",
    )
    per_host: Annotated[int, pydantic.Field(ge=1, le=64)] = pydantic.Field(
        _FETCH.per_host, description="Feeds of one host polled at the same time."
    )
    timeout: values.Duration = pydantic.Field(
        _FETCH.timeout, description="Timeout of a whole response, from connecting to the last byte."
    )
    max_bytes: Annotated[values.Size, pydantic.Field(ge=1000)] = pydantic.Field(
        _FETCH.max_bytes, description="Maximum size of a response after decompression: 10 MB."
    )
    backfill: values.Duration = pydantic.Field(
        _FETCH.backfill, description="How far back a feed's first poll matches and announces."
    )
    max_items_per_day: Annotated[int, pydantic.Field(ge=1, le=1_000_000)] = pydantic.Field(
        _FETCH.max_items_per_day,
        description=(
            "New and changed items of one feed that are stored on one day (UTC); one of more than 20,000 characters "
            "counts as several. The rest waits for the next day, and the operator gets a notice."
        ),
    )
    allow_private: Annotated[
        tuple[
            Annotated[str, pydantic.PlainValidator(_parse_network), pydantic.WithJsonSchema({"type": "string"})], ...
        ],
        pydantic.BeforeValidator(values.as_list),
    ] = pydantic.Field(
        (), description="Private address ranges (CIDR) that may be fetched from, for feeds of an intranet."
    )
    contact: values.Text | None = pydantic.Field(
        None,
        description="A contact address in the User-Agent header, so that publishers can reach you: ops@example.org.",
    )
    use_proxy: bool = pydantic.Field(
        False, description="Use the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name in the environment."
    )
    hosts: dict[access_keys.Host, access_keys.AccessShape] = pydantic.Field(
        {},
        description=(
            "Keys for all feeds of a host, by its name or *.example.org: headers, cookies, auth, proxy, tls. The "
            "keys of a feed override them."
        ),
    )


def _check_installed(languages: model.Languages) -> model.Languages:
    if languages is not model.Languages.OFF:
        package, wanted = languages.package
        if find_spec(package) is None:
            text = f'the package of "{languages.value}" is not installed'
            raise values.InvalidValue("missing-extra", text, f"pip install {wanted}, or remove the key")
    return languages


class StoriesShape(StrictShape):
    """How articles become stories."""

    window: values.Duration = pydantic.Field(
        timedelta(days=14), description="A story takes new articles until this long after the last one that joined."
    )
    languages: Annotated[model.Languages, pydantic.AfterValidator(_check_installed)] = pydantic.Field(
        model.Languages.OFF,
        description=(
            "The model that finds the story of an article in another language: off, universal-sentence-encoder (in a "
            "package) or multilingual-e5 (downloads 2.2 GB)."
        ),
    )


class WebTokenShape(StrictShape):
    """A program's token for the API."""

    token: model.Secret = pydantic.Field(..., description="The token: env:NAME or file:/path.")
    may: model.TokenScope = pydantic.Field(
        model.TokenScope.READ, description="read: read only; act: also start and end silences, split and merge stories."
    )


class WebShape(StrictShape):
    """The status page, /healthz and /metrics."""

    listen: Listen = pydantic.Field(..., description="Host and port: 127.0.0.1:8080.", examples=["127.0.0.1:8080"])
    token: model.Secret | None = pydantic.Field(
        None, description="The token that every page except /healthz requires: env:NAME or file:/path."
    )
    tokens: dict[values.Text, WebTokenShape] = pydantic.Field(
        {},
        description="More tokens, for the API only: a name of your choice, the token, and its scope (may).",
        examples=["{dashboard: {token: env:DASHBOARD_TOKEN, may: read}}"],
    )
    mcp: bool = pydantic.Field(False, description="Serve the tools for assistants at /mcp; needs the extra mcp.")
    public_url: WebAddress | None = pydantic.Field(
        None,
        description="The address under which others reach the page. With it, messages link to their stories, and feeds "
        "that name a hub push. Needs token.",
        examples=["https://watch.example.org"],
    )

    @pydantic.model_validator(mode="after")
    def _require_token(self) -> WebShape:
        if self.token is not None:
            return self
        advice = "add token: env:WEB_TOKEN to web, and give every reader the token"
        if self.public_url is not None:
            raise values.InvalidValue(
                "token", "web.public_url without web.token would open the page to everybody", advice
            )
        if not is_loopback(self.listen.rpartition(":")[0]):
            message = f"other machines can reach {self.listen}, so web.token is needed"
            raise values.InvalidValue("token", message, f"{advice}; or listen at 127.0.0.1")
        return self


class EscalateShape(StrictShape):
    """The second channel for a story of severity high that nobody claims."""

    after: values.Duration = pydantic.Field(
        timedelta(minutes=15), description="How long after its first message: 15 minutes."
    )
    to: values.Text = pydantic.Field(..., description="The second channel; it gets one message with a link.")


class BotShape(StrictShape):
    """The operator's file: channels, database, fetching and limits."""

    database: Database = pydantic.Field(
        "sqlite:///data/wirewatch.db",
        description=(
            "The database's address: sqlite:///data/wirewatch.db (relative to the folder of bot.yaml; four slashes "
            "for an absolute path), postgresql://user@host/name, or the whole address by env:NAME or file:/path."
        ),
    )
    timezone: values.Zone = pydantic.Field(
        ZoneInfo("UTC"),
        description="Time zone of times in messages, and of digests, quiet hours, `until` and dates that have no zone.",
    )
    channels: dict[str, object] = pydantic.Field(
        ...,
        description="The channels to which messages are sent: a name of your choice, its kind, and that kind's keys.",
        examples=["{alerts: {kind: console}}"],
    )
    routes: tuple[RouteShape, ...] = pydantic.Field(
        (), description="Where stories of rules without notify are posted: the first route that takes one decides."
    )
    mention: dict[Severity, values.Texts] = pydantic.Field(
        {},
        description="People whom the first message of a story mentions, by severity: high: duty. Use the names in "
        "people of a channel; the mention of a rule overrides it.",
        examples=["{high: duty}"],
    )
    escalate: EscalateShape | None = pydantic.Field(
        None, description="A story of severity high that nobody claims goes to a second channel."
    )
    operator: values.Text | None = pydantic.Field(
        None, description="The channel for notices about the bot itself: broken feeds, refused rules."
    )
    fetch: FetchShape = pydantic.Field(
        default_factory=lambda: FetchShape.model_validate({}), description="How feeds are polled."
    )
    stories: StoriesShape = pydantic.Field(
        default_factory=lambda: StoriesShape.model_validate({}), description="How articles become stories."
    )
    quiet_hours: values.Quiet | None = pydantic.Field(
        None, description="Alerts below severity high are held during these hours: 22:00 to 07:00 Asia/Karachi."
    )
    posts_per_hour: Annotated[int, pydantic.Field(ge=1, le=3600)] = pydantic.Field(
        20,
        description="Maximum number of new posts per hour in each channel; the rest is gathered into one message, not "
        "lost. Posts of severity high are counted apart.",
    )
    gather: values.Duration | None = pydantic.Field(
        None,
        description="A story's first post waits this long, so that it names several outlets: 90 seconds. Never one of "
        "severity high. Without it, posts do not wait.",
    )
    web: WebShape | None = pydantic.Field(None, description="The status page, /healthz and /metrics.")
    keep: values.Duration | None = pydantic.Field(
        None, description="Retention: how long articles are kept, as in 400 days. Without it, they are never deleted."
    )
    on_unknown: OnUnknown = pydantic.Field(
        OnUnknown.SEND_AGAIN,
        description=(
            "When it is unknown whether a message arrived: at_least_once sends it again, at_most_once does not."
        ),
    )
    # In this class the key hides the package of that name.
    model: ModelShape | None = pydantic.Field(
        None, description="A language model for what the bot cannot decide alone; the bot also runs without one."
    )
