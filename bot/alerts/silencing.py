"""Apply silences to a situation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot import model
from bot.alerts.situation import Situation

#: Returns the silence of a rule (by its name) or of an article, if there is one.
OfRule = Callable[[str], model.Silence | None]
OfArticle = Callable[[model.Article], model.Silence | None]


def without_silenced(
    situation: Situation, *, of_story: model.Silence | None, of_rule: OfRule, of_article: OfArticle
) -> Situation:
    """Return the situation without silenced rules and articles, or with ``silence`` if nothing is left.

    A story is silenced as a whole by a silence ``of_story``, or if all its rules or all its articles are silenced. A
    posted story is also silenced while all of its new articles are; news from other outlets is still posted.
    """
    if of_story is not None:
        return replace(situation, silence=of_story)
    silenced = tuple((rule, silence) for rule in situation.rules if (silence := of_rule(rule.name)))
    if silenced and len(silenced) == len(situation.rules):
        return replace(situation, silence=silenced[0][1])
    members = situation.story.members
    of_first = of_article(members[0].article) if members else None
    if of_first is not None and all(of_article(member.article) for member in members):
        return replace(situation, silence=of_first)
    changed = {fact.article for fact in situation.facts} | {edit.article for edit in situation.edits}
    new_members = (*situation.arrivals, *(member for member in members if member.article.id in changed))
    by_article = {member.article.id: of_article(member.article) for member in new_members}
    covered = {article: silence for article, silence in by_article.items() if silence is not None}
    if covered and len(covered) == len(by_article):
        return replace(situation, silence=next(iter(covered.values())))
    return replace(
        situation,
        rules=tuple(rule for rule in situation.rules if of_rule(rule.name) is None),
        silenced_rules=silenced,
        silence_of_some=next(iter(covered.values()), None),
        arrivals=tuple(member for member in situation.arrivals if member.article.id not in covered),
        facts=tuple(fact for fact in situation.facts if fact.article not in covered),
        edits=tuple(edit for edit in situation.edits if edit.article not in covered),
    )
