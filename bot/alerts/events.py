"""Find the events of a thread (``group: rule``) that a channel has not seen."""

from __future__ import annotations

from bot.alerts.situation import Situation
from bot.model.alerts import Alert
from bot.model.stories import EVENT, Article, Fact
from bot.text import sentences

#: Number of characters of an article in which its first two sentences are looked for.
_OPENING_LENGTH = 2_000
#: Number of newest events in which a value is looked for.
_READ = 20


def find_events(situation: Situation, alert: Alert | None) -> tuple[Fact, ...]:
    """Return the events of a thread (``group: rule``) that the channel has not seen, oldest first.

    If ``alert`` is None, the thread is posted now. Otherwise, only events with new articles count.
    """
    events = situation.story.events_for(situation.rules)
    if len(events) < 2:
        return ()
    headline = alert.headline if alert else None
    own = next((event for event in events if any(m.article.id == headline for m in event)), events[0])
    shown = set(alert.posted_facts) if alert else set()
    arrived = {member.article.id for member in (situation.arrivals if alert else situation.story.members)}
    return tuple(
        _event(event[0].article)
        for event in events
        if event is not own
        and any(member.article.id in arrived for member in event)
        and all(member.article.id not in shown for member in event)
    )


def is_reported(situation: Situation, fact: Fact) -> bool:
    """Return whether the first report of another event of the thread states the new value of a fact.

    Only its headline and first sentence count, which its reply shows.
    """
    if fact.before is None:
        return False
    events = situation.story.events.values()
    other_events = [_event(event[0].article) for event in events if all(m.article.id != fact.article for m in event)]
    return any(fact.after in text for other in other_events[-_READ:] for text in (other.after, other.sentence))


def _event(article: Article) -> Fact:
    """Return the first report of an event: its headline and its first sentence."""
    spans = sentences.split(article.text[:_OPENING_LENGTH], article.language)[:2]
    opening = [span.text[sentences.dateline_length(span.text) :] for span in spans]
    headline = article.title.strip() or next(iter(opening), "")
    sentence = next((text for text in opening if text.strip(" .") != headline.strip(" .")), "")
    return Fact(
        kind=EVENT,
        label="",
        before=None,
        after=headline,
        sentence=sentence,
        article=article.id,
        outlet=article.outlet,
        link=article.link,
        stated_at=article.when,
    )
