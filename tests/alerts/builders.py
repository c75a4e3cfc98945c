"""Small stories and situations for the tests of alerts."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot import alerts
from bot.model.alerts import Alert, AlertState, Decision, Reason
from bot.model.rules import Match, Rule
from bot.model.stories import ArticleId, Fact, Join, JoinReason, Member, SendId, Story, StoryId
from tests.testbed import made
from tests.testbed.fakes import START

RULE = Rule(name="exit", notify=("desk",))


def member(
    name: str,
    *,
    outlet: str = "",
    rules: tuple[str, ...] = ("exit",),
    is_baseline: bool = False,
    copy_of: str | None = None,
    probability: float | None = None,
    when: datetime = START,
) -> Member:
    outlet = outlet or name
    article = replace(
        made.article(name),
        id=ArticleId(name),
        feed=f"https://{outlet}.example/feed",
        outlet=outlet,
        owner=outlet,
        first_seen=when,
    )
    join = Join(
        story=StoryId("s1"),
        article=article.id,
        reason=JoinReason.COPY if copy_of else JoinReason.SIMILAR,
        copy_of=ArticleId(copy_of) if copy_of else None,
        probability=probability,
    )
    matches = tuple(Match(rule=rule, evidence=()) for rule in rules)
    return Member(article=article, join=join, matches=matches, is_baseline=is_baseline)


def story(*members: Member, name: str = "s1") -> Story:
    times = [member.article.first_seen for member in members] or [START]
    return replace(made.story(name), first_seen=min(times), last_seen=max(times), members=members)


def situation(*members: Member, arrived: int | None = None, **changes: object) -> alerts.Situation:
    """The last ``arrived`` members (None: all) came in this batch."""
    arrivals = members if arrived is None else members[len(members) - arrived :]
    base = alerts.Situation(
        now=START, channel="desk", story=story(*members), alert=None, rules=(RULE,), arrivals=arrivals
    )
    return replace(base, **changes)  # a test names the fields it changes


def posted(*, rules: tuple[str, ...] = ("exit",), **changes: object) -> Alert:
    posted_at = START - timedelta(hours=2)
    base = made.alert("s1", rules=rules, head=SendId("head"), posted_at=posted_at)
    return replace(base, **changes)  # a test names the fields it changes


def held(reason: Reason, until: datetime | None = None) -> Alert:
    return posted(state=AlertState.HELD, reason=reason, held_until=until, head=None, posted_at=None)


def fact(label: str, after: str, before: str | None = None) -> Fact:
    return Fact(
        kind="date",
        label=label,
        before=before,
        after=after,
        sentence=f"The {label} is {after}.",
        article=ArticleId("b"),
        outlet="b",
    )


def new_sentence(text: str) -> Fact:
    return replace(fact("new", text), kind="sentence", sentence=text)


def rule(**changes: Any) -> Rule:
    return dataclasses.replace(RULE, **changes)


def outcomes(decisions: tuple[Decision, ...]) -> list[tuple[str, str]]:
    return [(decision.action.value, decision.reason.value) for decision in decisions]


def decided(*members: Member, arrived: int | None = None, **changes: object) -> list[tuple[str, str]]:
    """Return what is decided in a situation."""
    return outcomes(alerts.decide(situation(*members, arrived=arrived, **changes)))
