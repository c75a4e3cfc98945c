"""Those who count what happens, without the pipeline knowing them."""

from __future__ import annotations

from typing import Protocol

from bot import model, pipeline


class Meter(Protocol):
    """Told of what happens, as numbers want to know it."""

    def on_feed(self, report: pipeline.FeedReport) -> None: ...

    def on_decided(self, decision: model.Decision) -> None: ...

    def on_outcome(self, row: model.Outgoing) -> None: ...


class Meters:
    """Passes on what happens to all who count."""

    def __init__(self) -> None:
        self.all: list[Meter] = []

    def on_feed(self, report: pipeline.FeedReport) -> None:
        for meter in self.all:
            meter.on_feed(report)

    def on_decided(self, decision: model.Decision) -> None:
        for meter in self.all:
            meter.on_decided(decision)

    def on_outcome(self, row: model.Outgoing) -> None:
        for meter in self.all:
            meter.on_outcome(row)
