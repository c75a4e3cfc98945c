"""Expected failures. Their texts are for people, hold no secret, and are made safe to print.

WirewatchError
├── ConfigError            a configuration that cannot be used; carries its problems
├── StoreError
│   ├── SearchTooLong      a search exceeded its time limit
│   └── StoreUnavailable   full, read-only or missing: try again after repair
│       └── StoreInUse     another process owns or locks the database
├── CannotAct              a person's action cannot be carried out; says why
│   ├── CannotSilence      a silence cannot be made or ended
│   └── NotAllowed         the person does not have the right
├── FetchError             one request failed; the text says why and what to do
│   ├── AddressRefused     private address, unsupported scheme, too many redirects: not requested
│   ├── HostLimited        the host has had enough requests: not requested until later
│   ├── BodyTooBig         more bytes than allowed, compressed or decompressed
│   └── Unreachable        no DNS name, no connection, or no response in time
├── ReadError              the document is not a feed
│   └── IsPage             an HTML page; carries the feeds that it links to
├── ModelError             a language model gave no usable answer
│   ├── ModelUnavailable   try again later, or after a time that the server names
│   │   └── ModelTimedOut  no answer in time: do not try again
│   ├── ModelRefused       every call fails until somebody acts
│   ├── BadAnswer          an answer that is cut off, refused or does not fit the schema
│   └── NotYetAnswered     a prompt that was written to a file for a later answer
└── SendError              one attempt to send failed; the class says what to do next
    ├── RetryLater         not accepted: send again later
    ├── OutcomeUnknown     may have been accepted: look it up before sending again
    ├── FormRefused        refused because of its form: simplify it once
    │   └── DocumentRefused  the channel has no simpler form: keep it until somebody acts
    ├── ThreadGone         the thread does not accept the message: post it at top level
    ├── NotEditable        the message can no longer be edited: leave it
    └── ChannelClosed      the service refuses access to the channel, or to the whole workspace
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from bot.model import visible

if TYPE_CHECKING:
    from bot.model.settings import Problem


class WirewatchError(Exception):
    """An expected failure. Its text may quote untrusted text, so the text is cleaned and cut whenever it is shown."""

    #: Maximum length of a text that quotes an external document or server. None for texts in our own words, which may
    #: have any number of lines.
    LIMIT: ClassVar[int | None] = None

    def __str__(self) -> str:
        text = super().__str__()
        return visible.lines(text) if self.LIMIT is None else visible.line(text, self.LIMIT)


class ConfigError(WirewatchError):
    """A configuration that cannot be used, with its ``problems``."""

    def __init__(self, text: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(text)
        self.problems = tuple(problems)


class StoreError(WirewatchError):
    """The database cannot be used."""


class SearchTooLong(StoreError):
    """A search exceeded its time limit."""


class StoreUnavailable(StoreError):
    """The database is full, locked, read-only or missing; try again later."""


class StoreInUse(StoreUnavailable):
    """Another process owns or locks the database."""


class CannotAct(WirewatchError):
    """A person's action cannot be carried out; the text says why and what to do instead."""


class CannotSilence(CannotAct):
    """A silence that cannot be made or ended."""


class NotAllowed(CannotAct):
    """The person does not have the right to perform the action."""


class FetchError(WirewatchError):
    """An address could not be fetched."""

    LIMIT = 1_000


class AddressRefused(FetchError):
    """The address is not allowed, so no request was sent."""


class HostLimited(FetchError):
    """No request was sent, because the host has had enough requests for now, or this process has no free files."""

    def __init__(self, text: str, until: datetime) -> None:
        super().__init__(text)
        self.until = until


class BodyTooBig(FetchError):
    """The response has more bytes than allowed, compressed or decompressed."""


class Unreachable(FetchError):
    """No DNS name, no connection, or no response in time."""


class ReadError(WirewatchError):
    """The document is not a feed."""

    LIMIT = 1_000


class IsPage(ReadError):
    """The document is an HTML page, and the feed has no selectors for it."""

    def __init__(self, text: str, feeds: Sequence[str] = ()) -> None:
        super().__init__(text)
        #: Absolute addresses of the feeds that the page links to, best first.
        self.feeds = tuple(feeds)


class ModelError(WirewatchError):
    """A language model gave no usable answer; the call may have cost tokens."""

    LIMIT = 500

    def __init__(self, text: str, *, tokens_in: int = 0, tokens_out: int = 0) -> None:
        super().__init__(text)
        self.tokens_in, self.tokens_out = tokens_in, tokens_out


class ModelUnavailable(ModelError):
    """The model gave no answer, but may answer later. ``retry_after`` is the server's, or None."""

    def __init__(self, text: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class ModelTimedOut(ModelUnavailable):
    """The model gave no answer in time. A second call would take as long, so there is none."""


class ModelRefused(ModelError):
    """Every call fails until somebody acts, for example because the key is wrong or the model does not exist."""


class BadAnswer(ModelError):
    """The answer is cut off, refused or does not fit the schema."""


class NotYetAnswered(ModelError):
    """The prompt was written to a file, for a later answer."""


class SendError(WirewatchError):
    """A message was not sent, or it is unknown whether it was."""

    LIMIT = 1_000


class RetryLater(SendError):
    """The message was not accepted.

    ``retry_after`` is the server's Retry-After, or None to back off. If ``whole_channel`` is true, the wait applies to
    all messages of the channel.
    """

    def __init__(self, text: str, *, retry_after: timedelta | None = None, whole_channel: bool = True) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.whole_channel = whole_channel


class OutcomeUnknown(SendError):
    """The message may have been accepted: look it up before sending it again."""


class FormRefused(SendError):
    """The service refuses the message's form: send it once more in a simpler one."""


class DocumentRefused(FormRefused):
    """The service refuses a document that has no simpler form: keep the message until somebody acts."""


class ThreadGone(SendError):
    """The thread does not accept the message: post it at top level."""


class NotEditable(SendError):
    """The message can no longer be edited: leave it as it is."""


class ChannelClosed(SendError):
    """The service refuses access to a channel.

    If ``whole_workspace`` is true, the service refuses access to every channel with the same credentials.
    """

    def __init__(self, text: str, *, whole_workspace: bool = False) -> None:
        super().__init__(text)
        self.whole_workspace = whole_workspace
