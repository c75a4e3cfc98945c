"""The shape of bot.yaml: its keys, their values and what each means."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import pydantic

from bot import model
from bot.config import values

_FETCH = model.FetchPolicy()


class StrictShape(pydantic.BaseModel):
    """A mapping that takes no key but its own."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


def _cidr(value: object) -> str:
    import ipaddress

    written = values.text(value)
    try:
        return str(ipaddress.ip_network(written))
    except ValueError as error:
        help_text = "write 10.0.0.0/8, 192.168.1.20 or fd00::/8"
        if "host bits" in str(error):
            help_text = f"write {ipaddress.ip_network(written, strict=False)}"
        raise values.Wrong("network", f'"{values.shown(written)}" is no range of addresses', help_text) from None


def _channel_name(value: object) -> str:
    return values.text(value)


class FetchShape(StrictShape):
    """How feeds are asked."""

    every: values.Duration = pydantic.Field(
        _FETCH.every, description="The shortest time between two polls of a feed; the feed's own rhythm may stretch it."
    )
    concurrency: Annotated[int, pydantic.Field(ge=1, le=1024)] = pydantic.Field(
        _FETCH.concurrency, description="Feeds asked at the same time."
    )
    readers: Annotated[int, pydantic.Field(ge=0, le=16)] = pydantic.Field(
        _FETCH.readers,
        description="Processes that parse documents, apart from the one that fetches and stores; 0: that one.",
    )
    per_host: Annotated[int, pydantic.Field(ge=1, le=64)] = pydantic.Field(
        _FETCH.per_host, description="Feeds of one host asked at the same time."
    )
    timeout: values.Duration = pydantic.Field(_FETCH.timeout, description="A whole answer takes at most this long.")
    max_bytes: Annotated[values.Size, pydantic.Field(ge=1000)] = pydantic.Field(
        _FETCH.max_bytes, description="An answer is at most this long, unpacked: 10 MB."
    )
    backfill: values.Duration = pydantic.Field(
        _FETCH.backfill, description="How far back a feed's first poll matches and announces."
    )
    max_items_per_day: Annotated[int, pydantic.Field(ge=1, le=1_000_000)] = pydantic.Field(
        _FETCH.max_items_per_day,
        description=(
            "New and changed items of one feed that are stored on one day (UTC); one of more than 20,000 characters "
            "counts as several. The rest waits for the next day, and the operator is told."
        ),
    )
    allow_private: Annotated[
        tuple[Annotated[str, pydantic.PlainValidator(_cidr), pydantic.WithJsonSchema({"type": "string"})], ...],
        pydantic.BeforeValidator(values.one_or_list),
    ] = pydantic.Field(
        (), description="Private ranges (CIDR) that may be asked all the same, for feeds of an intranet."
    )
    contact: values.Text | None = pydantic.Field(
        None, description="An address in the User-Agent, so that a publisher can reach you: ops@example.org."
    )
    use_proxy: bool = pydantic.Field(False, description="Ask through HTTP_PROXY and its kin from the environment.")


class StoriesShape(StrictShape):
    """How articles become stories."""

    window: values.Duration = pydantic.Field(
        timedelta(days=14), description="A story takes new articles until this long after the last one that joined."
    )


class LedgerShape(StrictShape):
    """What is done with the seals of the ledger."""

    post_seal: bool | None = pydantic.Field(
        None,
        description=(
            "Each day's seal is posted to the operator's channel, one line a day, so that it is kept where the "
            "database cannot change it. Default: true where operator is set."
        ),
    )


class WebShape(StrictShape):
    """The status page, /healthz and /metrics."""

    listen: values.Listen = pydantic.Field(
        ..., description="Host and port: 127.0.0.1:8080.", examples=["127.0.0.1:8080"]
    )
    token: model.Secret | None = pydantic.Field(
        None, description="Asked of every reader except of /healthz: env:NAME or file:/path."
    )


class BotShape(StrictShape):
    """What runs where: the operator's file."""

    database: values.Database = pydantic.Field(
        "sqlite:///data/wirewatch.db",
        description=(
            "Where everything is kept: sqlite:///data/wirewatch.db (relative to the working directory; four slashes "
            "for an absolute path), postgresql://user@host/name, or the whole address by env:NAME or file:/path."
        ),
    )
    timezone: values.Zone = pydantic.Field(
        ZoneInfo("UTC"), description="The zone of times that name none: digests, quiet hours, until."
    )
    channels: dict[str, object] = pydantic.Field(
        ...,
        description="Where messages go: a name of your choice, its kind, and that kind's own keys.",
        examples=["{alerts: {kind: console}}"],
    )
    operator: values.Text | None = pydantic.Field(
        None, description="The channel in which the bot speaks about itself: broken feeds, refused rules."
    )
    fetch: FetchShape = pydantic.Field(
        default_factory=lambda: FetchShape.model_validate({}), description="How feeds are asked."
    )
    stories: StoriesShape = pydantic.Field(
        default_factory=lambda: StoriesShape.model_validate({}), description="How articles become stories."
    )
    quiet_hours: values.Quiet | None = pydantic.Field(
        None, description="22:00 to 07:00 Asia/Karachi: what is not of high severity waits for the end."
    )
    posts_per_hour: Annotated[int, pydantic.Field(ge=1, le=3600)] | None = pydantic.Field(
        None, description="Of each channel: what is over it is gathered, not lost."
    )
    ledger: LedgerShape = pydantic.Field(
        default_factory=lambda: LedgerShape.model_validate({}), description="What is done with the ledger's seals."
    )
    web: WebShape | None = pydantic.Field(None, description="The status page, /healthz and /metrics.")
    keep: values.Duration | None = pydantic.Field(
        None, description="How long articles are kept: 400 days. Without it, for ever."
    )
    on_unknown: model.OnUnknown = pydantic.Field(
        model.OnUnknown.SEND_AGAIN,
        description=(
            "Where nobody can tell whether a message arrived: at_least_once sends it again, at_most_once leaves it."
        ),
    )
