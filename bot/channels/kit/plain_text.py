"""A message as plain text, for channels without their own markup and for a channel that refused a richer form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot import model
from bot.channels.kit import diff, phrases

_SENTENCE = 700


def title(message: model.Message, limit: int = 250) -> str:
    """One line: what a notification, a subject or a preview shows."""
    match message.kind:
        case model.MessageKind.NOTICE | model.MessageKind.GATHERED:
            return phrases.cut(message.lead or "Wirewatch", limit)
        case model.MessageKind.REPLY:
            head = phrases.cut(phrases.head_of_reply(message), limit)
            return (
                phrases.cut(f"{head}: {phrases.headline(message.briefs[0], limit)}", limit) if message.briefs else head
            )
        case _:
            return phrases.headline(message.briefs[0], limit) if message.briefs else "Wirewatch"


def preview(message: model.Message, limit: int = 300) -> str:
    """The title with who carries it and why: the text of a notification on a phone."""
    if message.kind not in (model.MessageKind.POST, model.MessageKind.EDIT) or not message.briefs:
        news = "; ".join(phrases.fact(fact, 120) for fact in message.facts[:2])
        return phrases.cut(f"{title(message)} — {news}" if news else title(message), limit)
    brief = message.briefs[0]
    parts = [title(message, 200)]
    if brief.outlets:
        others = max(brief.outlet_count, len(brief.outlets)) - 1
        first = phrases.name(brief.outlets[0].outlet)
        parts.append(first + (f" and {model.counted(others, 'other')}" if others else ""))
    parts += [phrases.cut(phrases.clean(why.rule), 80) for why in brief.why[:1]]
    return phrases.cut(" — ".join(parts), limit)


def body(message: model.Message) -> str:
    """Everything below the title."""
    return "\n".join(_body(message)).strip()


def lines_to(text: str, limit: int) -> str:
    """Whole lines as far as they fit: an address that is cut leads nowhere."""
    if limit <= 0 or phrases.size(text) <= limit:
        return text
    kept: list[str] = []
    room = limit - 2
    for line in text.split("\n"):
        if phrases.size(line) + 1 > room:
            break
        kept.append(line)
        room -= phrases.size(line) + 1
    return "\n".join([*kept, "…"]) if kept else phrases.cut(text, limit)


def _body(message: model.Message) -> Iterator[str]:
    match message.kind:
        case model.MessageKind.NOTICE:
            yield from (
                f"- {phrases.cut(phrases.clean(line), _SENTENCE)}"
                for line in message.lines[: phrases.ITEMS]
                if line.strip()
            )
        case model.MessageKind.GATHERED:
            for brief in message.briefs[: phrases.ITEMS]:
                yield from _short(brief)
        case model.MessageKind.REPLY:
            yield from _reply(message)
        case _:
            for brief in message.briefs[:1]:
                yield from _story(brief, message)


def _story(brief: model.StoryBrief, message: model.Message) -> Iterator[str]:
    if message.nearest is not None:
        yield f"{phrases.PERHAPS_PART_OF} {said(message.nearest.title)}"
        yield phrases.safe_link(message.nearest.title.link) or ""
    for sentence in brief.summary[: phrases.SENTENCES]:
        yield f"{said(sentence)} ({phrases.name(sentence.outlet)})"
    if message.latest is not None:
        yield from _latest(message.latest)
    yield ""
    yield from _carriers(brief)
    yield from whys(brief.why)
    yield f"First seen {phrases.day_and_time(brief.first_seen)}"


def _latest(fact: model.Fact) -> Iterator[str]:
    """The newest fact that was posted, with its time and its own link."""
    when = f" ({phrases.day_and_time(fact.said_at)})" if fact.said_at else ""
    told = phrases.cut(phrases.clean(fact.sentence), _SENTENCE) if fact.is_sentence else phrases.fact(fact, 400)
    yield f"Latest{when}: {told} ({phrases.name(fact.outlet)}) {phrases.safe_link(fact.link) or ''}".rstrip()


def _short(brief: model.StoryBrief) -> Iterator[str]:
    yield f"* {phrases.headline(brief, 250)}"
    names = ", ".join(phrases.name(line.outlet) for line in brief.outlets[:3])
    yield f"  {phrases.owners(brief)} · {names} · {phrases.day_and_time(brief.first_seen)}"
    yield from (f"  {said(sentence)}" for sentence in brief.summary[:1])
    link = brief.outlets[0].link if brief.outlets else brief.title.link
    if address := phrases.safe_link(link):
        yield f"  {address}"


def _reply(message: model.Message) -> Iterator[str]:
    for fact in message.facts[: phrases.ITEMS]:
        if fact.is_sentence:
            yield f"- {phrases.fact(fact, _SENTENCE)} ({phrases.name(fact.outlet)})"
            continue
        if phrases.is_said_by_its_sentence(fact):
            yield f"- {phrases.cut(phrases.clean(fact.sentence), _SENTENCE)} ({phrases.name(fact.outlet)})"
            continue
        yield f"- {phrases.fact(fact, 400)}"
        if phrases.clean(fact.sentence):
            yield f"  {phrases.cut(phrases.clean(fact.sentence), _SENTENCE)} ({phrases.name(fact.outlet)})"
    for edit in message.edits[: phrases.ITEMS]:
        yield f"- {phrases.name(edit.outlet)}, {edit.field}: {changed(edit, _SENTENCE)}"
    for brief in message.briefs[:1]:
        if message.reason is model.Reason.SECOND_RULE:
            yield from whys(brief.why)
        elif phrases.shows_outlets(message):
            yield from _carriers(brief)


def _carriers(brief: model.StoryBrief) -> Iterator[str]:
    yield f"{phrases.owners(brief)}:"
    for line in brief.outlets[: phrases.OUTLETS]:
        name = phrases.name(line.outlet) + (" (copy)" if line.is_copy else "")
        yield f"- {name}, {phrases.day_and_time(line.at)} {phrases.safe_link(line.link) or ''}".rstrip()
    if more := phrases.unnamed(brief, phrases.OUTLETS):
        yield f"- {more}"


def whys(why: Sequence[model.Why]) -> Iterator[str]:
    """A line for each matching rule with its evidence, as many as are shown."""
    for one in why[: phrases.RULES]:
        found = phrases.evidence(one, 400)
        yield f"Why: {phrases.severity_and_rule(one)}" + (f": {found}" if found else "")


def said(sentence: model.Sentence) -> str:
    """The sentence as one line of bounded length."""
    return phrases.cut(phrases.clean(sentence.text), _SENTENCE)


def changed(edit: model.Edit, limit: int) -> str:
    """“by 30 [-November-] {+December+} at noon”, as wdiff writes it."""
    marks = {diff.Change.KEPT: "{}", diff.Change.REMOVED: "[-{}-]", diff.Change.ADDED: "{{+{}+}}"}
    found = diff.pieces(edit.before, edit.after, limit=limit)
    return " ".join(marks[piece.change].format(piece.text) for piece in found) or "only spaces or marks changed"
