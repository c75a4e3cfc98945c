"""How the outside may fail: the tree is drawn in the package docstring.

The text of an error is for people and may quote a stranger: it is clean and bounded whoever shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
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
    def __init__(self, text: str, problems: Sequence[model.Problem] = ()) -> None:
        super().__init__(text)
        self.problems = tuple(problems)


class StoreError(WirewatchError):
    pass


class StoreInUse(StoreError):
    pass


class StoreUnavailable(StoreError):
    pass


class FetchError(WirewatchError):
    LIMIT = 1_000


class Refused(FetchError):
    pass


class TooBig(FetchError):
    pass


class Unreachable(FetchError):
    pass


class ReadError(WirewatchError):
    LIMIT = 1_000


class IsPage(ReadError):
    def __init__(self, text: str, feeds: Sequence[str] = ()) -> None:
        super().__init__(text)
        #: Absolute addresses of the feeds that the page offers, best first.
        self.feeds = tuple(feeds)


class SendError(WirewatchError):
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
    pass


class TooMuch(SendError):
    pass


class ThreadGone(SendError):
    pass


class NotEditable(SendError):
    pass


class Parked(SendError):
    """``whole_workspace``: every channel with the same credentials is closed too."""

    def __init__(self, text: str, *, whole_workspace: bool = False) -> None:
        super().__init__(text)
        self.whole_workspace = whole_workspace
