"""Feeds of real-looking sites through ingestion and decisions over a real store, with given articles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot import rules, storage
from bot.config.settings import Settings
from bot.feeds import kinds
from bot.model.feeds import Feed, FeedState
from bot.model.fetching import Body, Response
from bot.model.messages import Outgoing
from bot.model.rules import Line, Rule
from bot.model.stories import Story
from bot.pipeline import intake, join
from bot.pipeline.poll import Poll
from bot.pipeline.turn import Turn
from tests.journeys.world import Item, rss
from tests.testbed.fakes import START
from tests.testbed.made_settings import make_settings

__all__ = ["DAWN", "DAY", "WIRE", "Item", "Newsroom"]

DAY = timedelta(days=1)
DAWN = Feed(url="https://dawn.example/feed", name="Dawn", owner="Dawn", tags=("pakistan",))
WIRE = Feed(url="https://wire.example/feed", name="Wire", owner="Wire")


@dataclass(slots=True)
class Newsroom:
    """Each call is one poll; ``together`` is several feeds of one transaction."""

    store: storage.Store
    feeds: Sequence[Feed]
    #: Keys of the only rule, and keys of bot.yaml.
    rule_keys: dict[str, Any] = field(default_factory=dict)
    bot_keys: dict[str, Any] = field(default_factory=dict)
    now: datetime = START
    updater: join.StoryUpdater = field(default_factory=join.StoryUpdater)

    @property
    def settings(self) -> Settings:
        line = Line(label="product", terms=("BlackBerry",))
        keys: dict[str, Any] = {"name": "blackberry", "notify": ("desk",), "all": (line,), **self.rule_keys}
        rule = rules.compile_rule(Rule(**keys))
        return make_settings(feeds=self.feeds, rules=[rule], operator="ops", **self.bot_keys)

    async def poll(self, feed: Feed, *items: Item) -> intake.IngestedPoll:
        [poll] = await self.together({feed.url: items})
        return poll

    async def together(self, said: Mapping[str, Sequence[Item]]) -> Sequence[intake.IngestedPoll]:
        self.now += timedelta(minutes=5)
        settings, now = self.settings, self.now

        def work(tx: storage.Transaction) -> Sequence[intake.IngestedPoll]:
            polls = [self._polled(tx, settings.feeds_by_address[url], items) for url, items in said.items()]
            ingested = intake.ingest_polls(tx, polls, settings, now=now)
            tx.feeds.save([poll.state for poll in ingested])
            intake.store_articles(tx, [change for poll in ingested for change in poll.changes], now=now)
            tx.articles.see([sighting for poll in ingested for sighting in poll.sightings], at=now)
            arrivals = [arrival for poll in ingested for arrival in poll.arrivals]
            revisions = [revision for poll in ingested for revision in poll.revisions]
            turn = Turn(tx, settings, now)
            self.updater.update(turn, [*arrivals, *revisions])
            turn.changes.write(tx)
            return ingested

        try:
            return await self.store.write(work)
        except BaseException:
            self.updater = join.StoryUpdater()
            raise

    def _polled(self, tx: storage.Transaction, feed: Feed, items: Sequence[Item]) -> Poll:
        state = tx.feeds.get(feed.url)
        if state is None:
            # Its first answer was empty, so that nothing of the test is a baseline.
            state = FeedState(url=feed.url, due_at=START, baseline_at=START)
        body = rss("feed", *items)
        answer = Response(status=200, url=feed.url, body=body)
        known = frozenset(state.validators.item_hashes)
        reading = kinds.parse_document(Body(content=body, content_type="", url=feed.url, known_hashes=known))
        return Poll(feed=feed, state=state, answer=answer, reading=reading)

    async def stories(self) -> Sequence[Story]:
        return await self.store.read(lambda tx: tx.stories.since(None))

    async def titles(self, feed: Feed) -> list[str]:
        """Return the titles of the articles that are stored as this feed's, oldest first."""
        articles = await self.store.read(lambda tx: list(tx.articles.archive(since=START - 365 * DAY)))
        return [article.title for article in articles if article.feed == feed.url]

    async def unsent(self) -> list[Outgoing]:
        """Return the rows of the outbox, without notices to the operator."""
        return [row for row in await self.store.read(lambda tx: tx.outbox.unsent()) if row.channel != "ops"]

    async def told(self) -> list[tuple[str, str]]:
        """Return the feed and the headline of each article in a story, in order."""
        members = [member for story in await self.stories() for member in story.members]
        return [(member.article.feed, member.article.title) for member in members]
