"""Hostile messages: their text tries to ping people, add markup, hide text, exceed limits or break the channel."""

from __future__ import annotations

from msgspec.structs import replace

from bot.model.alerts import Reason
from bot.model.briefs import BriefEntry, BriefSection, SectionKind
from bot.model.messages import Echo, Edit, Message, Pointer, RelatedStory, Sentence, Span, StoryView, Why
from bot.model.rules import Severity
from bot.model.stories import StoryId
from bot.testing import messages

PINGS = (
    "<!channel>",
    "<!here>",
    "<@U012ABCDEF>",
    "<!subteam^S012>",
    "@everyone",
    "<https://evil.example|bank.example>",
)
BAD = (
    " ".join(PINGS)
    + " *bold* _it_ ~no~ `code` [x](https://evil.example) &lt;b&gt; & \x1b[31mred\x07 \u202eevil\u202c \ud800"
)
#: Characters that must never reach a screen unescaped.
CONTROL = frozenset(map(chr, range(32))) - {"\n"} | {"\x7f", "\u202e", "\u202c", "\ud800"}
LINKS = (
    "javascript:alert(1)",
    "https://bank.example@evil.example/",
    "https://evil.example/a b|c>d",
    "http://",
    "ftp://files.example/x",
    "https://exa\u0430mple.example/",
    "https://x.example/" + "a" * 5_000,
    "",
)


def _view(text: str, link: str, *, many: int) -> StoryView:
    sentence = Sentence(spans=(Span(text=text), Span(text=text, is_marked=True)), outlet=text, link=link)
    line = replace(messages.BYLINE, outlet=text, title=text, link=link)
    why = Why(
        rule=text,
        severity=Severity.HIGH,
        evidence=tuple(messages.evidence(f"{text}{n}", text, "title", text) for n in range(many)),
    )
    return replace(
        messages.VIEW,
        title=sentence,
        summary=(sentence,) * many,
        why=(why,) * many,
        byline=line if many else None,
        coverage=(line, replace(line, more=many, is_probable=True), *(line,) * many)[:many],
        coverage_count=many,
        owner_count=many,
        copy_count=many,
        echoes=(Echo(origin=text, owner_count=many),) * many,
        official_since=messages.FIRST if many else None,
    )


def every_kind(text: str, link: str, *, many: int = 3) -> tuple[Message, ...]:
    """Return a message of every kind, with ``text`` and ``link`` in untrusted fields and ``many`` entries in lists."""
    view = _view(text, link, many=many)
    fact = replace(
        messages.NEW_FACT.facts[0], label=text, before=text, after=text, sentence=text, outlet=text, link=link
    )
    edit = replace(messages.CORRECTION.facts[0], outlet=text, before=text, after=text[::-1], link=link)
    entry = BriefEntry(
        story=messages.STORY,
        severity=Severity.HIGH,
        headline=text,
        link=link,
        details=(text,) * min(many, 5),
        fact=fact if many % 2 else None,
        parts=(BriefEntry(story=messages.STORY, headline=text, link=link, details=(text,), fact=fact),) * min(many, 2),
        quote=text,
        quote_outlet=text,
    )
    reply = replace(messages.NEW_FACT, story=view, facts=(fact, edit) * many)
    related = RelatedStory(story=messages.STORY, title=view.title, at=messages.FIRST)
    judgement = replace(messages.JUDGED_POST.judgements[0], by=text)
    grown = replace(messages.GROWN, story=view, judgements=(judgement,), related=related, latest=fact)
    return (
        replace(messages.POST, story=view),
        Edit(content=grown),
        reply,
        replace(reply, reason=Reason.SECOND_RULE, facts=()),
        replace(reply, reason=Reason.CORROBORATION, facts=()),
        Edit(content=Pointer(lead="Merged into an earlier story:", title=view.title, story=view)),
        replace(messages.LISTING, stories=tuple(replace(view, id=StoryId(f"{n:020x}")) for n in range(many))),
        replace(
            messages.DAILY_BRIEF,
            sections=tuple(BriefSection(kind=kind, entries=(entry,) * min(many, 4), more=many) for kind in SectionKind),
            page="",
        ),
        replace(messages.NOTICE, details=(text,) * many),
    )


ALL = (
    *every_kind(BAD, LINKS[0]),
    *(message for link in LINKS[1:] for message in every_kind("x", link, many=1)),
    *every_kind("", "", many=0),
    *every_kind("", "", many=1),
    *every_kind("📰 " * 2_000, messages.WIRE, many=60),
    *every_kind("新聞" * 3_000, messages.WIRE, many=60),
    *every_kind("word " * 4_000, LINKS[6][:1_900], many=60),
    *every_kind("&<>" * 3_000, messages.GAZETTE, many=60),
)
