"""A message as plain text, for channels without a markup of their own and for a channel that refused a richer form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot import model
from bot.channels import diff, wording

_SENTENCE = 700


def title(message: model.Message, limit: int = 250) -> str:
    """One line: what a notification, a subject or a preview shows."""
    match message.kind:
        case model.MessageKind.NOTICE | model.MessageKind.GATHERED:
            return wording.cut(message.lead or "Wirewatch", limit)
        case model.MessageKind.REPLY:
            head = wording.cut(wording.head_of_reply(message), limit)
            return (
                wording.cut(f"{head}: {wording.headline(message.briefs[0], limit)}", limit) if message.briefs else head
            )
        case _:
            return wording.headline(message.briefs[0], limit) if message.briefs else "Wirewatch"


def preview(message: model.Message, limit: int = 300) -> str:
    """The title with who carries it and why: the text of a notification on a phone."""
    if message.kind not in (model.MessageKind.POST, model.MessageKind.EDIT) or not message.briefs:
        news = "; ".join(wording.fact(fact, 120) for fact in message.facts[:2])
        return wording.cut(f"{title(message)} — {news}" if news else title(message), limit)
    brief = message.briefs[0]
    parts = [title(message, 200)]
    if brief.outlets:
        others = len(brief.outlets) - 1
        first = wording.name(brief.outlets[0].outlet)
        parts.append(first + (f" and {wording.plural(others, 'other')}" if others else ""))
    parts += [wording.cut(wording.clean(why.rule), 80) for why in brief.why[:1]]
    return wording.cut(" — ".join(parts), limit)


def body(message: model.Message) -> str:
    """Everything below the title."""
    return "\n".join(_body(message)).strip()


def _body(message: model.Message) -> Iterator[str]:
    match message.kind:
        case model.MessageKind.NOTICE:
            yield from (
                f"- {wording.cut(wording.clean(line), _SENTENCE)}"
                for line in message.lines[: wording.ITEMS]
                if line.strip()
            )
        case model.MessageKind.GATHERED:
            for brief in message.briefs[: wording.ITEMS]:
                yield from _short(brief)
        case model.MessageKind.REPLY:
            yield from _reply(message)
        case _:
            for brief in message.briefs[:1]:
                yield from _story(brief)


def _story(brief: model.StoryBrief) -> Iterator[str]:
    for sentence in brief.summary[: wording.SENTENCES]:
        yield f"{said(sentence)} ({wording.name(sentence.outlet)})"
    yield ""
    yield from _carriers(brief)
    yield from whys(brief.why)
    yield f"First seen {wording.day_and_time(brief.first_seen)}"


def _short(brief: model.StoryBrief) -> Iterator[str]:
    yield f"* {wording.headline(brief, 250)}"
    names = ", ".join(wording.name(line.outlet) for line in brief.outlets[:3])
    yield f"  {wording.owners(brief)} · {names} · {wording.day_and_time(brief.first_seen)}"
    link = brief.outlets[0].link if brief.outlets else brief.title.link
    if address := wording.safe_link(link):
        yield f"  {address}"


def _reply(message: model.Message) -> Iterator[str]:
    for fact in message.facts[: wording.ITEMS]:
        if fact.is_sentence:
            yield f"- {wording.fact(fact, _SENTENCE)} ({wording.name(fact.outlet)})"
            continue
        if wording.is_said_by_its_sentence(fact):
            yield f"- {wording.cut(wording.clean(fact.sentence), _SENTENCE)} ({wording.name(fact.outlet)})"
            continue
        yield f"- {wording.fact(fact, 400)}"
        if wording.clean(fact.sentence):
            yield f"  {wording.cut(wording.clean(fact.sentence), _SENTENCE)} ({wording.name(fact.outlet)})"
    for edit in message.edits[: wording.ITEMS]:
        yield f"- {wording.name(edit.outlet)}, {edit.field}: {changed(edit, _SENTENCE)}"
    for brief in message.briefs[:1]:
        if message.reason is model.Reason.SECOND_RULE:
            yield from whys(brief.why)
        elif wording.shows_outlets(message):
            yield from _carriers(brief)


def _carriers(brief: model.StoryBrief) -> Iterator[str]:
    yield f"{wording.owners(brief)}:"
    for line in brief.outlets[: wording.OUTLETS]:
        name = wording.name(line.outlet) + (" (copy)" if line.is_copy else "")
        yield f"- {name}, {wording.day_and_time(line.at)} {wording.safe_link(line.link) or ''}".rstrip()
    if len(brief.outlets) > wording.OUTLETS:
        yield f"- and {len(brief.outlets) - wording.OUTLETS:,} more"


def whys(why: Sequence[model.Why]) -> Iterator[str]:
    for one in why[: wording.RULES]:
        found = wording.evidence(one, 400)
        yield f"Why: {wording.severity_and_rule(one)}" + (f": {found}" if found else "")


def said(sentence: model.Sentence) -> str:
    return wording.cut(wording.clean(sentence.text), _SENTENCE)


def changed(edit: model.Edit, limit: int) -> str:
    """«by 30 [-November-] {+December+} at noon», as wdiff writes it."""
    marks = {diff.Change.KEPT: "{}", diff.Change.REMOVED: "[-{}-]", diff.Change.ADDED: "{{+{}+}}"}
    found = diff.pieces(edit.before, edit.after, limit=limit)
    return " ".join(marks[piece.change].format(piece.text) for piece in found) or "only spaces or marks changed"
