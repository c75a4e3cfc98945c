"""Hostile messages: their text tries to ping people, add markup, hide text, exceed limits or break the channel."""

from __future__ import annotations

from dataclasses import replace

from bot.model.alerts import Reason
from bot.model.briefs import BriefEntry, BriefSection, SectionKind
from bot.model.messages import Message, RelatedStory, Sentence, Span, StoryBrief, Why
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


def _brief(text: str, link: str, *, many: int) -> StoryBrief:
    sentence = Sentence(spans=(Span(text=text), Span(text=text, is_marked=True)), outlet=text, link=link)
    line = replace(messages.BYLINE, outlet=text, title=text, link=link)
    why = Why(
        rule=text,
        severity=Severity.HIGH,
        evidence=tuple(messages.evidence(f"{text}{n}", text, "title", text) for n in range(many)),
    )
    return replace(
        messages.BRIEF,
        title=sentence,
        summary=(sentence,) * many,
        why=(why,) * many,
        byline=line if many else None,
        coverage=(line, replace(line, more=many, is_probable=True), *(line,) * many)[:many],
        coverage_count=many,
        owner_count=many,
        copy_count=many,
    )


def every_kind(text: str, link: str, *, many: int = 3) -> tuple[Message, ...]:
    """Return a message of every kind, with ``text`` and ``link`` in untrusted fields and ``many`` entries in lists."""
    brief = _brief(text, link, many=many)
    fact = replace(
        messages.NEW_FACT.facts[0], label=text, before=text, after=text, sentence=text, outlet=text, link=link
    )
    edit = replace(messages.CORRECTION.edits[0], outlet=text, before=text, after=text[::-1], link=link)
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
    reply = replace(messages.NEW_FACT, briefs=(brief,), facts=(fact,) * many, edits=(edit,) * many)
    return (
        replace(messages.POST, briefs=(brief,)),
        replace(
            messages.EDIT,
            briefs=(brief,),
            judgements=(replace(messages.JUDGED.judgements[0], by=text),),
            related=RelatedStory(story=messages.STORY, title=brief.title, at=messages.FIRST),
            latest=fact,
        ),
        reply,
        replace(reply, reason=Reason.SECOND_RULE, facts=(), edits=()),
        replace(reply, reason=Reason.CORROBORATION, facts=(), edits=()),
        replace(messages.MERGED, title=brief.title, briefs=(brief,)),
        replace(
            messages.GATHERED,
            briefs=tuple(replace(brief, story=StoryId(f"{n:020x}")) for n in range(many)),
        ),
        replace(
            messages.DAILY_BRIEF,
            sections=tuple(BriefSection(kind=kind, entries=(entry,) * min(many, 4), more=many) for kind in SectionKind),
            page="",
        ),
        replace(messages.NOTICE, lines=(text,) * many),
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
