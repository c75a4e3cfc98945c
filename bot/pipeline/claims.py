"""A cache of the claims that each open story makes; missing ones are computed again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from bot import facts, model

#: Maximum stories in the cache; each takes some tens of kilobytes.
MOST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What an article adds to the story that it joins."""

    facts: tuple[model.Fact, ...] = ()
    #: Sentences that may also be new; a language model decides.
    further: tuple[model.Fact, ...] = ()
    #: It denies, withdraws or reverses what the story reports.
    opposes: bool = False


class Claims:
    """The claims of the stories that changed last, at most ``MOST`` of them."""

    def __init__(self) -> None:
        self._by_story: OrderedDict[model.StoryId, facts.StoryClaims] = OrderedDict()

    def forget(self) -> None:
        """Forget everything, since a turn was not committed."""
        self._by_story.clear()

    def of(self, story: model.Story) -> facts.StoryClaims:
        """Return the claims of a story's members, computed again after a merge or a split."""
        claims = self._by_story.pop(story.id, None)
        if claims is None or claims.count != len(story.members):
            claims = facts.claims_of([member.article for member in story.members])
        self._by_story[story.id] = claims
        while len(self._by_story) > MOST:
            self._by_story.popitem(last=False)
        return claims

    def join(
        self, story: model.Story, member: model.Member, beside: Sequence[model.Story], *, is_asked: bool = False
    ) -> Heard:
        """Return what an article adds to the story that it joins, and add it to the claims.

        ``beside``: the nearest other stories; what one of them reports is not news. ``is_asked``: a language model will
        choose, so return further sentences that may be new too.
        """
        if not story.members:
            # Most stories keep one article, so it is parsed only when a second one joins.
            return Heard()
        claims = self.of(story)
        reading = facts.read(member.article)
        nearby = [self.of(other) for other in beside]
        confidence = 1.0 if member.join.confidence is None else member.join.confidence
        if is_asked:
            stated, further = facts.news_and_more(claims, reading, nearby, confidence)
        else:
            stated, further = facts.news(claims, reading, nearby, confidence), ()
        opposes = facts.undoing(claims, reading) is not None
        claims.add(reading)
        return Heard(facts=stated, further=further, opposes=opposes)

    def revise(self, story: model.Story, revision: model.Revision) -> tuple[model.Fact, ...]:
        """Return what the next version of a live page adds; add an article's edit, which is posted as a correction."""
        claims = self.of(story)
        if revision.live_before is not None:
            return facts.news_of_version(claims, revision.article)
        claims.add(facts.read(revision.article), is_version=True)
        return ()
