"""Messages about the example story, for the tests of every channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot import model

FIRST = datetime(2015, 12, 2, 9, 2, tzinfo=UTC)
STORY = model.StoryId("5f2d3a9c01e4b7788990")
RULE = "BlackBerry backdoor demand in Pakistan"


def spans(text: str) -> tuple[model.Span, ...]:
    """Return the spans of a text. Words in brackets are marked: ``a [b] c``."""
    parts = text.replace("]", "[").split("[")
    return tuple(model.Span(text=part, is_marked=bool(place % 2)) for place, part in enumerate(parts) if part)


def sentence(text: str, outlet: str, link: str) -> model.Sentence:
    """Return a sentence with its outlet and link."""
    return model.Sentence(spans=spans(text), outlet=outlet, link=link)


WIRE = "https://wire.example/technology/blackberry-leaves-pakistan"
HERALD = "https://herald.example/2015/12/02/blackberry-pta"
GAZETTE = "https://gazette.example/blackberry-exit?ref=rss&utm=1"


def line(outlet: str, title: str, link: str, *, minutes: int) -> model.CoverageLine:
    """Return a headline of the coverage, published ``minutes`` after the first headline."""
    return model.CoverageLine(
        outlet=outlet,
        title=title,
        link=link,
        at=FIRST + timedelta(minutes=minutes),
        article=model.ArticleId(f"{minutes:020x}"),
    )


BYLINE = line("The Wire", "BlackBerry to leave Pakistan", WIRE, minutes=0)
COVERAGE = (line("Karachi Herald", "Why BlackBerry is going", HERALD, minutes=38),)


def evidence(label: str, term: str, field: str, text: str) -> model.Evidence:
    """Return evidence that covers the whole of ``text``."""
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
            "[BlackBerry] will shut down in Pakistan on 15 December because the [PTA] asked for [unfettered access] to "
            "its [BES] servers. ",
            "The Wire",
            WIRE,
        ),
        sentence("The order dates from July.", "The Wire", WIRE),
        sentence("Some 5,000 companies use the service there.", "Karachi Herald", HERALD),
    ),
    why=(WHY,),
    byline=BYLINE,
    coverage=COVERAGE,
    coverage_count=1,
    owner_count=2,
    copy_count=1,
    first_seen=FIRST,
    last_seen=FIRST + timedelta(minutes=73),
)
ALONE = replace(
    BRIEF,
    coverage=(),
    coverage_count=0,
    owner_count=1,
    copy_count=0,
    summary=BRIEF.summary[:2],
    last_seen=FIRST,
)

POST = model.Message(
    kind=model.MessageKind.POST, severity=model.Severity.HIGH, reason=model.Reason.FIRST_REPORT, briefs=(ALONE,)
)
EDIT = model.Message(
    kind=model.MessageKind.EDIT, severity=model.Severity.HIGH, reason=model.Reason.ADDED_OUTLET, briefs=(BRIEF,)
)
#: A message with the headlines of many outlets, one of which may be about another event.
WIDE = replace(
    EDIT,
    briefs=(
        replace(
            BRIEF,
            byline=replace(BYLINE, more=3),
            coverage=(
                replace(
                    line("Tech Ledger", "Pakistan tells phone firms to hand over keys", f"{GAZETTE}&9", minutes=190),
                    is_probable=True,
                ),
                line("Evening Post", "BlackBerry shutdown moved to 30 December", f"{GAZETTE}&8", minutes=150),
                replace(line("Gazette", "BlackBerry quits Pakistan", f"{GAZETTE}&7", minutes=95), more=1),
                line("Metro", "What happens to 5,000 BlackBerry customers?", f"{GAZETTE}&6", minutes=81),
                line("Daily Courier", "BlackBerry: no backdoor for the PTA", f"{GAZETTE}&5", minutes=60),
                line("Frontier News", "Regulator had asked for all BES traffic", f"{GAZETTE}&4", minutes=44),
                *COVERAGE,
                line("Sindh Observer", "BlackBerry will switch off its servers", f"{GAZETTE}&2", minutes=21),
            ),
            coverage_count=8,
            owner_count=13,
        ),
    ),
    public_url="https://wirewatch.example/",
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
            before="15 December",
            after="30 December",
            sentence="The regulator moved the deadline from 15 December to 30 December.",
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
            before="BlackBerry to leave Pakistan on 15 December",
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
            summary=(sentence("The province let the messenger back on Wednesday.", "Gazette", GAZETTE),),
            byline=line("Gazette", "BlackBerry Messenger is back in Sindh", GAZETTE, minutes=73),
            why=(WHY,),
        ),
    ),
)
MERGED = model.Message(
    kind=model.MessageKind.EDIT,
    reason=model.Reason.MERGED,
    lead="Merged into an earlier story:",
    title=sentence("[BlackBerry] says it quits Pakistan", "Gazette", GAZETTE),
    briefs=(BRIEF,),
)
NOTICE = model.Message(
    kind=model.MessageKind.NOTICE,
    lead="1 feed is broken. It is polled again every hour.",
    lines=("https://herald.example/feed.xml answers 404 since 1 Dec 09:00 UTC",),
)
#: A story that may be about the same event as another story.
UNSURE = replace(
    POST,
    reason=model.Reason.UNSURE,
    nearest=model.Nearest(
        story=model.StoryId("0a1b2c3d4e5f60718293"),
        title=sentence("[BlackBerry] extends stay in Pakistan", "The Wire", WIRE + "-extended"),
        head=model.SendId("head-of-the-other"),
    ),
)
#: The message of the story after a reply in its thread added news.
LATEST = replace(
    EDIT, latest=replace(NEW_FACT.facts[0], link=HERALD + "-deadline", said_at=FIRST + timedelta(minutes=70))
)
#: A message of a claimed story.
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
#: A message that shows how to claim the story, before somebody on duty is called.
UNCLAIMED = replace(POST, shows_claim_command=True)
#: The message on a second channel because nobody has claimed the story.
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
    "coverage": WIDE,
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
