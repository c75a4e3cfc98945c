"""The tree of routes that chooses the channels of a rule without ``notify``."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.rules import Severity
from bot.model.settings import QuietHours


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
