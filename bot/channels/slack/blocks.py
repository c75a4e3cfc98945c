"""A message as Slack's Block Kit, within every limit by construction.

header    the headline
quote     the summary's own sentences, matched words bold, each with its outlet
section   who carries it, in order of arrival, with links and times
context   why: rule, severity, line → words
context   how old the story is
quote     what readers said of it, where the channel has buttons
actions   the buttons
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot import model
from bot.channels.kit import diff, phrases
from bot.channels.slack import buttons
from bot.channels.slack import rich_text as rich
from bot.channels.slack.rich_text import Piece


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How much of each part is shown."""

    sentence: int
    sentences: int
    outlets: int
    rules: int
    items: int
    link: int
    #: Lines of what readers said.
    said: int
    #: Stories of a gathered message that have a menu: one weighs half as much as its story.
    menus: int


#: From generous to the least: the first that fits is taken, and the last fits whatever the message holds.
_ROOMS = (
    _Room(sentence=700, sentences=4, outlets=24, rules=4, items=12, link=2_000, said=8, menus=8),
    _Room(sentence=400, sentences=3, outlets=12, rules=3, items=10, link=600, said=4, menus=6),
    _Room(sentence=240, sentences=2, outlets=6, rules=2, items=10, link=240, said=2, menus=4),
    _Room(sentence=120, sentences=1, outlets=3, rules=1, items=6, link=120, said=1, menus=0),
)
#: Why a story of a gathered message is there.
_IN_A_LIST = _Room(sentence=100, sentences=0, outlets=0, rules=1, items=0, link=0, said=0, menus=0)
_SEVERITY = {model.Severity.HIGH: "🔴", model.Severity.NORMAL: "🔵", model.Severity.LOW: "⚪"}
#: Outlets that have their own line.
_LINES = 5
_BETWEEN = "  ·  "
_ONE_DAY = timedelta(hours=12)


def blocks(message: model.Message, *, names_story: bool = False, has_buttons: bool = False) -> list[Piece]:
    """``names_story``: a reply outside of its thread says which story it belongs to."""
    made: list[Piece] = []
    for room in _ROOMS:
        made = list(_made(message, room, names_story=names_story, has_buttons=has_buttons))[: rich.BLOCK_LIMIT]
        if rich.weight(made) <= rich.TOTAL_LIMIT:
            break
    return made


def _made(message: model.Message, room: _Room, *, names_story: bool, has_buttons: bool) -> Iterator[Piece]:
    match message.kind:
        case model.MessageKind.NOTICE:
            yield from _notice(message, room)
        case model.MessageKind.GATHERED:
            yield from _gathered(message, room, has_buttons=has_buttons)
        case model.MessageKind.REPLY:
            yield from _reply(message, room, names_story=names_story)
            if has_buttons:
                yield from buttons.other_event(message)
        case _ if message.reason is model.Reason.MERGED:
            yield from _merged(message, room)
        case _:
            for brief in message.briefs[:1]:
                yield from _story(brief, message, room)
                if has_buttons and brief.why:
                    yield from buttons.said(message.judgements, lines=room.said)
                    yield buttons.row(message, _rules(brief, room))


def _rules(brief: model.StoryBrief, room: _Room) -> list[str]:
    """Those that the message names each: what is not named is not judged."""
    return list(dict.fromkeys(why.rule for why in brief.why[: room.rules]))


def _story(brief: model.StoryBrief, message: model.Message, room: _Room) -> Iterator[Piece]:
    yield rich.header(phrases.headline(brief, rich.HEADER_LIMIT))
    if message.nearest is not None:
        near = message.nearest.title
        label = phrases.cut(phrases.clean(near.text), rich.HEADER_LIMIT)
        pieces = [rich.text(f"{phrases.PERHAPS_PART_OF} ", italic=True), rich.link(label, near.link, limit=room.link)]
        yield rich.rich([rich.section(pieces)])
    told = list(_quotes(brief.summary[: room.sentences], room))
    if message.latest is not None:
        told.append(rich.section(_latest(message.latest, room)))
    if told:
        yield rich.rich(told)
    yield rich.rich(_carriers(brief, room))
    yield from _why(brief.why, room)
    yield _age(brief)


def _quotes(sentences: Sequence[model.Sentence], room: _Room) -> Iterator[Piece]:
    """Sentences of one article are together, signed once."""
    pieces: list[Piece] = []
    for place, sentence in enumerate(sentences):
        if pieces:
            pieces.append(rich.text(" "))
        pieces += rich.spans(phrases.quoted(sentence, room.sentence))
        following = sentences[place + 1] if place + 1 < len(sentences) else None
        if following is None or (following.outlet, following.link) != (sentence.outlet, sentence.link):
            pieces += [rich.text(" — "), rich.link(phrases.name(sentence.outlet), sentence.link, limit=room.link)]
            yield rich.quote(pieces)
            pieces = []


def _latest(fact: model.Fact, room: _Room) -> list[Piece]:
    """The newest fact that was posted, with its time and its own link."""
    when = [rich.date(fact.said_at, "{date_short_pretty} {time}"), rich.text(": ")] if fact.said_at else []
    told = [rich.text(phrases.cut(phrases.clean(fact.sentence), room.sentence))] if fact.is_sentence else _fact(fact)
    source = [rich.text(" — "), rich.link(phrases.name(fact.outlet), fact.link, limit=room.link)]
    return [rich.text("Latest" + (" " if when else ": "), bold=True), *when, *told, *source]


def _carriers(brief: model.StoryBrief, room: _Room) -> list[Piece]:
    """The first ones on a line each, the rest in one."""
    shown = brief.outlets[: room.outlets]
    items = [_carrier(line, brief, room) for line in shown[:_LINES]]
    rest: list[Piece] = []
    for line in shown[_LINES:]:
        rest += [rich.text(_BETWEEN)] if rest else []
        rest += _carrier(line, brief, room)
    if more := phrases.unnamed(brief, room.outlets):
        rest.append(rich.text(f"{_BETWEEN if rest else ''}{more}"))
    items += [rest] if rest else []
    count = rich.section([rich.text(phrases.owners(brief), bold=True)])
    return [count, rich.bullets(items)] if items else [count]


def _carrier(line: model.OutletLine, brief: model.StoryBrief, room: _Room) -> list[Piece]:
    form = "{time}" if line.at - brief.first_seen < _ONE_DAY else "{date_short_pretty} {time}"
    copy = [rich.text("\u00a0(copy)", italic=True)] if line.is_copy else []
    # The spaces do not break, so that a time stays with its outlet.
    return [
        rich.link(phrases.name(line.outlet), line.link, limit=room.link),
        rich.text("\u00a0\u00a0"),
        rich.date(line.at, form),
        *copy,
    ]


def _why(whys: Sequence[model.Why], room: _Room) -> Iterator[Piece]:
    for why in whys[: room.rules]:
        found = phrases.evidence(why, 2 * room.sentence)
        words = f"{_SEVERITY[why.severity]} {phrases.cut(phrases.severity_and_rule(why), 200)}"
        yield rich.small(f"{words}\n{found}" if found else words)
    if len(whys) > room.rules:
        names = ", ".join(phrases.clean(why.rule) for why in whys[room.rules :])
        yield rich.small(phrases.cut(f"and {names}", 300))


def _age(brief: model.StoryBrief) -> Piece:
    first = rich.own_date(brief.first_seen, "{date_short_pretty} at {time}")
    words = f"First seen {first}, {rich.own_date(brief.first_seen, '{ago}')}"
    span = brief.last_seen - brief.first_seen
    if span >= timedelta(hours=1):
        words += f" · newest article {phrases.age(span)} later"
    return rich.small_own(words)


def _reply(message: model.Message, room: _Room, *, names_story: bool) -> Iterator[Piece]:
    brief = message.briefs[0] if message.briefs else None
    opening = [rich.text(phrases.cut(phrases.head_of_reply(message), 200), bold=True)]
    if brief is not None and names_story:
        outlet = brief.outlets[0] if brief.outlets else None
        label = phrases.headline(brief, rich.HEADER_LIMIT)
        opening += [rich.text(" in "), rich.link(label, outlet.link if outlet else "", limit=room.link)]
    elements = [rich.section(opening)]
    if message.facts:
        told = (fact for fact in message.facts[: room.items] if not fact.is_sentence)
        short = [_fact(fact) for fact in told if not phrases.is_said_by_its_sentence(fact)]
        elements += [rich.bullets(short)] if short else []
        elements += [rich.quote(_said(fact, brief, room)) for fact in _sentences(message.facts)[: room.sentences]]
    for edit in message.edits[: room.items]:
        article = rich.link(phrases.name(edit.outlet), edit.link, limit=room.link)
        elements.append(rich.section([article, rich.text(f", {edit.field}")]))
        elements.append(rich.quote(_edit(edit, room)))
    if brief is not None and phrases.shows_outlets(message):
        elements += _carriers(brief, room)
    yield rich.rich(elements)
    if brief is not None and message.reason is model.Reason.SECOND_RULE:
        yield from _why(brief.why, room)


def _fact(fact: model.Fact) -> list[Piece]:
    pieces = [rich.text(f"{phrases.cut(phrases.clean(fact.heading), 80)}: ")] if fact.heading else []
    if fact.before:
        pieces += [rich.text(phrases.cut(phrases.clean(fact.before), 150), strike=True), rich.text(" → ")]
    return [*pieces, rich.text(phrases.cut(phrases.clean(fact.after), 300) or "…", bold=True)]


def _sentences(facts: Sequence[model.Fact]) -> list[model.Fact]:
    """One fact for each sentence: two facts of one sentence quote it once."""
    return list({fact.sentence: fact for fact in facts if phrases.clean(fact.sentence)}.values())


def _said(fact: model.Fact, brief: model.StoryBrief | None, room: _Room) -> list[Piece]:
    # Stored before links were kept: the outlet's own article.
    others = brief.outlets if brief else ()
    link = fact.link or next((line.link for line in others if line.outlet == fact.outlet), "")
    return [
        *([rich.text(f"{phrases.cut(phrases.clean(fact.label), 80)}: ", bold=True)] if fact.is_sentence else []),
        rich.text(phrases.cut(phrases.clean(fact.sentence), room.sentence)),
        rich.text(" — "),
        rich.link(phrases.name(fact.outlet), link, limit=room.link),
    ]


def _edit(edit: model.Edit, room: _Room) -> list[Piece]:
    pieces: list[Piece] = []
    for part in diff.pieces(edit.before, edit.after, limit=2 * room.sentence):
        if pieces:
            pieces.append(rich.text(" "))
        removed, added = part.change is diff.Change.REMOVED, part.change is diff.Change.ADDED
        pieces.append(rich.text(part.text, strike=removed, bold=added))
    return pieces or [rich.text("only spaces or marks changed")]


def _merged(message: model.Message, room: _Room) -> Iterator[Piece]:
    brief = message.briefs[0] if message.briefs else None
    pieces = [rich.text(phrases.cut(message.lead or phrases.HEADS[model.Reason.MERGED], 300), italic=True)]
    if brief is not None:
        link = brief.outlets[0].link if brief.outlets else brief.title.link
        pieces += [rich.text(" "), rich.link(phrases.headline(brief, rich.HEADER_LIMIT), link, limit=room.link)]
    yield rich.rich([rich.section(pieces)])


def _gathered(message: model.Message, room: _Room, *, has_buttons: bool) -> Iterator[Piece]:
    yield rich.header(phrases.cut(message.lead or f"{len(message.briefs)} stories", rich.HEADER_LIMIT))
    for place, brief in enumerate(message.briefs[: room.items]):
        link = brief.outlets[0].link if brief.outlets else brief.title.link
        pieces = [
            rich.link(phrases.headline(brief, rich.HEADER_LIMIT), link, limit=room.link, bold=True),
            rich.text("\n"),
            rich.text(f"{phrases.owners(brief)} · "),
            rich.date(brief.first_seen, "{date_short_pretty} at {time}"),
        ]
        if brief.outlets:
            pieces.append(rich.text(f" · {phrases.name(brief.outlets[0].outlet)}"))
        yield rich.rich([rich.section(pieces)])
        yield from _why(brief.why, _IN_A_LIST)
        if has_buttons and brief.why and place < room.menus:
            yield buttons.menu(brief, _rules(brief, room))
    if len(message.briefs) > room.items:
        yield rich.small(f"and {len(message.briefs) - room.items:,} more: wirewatch stories lists them")


def _notice(message: model.Message, room: _Room) -> Iterator[Piece]:
    elements = [rich.section([rich.text(phrases.cut(message.lead, rich.SECTION_LIMIT) or "Notice", bold=True)])]
    lines = [phrases.cut(phrases.clean(line), room.sentence) for line in message.lines]
    shown = [line for line in lines if line][: room.items]
    if shown:
        elements.append(rich.bullets([[rich.text(line)] for line in shown]))
    if len(message.lines) > room.items:
        elements.append(rich.section([rich.text(f"and {len(message.lines) - room.items:,} more")]))
    yield rich.rich(elements)
