"""What each open story has said so far, in memory beside the grouping index; made again where it is not at hand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from bot import facts, model

#: Stories whose claims are kept at hand: some tens of kilobytes each.
MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What an article adds to the story that it joins."""

    facts: tuple[model.Fact, ...] = ()
    #: Sentences that may be new too: only a language model can tell.
    further: tuple[model.Fact, ...] = ()
    #: It denies, withdraws or reverses what the story reports.
    opposes: bool = False


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
    ) -> Heard:
        """Return what an article that joins a story adds to it; the claims take it in.

        ``beside``: the nearest other stories, as they are now: what one of them has said is not news. ``is_asked``: a
        language model is to choose, so what else may be new is returned too.
        """
        if not story.members:
            # Most stories stay at one article, which is read when there is a second.
            return Heard()
        claims = self.of(story)
        reading = facts.read(member.article)
        others = [self.of(other) for other in beside]
        sure = 1.0 if member.join.confidence is None else member.join.confidence
        if is_asked:
            stated, further = facts.news_and_more(claims, reading, others, sure)
        else:
            stated, further = facts.news(claims, reading, others, sure), ()
        opposes = facts.undoing(claims, reading) is not None
        claims.add(reading)
        return Heard(facts=stated, further=further, opposes=opposes)

    def revise(self, story: model.Story, revision: model.Revision) -> tuple[model.Fact, ...]:
        """Return what a live page's next version adds; an article's edit is posted as a correction, and is taken in."""
        claims = self.of(story)
        if revision.live_before is not None:
            return facts.news_of_version(claims, revision.article)
        claims.add(facts.read(revision.article), is_version=True)
        return ()
