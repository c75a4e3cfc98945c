"""A message as a page of a terminal, readable in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from bot import model
from bot.channels import diff, wording

_SENTENCE = 700
_COLOURS = {model.Severity.HIGH: "bold red", model.Severity.NORMAL: "bold blue", model.Severity.LOW: "dim"}


def show(console: Console, message: model.Message) -> None:
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
                _story(console, brief, message.severity)


def _story(console: Console, brief: model.StoryBrief, severity: model.Severity) -> None:
    console.print(Rule(Text(f" {severity.upper()} ", style=_COLOURS[severity]), align="left", style="dim"))
    console.print(Text(wording.headline(brief, 250), style="bold"))
    for sentence in brief.summary[: wording.SENTENCES]:
        _indented(console, _said(sentence), 2)
    _why(console, brief.why)
    _indented(console, Text(wording.owners(brief), style="bold"), 2)
    _carriers(console, brief)
    _indented(console, Text(f"first seen {wording.day_and_time(brief.first_seen)}{_span(brief)}", style="dim"), 2)
    console.print()


def _said(sentence: model.Sentence) -> Text:
    spans = wording.quoted(sentence, _SENTENCE)
    parts = [Text(span.text, style="bold yellow" if span.is_marked else "") for span in spans]
    told = Text.assemble(*parts)
    told.rstrip()
    return Text.assemble(told, Text(f" [{wording.name(sentence.outlet)}]", style="dim"))


def _why(console: Console, whys: Sequence[model.Why]) -> None:
    for why in whys[: wording.RULES]:
        found = wording.evidence(why, 400)
        head = Text(f"why: {wording.cut(wording.clean(why.rule), 150)}", style="green")
        _indented(console, Text.assemble(head, Text(f": {found}" if found else "")), 2)


def _carriers(console: Console, brief: model.StoryBrief) -> None:
    width = min(max((len(wording.name(line.outlet)) for line in brief.outlets), default=0), 24)
    for line in brief.outlets[: wording.OUTLETS]:
        name = wording.cut(wording.name(line.outlet), 24)
        day = f"{line.at.day} {line.at:%b} " if line.at.date() != brief.first_seen.date() else ""
        words = f"    {day}{line.at:%H:%M}  {name:<{width}}"
        if line.is_copy:
            words += "  copy"
        _whole(console, f"{words}  {wording.safe_link(line.link) or ''}".rstrip())
    if len(brief.outlets) > wording.OUTLETS:
        _whole(console, f"    and {len(brief.outlets) - wording.OUTLETS:,} more")


def _span(brief: model.StoryBrief) -> str:
    span = brief.last_seen - brief.first_seen
    return f", newest article {wording.age(span)} later" if span.total_seconds() >= 3600 else ""


def _reply(console: Console, message: model.Message) -> None:
    brief = message.briefs[0] if message.briefs else None
    head = Text(f"  ↳ {wording.head_of_reply(message)}", style="bold magenta")
    story = f" · {wording.headline(brief, 150)}" if brief else ""
    console.print(Text.assemble(head, Text(story)))
    for fact in message.facts[: wording.ITEMS]:
        if not fact.is_sentence and not wording.is_said_by_its_sentence(fact):
            _indented(console, _fact(fact), 4)
        if wording.clean(fact.sentence):
            sentence = wording.cut(wording.clean(fact.sentence), _SENTENCE)
            label = Text(f"{wording.name(fact.label)}: " if fact.is_sentence else "", style="bold")
            _indented(console, Text.assemble(label, sentence, Text(f" [{wording.name(fact.outlet)}]", style="dim")), 4)
    for edit in message.edits[: wording.ITEMS]:
        _indented(console, _changed(edit), 4)
    if brief and message.reason is model.Reason.SECOND_RULE:
        _why(console, brief.why)
    elif brief and wording.shows_outlets(message):
        _indented(console, Text(wording.owners(brief), style="bold"), 4)
        _carriers(console, brief)
    console.print()


def _fact(fact: model.Fact) -> Text:
    label = f"{wording.name(fact.heading)}: " if fact.heading else ""
    before = Text(wording.cut(wording.clean(fact.before), 150), style="strike red") if fact.before else Text()
    arrow = " → " if fact.before else ""
    return Text.assemble(label, before, arrow, Text(wording.cut(wording.clean(fact.after), 300), style="bold"))


def _changed(edit: model.Edit) -> Text:
    parts: list[Text | str] = [f"{wording.name(edit.outlet)}, {edit.field}:"]
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
            line = f"  ↳ {message.lead or wording.HEADS[model.Reason.MERGED]} {wording.headline(brief, 150)}"
        else:
            newest = f", newest {wording.name(brief.outlets[-1].outlet)}" if brief.outlets else ""
            line = f"  ↳ now {wording.owners(brief)}{newest}: {wording.headline(brief, 150)}"
        console.print(Text(line, style="dim"))
        console.print()


def _gathered(console: Console, message: model.Message) -> None:
    console.print(Rule(Text(f" {message.lead or f'{len(message.briefs)} stories'} ", style="bold"), align="left"))
    for brief in message.briefs[: wording.ITEMS]:
        console.print(Text.assemble("• ", Text(wording.headline(brief, 250), style="bold")))
        names = ", ".join(wording.name(line.outlet) for line in brief.outlets[:3])
        rules = ", ".join(wording.cut(wording.clean(why.rule), 150) for why in brief.why[: wording.RULES])
        when = wording.day_and_time(brief.first_seen)
        _indented(console, Text(" · ".join(filter(None, (wording.owners(brief), names, when, rules))), style="dim"), 2)
        link = wording.safe_link(brief.outlets[0].link if brief.outlets else brief.title.link)
        if link:
            _whole(console, f"  {link}")
    console.print()


def _notice(console: Console, message: model.Message) -> None:
    console.print(Text(f"— {message.lead}", style="bold"))
    for line in _shown(message.lines[: wording.ITEMS]):
        _indented(console, Text(line), 2)
    console.print()


def _shown(lines: Iterable[str]) -> list[str]:
    return [wording.cut(wording.clean(line), _SENTENCE) for line in lines if wording.clean(line)]


def _indented(console: Console, text: Text, columns: int) -> None:
    console.print(Padding(text, (0, 0, 0, columns)))


def _whole(console: Console, line: str) -> None:
    """An address is never broken by the edge of the page: it could not be clicked or copied."""
    console.print(Text(line), soft_wrap=True)
