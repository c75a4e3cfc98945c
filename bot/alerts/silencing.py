"""What silences leave of a situation: the rules and articles that may still be posted about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot import model
from bot.alerts.situation import Situation

#: The silence that covers a rule, by its name, or an article; None: none does.
OfRule = Callable[[str], model.Silence | None]
OfArticle = Callable[[model.Article], model.Silence | None]


def without_silenced(
    situation: Situation, *, of_story: model.Silence | None, of_rule: OfRule, of_article: OfArticle
) -> Situation:
    """Return the situation without what is silenced; with ``silence`` where that is all of it.

    A story is silenced as a whole by a silence ``of_story``, and while every rule of it is silenced, or every article.
    A posted one also while all that is new in it is: what other outlets bring is still posted.
    """
    if of_story is not None:
        return replace(situation, silence=of_story)
    silenced = tuple((rule, silence) for rule in situation.rules if (silence := of_rule(rule.name)))
    if silenced and len(silenced) == len(situation.rules):
        return replace(situation, silence=silenced[0][1])
    members = situation.story.members
    over = of_article(members[0].article) if members else None
    if over is not None and all(of_article(member.article) for member in members):
        return replace(situation, silence=over)
    found = {member.article.id: of_article(member.article) for member in situation.arrivals}
    told_by = {fact.article for fact in situation.facts} | {edit.article for edit in situation.edits}
    found |= {each.article.id: of_article(each.article) for each in members if each.article.id in told_by}
    covered = {article: silence for article, silence in found.items() if silence is not None}
    if covered and len(covered) == len(found):
        return replace(situation, silence=next(iter(covered.values())))
    return replace(
        situation,
        rules=tuple(rule for rule in situation.rules if of_rule(rule.name) is None),
        silenced_rules=silenced,
        silence_of_some=next(iter(covered.values()), None),
        arrivals=tuple(each for each in situation.arrivals if each.article.id not in covered),
        facts=tuple(fact for fact in situation.facts if fact.article not in covered),
        edits=tuple(edit for edit in situation.edits if edit.article not in covered),
    )
