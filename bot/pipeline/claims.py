"""What each open story has said so far, in memory beside the grouping index; made again where it is not at hand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from bot import facts, model

#: Stories whose claims are kept at hand: some tens of kilobytes each.
MOST = 1_000


class Claims:
    """The claims of the stories that changed last, at most ``MOST`` of them."""

    def __init__(self) -> None:
        self._by_story: OrderedDict[model.StoryId, facts.StoryClaims] = OrderedDict()

    def forget(self) -> None:
        """A turn was not committed: what was learnt in it is not true."""
        self._by_story.clear()

    def of(self, story: model.Story) -> facts.StoryClaims:
        """The claims of its members; after a merge or a split they are made again."""
        found = self._by_story.pop(story.id, None)
        if found is None or found.count != len(story.members):
            found = facts.claims_of([member.article for member in story.members])
        self._by_story[story.id] = found
        while len(self._by_story) > MOST:
            self._by_story.popitem(last=False)
        return found

    def join(
        self, story: model.Story, member: model.Member, beside: Sequence[model.Story], *, is_asked: bool = False
    ) -> tuple[tuple[model.Fact, ...], tuple[model.Fact, ...]]:
        """What an article brings that is surely new to the story that it joins; the claims take it in.

        And behind it what else of it may be new: none unless ``is_asked``, since only a language model can tell.
        ``beside``: the nearest other stories, as they are now: what one of them has said is no news.
        """
        if not story.members:
            # Most stories stay at one article, which is read when there is a second.
            return (), ()
        claims = self.of(story)
        reading = facts.read(member.article)
        others = [self.of(other) for other in beside]
        sure = 1.0 if member.join.confidence is None else member.join.confidence
        if is_asked:
            told, further = facts.news_and_more(claims, reading, others, sure)
        else:
            told, further = facts.news(claims, reading, others, sure), ()
        claims.add(reading, told)
        return told, further

    def revise(self, story: model.Story, revision: model.Revision) -> tuple[model.Fact, ...]:
        """What a live page's next version adds; an article's is told as a correction, and is taken in."""
        claims = self.of(story)
        if revision.live_before is not None:
            return facts.news_of_version(claims, revision.article)
        claims.add(facts.read(revision.article), is_version=True)
        return ()
