"""A store of identities in memory: answers as Articles.find_known_items would, and keeps as a pipeline does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from bot.feeds import identity, items, links
from bot.model.archive import ArticleStub, IdentityQuery, KnownItems
from bot.model.feeds import Entry, Feed, ParsedFeed
from bot.model.stories import Article, ArticleId
from bot.text.folding import fold_title
from tests.testbed.fakes import START

FEED = Feed(url="https://www.example.org/rss", name="Example")
DAY = timedelta(hours=24)
#: The shortest body that identifies an article.
LONG = "<p>" + "The regulator ordered the company to open its servers to unfettered access. " * 5 + "</p>"


def entry(number: int, **changes: object) -> Entry:
    """A plain entry; each number is another article."""
    words = ("BlackBerry quits Pakistan", "Rain stops play at Lord's", "Tax bill passes", "Volcano wakes", "Bank fined")
    plain = Entry(
        guid=f"id-{number}",
        link=f"https://www.example.org/news/{number}",
        title=f"{words[number % len(words)]} {number}",
        body=f"<p>What happened in matter {number}, in some words.</p>",
        published=START - timedelta(minutes=number),
    )
    return replace(plain, **changes)


def reading(*entries: Entry, **changes: object) -> ParsedFeed:
    return replace(ParsedFeed(title="Example News", entries=entries), **changes)


class Archive:
    """Remembers articles and sightings as storage does."""

    def __init__(self) -> None:
        self.articles: dict[ArticleId, Article] = {}
        self.textless: set[ArticleId] = set()
        self.sightings: dict[tuple[str, str], ArticleId] = {}

    def find_known_items(self, question: IdentityQuery) -> KnownItems:
        feed = question.feed
        by_title: defaultdict[str, list[ArticleStub]] = defaultdict(list)
        oldest = sorted(self.articles.values(), key=lambda article: (article.first_seen, article.id))
        by_link: defaultdict[str, list[ArticleStub]] = defaultdict(list)
        by_print: defaultdict[str, list[ArticleStub]] = defaultdict(list)
        for article in oldest:
            stub = self.stub(article)
            by_link[links.link_key(article.link)].append(stub)
            if article.id not in self.textless:
                by_print[article.fingerprint].append(stub)
            if article.feed == feed:
                by_title[fold_title(article.title)].append(stub)
        return KnownItems(
            by_key={
                key: self.stub(self.articles[self.sightings[feed, key]])
                for key in question.keys
                if (feed, key) in self.sightings
            },
            by_link={link: by_link[link] for link in question.links if link in by_link},
            by_fingerprint={value: by_print[value] for value in question.fingerprints if value in by_print},
            by_title={title: by_title[title] for title in question.titles if title in by_title},
            carried={article for (carrier, _), article in self.sightings.items() if carrier == feed},
        )

    def stub(self, article: Article) -> ArticleStub:
        return identity.stub_of(article, has_text=article.id not in self.textless)

    def poll(
        self,
        *entries: Entry,
        feed: Feed = FEED,
        is_baseline: bool = False,
        later: timedelta = timedelta(),
    ) -> identity.Identification:
        """Identify one reading and keep the result."""
        document = reading(*entries)
        prepared = items.prepare_items(feed, document)[1]
        result = identity.identify(
            feed,
            document,
            self.find_known_items(items.make_question(feed, prepared)),
            now=START + later,
            backfill=DAY,
            is_baseline=is_baseline,
            feed_title=None,
            items=prepared,
        )
        self.keep(result.items)
        return result

    def keep(self, items: Sequence[identity.Identified]) -> None:
        for item in items:
            if item.article is not None:
                assert item.novelty not in (identity.Novelty.SEEN, identity.Novelty.SAME_LINK, identity.Novelty.CHURN)
                self._keep(item.article, item.novelty)
            self.sightings[item.sighting.feed, item.sighting.key] = item.sighting.article

    def _keep(self, article: Article, novelty: identity.Novelty) -> None:
        before = self.articles.get(article.id)
        if before is None:
            self.articles[article.id] = article
            if novelty is identity.Novelty.OLD:
                self.textless.add(article.id)
        elif novelty in (identity.Novelty.EDITED, identity.Novelty.TAKEN_OVER):
            if novelty is identity.Novelty.EDITED:
                article = replace(article, feed=before.feed, outlet=before.outlet, owner=before.owner)
            self.articles[article.id] = replace(article, first_seen=before.first_seen)
            self.textless.discard(article.id)


def novelties(result: identity.Identification) -> list[str]:
    return [item.novelty.value for item in result.items]
