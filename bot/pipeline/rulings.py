"""Carry out rulings: people take articles out of a story, or merge stories.

A ruling waits in the store until the next turn of deciding, which carries it out before other work.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot import model, ports, stories


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A story after people took articles out of it."""

    ruling: model.Ruling
    #: The story without these articles.
    home: model.Story
    #: The new story of these articles.
    apart: model.Story

    @property
    def taken(self) -> frozenset[model.ArticleId]:
        """The ids of these articles."""
        return frozenset(member.article.id for member in self.apart.members)


def split(tx: ports.Transaction, ruling: model.Ruling) -> Split | None:
    """Move the articles of a ruling, with their copies, to a separate story.

    Return None if there is nothing to do: they are no longer in the story, or are the whole story.
    """
    home = living(tx, ruling.story)
    if home is None:
        return None
    named = set(ruling.articles)
    members = [each for each in home.members if each.article.id in named or each.join.copy_of in named]
    if not members or len(members) == len(home.members):
        return None
    own = stories.story_id(model.ArticleId(f"split {ruling.id}"))
    apart = model.Story(
        id=own,
        title=members[0].article.title,
        first_seen=min(member.article.first_seen for member in members),
        last_seen=max(member.article.first_seen for member in members),
        members=tuple(_moved(member, own, ruling) for member in members),
        headline=members[0].article.id,
    )
    tx.stories.take_out(home.id, [member.article.id for member in members])
    left = tx.stories.get([home.id])[home.id]
    left = replace(left, first_seen=min(member.article.first_seen for member in left.members))
    if left.headline is None or left.headline in {member.article.id for member in members}:
        first = left.members[0].article
        left = replace(left, title=first.title, headline=first.id)
    tx.stories.save(left)
    tx.stories.save(apart)
    return Split(ruling=ruling, home=left, apart=apart)


def merge(tx: ports.Transaction, ruling: model.Ruling) -> tuple[model.Story, model.Story] | None:
    """Return the two stories of a ruling, older first, or None if they are already merged or one is gone."""
    one, other = living(tx, ruling.story), living(tx, ruling.other)
    if one is None or other is None or one.id == other.id:
        return None
    older, younger = sorted((one, other), key=lambda story: (story.first_seen, story.id))
    return older, younger


def living(tx: ports.Transaction, story: model.StoryId | None) -> model.Story | None:
    """Return the story, or the story that it was merged into, or None if it is gone."""
    stored = tx.stories.get([story]).get(story) if story else None
    if stored is not None and stored.merged_into is not None:
        return tx.stories.get([stored.merged_into]).get(stored.merged_into)
    return stored


def _moved(member: model.Member, to: model.StoryId, ruling: model.Ruling) -> model.Member:
    copy_of = member.join.copy_of if member.join.copy_of in ruling.articles else None
    detail = f"by {ruling.by}"
    join = replace(
        member.join, story=to, reason=model.JoinReason.SPLIT, detail=detail, copy_of=copy_of, merges=(), near=None
    )
    return replace(member, join=join)
