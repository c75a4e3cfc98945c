"""Index the open stories by rule, word and link.

The index finds the stories to compare an article with; grouping.py decides which of them report the same event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec.structs import replace

from bot.model.archive import Arrival
from bot.model.encoders import Vector
from bot.model.stories import Article, ArticleId, Join, JoinReason, Story, StoryId
from bot.stories.likeness import Rarities
from bot.stories.openstory import OpenStory
from bot.stories.profile import Profile, profile_of
from bot.stories.threads import Threads

#: Maximum open stories that are compared in full.
CANDIDATES = 8
#: Maximum postings read to find candidates, rarest words first. It limits the time per article for any number of
#: stories.
POSTINGS = 3000


class Index:
    """The open stories, and the story of each of their articles. Of a thread, each event is a story here."""

    def __init__(self, *, window: timedelta) -> None:
        self.window = window
        self.stories: dict[StoryId, OpenStory] = {}
        self.joins: dict[ArticleId, Join] = {}
        self.threads = Threads()
        #: Rule -> word -> stories of the rule with the word.
        self._by_word: defaultdict[str, defaultdict[str, set[StoryId]]] = defaultdict(lambda: defaultdict(set))
        self._of_rule: defaultdict[str, set[StoryId]] = defaultdict(set)
        self._by_link: defaultdict[str, set[StoryId]] = defaultdict(set)

    def profile(self, arrival: Arrival) -> Profile:
        """Return an article as it is compared."""
        return profile_of(arrival)

    def rarities(self, profile: Profile, rule: str) -> Rarities:
        """Return how much words count for an article under a rule."""
        return Rarities(stories=len(self._of_rule[rule]), holders=self._by_word[rule], terms=profile.terms)

    def narrowest(self, rules: Iterable[str]) -> str:
        """Return the rule with the fewest open stories."""
        return min([(len(self._of_rule[rule]), rule) for rule in rules])[1]

    def near(self, profile: Profile, rarities_under: Callable[[str], Rarities]) -> list[OpenStory]:
        """Return at most CANDIDATES stories of the article's rules that share the rarest words, or the link.

        Stories to which the article links come in addition. ``rarities_under`` returns how much words count by rule.
        """
        shared: defaultdict[StoryId, float] = defaultdict(float)
        for rule in profile.rules & self._by_word.keys():
            postings, rarities, budget = self._by_word[rule], rarities_under(rule), POSTINGS
            held = [(len(postings[word]), word) for word in profile.weights.keys() & postings.keys()]
            for count, word in sorted(held):
                budget -= count
                if budget < 0:
                    break
                worth = (profile.weights[word] * rarities[word]) ** 2
                for story in postings[word]:
                    shared[story] += worth
        linked = {
            story
            for link in (profile.link, *profile.links)
            for story in self._by_link.get(link, ())
            if not self.stories[story].rules.isdisjoint(profile.rules)
        }
        for story in linked:
            shared.pop(story, None)
        # Most stories share few words, so sort only the best ones, and these by their rank too.
        least = min(sorted(shared.values())[-CANDIDATES:], default=0.0)
        best = [story for story, worth in shared.items() if worth >= least]
        best = sorted(best, key=lambda story: (-shared[story], self.stories[story].rank))[:CANDIDATES]
        near_stories = [self.stories[story] for story in (*sorted(linked), *best)]
        return [
            story
            for story in near_stories
            if profile.seen - story.seen <= self.window and not story.is_apart_from(profile)
        ]

    def add(self, profile: Profile, join: Join) -> None:
        """Add an article to its story, and merge the stories that its join merges."""
        for younger in join.merges:
            self.merge(younger, join.story)
        if profile.id in self.joins:
            return
        home = self.stories.get(join.story)
        if home is None:
            home = OpenStory.opened(join.story, profile, is_roundup=join.reason is JoinReason.ROUNDUP)
            self.stories[join.story] = home
        # Most words of the story stay, so remove only those that the article replaces.
        old_words = home.words
        home.add(profile, is_sure=not join.is_probable)
        self._post(home)
        self._remove_words(home, old_words - home.words)
        self.joins[profile.id] = join

    def load(
        self,
        stories: Iterable[Story],
        apart: Iterable[tuple[StoryId, Article]] = (),
        vectors: Mapping[ArticleId, Vector] = MappingProxyType({}),
    ) -> None:
        """Load the stored open stories at start, with the vectors of their articles.

        ``apart`` pairs a story with an article that people moved out.
        """
        for story in stories:
            self.threads.load(story)
            for member in story.members if story.merged_into is None else ():
                # An article that is not about its rule must not attract other articles.
                if member.join.reason is not JoinReason.NOT_ABOUT:
                    arrival = Arrival(
                        article=member.article,
                        matches=member.matches,
                        is_baseline=member.is_baseline,
                        meaning=vectors.get(member.article.id),
                    )
                    event = member.join.event or story.id
                    self.add(self.profile(arrival), replace(member.join, story=event, merges=()))
        for home, article in apart:
            self._keep_apart(home, Arrival(article=article, matches=(), is_baseline=False))

    def split(self, story: Story, apart: Story) -> None:
        """Apply a person's decision that the articles of ``apart`` are about another event than ``story``.

        Both stories are as stored after the split; ``apart`` may be new. From then on, the articles of ``apart``, and
        articles nearer to them than to ``story``, do not join ``story``, nor the reverse.
        """
        vectors: dict[ArticleId, Vector] = {}
        changed = {self.joins[member.article.id].story for member in apart.members if member.article.id in self.joins}
        for event in {*self.threads.events_of(story.id), apart.id, *changed} & self.stories.keys():
            samples = self.stories[event].samples
            vectors |= {sample.id: sample.meaning for sample in samples if sample.meaning is not None}
            self.drop(event)
        self.load((story, apart), ((story.id, member.article) for member in apart.members), vectors)
        for member in story.members:
            self._keep_apart(apart.id, Arrival(article=member.article, matches=member.matches, is_baseline=False))

    def merge(self, younger: StoryId, older: StoryId) -> None:
        """Move the articles of the younger story to the older one. Does nothing if one of them is not open."""
        if younger == older or not {younger, older} <= self.stories.keys():
            return
        gone, home = self._drop(younger), self.stories[older]
        for member in gone.members:
            if member.id in self.joins:
                join = self.joins[member.id]
                self.joins[member.id] = replace(join, story=older, reason=JoinReason.MERGED, merges=())
        self._release(home)
        home.absorb(gone)
        self._post(home)

    def forget(self, cutoff: datetime) -> None:
        """Delete articles first seen before ``cutoff``, and stories and events that have only such articles."""
        for story in list(self.stories.values()):
            if story.seen < cutoff:
                gone = self._drop(story.id).members
            elif gone := story.release(cutoff):
                for link in {member.link for member in gone} - story.addresses:
                    _discard(self._by_link, link, story.id)
            for member in gone:
                self.joins.pop(member.id, None)
        self.threads.keep(self.stories)

    def _keep_apart(self, story: StoryId, arrival: Arrival) -> None:
        for event in self.threads.events_of(story):
            if event in self.stories:
                self.stories[event].keep_apart(self.profile(arrival))

    def drop(self, story: StoryId) -> None:
        """Forget a story and its articles."""
        for member in self._drop(story).members:
            self.joins.pop(member.id, None)

    def _drop(self, story: StoryId) -> OpenStory:
        gone = self.stories.pop(story)
        self._release(gone)
        return gone

    def _post(self, story: OpenStory) -> None:
        """Index a story by its words and links."""
        words = story.words
        for rule in story.rules:
            self._of_rule[rule].add(story.id)
            postings = self._by_word[rule]
            for word in words:
                postings[word].add(story.id)
        for link in filter(None, story.addresses):
            self._by_link[link].add(story.id)

    def _release(self, story: OpenStory) -> None:
        """Remove a story from the words and links."""
        self._remove_words(story, story.words)
        for rule in story.rules:
            _discard(self._of_rule, rule, story.id)
            if not self._by_word[rule]:
                del self._by_word[rule]
        for link in filter(None, story.addresses):
            _discard(self._by_link, link, story.id)

    def _remove_words(self, story: OpenStory, words: set[str]) -> None:
        for rule in story.rules:
            for word in words:
                _discard(self._by_word[rule], word, story.id)


def _discard(postings: defaultdict[str, set[StoryId]], key: str, story: StoryId) -> None:
    postings[key].discard(story)
    if not postings[key]:
        del postings[key]
