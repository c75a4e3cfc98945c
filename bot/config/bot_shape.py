"""The keys of bot.yaml, their values and descriptions."""

from __future__ import annotations

from datetime import timedelta
from importlib.util import find_spec
from typing import Annotated
from zoneinfo import ZoneInfo

import pydantic

from bot import model
from bot.config import access_shape, intervals, values
from bot.config.model_shape import ModelShape
from bot.config.routes_shape import RouteShape
from bot.config.strict_shape import StrictShape
from bot.model import OnUnknown, Severity

_FETCH = model.FetchPolicy()


def _cidr(value: object) -> str:
    import ipaddress

    written = values.text(value)
    try:
        return str(ipaddress.ip_network(written))
    except ValueError as error:
        help_text = "write 10.0.0.0/8, 192.168.1.20 or fd00::/8"
        if "host bits" in str(error):
            help_text = f"write {ipaddress.ip_network(written, strict=False)}"
        raise values.Wrong("network", f'"{values.shown(written)}" is not a range of addresses', help_text) from None


class FetchShape(StrictShape):
    """How feeds are polled."""

    every: values.Duration = pydantic.Field(
        _FETCH.every,
        description="The shortest time between two polls of a feed; a feed that publishes rarely is polled less often.",
    )
    at_least: intervals.AtLeast = pydantic.Field(
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
        tuple[Annotated[str, pydantic.PlainValidator(_cidr), pydantic.WithJsonSchema({"type": "string"})], ...],
        pydantic.BeforeValidator(values.one_or_list),
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
    hosts: dict[access_shape.Host, access_shape.AccessShape] = pydantic.Field(
        {},
        description=(
            "Keys for all feeds of a host, by its name or *.example.org: headers, cookies, auth, proxy, tls. The "
            "keys of a feed override them."
        ),
    )


def _installed(languages: model.Languages) -> model.Languages:
    if languages is not model.Languages.OFF:
        package, wanted = languages.package
        if find_spec(package) is None:
            text = f'the package of "{languages.value}" is not installed'
            raise values.Wrong("missing-extra", text, f"pip install {wanted}, or remove the key")
    return languages


class StoriesShape(StrictShape):
    """How articles become stories."""

    window: values.Duration = pydantic.Field(
        timedelta(days=14), description="A story takes new articles until this long after the last one that joined."
    )
    languages: Annotated[model.Languages, pydantic.AfterValidator(_installed)] = pydantic.Field(
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

    listen: values.Listen = pydantic.Field(
        ..., description="Host and port: 127.0.0.1:8080.", examples=["127.0.0.1:8080"]
    )
    token: model.Secret | None = pydantic.Field(
        None, description="The token that every page except /healthz requires: env:NAME or file:/path."
    )
    tokens: dict[values.Text, WebTokenShape] = pydantic.Field(
        {},
        description="More tokens, for the API only: a name of your choice, the token, and its scope (may).",
        examples=["{dashboard: {token: env:DASHBOARD_TOKEN, may: read}}"],
    )
    mcp: bool = pydantic.Field(False, description="Serve the tools for assistants at /mcp; needs the extra mcp.")
    public_url: values.WebAddress | None = pydantic.Field(
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
            raise values.Wrong("token", "web.public_url without web.token would open the page to everybody", advice)
        if not values.is_loopback(self.listen.rpartition(":")[0]):
            message = f"other machines can reach {self.listen}, so web.token is needed"
            raise values.Wrong("token", message, f"{advice}; or listen at 127.0.0.1")
        return self


class EscalateShape(StrictShape):
    """The second channel for a story of severity high that nobody claims."""

    after: values.Duration = pydantic.Field(
        timedelta(minutes=15), description="How long after its first message: 15 minutes."
    )
    to: values.Text = pydantic.Field(..., description="The second channel; it gets one message with a link.")


class BotShape(StrictShape):
    """The operator's file: channels, database, fetching and limits."""

    database: values.Database = pydantic.Field(
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
