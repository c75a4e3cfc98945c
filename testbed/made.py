"""Small things to store."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot import model
from testbed.fakes import START

MINUTE = timedelta(minutes=1)
LEASE = timedelta(seconds=60)


def article(name: str, *, feed: str = "https://dawn.example/feed", minutes: int = 0, text: str = "") -> model.Article:
    return model.Article(
        id=model.ArticleId(hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:20]),
        feed=feed,
        outlet="Dawn",
        owner="Dawn Media",
        link=f"https://dawn.example/{name}",
        title=f"Headline of {name}",
        text=text or f"Text of {name}.",
        tags=("pakistan", "telecom"),
        published=START + minutes * MINUTE,
        first_seen=START + minutes * MINUTE,
        links=("https://pta.example/order",),
        fingerprint=hashlib.sha256(f"print {name}".encode("utf-8", "surrogatepass")).hexdigest(),
    )


def match(rule: str, *words: str) -> model.Match:
    evidence = tuple(
        model.Evidence(label="regulator", term=word, field="title", text=word, start=0, end=len(word)) for word in words
    )
    return model.Match(rule=rule, rule_version="v1", evidence=evidence)


def story(name: str, *articles: model.Article, minutes: int = 0) -> model.Story:
    story_id = model.StoryId(name)
    return model.Story(
        id=story_id,
        title=f"Story {name}",
        first_seen=START + minutes * MINUTE,
        last_seen=START + minutes * MINUTE,
        members=tuple(
            model.Member(
                article=item,
                join=model.Join(story=story_id, article=item.id, reason=model.JoinReason.OPENED, detail="first"),
                matches=(),
            )
            for item in articles
        ),
    )


def sending(
    name: str,
    *,
    thread: str | None = None,
    kind: model.MessageKind = model.MessageKind.POST,
    channel: str = "desk",
    minutes: int = 0,
    story: str | None = None,
    briefs: tuple[model.StoryBrief, ...] = (),
) -> model.Outgoing:
    when = START + minutes * MINUTE
    return model.Outgoing(
        id=model.SendId(name),
        channel=channel,
        thread=model.SendId(thread or name),
        message=model.Message(kind=kind, lead=f"says {name}", briefs=briefs),
        story=None if story is None else model.StoryId(story),
        created_at=when,
        due_at=when,
    )


def brief(story: str) -> model.StoryBrief:
    sentence = model.Sentence(spans=(model.Span(text="BlackBerry leaves"),), outlet="Dawn", link="https://d.example/1")
    return model.StoryBrief(
        story=model.StoryId(story),
        title=sentence,
        summary=(sentence,),
        why=(),
        owner_count=1,
        first_seen=START,
        last_seen=START,
    )


def alert(story: str, **changes: Any) -> model.Alert:
    """A story that is posted in the channel."""
    made = model.Alert(
        story=model.StoryId(story),
        channel="desk",
        state=model.AlertState.POSTED,
        rules=(),
        reason=model.Reason.FIRST_REPORT,
    )
    return replace(made, **changes)


def decision(
    story: str,
    action: model.AlertAction = model.AlertAction.POST,
    reason: model.Reason = model.Reason.FIRST_REPORT,
    **changes: Any,
) -> model.Decision:
    made = model.Decision(at=START, story=model.StoryId(story), channel="desk", action=action, reason=reason)
    return replace(made, **changes)


def judgement(
    verdict: model.Verdict,
    *,
    id: str = "j1",  # noqa: A002 - as the field is called
    by: str = "U1",
    rule: str = "exit",
    story: str = "s1",
    channel: str = "desk",
    at: datetime = START,
) -> model.Judgement:
    return model.Judgement(
        id=model.JudgementId(id),
        at=at,
        by=by,
        channel=channel,
        story=model.StoryId(story),
        verdict=verdict,
        rule=rule if verdict.is_of_rule else "",
        message=model.SendId("head"),
    )


def silence(kind: model.SilenceKind, name: str, **changes: Any) -> model.Silence:
    made = model.Silence(
        id=model.SilenceId("3f2a9c01"),
        at=START,
        by="ann",
        kind=kind,
        name=name,
        reason="they move",
        until=START + timedelta(hours=2),
    )
    return replace(made, **changes)
