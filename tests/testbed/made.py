"""Small things to store."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from bot.model.actions import Judgement, Silence, SilenceId, SilenceKind, Verdict
from bot.model.alerts import Alert, AlertAction, AlertState, Decision, Reason
from bot.model.messages import MessageKind, Outgoing, Sentence, Span, StoryView
from bot.model.quarantine import PieceKind, QuarantinedPiece
from bot.model.rules import Evidence, Match
from bot.model.stories import Article, ArticleId, Join, JoinReason, JudgementId, Member, SendId, Story, StoryId
from tests.testbed.fakes import START
from tests.testbed.shown import message_of

MINUTE = timedelta(minutes=1)
LEASE = timedelta(seconds=60)


def article(name: str, *, feed: str = "https://dawn.example/feed", minutes: int = 0, text: str = "") -> Article:
    return Article(
        id=ArticleId(hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:20]),
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


def match(rule: str, *words: str) -> Match:
    evidence = tuple(
        Evidence(label="regulator", term=word, field="title", text=word, start=0, end=len(word)) for word in words
    )
    return Match(rule=rule, evidence=evidence)


def story(name: str, *articles: Article, minutes: int = 0) -> Story:
    story_id = StoryId(name)
    return Story(
        id=story_id,
        title=f"Story {name}",
        first_seen=START + minutes * MINUTE,
        last_seen=START + minutes * MINUTE,
        members=tuple(
            Member(
                article=item,
                join=Join(story=story_id, article=item.id, reason=JoinReason.OPENED, detail="first"),
                matches=(),
            )
            for item in articles
        ),
    )


def sending(
    name: str,
    *,
    thread: str | None = None,
    kind: MessageKind = MessageKind.POST,
    channel: str = "desk",
    minutes: int = 0,
    story: str | None = None,
    views: tuple[StoryView, ...] = (),
) -> Outgoing:
    when = START + minutes * MINUTE
    return Outgoing(
        id=SendId(name),
        channel=channel,
        thread=SendId(thread or name),
        message=message_of(kind, f"says {name}", views or (view(story or "s1"),)),
        story=None if story is None else StoryId(story),
        created_at=when,
        due_at=when,
    )


def set_aside(name: str, **changes: Any) -> QuarantinedPiece:
    error = "ValueError in bot/pipeline/intake.py, line 7"
    created = QuarantinedPiece(kind=PieceKind.ITEM, id=name, stage="intake", error=error, version="1.0", at=START)
    return replace(created, **changes)


def view(story: str) -> StoryView:
    sentence = Sentence(spans=(Span(text="BlackBerry leaves"),), outlet="Dawn", link="https://d.example/1")
    return StoryView(
        id=StoryId(story),
        title=sentence,
        summary=(sentence,),
        why=(),
        owner_count=1,
        first_seen=START,
        last_seen=START,
    )


def alert(story: str, **changes: Any) -> Alert:
    """A story that is posted in the channel."""
    posted = Alert(story=StoryId(story), channel="desk", state=AlertState.POSTED, rules=(), reason=Reason.FIRST_REPORT)
    return replace(posted, **changes)


def decision(
    story: str,
    action: AlertAction = AlertAction.POST,
    reason: Reason = Reason.FIRST_REPORT,
    **changes: Any,
) -> Decision:
    created = Decision(at=START, story=StoryId(story), channel="desk", action=action, reason=reason)
    return replace(created, **changes)


def judgement(verdict: Verdict, **changes: Any) -> Judgement:
    created = Judgement(
        id=JudgementId("j1"),
        at=START,
        by="U1",
        channel="desk",
        story=StoryId("s1"),
        verdict=verdict,
        rule="exit",
        message=SendId("head"),
    )
    return replace(created, **changes)


def silence(kind: SilenceKind, name: str, **changes: Any) -> Silence:
    created = Silence(
        id=SilenceId("3f2a9c01"),
        at=START,
        by="ann",
        kind=kind,
        name=name,
        reason="they move",
        until=START + timedelta(hours=2),
    )
    return replace(created, **changes)
