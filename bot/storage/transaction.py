"""One transaction's view of the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot import ports
from bot.storage import clock_step
from bot.storage.articles import Articles
from bot.storage.completions import Completions
from bot.storage.decision_queue import DecisionQueue
from bot.storage.feeds import FeedStates
from bot.storage.judgements import Judgements
from bot.storage.key_values import KeyValues
from bot.storage.ledger import Ledger
from bot.storage.outbox import Outbox
from bot.storage.rulings import Rulings
from bot.storage.search import Search
from bot.storage.silences import Silences
from bot.storage.stories import Stories
from bot.storage.subscriptions import Subscriptions


@dataclass(slots=True)
class Transaction:
    """The parts of the store, over one connection."""

    connection: Connection
    feeds: ports.FeedStates
    articles: ports.Articles
    stories: ports.Stories
    outbox: ports.Outbox
    judgements: ports.Judgements
    rulings: ports.Rulings
    silences: ports.Silences
    decision_queue: ports.DecisionQueue
    ledger: ports.Ledger
    key_values: ports.KeyValues
    search: ports.Search
    completions: ports.Completions
    subscriptions: ports.Subscriptions

    def shift_waiting_times(self, *, by: timedelta, now: datetime) -> None:
        clock_step.shift_waiting_times(self.connection, self.stories, by=by, now=now)


def over(connection: Connection) -> ports.Transaction:
    """The parts of the store over an open transaction."""
    articles = Articles(connection)
    return Transaction(
        connection=connection,
        feeds=FeedStates(connection),
        articles=articles,
        stories=Stories(connection, articles),
        outbox=Outbox(connection),
        judgements=Judgements(connection),
        rulings=Rulings(connection),
        silences=Silences(connection),
        decision_queue=DecisionQueue(connection),
        ledger=Ledger(connection),
        key_values=KeyValues(connection),
        search=Search(connection),
        completions=Completions(connection),
        subscriptions=Subscriptions(connection),
    )
