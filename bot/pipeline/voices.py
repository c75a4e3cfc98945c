"""Which article of a story speaks for itself, which only carries another, and which opposes what the story reports.

One page and one text have one voice.
Grouping finds copies by their words and in the order of their coming; whose page it is counts for more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot import articles, model


def heard(
    story: model.Story, member: model.Member, *, opposes: bool = False
) -> tuple[model.Member, Sequence[model.Member]]:
    """Return the article as it joins ``story``, and the members that turn out to carry it, as they are from now on.

    What another owner's feed lists under one link is not a second voice; nor does it make a copy of the publisher.
    ``opposes``: it denies or reverses what the story reports, so its outlet does not corroborate the story.
    """
    if opposes and member.join.copy_of is None:
        member = replace(member, join=replace(member.join, reason=model.JoinReason.REVERSAL))
    article = member.article
    others = [each for each in story.members if each.join.copy_of is None and _is_one(each, member)]
    carried = [each for each in others if articles.speaks_for(article, each.article)]
    if carried:
        own = replace(member, join=replace(member.join, copy_of=None))
        return own, [replace(each, join=replace(each.join, copy_of=article.id)) for each in carried]
    if others and member.join.copy_of is None:
        return replace(member, join=replace(member.join, copy_of=others[0].article.id)), ()
    return member, ()


def _is_one(known: model.Member, member: model.Member) -> bool:
    """The same page, or the same text, of two owners."""
    if known.article.owner == member.article.owner:
        return False
    key = articles.link_key(member.article.link)
    return known.article.id == member.join.copy_of or bool(key and articles.link_key(known.article.link) == key)
