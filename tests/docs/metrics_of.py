"""Every metric of the page, as its registry knows it, also those that have no sample yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from bot.queries.watched import Watched
from bot.web.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    #: As a query names it: a counter with its ``_total``.
    name: str
    kind: str
    labels: tuple[str, ...]
    told: str


def families() -> Sequence[Family]:
    # What it watches is asked at a scrape only.
    registry = Metrics(cast("Watched", None))._registry
    found: list[Any] = [collector for collector in registry._collector_to_names if hasattr(collector, "_labelnames")]
    return [
        Family(
            name=each._name + ("_total" if each._type == "counter" else ""),
            kind=each._type,
            labels=tuple(each._labelnames),
            told=each._documentation,
        )
        for each in found
    ]
