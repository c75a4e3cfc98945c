"""Decide what one channel hears of one story after a batch of articles."""

from __future__ import annotations

from bot import model
from bot.alerts.holds import gathering, hold_for
from bot.alerts.replies import reply
from bot.alerts.situation import Situation

__all__ = ["Situation", "decide"]

#: More facts than this in one reply are not read; the rest stay visible in the linked articles.
FACTS_A_REPLY = 6


def decide(situation: Situation) -> tuple[model.Decision, ...]:
    """The decisions for one story in one channel, in the order in which they are carried out.

    Deciding again on the alert that ``record`` made of the answer gives no decision that posts.
    """
    alert = situation.alert
    if not situation.rules or (alert is None and not situation.arrivals):
        return ()
    if alert is not None and alert.state is model.AlertState.MERGED:
        return ()
    if situation.silenced:
        is_something = situation.arrivals or situation.facts or situation.edits
        return (situation.silenced,) if is_something else ()
    if alert is None or alert.state is model.AlertState.HELD:
        return _first(situation)
    if alert.state is model.AlertState.SILENT:
        return _first(situation) if _is_news_after_silence(situation) else ()
    kept_back = (situation.silenced_by(situation.silence_of_some),) if situation.silence_of_some else ()
    return (*kept_back, *_follow_up(situation, alert))


def _is_news_after_silence(situation: Situation) -> bool:
    """A story that its baseline or a silence left unsaid is told when an article comes that is news."""
    alert = situation.alert
    if alert is not None and alert.reason is model.Reason.SILENCED:
        return bool(situation.arrivals)
    is_baseline_silence = alert is not None and alert.reason is model.Reason.BASELINE
    return is_baseline_silence and any(not m.is_baseline and m.join.copy_of is None for m in situation.arrivals)


def _first(situation: Situation) -> tuple[model.Decision, ...]:
    hold = hold_for(situation) or gathering(situation)
    if hold is None:
        reason = model.Reason.UNSURE if situation.story.nearest else model.Reason.FIRST_REPORT
        return (situation.decision(model.Action.POST, reason, rules=situation.speaking),)
    alert = situation.alert
    is_same_hold = (
        alert is not None
        and alert.state is model.AlertState.HELD
        and (alert.reason, alert.held_until) == (hold.reason, hold.until)
        and set(alert.rules) >= {rule.name for rule in situation.rules}
        and not situation.arrivals
    )
    if is_same_hold:
        return ()
    return (situation.decision(model.Action.HOLD, hold.reason, detail=hold.detail, until=hold.until),)


def _follow_up(situation: Situation, alert: model.Alert) -> tuple[model.Decision, ...]:
    replies = (*_second_rules(situation, alert), *_news(situation, alert))
    if not situation.arrivals and not replies:
        is_shown = situation.has_summary and not alert.is_gathered
        return (situation.decision(model.Action.EDIT, model.Reason.SUMMARY),) if is_shown else ()
    told = replies[-1].reason if replies else model.Reason.SUMMARY if situation.has_summary else None
    edit = _edit(situation, told)
    if replies and alert.is_gathered and situation.next_digest(situation.rules) is None:
        # Once there is news, the story gets its own message; a digest's news stays in the digest's thread.
        listed = tuple(rule for rule in situation.rules if rule.name in alert.rules) or situation.speaking
        until = replies[0].until
        first = situation.decision(model.Action.POST, replies[0].reason, rules=listed, detail="news", until=until)
        replies = (first, *replies)
    # The message shows what its thread says last, so it is edited after it.
    return (*replies, edit) if edit else replies or (_silent(situation),)


def _second_rules(situation: Situation, alert: model.Alert) -> tuple[model.Decision, ...]:
    fresh = tuple(r for r in situation.rules if r.name not in alert.rules and situation.is_ready(r))
    plain = tuple(rule for rule in fresh if rule.min_outlets < 2)
    corroborated = tuple(rule for rule in fresh if rule.min_outlets >= 2)
    replies = [reply(situation, model.Reason.SECOND_RULE, rules=plain)] if plain else []
    if corroborated:
        detail = f"{len(situation.story.owners)} independent outlets"
        replies.append(reply(situation, model.Reason.CORROBORATION, rules=corroborated, detail=detail))
    return tuple(replies)


def _news(situation: Situation, alert: model.Alert) -> tuple[model.Decision, ...]:
    """One reply about all that the turn brought: what is new, what outlets changed, and who joined."""
    facts, edits = _facts(situation, alert), situation.edits
    if not facts and not edits:
        return ()
    changed = [f"{edits[0].outlet} changed its {edits[0].field}"] if edits else []
    detail = "; ".join([*map(_shown, facts), *changed])
    if all(fact.is_joined for fact in facts):
        reason = model.Reason.CORRECTION if edits else model.Reason.ADDED_OUTLET
    else:
        reason = model.Reason.NEW_FACT
    return (reply(situation, reason, detail=detail, facts=facts, edits=edits),)


def _facts(situation: Situation, alert: model.Alert) -> tuple[model.Fact, ...]:
    """What the thread gets of the turn's facts and articles and has not said, in the order of its worth."""
    thread = situation.thread
    found = [fact for fact in situation.facts if thread is not model.Thread.CLAIMS or fact.is_claim]
    if thread is model.Thread.ALL:
        stated = {fact.article for fact in found}
        found += [_joined(one.article) for one in situation.arrivals if one.article.id not in stated]
    unsaid = {said(fact): fact for fact in found if said(fact) not in alert.said}.values()
    return tuple(sorted(unsaid, key=_worth)[:FACTS_A_REPLY])


def _worth(fact: model.Fact) -> int:
    """The lower, the earlier in a reply: claims, denials and corrections, quotes, articles that joined."""
    return 0 if fact.before else 1 if fact.mark else 3 if fact.is_joined else 2


def _joined(article: model.Article) -> model.Fact:
    return model.Fact(
        kind=model.JOINED,
        label="joined",
        before=None,
        after=article.title,
        sentence=article.title,
        article=article.id,
        outlet=article.outlet,
        link=article.link,
        said_at=article.when,
    )


def _shown(fact: model.Fact) -> str:
    label = f"{fact.label}: " if fact.label else ""
    return f"{label}{fact.before} → {fact.after}" if fact.before else said(fact)


def said(fact: model.Fact) -> str:
    """What makes two facts the same thing said twice."""
    return f"{fact.label}: {fact.after}"


def _edit(situation: Situation, told: model.Reason | None) -> model.Decision | None:
    """The message is edited when an article joins, except for a copy of a known outlet, or for what its thread says."""
    arrived = {member.article.id for member in situation.arrivals}
    before = {m.article.outlet for m in situation.story.members if m.article.id not in arrived}
    added = tuple(dict.fromkeys(m.article.outlet for m in situation.arrivals if m.article.outlet not in before))
    if added:
        return situation.decision(model.Action.EDIT, model.Reason.ADDED_OUTLET, detail=", ".join(added))
    again = tuple(dict.fromkeys(m.article.outlet for m in situation.arrivals if m.join.copy_of is None))
    reason = model.Reason.ADDED_ARTICLE if again else told
    return situation.decision(model.Action.EDIT, reason, detail=", ".join(again)) if reason else None


def _silent(situation: Situation) -> model.Decision:
    """All that came are copies by outlets that the story has."""
    return situation.decision(model.Action.SILENT, model.Reason.COPY, detail=situation.arrivals[-1].join.detail)
