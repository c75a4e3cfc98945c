"""Decide what to post about one story in one channel after a batch of articles, and update the alert."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from bot.alerts.events import find_events, is_reported
from bot.alerts.holds import find_hold, gather_hold
from bot.alerts.situation import Situation
from bot.model.alerts import Alert, AlertAction, AlertState, Decision, Reason
from bot.model.rules import Severity, Thread
from bot.model.stories import JOINED, Article, ArticleId, Fact, JoinReason, Member, SendId

#: Maximum facts in one reply, because nobody reads more. The linked articles contain the others.
FACTS_A_REPLY = 6
#: An article that joined with a lower probability may be about another event.
DOUBTFUL_BELOW = 0.8


def decide(situation: Situation) -> tuple[Decision, ...]:
    """Return the decisions for one story in one channel, in the order in which they are carried out.

    If these decisions are recorded in the alert, a second call returns no post and no reply.
    """
    alert = situation.alert
    if not situation.rules or (alert is None and not situation.arrivals):
        return ()
    if alert is not None and alert.state is AlertState.MERGED:
        return ()
    if situation.silenced:
        return (situation.silenced,) if situation.arrivals or situation.facts else ()
    if alert is None or alert.state is AlertState.HELD:
        return _first(situation)
    if alert.state is AlertState.SILENT:
        return _first(situation) if _is_news_after_silence(situation, alert) else ()
    silenced = (situation.silenced_by(situation.silence_of_some),) if situation.silence_of_some else ()
    return (*silenced, *_follow_up(situation, alert))


def _is_news_after_silence(situation: Situation, alert: Alert) -> bool:
    """Return whether a new article is a reason to post a story that a baseline or a silence kept silent."""
    if alert.reason is Reason.BASELINE:
        return any(not member.is_baseline and member.join.copy_of is None for member in situation.arrivals)
    return alert.reason is Reason.SILENCED and bool(situation.arrivals)


def _first(situation: Situation) -> tuple[Decision, ...]:
    hold = find_hold(situation) or gather_hold(situation)
    if hold is None:
        first = situation.decision(AlertAction.POST, Reason.FIRST_REPORT, rules=situation.speaking)
        return (first, *_other_events(situation, find_events(situation, None)))
    alert = situation.alert
    is_same_hold = (
        alert is not None
        and alert.state is AlertState.HELD
        and (alert.reason, alert.held_until) == (hold.reason, hold.until)
        and set(alert.rules) >= {rule.name for rule in situation.rules}
        and not situation.arrivals
    )
    if is_same_hold:
        return ()
    return (hold,)


def _follow_up(situation: Situation, alert: Alert) -> tuple[Decision, ...]:
    events = find_events(situation, alert)
    if all(map(situation.waits_for_brief, situation.rules)):
        facts = (*events, *_facts(situation, alert, events))
        if not (situation.arrivals or facts):
            return ()
        detail = "; ".join(map(_shown, facts)) or "no news for the next brief"
        return (situation.decision(AlertAction.SILENT, Reason.BRIEF, detail=detail, facts=facts),)
    rule_replies = _second_rules(situation, alert, events)
    replies = (
        *rule_replies,
        *_other_events(situation, events),
        *_news(situation, alert, events, rule_replies),
    )
    if not situation.arrivals and not replies:
        if situation.has_new_headline:
            return (situation.decision(AlertAction.EDIT, Reason.RENAMED, detail="its outlet changed the headline"),)
        is_shown = situation.has_translation and not alert.is_gathered
        return (situation.decision(AlertAction.EDIT, Reason.TRANSLATION),) if is_shown else ()
    reason = Reason.TRANSLATION if situation.has_translation else Reason.RENAMED if situation.has_new_headline else None
    reason = replies[-1].reason if replies else reason
    edit = _edit(situation, reason)
    if replies and alert.is_gathered:
        # A gathered story with news gets a separate message.
        listed = tuple(rule for rule in situation.rules if rule.name in alert.rules) or situation.speaking
        until = replies[0].until
        first = situation.decision(AlertAction.POST, replies[0].reason, rules=listed, detail="news", until=until)
        replies = (first, *replies)
    # The message shows the newest fact of its thread, so it is edited after the replies.
    if edit or replies:
        return (*replies, edit) if edit else replies
    # The articles are copies from outlets that the story already has.
    detail = situation.arrivals[-1].join.detail
    return (situation.decision(AlertAction.SILENT, Reason.COPY, detail=detail),)


def _other_events(situation: Situation, events: Sequence[Fact]) -> tuple[Decision, ...]:
    """Return the replies about other events of a thread."""
    batches = [tuple(events[start : start + FACTS_A_REPLY]) for start in range(0, len(events), FACTS_A_REPLY)]
    return tuple(
        situation.reply(Reason.OTHER_EVENT, detail="; ".join(fact.after for fact in batch), facts=batch)
        for batch in batches
    )


def _second_rules(situation: Situation, alert: Alert, events: Sequence[Fact]) -> tuple[Decision, ...]:
    """Return the replies about rules that matched later than the first report.

    An article that is not surely about the story's event causes no reply about a rule that only it matches. Neither
    does the first report of another event (``events``), which gets its own reply.
    """
    #: Rule -> the first article that matches it and is surely about the event.
    articles: dict[str, Article] = {}
    for member in situation.story.members:
        for match in member.matches if not member.is_probable else ():
            articles.setdefault(match.rule, member.article)
    new_rules = tuple(rule for rule in situation.rules if rule.name not in alert.rules and situation.is_ready(rule))
    in_events = {fact.article for fact in events}
    plain = tuple(
        rule
        for rule in new_rules
        if rule.min_outlets < 2 and rule.name in articles and articles[rule.name].id not in in_events
    )
    corroborated = tuple(rule for rule in new_rules if rule.min_outlets >= 2)
    named = {article.id: _joined(article) for article in (articles[rule.name] for rule in plain)}
    replies = [situation.reply(Reason.SECOND_RULE, rules=plain, facts=tuple(named.values()))] if plain else []
    if corroborated:
        detail = f"{len(situation.story.owners)} independent outlets"
        replies.append(situation.reply(Reason.CORROBORATION, rules=corroborated, detail=detail))
    return tuple(replies)


def _news(
    situation: Situation, alert: Alert, events: Sequence[Fact], rule_replies: Sequence[Decision]
) -> tuple[Decision, ...]:
    """Return one reply about all news of the turn (new facts, edited and joined articles), or () if there is none.

    A joined article that a reply about a rule shows is not repeated. A corroboration lists all articles.
    """
    is_listed = any(reply.reason is Reason.CORROBORATION for reply in rule_replies)
    shown = {fact.article for reply in rule_replies for fact in reply.facts}
    facts = tuple(
        fact
        for fact in _facts(situation, alert, events)
        if not (fact.is_joined and (is_listed or fact.article in shown))
    )
    if not facts:
        return ()
    reason = Reason.NEW_FACT
    if all(fact.is_joined or fact.is_edit for fact in facts):
        reason = Reason.CORRECTION if any(fact.is_edit for fact in facts) else Reason.ADDED_OUTLET
    return (situation.reply(reason, detail="; ".join(map(_shown, facts)), facts=facts),)


def _facts(situation: Situation, alert: Alert, events: Sequence[Fact]) -> tuple[Fact, ...]:
    """Return the facts and joined articles that belong in the thread and are not in it yet, most important first.

    The first reports of other events (``events``) and the facts that their replies report are not included.
    Under severity high, an article that may be about another event is never added without a reply.
    """
    joined = situation.arrivals if situation.thread is Thread.ALL else ()
    if situation.severity is Severity.HIGH:
        joined += tuple(member for member in situation.arrivals if _is_doubtful(member) and member not in joined)
    with_fact = {fact.article for fact in (*situation.facts, *events)}
    stated = [fact for fact in situation.facts if not is_reported(situation, fact)]
    facts = [*stated, *(_joined(member.article) for member in joined if member.article.id not in with_fact)]
    new_facts = {fact_key(fact): fact for fact in facts if fact_key(fact) not in alert.posted_facts}.values()
    return tuple(sorted(new_facts, key=_rank)[:FACTS_A_REPLY])


def _is_doubtful(member: Member) -> bool:
    """Return whether the article joined by its wording alone, with a probability below ``DOUBTFUL_BELOW``."""
    probability = member.join.probability
    is_similar = member.join.reason is JoinReason.SIMILAR and member.join.copy_of is None
    return is_similar and probability is not None and probability < DOUBTFUL_BELOW


def _rank(fact: Fact) -> int:
    """Return the rank of a fact in a reply: changed values, facts with a mark, other facts, joined articles."""
    return 0 if fact.before else 1 if fact.mark else 3 if fact.is_joined else 2


def _joined(article: Article) -> Fact:
    return Fact(
        kind=JOINED,
        label="joined",
        before=None,
        after=article.title,
        sentence=article.title,
        article=article.id,
        outlet=article.outlet,
        link=article.link,
        stated_at=article.when,
    )


def _shown(fact: Fact) -> str:
    if fact.is_edit:
        return f"{fact.outlet} changed its {fact.label}"
    label = f"{fact.label}: " if fact.label else ""
    return f"{label}{fact.before} → {fact.after}" if fact.before else f"{label}{fact.after}"


def fact_key(fact: Fact) -> str:
    """Return a key that is equal for two facts with the same content, or about the same event."""
    return fact.article if fact.is_event else f"{fact.label}: {fact.after}"


def _edit(situation: Situation, reason: Reason | None) -> Decision | None:
    """Return the edit caused by joined articles, or else the edit for ``reason``. Return None if there is neither.

    A copy from an outlet that the story already has causes no edit. The first report of an event adds no outlet to
    another event.
    """
    arrived = {member.article.id for member in situation.arrivals}
    earlier = [member for member in situation.story.members if member.article.id not in arrived]
    events = {member.event for member in earlier}
    reports = [member for member in situation.arrivals if member.event in events or not earlier]
    outlets = {(member.event, member.article.outlet) for member in earlier}
    added = tuple(dict.fromkeys(m.article.outlet for m in reports if (m.event, m.article.outlet) not in outlets))
    if added:
        return situation.decision(AlertAction.EDIT, Reason.ADDED_OUTLET, detail=", ".join(added))
    updated = tuple(dict.fromkeys(m.article.outlet for m in reports if m.join.copy_of is None))
    reason = Reason.ADDED_ARTICLE if updated else reason
    return situation.decision(AlertAction.EDIT, reason, detail=", ".join(updated)) if reason else None


def record_decision(
    alert: Alert | None,
    decision: Decision,
    *,
    head: SendId | None = None,
    headline: ArticleId | None = None,
    is_gathered: bool = False,
) -> Alert:
    """Return the alert after a decision.

    For a post, ``head`` is the id of the outbox row, and ``headline`` is the article whose title is the headline.
    """
    alert = alert or Alert(
        story=decision.story,
        channel=decision.channel,
        state=AlertState.HELD,
        rules=(),
        reason=decision.reason,
    )
    rules = tuple(dict.fromkeys((*alert.rules, *decision.rules)))
    match decision.action:
        case AlertAction.HOLD:
            return replace(alert, state=AlertState.HELD, rules=rules, reason=decision.reason, held_until=decision.until)
        case AlertAction.POST:
            return replace(
                alert,
                state=AlertState.POSTED,
                rules=decision.rules,
                reason=decision.reason,
                held_until=None,
                head=head,
                headline=headline,
                is_gathered=is_gathered,
                posted_at=decision.at,
                posted_facts=tuple(dict.fromkeys((*alert.posted_facts, *map(fact_key, decision.facts)))),
            )
        case AlertAction.REPLY | AlertAction.SILENT if decision.facts or decision.action is AlertAction.REPLY:
            facts = tuple(fact_key(fact) for fact in decision.facts)
            # The message itself has the words of its articles as they are now.
            latest = next((fact for fact in decision.facts if not (fact.is_joined or fact.is_edit)), alert.latest)
            is_corroborated = alert.is_corroborated or decision.reason is Reason.CORROBORATION
            return replace(
                alert,
                rules=rules,
                posted_facts=tuple(dict.fromkeys((*alert.posted_facts, *facts))),
                latest=latest,
                is_corroborated=is_corroborated,
            )
        case AlertAction.SILENT if alert.state is not AlertState.POSTED:
            return replace(alert, state=AlertState.SILENT, rules=rules, reason=decision.reason, held_until=None)
        case _:
            return alert
