"""One transaction's view of the store."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from bot import ports
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


def over(connection: Connection) -> ports.Transaction:
    """The parts of the store over an open transaction."""
    articles = Articles(connection)
    return Transaction(
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
