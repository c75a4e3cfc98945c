"""The example story, told as messages: what every channel's tests render."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot import model

FIRST = datetime(2015, 12, 2, 9, 2, tzinfo=UTC)
STORY = model.StoryId("5f2d3a9c01e4b7788990")
RULE = "BlackBerry backdoor demand in Pakistan"


def spans(text: str) -> tuple[model.Span, ...]:
    """``a [b] c``: b is marked."""
    parts = text.replace("]", "[").split("[")
    return tuple(model.Span(text=part, is_marked=bool(place % 2)) for place, part in enumerate(parts) if part)


def sentence(text: str, outlet: str, link: str) -> model.Sentence:
    """A sentence with its outlet and link."""
    return model.Sentence(spans=spans(text), outlet=outlet, link=link)


WIRE = "https://wire.example/technology/blackberry-leaves-pakistan"
HERALD = "https://herald.example/2015/12/02/blackberry-pta"
GAZETTE = "https://gazette.example/blackberry-exit?ref=rss&utm=1"
OUTLETS = (
    model.OutletLine(outlet="The Wire", title="BlackBerry to leave Pakistan", link=WIRE, at=FIRST),
    model.OutletLine(
        outlet="Karachi Herald", title="Why BlackBerry is going", link=HERALD, at=FIRST + timedelta(minutes=38)
    ),
    model.OutletLine(
        outlet="Gazette",
        title="BlackBerry to leave Pakistan",
        link=GAZETTE,
        at=FIRST + timedelta(minutes=73),
        is_copy=True,
    ),
)


def evidence(label: str, term: str, field: str, text: str) -> model.Evidence:
    """Evidence for the whole of ``text``."""
    return model.Evidence(label=label, term=term, field=field, text=text, start=0, end=len(text))


WHY = model.Why(
    rule=RULE,
    severity=model.Severity.HIGH,
    evidence=(
        evidence("product", "BlackBerry", "title", "BlackBerry"),
        evidence("product", "$blackberry_server", "body", "BES"),
        evidence("regulator", "PTA", "body", "PTA"),
        evidence("demand", "unfettered access", "body", "unfettered access"),
    ),
)
SECOND_WHY = model.Why(
    rule="Any backdoor law",
    severity=model.Severity.NORMAL,
    evidence=(evidence("backdoor*", "backdoor*", "title", "backdoor"),),
)
BRIEF = model.StoryBrief(
    story=STORY,
    title=sentence("[BlackBerry] to leave Pakistan rather than open its servers to the regulator", "The Wire", WIRE),
    summary=(
        sentence(
            "[BlackBerry] will shut down in Pakistan on 30 December because the [PTA] asked for [unfettered access] to "
            "its [BES] servers. ",
            "The Wire",
            WIRE,
        ),
        sentence("The order dates from July.", "The Wire", WIRE),
        sentence("Some 5,000 companies use the service there.", "Karachi Herald", HERALD),
    ),
    why=(WHY,),
    outlets=OUTLETS,
    owner_count=2,
    first_seen=FIRST,
    last_seen=FIRST + timedelta(minutes=73),
)
ALONE = replace(BRIEF, outlets=OUTLETS[:1], owner_count=1, summary=BRIEF.summary[:2], last_seen=FIRST)

POST = model.Message(
    kind=model.MessageKind.POST, severity=model.Severity.HIGH, reason=model.Reason.FIRST_REPORT, briefs=(ALONE,)
)
EDIT = model.Message(
    kind=model.MessageKind.EDIT, severity=model.Severity.HIGH, reason=model.Reason.ADDED_OUTLET, briefs=(BRIEF,)
)
NEW_SENTENCE = model.Fact(
    kind="sentence",
    label="new",
    before=None,
    after="Engineers of the company packed two of its servers for Dubai on Sunday.",
    sentence="Engineers of the company packed two of its servers for Dubai on Sunday.",
    article=model.ArticleId("a2"),
    outlet="Karachi Herald",
    link=HERALD,
)
CORROBORATION = model.Message(
    kind=model.MessageKind.REPLY,
    severity=model.Severity.HIGH,
    reason=model.Reason.CORROBORATION,
    briefs=(BRIEF,),
    facts=(NEW_SENTENCE,),
)
NEW_FACT = model.Message(
    kind=model.MessageKind.REPLY,
    severity=model.Severity.HIGH,
    reason=model.Reason.NEW_FACT,
    briefs=(BRIEF,),
    facts=(
        model.Fact(
            kind="date",
            label="deadline",
            before="30 November",
            after="30 December",
            sentence="The regulator moved the deadline from 30 November to 30 December.",
            article=model.ArticleId("a2"),
            outlet="Karachi Herald",
            link=HERALD,
        ),
        NEW_SENTENCE,
    ),
)
CORRECTION = model.Message(
    kind=model.MessageKind.REPLY,
    severity=model.Severity.HIGH,
    reason=model.Reason.CORRECTION,
    briefs=(BRIEF,),
    edits=(
        model.Edit(
            article=model.ArticleId("a1"),
            outlet="The Wire",
            field="title",
            before="BlackBerry to leave Pakistan on 30 November",
            after="BlackBerry to leave Pakistan on 30 December",
            link=WIRE,
        ),
    ),
)
SECOND_RULE = model.Message(
    kind=model.MessageKind.REPLY,
    reason=model.Reason.SECOND_RULE,
    briefs=(replace(BRIEF, why=(SECOND_WHY,)),),
)
REMINDER = model.Message(
    kind=model.MessageKind.REPLY,
    severity=model.Severity.HIGH,
    reason=model.Reason.REMINDER,
    lead="Reminder: deadline in 2 days",
    briefs=(BRIEF,),
    facts=(replace(NEW_FACT.facts[0], before=None),),
)
GATHERED = model.Message(
    kind=model.MessageKind.GATHERED,
    severity=model.Severity.HIGH,
    reason=model.Reason.BASELINE,
    lead="2 stories found on the first look at new feeds",
    briefs=(
        BRIEF,
        replace(
            ALONE,
            story=model.StoryId("0c11d0aa"),
            title=sentence("BlackBerry Messenger is back in Sindh", "Gazette", GAZETTE),
            outlets=OUTLETS[2:],
            why=(WHY,),
        ),
    ),
)
MERGED = model.Message(
    kind=model.MessageKind.EDIT,
    reason=model.Reason.MERGED,
    lead="This story is told in an older message:",
    briefs=(BRIEF,),
)
NOTICE = model.Message(
    kind=model.MessageKind.NOTICE,
    lead="1 feed is broken. It is polled again every hour.",
    lines=("https://herald.example/feed.xml answers 404 since 1 Dec 09:00 UTC",),
)
#: What may be another event, or a part of the first one.
UNSURE = replace(
    POST,
    reason=model.Reason.UNSURE,
    nearest=model.Nearest(
        story=model.StoryId("0a1b2c3d4e5f60718293"),
        title=sentence("[BlackBerry] extends stay in Pakistan", "The Wire", WIRE + "-extended"),
        head=model.SendId("head-of-the-other"),
    ),
)
#: The message after its thread told something new.
LATEST = replace(
    EDIT, latest=replace(NEW_FACT.facts[0], link=HERALD + "-deadline", said_at=FIRST + timedelta(minutes=70))
)
#: Somebody takes care of it.
CLAIMED = replace(
    EDIT,
    reason=model.Reason.CLAIMED,
    judgements=(
        model.Judgement(
            id=model.JudgementId("a-claim"),
            at=FIRST + timedelta(minutes=4),
            by="ann",
            channel="policy-desk",
            story=STORY,
            verdict=model.Verdict.CLAIMED,
            message=model.SendId("send-0"),
        ),
    ),
)
#: With somebody on duty who is called unless somebody claims it.
UNCLAIMED = replace(POST, shows_claim_command=True)
#: On the second channel.
ESCALATION = replace(
    POST,
    reason=model.Reason.ESCALATED,
    mentions=(model.Mention(name="duty"),),
    escalation=model.Escalation(
        head=model.SendId("send-0"),
        channel="policy-desk",
        after=timedelta(minutes=15),
        link="https://chat.example/policy-desk/1",
    ),
)
ALL = {
    "post": POST,
    "edit": EDIT,
    "unsure": UNSURE,
    "latest": LATEST,
    "corroboration": CORROBORATION,
    "new_fact": NEW_FACT,
    "correction": CORRECTION,
    "second_rule": SECOND_RULE,
    "reminder": REMINDER,
    "gathered": GATHERED,
    "merged": MERGED,
    "claimed": CLAIMED,
    "escalation": ESCALATION,
    "notice": NOTICE,
}
