"""A message as a page of a terminal, readable in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from bot import model
from bot.channels.kit import diff, phrases

_SENTENCE = 700
_COLOURS = {model.Severity.HIGH: "bold red", model.Severity.NORMAL: "bold blue", model.Severity.LOW: "dim"}


def show(console: Console, message: model.Message) -> None:
    """Print one message."""
    match message.kind:
        case model.MessageKind.NOTICE:
            _notice(console, message)
        case model.MessageKind.GATHERED:
            _gathered(console, message)
        case model.MessageKind.REPLY:
            _reply(console, message)
        case model.MessageKind.EDIT:
            _edit(console, message)
        case _:
            for brief in message.briefs[:1]:
                _story(console, brief, message)


def _story(console: Console, brief: model.StoryBrief, message: model.Message) -> None:
    severity = message.severity
    console.print(Rule(Text(f" {severity.upper()} ", style=_COLOURS[severity]), align="left", style="dim"))
    console.print(Text(phrases.headline(brief, 250), style="bold"))
    if message.nearest is not None:
        near = phrases.cut(phrases.clean(message.nearest.title.text), 250)
        _indented(console, Text(f"{phrases.PERHAPS_PART_OF} {near}", style="italic"), 2)
    for sentence in brief.summary[: phrases.SENTENCES]:
        _indented(console, _said(sentence), 2)
    _why(console, brief.why)
    _indented(console, Text(phrases.owners(brief), style="bold"), 2)
    _carriers(console, brief)
    _indented(console, Text(f"first seen {phrases.day_and_time(brief.first_seen)}{_span(brief)}", style="dim"), 2)
    console.print()


def _said(sentence: model.Sentence) -> Text:
    spans = phrases.quoted(sentence, _SENTENCE)
    parts = [Text(span.text, style="bold yellow" if span.is_marked else "") for span in spans]
    told = Text.assemble(*parts)
    told.rstrip()
    return Text.assemble(told, Text(f" [{phrases.name(sentence.outlet)}]", style="dim"))


def _why(console: Console, whys: Sequence[model.Why]) -> None:
    for why in whys[: phrases.RULES]:
        found = phrases.evidence(why, 400)
        head = Text(f"why: {phrases.cut(phrases.clean(why.rule), 150)}", style="green")
        _indented(console, Text.assemble(head, Text(f": {found}" if found else "")), 2)


def _carriers(console: Console, brief: model.StoryBrief) -> None:
    width = min(max((len(phrases.name(line.outlet)) for line in brief.outlets), default=0), 24)
    for line in brief.outlets[: phrases.OUTLETS]:
        name = phrases.cut(phrases.name(line.outlet), 24)
        day = f"{line.at.day} {line.at:%b} " if line.at.date() != brief.first_seen.date() else ""
        words = f"    {day}{line.at:%H:%M}  {name:<{width}}"
        if line.is_copy:
            words += "  copy"
        _whole(console, f"{words}  {phrases.safe_link(line.link) or ''}".rstrip())
    if more := phrases.unnamed(brief, phrases.OUTLETS):
        _whole(console, f"    {more}")


def _span(brief: model.StoryBrief) -> str:
    span = brief.last_seen - brief.first_seen
    return f", newest article {phrases.age(span)} later" if span.total_seconds() >= 3600 else ""


def _reply(console: Console, message: model.Message) -> None:
    brief = message.briefs[0] if message.briefs else None
    head = Text(f"  ↳ {phrases.head_of_reply(message)}", style="bold magenta")
    story = f" · {phrases.headline(brief, 150)}" if brief else ""
    console.print(Text.assemble(head, Text(story)))
    for fact in message.facts[: phrases.ITEMS]:
        if not fact.is_sentence and not phrases.is_said_by_its_sentence(fact):
            _indented(console, _fact(fact), 4)
        if phrases.clean(fact.sentence):
            sentence = phrases.cut(phrases.clean(fact.sentence), _SENTENCE)
            label = Text(f"{phrases.name(fact.label)}: " if fact.is_sentence else "", style="bold")
            _indented(console, Text.assemble(label, sentence, Text(f" [{phrases.name(fact.outlet)}]", style="dim")), 4)
    for edit in message.edits[: phrases.ITEMS]:
        _indented(console, _changed(edit), 4)
    if brief and message.reason is model.Reason.SECOND_RULE:
        _why(console, brief.why)
    elif brief and phrases.shows_outlets(message):
        _indented(console, Text(phrases.owners(brief), style="bold"), 4)
        _carriers(console, brief)
    console.print()


def _fact(fact: model.Fact) -> Text:
    label = f"{phrases.name(fact.heading)}: " if fact.heading else ""
    before = Text(phrases.cut(phrases.clean(fact.before), 150), style="strike red") if fact.before else Text()
    arrow = " → " if fact.before else ""
    return Text.assemble(label, before, arrow, Text(phrases.cut(phrases.clean(fact.after), 300), style="bold"))


def _changed(edit: model.Edit) -> Text:
    parts: list[Text | str] = [f"{phrases.name(edit.outlet)}, {edit.field}:"]
    for piece in diff.pieces(edit.before, edit.after, limit=_SENTENCE):
        match piece.change:
            case diff.Change.REMOVED:
                parts += [" ", Text(f"[-{piece.text}-]", style="red")]
            case diff.Change.ADDED:
                parts += [" ", Text(f"{{+{piece.text}+}}", style="green")]
            case _:
                parts += [" ", piece.text]
    return Text.assemble(*parts)


def _edit(console: Console, message: model.Message) -> None:
    for brief in message.briefs[:1]:
        if message.reason is model.Reason.MERGED:
            line = f"  ↳ {message.lead or phrases.HEADS[model.Reason.MERGED]} {phrases.headline(brief, 150)}"
        else:
            newest = f", newest {phrases.name(brief.outlets[-1].outlet)}" if brief.outlets else ""
            line = f"  ↳ now {phrases.owners(brief)}{newest}: {phrases.headline(brief, 150)}"
        console.print(Text(line, style="dim"))
        console.print()


def _gathered(console: Console, message: model.Message) -> None:
    console.print(Rule(Text(f" {message.lead or f'{len(message.briefs)} stories'} ", style="bold"), align="left"))
    for brief in message.briefs[: phrases.ITEMS]:
        console.print(Text.assemble("• ", Text(phrases.headline(brief, 250), style="bold")))
        names = ", ".join(phrases.name(line.outlet) for line in brief.outlets[:3])
        rules = ", ".join(phrases.cut(phrases.clean(why.rule), 150) for why in brief.why[: phrases.RULES])
        when = phrases.day_and_time(brief.first_seen)
        _indented(console, Text(" · ".join(filter(None, (phrases.owners(brief), names, when, rules))), style="dim"), 2)
        link = phrases.safe_link(brief.outlets[0].link if brief.outlets else brief.title.link)
        if link:
            _whole(console, f"  {link}")
    console.print()


def _notice(console: Console, message: model.Message) -> None:
    console.print(Text(f"— {message.lead}", style="bold"))
    for line in _shown(message.lines[: phrases.ITEMS]):
        _indented(console, Text(line), 2)
    console.print()


def _shown(lines: Iterable[str]) -> list[str]:
    return [phrases.cut(phrases.clean(line), _SENTENCE) for line in lines if phrases.clean(line)]


def _indented(console: Console, text: Text, columns: int) -> None:
    console.print(Padding(text, (0, 0, 0, columns)))


def _whole(console: Console, line: str) -> None:
    """An address is never broken by the edge of the page: it could not be clicked or copied."""
    console.print(Text(line), soft_wrap=True)
