"""The open stories, found by their words and links.

Holds and finds; what is the same event is decided in grouping.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from bot import model
from bot.stories.openstory import OpenStory, Trace
from bot.stories.profile import Profile
from bot.stories.rarity import Rarity

#: How many open stories are compared in full (8 measured no better).
CANDIDATES = 6
#: What the words shared with a story of other rules are worth beside those shared with one of the article's own.
OTHER_RULE = 0.25
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
        """The open stories that share the most telling words with an article, and those that have its page."""
        found: defaultdict[model.StoryId, float] = defaultdict(float)
        left = POSTINGS
        for holders, word, worth in sorted(self._telling(read)):
            left -= holders
            if left < 0:
                break
            for story in self._by_word[word]:
                found[story] += worth
        for story in found:
            if read.rules and self.stories[story].rules.isdisjoint(read.rules):
                found[story] *= OTHER_RULE
        cut = sorted(found.values(), reverse=True)[:LONG_LIST][-1] if found else 0.0
        linked = self._by_link.get(read.link, {})
        chosen = [self.stories[story] for story, worth in found.items() if worth >= cut or story in linked]
        chosen.extend(self.stories[story] for story in linked if story not in found)
        fresh = [story for story in chosen if read.seen - story.seen <= window]
        fresh.sort(key=lambda story: (story.id not in linked, -found.get(story.id, 0.0), story.rank))
        return fresh[:CANDIDATES]

    def add(self, story: model.StoryId, read: Profile, *, is_roundup: bool = False) -> None:
        """The article is of the story, which opens with its first."""
        self.rarity.forget()
        home = self.stories.get(story)
        is_joined = home is not None
        if home is None:
            home = self.stories[story] = OpenStory.opened(story, read, is_roundup=is_roundup)
            self.rarity.count(len(self.stories))
        new = [word for word in read.weights if word not in home.totals]
        before = set(home.rules)
        home.add(read)
        self._post(home, new, [read.link], before)
        for rule, matched in read.rules.items():
            self.rarity.rules[rule].match(matched, is_joined=is_joined)
        self._trim(home)

    def merge(self, younger: model.StoryId, older: model.StoryId) -> None:
        """The younger story's articles are of the older."""
        gone, home = self.drop(younger), self.stories[older]
        new = [word for word in gone.totals if word not in home.totals]
        before = set(home.rules)
        home.absorb(gone)
        self._post(home, new, gone.addresses, before)
        self._trim(home)

    def drop(self, story: model.StoryId) -> OpenStory:
        """Forget one story."""
        self.rarity.forget()
        gone = self.stories.pop(story)
        for word in gone.totals:
            _release(self._by_word, word, story)
            self.rarity.changed(word)
        for rule in gone.rules:
            self.rarity.rules[rule].count(-1, gone.totals, -1)
            if not self.rarity.rules[rule].stories:
                del self.rarity.rules[rule]
        for link in filter(None, gone.addresses):
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
                for link in {member.link for member in old if member.link} - story.addresses:
                    _release(self._by_link, link, story.id)
        return gone

    def _trim(self, story: OpenStory) -> None:
        gone = story.trim()
        for word in gone:
            _release(self._by_word, word, story.id)
            self.rarity.changed(word)
        for rule in story.rules if gone else ():
            self.rarity.rules[rule].count(0, gone, -1)

    def _telling(self, read: Profile) -> Iterator[tuple[int, str, float]]:
        """The article's words that open stories hold: how many hold it, the word, its worth."""
        rare = self.rarity.under(read.rules)
        for word, weight in read.weights.items():
            holders = self._by_word.get(word)
            if holders:
                yield len(holders), word, weight * rare[word] ** 2

    def _post(self, story: OpenStory, new: Sequence[str], links: Iterable[str], known: AbstractSet[str]) -> None:
        """The story has new words and pages; ``known``: the rules under which its other words are counted already."""
        for word in new:
            self._by_word[word][story.id] = None
            self.rarity.changed(word)
        for link in filter(None, links):
            self._by_link[link][story.id] = None
        for rule in story.rules:
            self.rarity.rules[rule].count(rule not in known, new if rule in known else story.totals, 1)


def _release(postings: _Postings, key: str, story: model.StoryId) -> None:
    holders = postings[key]
    del holders[story]
    if not holders:
        del postings[key]
