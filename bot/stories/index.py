"""Index the open stories by their words and links.

The index finds candidates; grouping.py decides which of them report the same event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from bot.model.stories import StoryId
from bot.stories.openstory import OpenStory, Trace
from bot.stories.profile import Profile
from bot.stories.rarity import Rarity

#: Maximum open stories that are compared in full. A test with 8 gave no better results.
CANDIDATES = 6
#: Factor for the words shared with a story that has none of the article's rules.
OTHER_RULE = 0.25
#: Number of candidates to select if some of the best CANDIDATES are older than the window.
LONG_LIST = 32
#: Maximum postings read to find candidates, rarest words first. It limits the time per article for any number of
#: stories.
POSTINGS = 2500

#: Word or link -> numbers of stories.
_Postings = defaultdict[str, dict[int, None]]


class Index:
    """An index of open stories by id, word and link."""

    def __init__(self) -> None:
        self.stories: dict[StoryId, OpenStory] = {}
        self._numbered: dict[int, OpenStory] = {}
        #: Numbers of deleted stories, for reuse.
        self._free: list[int] = []
        self._by_word: _Postings = defaultdict(dict)
        self._by_link: _Postings = defaultdict(dict)
        self.rarity = Rarity(self._by_word)

    def near(self, profile: Profile, window: timedelta) -> list[OpenStory]:
        """Return at most CANDIDATES open stories that share the rarest words, or the link, with an article."""
        words, budget = [], POSTINGS
        for holders, word, worth in sorted(self._telling(profile)):
            budget -= holders
            if budget < 0:
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
        # The short list nearly always suffices: each batch first deletes the stories that are older than the window.
        for most in (CANDIDATES, LONG_LIST):
            worths = {number: worth_of(number) for number in (*_likely(words, shared, worth_of, most), *linked)}
            cut = sorted(worths.values(), reverse=True)[:most][-1] if worths else 0.0
            chosen = [self._numbered[number] for number, worth in worths.items() if worth >= cut or number in linked]
            fresh = [story for story in chosen if profile.seen - story.seen <= window]
            if len(fresh) == len(chosen):
                break
        fresh.sort(key=lambda story: (story.number not in linked, -worths[story.number], story.rank))
        return fresh[:CANDIDATES]

    def linked(self, links: Iterable[str]) -> set[int]:
        """Return the numbers of the open stories that contain any of the links."""
        return {number for link in links for number in self._by_link.get(link, ())}

    def add(self, story: StoryId, profile: Profile, *, is_roundup: bool = False) -> None:
        """Add the article to the story; the first article opens it."""
        self.rarity.forget()
        home = self.stories.get(story)
        if home is None:
            home = self.stories[story] = OpenStory.opened(story, profile, is_roundup=is_roundup)
            home.number = self._free.pop() if self._free else len(self._numbered)
            self._numbered[home.number] = home
            self.rarity.count(len(self.stories))
        new_words = [word for word in profile.weights if word not in home.totals]
        old_rules = set(home.rules)
        home.add(profile)
        self._post(home, new_words, [profile.link], old_rules)
        for rule, matched in profile.rules.items():
            self.rarity.rules[rule].match(matched, profile.lines[rule])
        self._trim(home)

    def merge(self, younger: StoryId, older: StoryId) -> None:
        """Move the articles of the younger story to the older one."""
        gone, home = self.drop(younger), self.stories[older]
        new_words = [word for word in gone.totals if word not in home.totals]
        old_rules = set(home.rules)
        home.absorb(gone)
        self._post(home, new_words, gone.addresses, old_rules)
        self._trim(home)

    def drop(self, story: StoryId) -> OpenStory:
        """Remove a story from the index and return it."""
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

    def forget(self, cutoff: datetime) -> list[Trace]:
        """Delete and return articles first seen before ``cutoff``. Delete stories that have only such articles."""
        gone: list[Trace] = []
        for story in list(self.stories.values()):
            if story.seen < cutoff:
                gone.extend(self.drop(story.id).members)
            elif old := story.release(cutoff):
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
        """Yield each word of the article that open stories have: the number of these stories, the word, its weight."""
        rare = self.rarity.under(profile.rules)
        for (word, weight), rarity in zip(profile.weights.items(), rare.of(profile.weights.keys()), strict=True):
            if holders := self._by_word.get(word):
                yield len(holders), word, weight * rarity * rarity

    def _post(
        self, story: OpenStory, new_words: Sequence[str], links: Iterable[str], counted_rules: AbstractSet[str]
    ) -> None:
        """Index new words and links of a story. ``counted_rules`` are the rules that already count its old words."""
        for word in new_words:
            self._by_word[word][story.number] = None
            self.rarity.changed(word)
        for link in filter(None, links):
            self._by_link[link][story.number] = None
        for rule in story.rules:
            self.rarity.rules[rule].count(
                rule not in counted_rules, new_words if rule in counted_rules else story.totals, 1
            )


def _likely(
    words: Sequence[tuple[Mapping[int, None], float]],
    shared: Sequence[float],
    worth_of: Callable[[int], float],
    most: int,
) -> list[int]:
    """Return the numbers of the stories that may be among the ``most`` with the highest worth. Rare words come first.

    Stories that share the rarest words set a minimum worth, which stories that share only common words cannot reach.
    """
    early: set[int] = set()
    for numbers, _ in words:
        early |= numbers.keys()
        if len(early) >= 2 * LONG_LIST:
            break
    floor = sorted(map(worth_of, early))[-most] if len(early) >= most else 0.0
    remaining, count = sum([worth for _, worth in words]), 0
    for _, worth in words:
        # The factor allows for rounding errors, because worths are added in one order and subtracted in another.
        if remaining < 0.999 * floor:
            break
        remaining, count = remaining - worth, count + 1
    return [number for number in set().union(*[numbers for numbers, _ in words[:count]]) if shared[number] >= floor]


def _release(postings: _Postings, key: str, story: int) -> None:
    holders = postings[key]
    del holders[story]
    if not holders:
        del postings[key]
