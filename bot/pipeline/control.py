"""The control of deciding: an invented event that goes the whole way of an article, and is never committed.

Two outlets report the event. Both articles match an invented rule; the first opens a story, the second joins it, and
the story is decided and gets a message. So what all articles share is tried: silences, stories, alerts, the outbox.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bot import rules, storage
from bot.config.settings import Settings
from bot.model.archive import Arrival
from bot.model.feeds import Feed
from bot.model.rules import Line, Rule, Severity
from bot.model.stories import Article, ArticleId
from bot.pipeline.join import StoryUpdater
from bot.pipeline.turn import Turn

_TITLE = "Ferry Wirewatch collides with a lighthouse near Controlham"
_TEXT = "The ferry Wirewatch collided with the lighthouse of Controlham on its way to the island. Nobody was hurt."


class _NotCommitted(Exception):
    """Ends the transaction of the control."""


async def decide_invented_event(store: storage.Store, settings: Settings, *, now: datetime) -> None:
    """Decide the invented event and commit nothing. Raises what every article would meet."""
    line = Line(label="event", terms=("Controlham",))
    rule = Rule(name="Control", notify=tuple(settings.bot.channels)[:1], all=(line,), severity=Severity.HIGH)
    settings = replace(settings, rules=(rules.compile_rule(rule),))
    arrivals = [_arrival(name, settings, now=now) for name in ("first", "second")]

    def decide(tx: storage.Transaction) -> Turn:
        turn = Turn(tx, settings, now)
        StoryUpdater().update(turn, arrivals)
        return turn

    turn = await store.read(decide)

    def write(tx: storage.Transaction) -> None:
        tx.articles.add([arrival.article for arrival in arrivals])
        for arrival in arrivals:
            tx.articles.add_matches(arrival.article.id, arrival.matches)
        tx.decision_queue.add(arrivals)
        turn.changes.write(tx)
        raise _NotCommitted

    with suppress(_NotCommitted):
        await store.write(write)


def _arrival(name: str, settings: Settings, *, now: datetime) -> Arrival:
    article = Article(
        id=ArticleId(f"control {name}"),
        feed=f"https://{name}.invalid/feed",
        outlet=name,
        owner=name,
        link=f"https://{name}.invalid/ferry",
        title=_TITLE,
        text=_TEXT,
        published=now,
        first_seen=now,
        fingerprint="control",
    )
    matches = settings.rule_set.match(article, Feed(url=article.feed), now=now)
    return Arrival(article=article, matches=matches, is_baseline=False)
