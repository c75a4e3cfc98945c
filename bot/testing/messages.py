"""Messages about the example story, for the tests of every channel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from bot.model.actions import Judgement, Verdict
from bot.model.alerts import Reason
from bot.model.briefs import BriefEntry, BriefSection, SectionKind
from bot.model.messages import (
    CoverageLine,
    Echo,
    Edit,
    Listing,
    Mention,
    Message,
    Notice,
    Pointer,
    Post,
    RelatedStory,
    Reply,
    Sentence,
    Span,
    StoryView,
    Why,
)
from bot.model.rules import Evidence, Severity
from bot.model.stories import EDITED, EVENT, JOINED, ArticleId, Fact, JudgementId, SendId, StoryId

FIRST = datetime(2015, 12, 2, 9, 2, tzinfo=UTC)
STORY = StoryId("5f2d3a9c01e4b7788990")
RULE = "BlackBerry backdoor demand in Pakistan"


def spans(text: str) -> tuple[Span, ...]:
    """Return the spans of a text. Words in brackets are marked: ``a [b] c``."""
    parts = text.replace("]", "[").split("[")
    return tuple(Span(text=part, is_marked=bool(place % 2)) for place, part in enumerate(parts) if part)


def sentence(text: str, outlet: str, link: str) -> Sentence:
    """Return a sentence with its outlet and link."""
    return Sentence(spans=spans(text), outlet=outlet, link=link)


WIRE = "https://wire.example/technology/blackberry-leaves-pakistan"
HERALD = "https://herald.example/2015/12/02/blackberry-pta"
GAZETTE = "https://gazette.example/blackberry-exit?ref=rss&utm=1"


def line(outlet: str, title: str, link: str, *, minutes: int) -> CoverageLine:
    """Return a headline of the coverage, published ``minutes`` after the first headline."""
    return CoverageLine(
        outlet=outlet,
        title=title,
        link=link,
        at=FIRST + timedelta(minutes=minutes),
        article=ArticleId(f"{minutes:020x}"),
    )


BYLINE = line("The Wire", "BlackBerry to leave Pakistan", WIRE, minutes=0)
COVERAGE = (line("Karachi Herald", "Why BlackBerry is going", HERALD, minutes=38),)


def evidence(label: str, term: str, field: str, text: str) -> Evidence:
    """Return evidence that covers the whole of ``text``."""
    return Evidence(label=label, term=term, field=field, text=text, start=0, end=len(text))


WHY = Why(
    rule=RULE,
    severity=Severity.HIGH,
    evidence=(
        evidence("product", "BlackBerry", "title", "BlackBerry"),
        evidence("product", "$blackberry_server", "body", "BES"),
        evidence("regulator", "PTA", "body", "PTA"),
        evidence("demand", "unfettered access", "body", "unfettered access"),
    ),
)
SECOND_WHY = Why(
    rule="Any backdoor law",
    severity=Severity.NORMAL,
    evidence=(evidence("backdoor*", "backdoor*", "title", "backdoor"),),
)
VIEW = StoryView(
    id=STORY,
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
    VIEW,
    coverage=(),
    coverage_count=0,
    owner_count=1,
    copy_count=0,
    summary=VIEW.summary[:2],
    last_seen=FIRST,
)

POST = Post(severity=Severity.HIGH, reason=Reason.FIRST_REPORT, story=ALONE)
#: The message after another outlet has joined the story.
GROWN = Post(severity=Severity.HIGH, reason=Reason.ADDED_OUTLET, story=VIEW)
EDIT = Edit(content=GROWN)
#: A message with the headlines of many outlets; one may be about another event.
WIDE_POST = replace(
    GROWN,
    story=replace(
        VIEW,
        byline=replace(BYLINE, more=3),
        coverage=(
            replace(
                line("Pakistan Telecom Regulator", "Notice on encrypted services", f"{GAZETTE}&10", minutes=77),
                is_official=True,
            ),
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
        coverage_count=9,
        owner_count=14,
        echoes=(Echo(origin="Globe Wire", owner_count=5),),
        official_since=FIRST + timedelta(minutes=77),
    ),
    public_url="https://wirewatch.example/",
)
WIDE = Edit(content=WIDE_POST)
NEW_SENTENCE = Fact(
    kind="sentence",
    label="new",
    before=None,
    after="Engineers of the company packed two of its servers for Dubai on Sunday.",
    sentence="Engineers of the company packed two of its servers for Dubai on Sunday.",
    article=ArticleId("a2"),
    outlet="Karachi Herald",
    link=HERALD,
)
CORROBORATION = Reply(
    severity=Severity.HIGH,
    reason=Reason.CORROBORATION,
    story=VIEW,
)
NEW_FACT = Reply(
    severity=Severity.HIGH,
    reason=Reason.NEW_FACT,
    story=VIEW,
    facts=(
        Fact(
            kind="date",
            label="deadline",
            before="15 December",
            after="30 December",
            sentence="The regulator moved the deadline from 15 December to 30 December.",
            article=ArticleId("a2"),
            outlet="Karachi Herald",
            link=HERALD,
        ),
        NEW_SENTENCE,
    ),
)
CORRECTION = Reply(
    severity=Severity.HIGH,
    reason=Reason.CORRECTION,
    story=VIEW,
    facts=(
        Fact(
            kind=EDITED,
            label="headline",
            before="BlackBerry to leave Pakistan on 15 December",
            after="BlackBerry to leave Pakistan on 30 December",
            sentence="BlackBerry to leave Pakistan on 30 December",
            article=ArticleId("a1"),
            outlet="The Wire",
            link=WIRE,
        ),
    ),
)
JOINED_FACT = replace(
    NEW_SENTENCE,
    kind=JOINED,
    label="joined",
    after="Regulator and BlackBerry still apart",
    sentence="Regulator and BlackBerry still apart",
)
#: A reply about another event of a thread (``group: rule``).
OTHER_EVENT = Reply(
    severity=Severity.HIGH,
    reason=Reason.OTHER_EVENT,
    story=VIEW,
    facts=(
        Fact(
            kind=EVENT,
            label="",
            before=None,
            after="Sindh lifts its ban on BlackBerry Messenger",
            sentence="The province let the messenger back on Wednesday.",
            article=ArticleId("a3"),
            outlet="Gazette",
            link=GAZETTE,
            stated_at=FIRST + timedelta(minutes=95),
        ),
    ),
)
SECOND_RULE = Reply(
    reason=Reason.SECOND_RULE,
    lead=f"Another rule matches: {SECOND_WHY.rule}",
    story=replace(VIEW, why=(SECOND_WHY,)),
    facts=(JOINED_FACT,),
)
LISTING = Listing(
    severity=Severity.HIGH,
    reason=Reason.BASELINE,
    lead="2 stories found on the first look at new feeds",
    stories=(
        VIEW,
        replace(
            ALONE,
            id=StoryId("0c11d0aa"),
            title=sentence("BlackBerry Messenger is back in Sindh", "Gazette", GAZETTE),
            summary=(sentence("The province let the messenger back on Wednesday.", "Gazette", GAZETTE),),
            byline=line("Gazette", "BlackBerry Messenger is back in Sindh", GAZETTE, minutes=73),
            why=(WHY,),
        ),
    ),
)
DAILY_BRIEF = Listing(
    reason=Reason.BRIEF,
    lead="Brief since Tue 1 Dec 08:00 UTC: 2 new stories, news in 1 earlier story",
    sections=(
        BriefSection(
            kind=SectionKind.NEW,
            entries=(
                BriefEntry(
                    story=STORY,
                    severity=Severity.HIGH,
                    headline="BlackBerry to leave Pakistan",
                    link=WIRE,
                    details=("The Wire and 2 more", RULE),
                    fact=replace(NEW_FACT.facts[0], link=HERALD),
                ),
                BriefEntry(
                    story=StoryId("0c11d0aa"),
                    severity=Severity.LOW,
                    headline="BlackBerry Messenger is back in Sindh",
                    link=GAZETTE,
                    details=("Gazette", RULE),
                    quote="The province of Sindh let the messenger back on Wednesday.",
                    quote_outlet="The Wire",
                    is_unseen=True,
                ),
            ),
        ),
        BriefSection(
            kind=SectionKind.HELD,
            entries=(
                BriefEntry(
                    story=STORY,
                    severity=Severity.HIGH,
                    headline="PTA to meet telecom operators",
                    link=WIRE,
                    details=("The Wire and 2 more", RULE, "held: 1 of 3 independent outlets"),
                ),
            ),
            more=2,
        ),
    ),
    page="https://watch.example.org/brief?since=2015-12-01T08:00Z",
)
#: Much more coverage of a rule than usual, with the stories that cause it.
SURGE = Listing(
    reason=Reason.SURGE,
    lead="Surge: BlackBerry: 14 articles in 6 hours, usually 2 (7×)",
    lines=(
        "▁▁▁▁▁▁▂▁▁▁▁▁▁▁▁▁▂▁▁▁▃▅█▆ last 24 hours",
        "Mostly one event, in 9 of 14 articles since 2 Dec 05:00 UTC, first from The Wire at 2 Dec 09:02 UTC",
    ),
    stories=LISTING.stories,
)
MERGED = Edit(
    content=Pointer(
        lead="Merged into an earlier story:",
        title=sentence("[BlackBerry] says it quits Pakistan", "Gazette", GAZETTE),
        story=VIEW,
    )
)
NOTICE = Notice(
    lead="1 feed is broken. It is polled again every hour.",
    details=("https://herald.example/feed.xml answers 404 since 1 Dec 09:00 UTC",),
)
#: A story with an earlier story of the same affair.
RELATED = replace(
    POST,
    related=RelatedStory(
        story=StoryId("0a1b2c3d4e5f60718293"),
        title=sentence("[BlackBerry] extends stay in Pakistan", "The Wire", WIRE + "-extended"),
        at=FIRST - timedelta(hours=20),
        link="https://chat.example/archives/policy/p7",
    ),
)
#: The message of the story after a reply in its thread added news.
LATEST = Edit(
    content=replace(
        GROWN,
        latest=replace(NEW_FACT.facts[0], link=HERALD + "-deadline", stated_at=FIRST + timedelta(minutes=70)),
    )
)
#: The message of a thread with another event.
THREAD = Edit(
    content=replace(
        GROWN,
        reason=Reason.OTHER_EVENT,
        story=replace(
            VIEW,
            other_reports=(line("Gazette", "Sindh lifts its ban on BlackBerry Messenger", GAZETTE, minutes=95),),
            other_report_count=1,
        ),
        latest=OTHER_EVENT.facts[0],
    )
)
#: The message of a story that a reader has judged.
JUDGED_POST = replace(
    GROWN,
    reason=Reason.JUDGED,
    judgements=(
        Judgement(
            id=JudgementId("a-verdict"),
            at=FIRST + timedelta(minutes=4),
            by="ann",
            channel="policy-desk",
            story=STORY,
            verdict=Verdict.USEFUL,
            rule=RULE,
            message=SendId("send-0"),
        ),
    ),
)
JUDGED = Edit(content=JUDGED_POST)
#: A message that mentions somebody.
MENTION = replace(POST, mentions=(Mention(name="duty"),))
ALL: dict[str, Message] = {
    "post": POST,
    "edit": EDIT,
    "coverage": WIDE,
    "related": RELATED,
    "latest": LATEST,
    "corroboration": CORROBORATION,
    "new_fact": NEW_FACT,
    "correction": CORRECTION,
    "second_rule": SECOND_RULE,
    "thread": THREAD,
    "other_event": OTHER_EVENT,
    "listing": LISTING,
    "brief": DAILY_BRIEF,
    "surge": SURGE,
    "merged": MERGED,
    "judged": JUDGED,
    "mention": MENTION,
    "notice": NOTICE,
}
