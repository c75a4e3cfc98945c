"""Where what a rule finds is posted, when the rule does not name its channels: a tree of routes."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.rules import Severity
from bot.model.settings import QuietHours


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One branch: what it takes, and the channels; an empty condition takes everything."""

    to: tuple[str, ...]
    #: Names of rules; ``*`` is any text.
    rules: tuple[str, ...] = ()
    #: Of the feeds that brought the matched articles.
    tags: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()
    hours: QuietHours | None = None
    #: The routes after it are looked at too.
    goes_on: bool = False
    #: Looked at first; where none of them takes it, ``to`` does.
    routes: tuple[Route, ...] = ()
