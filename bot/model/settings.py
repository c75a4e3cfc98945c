"""Settings that the core reads, and problems in the files that set them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.model.rules import Digest, Thread


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """A daily span of time; it spans midnight if ``end`` is before ``start``."""

    start: time
    end: time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakPolicy:
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
