"""How the outside may fail: the tree is drawn in the package docstring.

The text of an error is for people and may quote a stranger: it is clean and bounded whoever shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from bot import model
from bot.model import visible


class WirewatchError(Exception):
    """An expected failure; its text is for people and holds no secret."""

    #: Longest text where a document or a server of strangers is quoted; None: our own words, of any number of lines.
    LIMIT: ClassVar[int | None] = None

    def __str__(self) -> str:
        text = super().__str__()
        return visible.lines(text) if self.LIMIT is None else visible.line(text, self.LIMIT)


class ConfigError(WirewatchError):
    """A configuration that cannot be used; ``problems`` says why."""

    def __init__(self, text: str, problems: Sequence[model.Problem] = ()) -> None:
        super().__init__(text)
        self.problems = tuple(problems)


class StoreError(WirewatchError):
    """The database cannot be used."""


class StoreInUse(StoreError):
    """Another process owns the database."""


class SearchTooLong(StoreError):
    """A search took longer than it may."""


class StoreUnavailable(StoreError):
    """The database is full, locked, read-only or gone; to be tried again."""


class CannotAct(WirewatchError):
    """What a person asked for cannot be done; the text says why and what to do instead."""


class CannotSilence(CannotAct):
    """A silence that cannot be made or ended."""


class NotAllowed(CannotAct):
    """The person has no right to it."""


class FetchError(WirewatchError):
    """An address could not be fetched."""

    LIMIT = 1_000


class Refused(FetchError):
    """The address is not allowed, so nothing was asked."""


class TooSoon(FetchError):
    """Nothing was asked: the host has been asked enough for now."""

    def __init__(self, text: str, until: datetime) -> None:
        super().__init__(text)
        self.until = until


class TooBig(FetchError):
    """The response has more bytes than allowed, packed or unpacked."""


class Unreachable(FetchError):
    """No name, no connection, or no answer in time."""


class ReadError(WirewatchError):
    """The bytes are not a feed."""

    LIMIT = 1_000


class IsPage(ReadError):
    """The bytes are an HTML page, and no feed names selectors for it."""

    def __init__(self, text: str, feeds: Sequence[str] = ()) -> None:
        super().__init__(text)
        #: Absolute addresses of the feeds that the page offers, best first.
        self.feeds = tuple(feeds)


class EncoderFailed(WirewatchError):
    """No vectors this time: their model is missing, broken or too slow. Stories go on without."""


class ModelError(WirewatchError):
    """A language model gave no answer that can be used; it may have cost tokens all the same."""

    LIMIT = 500

    def __init__(self, text: str, *, tokens_in: int = 0, tokens_out: int = 0) -> None:
        super().__init__(text)
        self.tokens_in, self.tokens_out = tokens_in, tokens_out


class ModelUnavailable(ModelError):
    """No answer this time; ``after`` is the server's own word (Retry-After)."""

    def __init__(self, text: str, *, after: timedelta | None = None) -> None:
        super().__init__(text)
        self.after = after


class ModelRefused(ModelError):
    """Every call will fail until somebody acts: a wrong key, a model that does not exist."""


class BadAnswer(ModelError):
    """The answer is cut off, refused or not of the form that was asked for."""


class NotYetAnswered(ModelError):
    """The prompt was written down, to be answered at another time."""


class SendError(WirewatchError):
    """A message was not sent, or it is not known whether it was."""

    LIMIT = 1_000


class Wait(SendError):
    """Surely not accepted.

    ``after`` is the server's own word (Retry-After), None: back off. ``whole_channel``: nothing else may go to
    this channel before either.
    """

    def __init__(self, text: str, *, after: timedelta | None = None, whole_channel: bool = True) -> None:
        super().__init__(text)
        self.after = after
        self.whole_channel = whole_channel


class Unknown(SendError):
    """The message may have been accepted: to be looked up before it is sent again."""


class TooMuch(SendError):
    """The service refuses the message's form: to be sent once more in a simpler one."""


class ThreadGone(SendError):
    """The thread cannot take the message: to be posted outside of it."""


class NotEditable(SendError):
    """The message can no longer be edited: to be left as it is."""


class Parked(SendError):
    """``whole_workspace``: every channel with the same credentials is closed too."""

    def __init__(self, text: str, *, whole_workspace: bool = False) -> None:
        super().__init__(text)
        self.whole_workspace = whole_workspace
