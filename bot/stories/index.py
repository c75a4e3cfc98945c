"""The open stories, found by their words and links.

Holds and finds; what is the same event is decided in grouping.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from bot import model
from bot.stories.openstory import OpenStory, Trace
from bot.stories.profile import Profile
from bot.stories.rarity import Rarity

#: Maximum open stories that are compared in full (8 measured no better).
CANDIDATES = 6
#: The weight of words shared with a story of other rules only.
OTHER_RULE = 0.25
#: Maximum stories whose age is checked before that.
LONG_LIST = 32
#: Postings read to find them, rarest words first: bounds the time an article takes, whatever the number of stories.
POSTINGS = 2500

#: Word or link -> numbers of stories.
_Postings = defaultdict[str, dict[int, None]]


class Index:
    """Open stories by id, by word and by link."""

    def __init__(self) -> None:
        self.stories: dict[model.StoryId, OpenStory] = {}
        self._numbered: dict[int, OpenStory] = {}
        #: Numbers of stories that are gone.
        self._free: list[int] = []
        self._by_word: _Postings = defaultdict(dict)
        self._by_link: _Postings = defaultdict(dict)
        self.rarity = Rarity(self._by_word)

    def near(self, profile: Profile, window: timedelta) -> list[OpenStory]:
        """Return the open stories that share the rarest words with an article, and stories with the same page."""
        words, left = [], POSTINGS
        for holders, word, worth in sorted(self._telling(profile)):
            left -= holders
            if left < 0:
                break
            words.append((self._by_word[word], worth))
        shared = [0.0] * (len(self._numbered) + len(self._free))
        for numbers, worth in words:
            for number in numbers:
                shared[number] += worth

        def worth_of(number: int) -> float:
            is_other = profile.rules and self._numbered[number].rules.isdisjoint(profile.rules)
            return shared[number] * OTHER_RULE if is_other else shared[number]

        linked = self._by_link.get(profile.link, {})
        # Few stories are past the window, since each batch deletes old ones first.
        for most in (CANDIDATES, LONG_LIST):
            found = {number: worth_of(number) for number in (*_likely(words, shared, worth_of, most), *linked)}
            cut = sorted(found.values(), reverse=True)[:most][-1] if found else 0.0
            chosen = [self._numbered[number] for number, worth in found.items() if worth >= cut or number in linked]
            fresh = [story for story in chosen if profile.seen - story.seen <= window]
            if len(fresh) == len(chosen):
                break
        fresh.sort(key=lambda story: (story.number not in linked, -found[story.number], story.rank))
        return fresh[:CANDIDATES]

    def linked(self, links: Iterable[str]) -> set[int]:
        """Return the numbers of the open stories with one of these pages."""
        return {number for link in links for number in self._by_link.get(link, ())}

    def add(self, story: model.StoryId, profile: Profile, *, is_roundup: bool = False) -> None:
        """Add the article to the story; the first article opens it."""
        self.rarity.forget()
        home = self.stories.get(story)
        if home is None:
            home = self.stories[story] = OpenStory.opened(story, profile, is_roundup=is_roundup)
            home.number = self._free.pop() if self._free else len(self._numbered)
            self._numbered[home.number] = home
            self.rarity.count(len(self.stories))
        new = [word for word in profile.weights if word not in home.totals]
        before = set(home.rules)
        home.add(profile)
        self._post(home, new, [profile.link], before)
        for rule, matched in profile.rules.items():
            self.rarity.rules[rule].match(matched, profile.lines[rule])
        self._trim(home)

    def merge(self, younger: model.StoryId, older: model.StoryId) -> None:
        """Move the articles of the younger story to the older one."""
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
        del self._numbered[gone.number]
        self._free.append(gone.number)
        for word in gone.totals:
            _release(self._by_word, word, gone.number)
            self.rarity.changed(word)
        for rule in gone.rules:
            self.rarity.rules[rule].count(-1, gone.totals, -1)
            if not self.rarity.rules[rule].stories:
                del self.rarity.rules[rule]
        for link in filter(None, gone.addresses):
            _release(self._by_link, link, gone.number)
        self.rarity.count(len(self.stories))
        return gone

    def forget(self, before: datetime) -> list[Trace]:
        """Delete older articles, and stories that have none left; return the articles."""
        gone: list[Trace] = []
        for story in list(self.stories.values()):
            if story.seen < before:
                gone.extend(self.drop(story.id).members)
            elif old := story.release(before):
                gone.extend(old)
                for link in {member.link for member in old if member.link} - story.addresses:
                    _release(self._by_link, link, story.number)
        return gone

    def _trim(self, story: OpenStory) -> None:
        gone = story.trim()
        for word in gone:
            _release(self._by_word, word, story.number)
            self.rarity.changed(word)
        for rule in story.rules if gone else ():
            self.rarity.rules[rule].count(0, gone, -1)

    def _telling(self, profile: Profile) -> Iterator[tuple[int, str, float]]:
        """Yield the article's words that open stories have: number of stories, word, weight."""
        rare = self.rarity.under(profile.rules)
        for (word, weight), rarity in zip(profile.weights.items(), rare.of(profile.weights.keys()), strict=True):
            if holders := self._by_word.get(word):
                yield len(holders), word, weight * rarity * rarity

    def _post(self, story: OpenStory, new: Sequence[str], links: Iterable[str], known: AbstractSet[str]) -> None:
        """The story has new words and pages; ``known``: the rules under which its other words are counted already."""
        for word in new:
            self._by_word[word][story.number] = None
            self.rarity.changed(word)
        for link in filter(None, links):
            self._by_link[link][story.number] = None
        for rule in story.rules:
            self.rarity.rules[rule].count(rule not in known, new if rule in known else story.totals, 1)


def _likely(
    words: Sequence[tuple[Mapping[int, None], float]],
    shared: Sequence[float],
    worth_of: Callable[[int], float],
    most: int,
) -> list[int]:
    """The stories that may be among the ``most`` that are worth most; ``words``: the rarest first.

    Some that share the rarest words are worth so much that no story whose first word comes late is worth as much.
    """
    early: set[int] = set()
    for numbers, _ in words:
        early |= numbers.keys()
        if len(early) >= 2 * LONG_LIST:
            break
    floor = sorted(map(worth_of, early))[-most] if len(early) >= most else 0.0
    left, late = sum([worth for _, worth in words]), 0
    for _, worth in words:
        # A sum that is taken apart in another order is not as exact.
        if left < 0.999 * floor:
            break
        left, late = left - worth, late + 1
    return [number for number in set().union(*[numbers for numbers, _ in words[:late]]) if shared[number] >= floor]


def _release(postings: _Postings, key: str, story: int) -> None:
    holders = postings[key]
    del holders[story]
    if not holders:
        del postings[key]
