"""The open stories, found by their words and links.

Holds and finds; what is the same event is decided in grouping.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from bot import model
from bot.stories.openstory import OpenStory, Trace
from bot.stories.profile import Profile
from bot.stories.rarity import Rarity

#: How many open stories are compared in full (8 measured no better).
CANDIDATES = 5
#: How many are looked at for their age before.
LONG_LIST = 32
#: Postings read to find them, rarest words first: bounds the time an article takes, whatever the number of stories.
POSTINGS = 2500

_Postings = defaultdict[str, dict[model.StoryId, None]]


class Index:
    """Open stories by id, by word and by link."""

    def __init__(self) -> None:
        self.stories: dict[model.StoryId, OpenStory] = {}
        self._by_word: _Postings = defaultdict(dict)
        self._by_link: _Postings = defaultdict(dict)
        self.rarity = Rarity(self._by_word)

    def near(self, read: Profile, window: timedelta) -> list[OpenStory]:
        """The open stories that share the most telling words with an article, and those tied to it by a link."""
        found: defaultdict[model.StoryId, float] = defaultdict(float)
        left = POSTINGS
        for holders, word, worth in sorted(self._telling(read)):
            left -= holders
            if left < 0:
                break
            for story in self._by_word[word]:
                found[story] += worth
        cut = sorted(found.values(), reverse=True)[:LONG_LIST][-1] if found else 0.0
        linked = set(self._linked(read))
        chosen = [self.stories[story] for story, worth in found.items() if worth >= cut or story in linked]
        chosen.extend(self.stories[story] for story in linked - found.keys())
        fresh = [story for story in chosen if read.seen - story.seen <= window]
        fresh.sort(key=lambda story: (story.id not in linked, -found.get(story.id, 0.0), story.rank))
        return fresh[:CANDIDATES]

    def add(self, story: model.StoryId, read: Profile) -> None:
        """The article is of the story, which opens with its first."""
        home = self.stories.get(story)
        if home is None:
            home = self.stories[story] = OpenStory.opened(story, read)
            self.rarity.count(len(self.stories))
        self._post(story, (word for word in read.weights if word not in home.totals), _links(read.link, read.links))
        home.add(read)
        self._trim(home)

    def merge(self, younger: model.StoryId, older: model.StoryId) -> None:
        """The younger story's articles are of the older."""
        gone, home = self.drop(younger), self.stories[older]
        links = (link for member in gone.members for link in _links(member.link, member.links))
        self._post(older, (word for word in gone.totals if word not in home.totals), links)
        home.absorb(gone)
        self._trim(home)

    def drop(self, story: model.StoryId) -> OpenStory:
        """Forget one story."""
        gone = self.stories.pop(story)
        for word in gone.totals:
            _release(self._by_word, word, story)
            self.rarity.changed(word)
        for link in {link for member in gone.members for link in _links(member.link, member.links)}:
            _release(self._by_link, link, story)
        self.rarity.count(len(self.stories))
        return gone

    def forget(self, before: datetime) -> list[Trace]:
        """Let go of the articles that came before, and of the stories whose last they were; gives the articles."""
        gone: list[Trace] = []
        for story in list(self.stories.values()):
            if story.seen < before:
                gone.extend(self.drop(story.id).members)
            elif old := story.release(before):
                gone.extend(old)
                kept = {link for member in story.members for link in _links(member.link, member.links)}
                for link in {link for member in old for link in _links(member.link, member.links)} - kept:
                    _release(self._by_link, link, story.id)
        return gone

    def _trim(self, story: OpenStory) -> None:
        for word in story.trim():
            _release(self._by_word, word, story.id)
            self.rarity.changed(word)

    def _telling(self, read: Profile) -> Iterator[tuple[int, str, float]]:
        """The article's words that open stories hold: how many hold it, the word, its worth."""
        for word, weight in read.weights.items():
            holders = self._by_word.get(word)
            if holders:
                yield len(holders), word, weight * self.rarity.of(word) ** 2

    def _linked(self, read: Profile) -> Iterator[model.StoryId]:
        for link in _links(read.link, read.links):
            yield from self._by_link.get(link, ())

    def _post(self, story: model.StoryId, words: Iterable[str], links: Iterable[str]) -> None:
        for word in words:
            self._by_word[word][story] = None
            self.rarity.changed(word)
        for link in links:
            self._by_link[link][story] = None


def _links(own: str, outgoing: Iterable[str]) -> Iterator[str]:
    yield from (link for link in (own, *outgoing) if link)


def _release(postings: _Postings, key: str, story: model.StoryId) -> None:
    holders = postings[key]
    del holders[story]
    if not holders:
        del postings[key]
