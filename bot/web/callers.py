"""Who asks, what a caller may do, and how often."""

from __future__ import annotations

import hmac
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from starlette.responses import Response
from starlette.types import Scope

from bot import model
from bot.web import problems
from bot.web.connections import client_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A program, or a reader of the page."""

    #: Of web.tokens; empty: whoever has the page's token, or needs none on this machine.
    name: str
    may: model.TokenScope = model.TokenScope.READ


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """The secrets of web.tokens."""

    callers: Mapping[bytes, Caller]

    def caller(self, given: bytes) -> Caller | None:
        """Whose token it is; each is compared, whichever it is. None: nobody's."""
        found = [caller for token, caller in self.callers.items() if hmac.compare_digest(given, token)]
        return found[0] if found else None


#: Callers remembered; of more, those that asked longest ago begin anew.
MOST_CALLERS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Requests a minute, also all at once."""

    a_minute: int = 300


class Rates:
    """The buckets of all callers, which fill steadily and are emptied by requests. Pure: the time is handed in."""

    def __init__(self, rate: Rate) -> None:
        self._most = float(rate.a_minute)
        #: Caller -> what is left, and when that was. The last to ask is last.
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, caller: str, cost: int, now: float) -> int | None:
        """None: it may ask; else in how many seconds it may."""
        left, since = self._left.pop(caller, (self._most, now))
        left = min(self._most, left + (now - since) * self._most / 60)
        is_enough = left >= cost
        self._left[caller] = (left - cost if is_enough else left, now)
        if len(self._left) > MOST_CALLERS:
            del self._left[next(iter(self._left))]
        return None if is_enough else math.ceil((cost - left) * 60 / self._most)


def note(scope: Scope, caller: Caller) -> None:
    """Keep who asks with the request."""
    scope.setdefault("state", {})["caller"] = caller


def caller_of(scope: Scope) -> Caller:
    """Who asks."""
    return cast("Caller", scope["state"]["caller"])


def is_known(scope: Scope) -> bool:
    """Return whether the caller may read the page; /healthz and feeds answer others too."""
    return "caller" in scope.get("state", {})


def refusal(scope: Scope, rates: Rates, cost: int) -> Response | None:
    """429 to a caller that asks too often: counted by its token, or by the machine that it is on."""
    who = caller_of(scope).name or f"at {client_of(scope['client'])}"
    wait = rates.take(who, cost, time.monotonic())
    if wait is None:
        return None
    return problems.problem(429, f"Too many requests: wait {wait} s.", headers={"retry-after": str(wait)})
