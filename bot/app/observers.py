"""Those who are told of what happens, such as metrics, without the pipeline knowing them."""

from __future__ import annotations

from typing import Protocol

from bot import model
from bot.pipeline.reports import FeedReport


class Observer(Protocol):
    """Told of each event as it happens."""

    def on_feed(self, report: FeedReport) -> None:
        """A feed was polled."""

    def on_decided(self, decision: model.Decision) -> None:
        """A decision was committed."""

    def on_outcome(self, row: model.Outgoing) -> None:
        """A message of the outbox changed its state."""

    def on_completion(self, completion: model.Completion) -> None:
        """A language model was asked."""


class Observers:
    """Passes on what happens to all of them."""

    def __init__(self) -> None:
        self.all: list[Observer] = []

    def on_feed(self, report: FeedReport) -> None:
        for observer in self.all:
            observer.on_feed(report)

    def on_decided(self, decision: model.Decision) -> None:
        for observer in self.all:
            observer.on_decided(decision)

    def on_outcome(self, row: model.Outgoing) -> None:
        for observer in self.all:
            observer.on_outcome(row)

    def on_completion(self, completion: model.Completion) -> None:
        for observer in self.all:
            observer.on_completion(completion)
