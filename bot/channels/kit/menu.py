"""The actions that people can choose under a story's message, for every service with buttons.

A message has the buttons Useful, Noise and "More…", which opens a menu of the other actions. Each button
carries a short word for its action. The word that a service sends back is untrusted; this module checks only its form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.channels.kit import phrases
from bot.model.actions import (
    BUTTON_SILENCE,
    Action,
    EndSilence,
    MakeSilence,
    Noise,
    ShowMenu,
    ShowWhy,
    Silence,
    SilenceKind,
    Split,
    Useful,
    entity_key,
    rule_key,
)
from bot.model.durations import format_count
from bot.model.messages import Message
from bot.model.stories import ArticleId
from bot.text import names

#: Maximum outlets that the menu offers to silence.
_OUTLETS = 3
#: Maximum names from the headline that the menu offers to silence.
_NAMES = 3
#: Maximum articles that the menu offers to split off, newest first.
_ARTICLES = 8
#: A key. Its length shows whether it identifies a rule, an entity or an article.
_KEY = re.compile(r"([0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{20})\Z", re.ASCII)
_KINDS = {0: SilenceKind.STORY, 12: SilenceKind.RULE, 16: SilenceKind.ENTITY, 20: SilenceKind.OUTLET}
#: Word of a button -> action, for the actions that need no key.
_PLAIN_ACTIONS: Mapping[str, Action] = {
    "useful": Useful(),
    "menu": ShowMenu(),
    "why": ShowWhy(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A button, or a line of a menu."""

    label: str
    action: Action


#: The buttons directly under a message.
BUTTONS = (Choice(label="Useful", action=Useful()), Choice(label="Noise", action=Noise()))


def more_choices(message: Message, rules: Sequence[str]) -> list[Choice]:
    """Return the menu of "More…" for a story whose message names these rules."""
    brief = message.briefs[0]
    silenced_rules = {silence.name for silence in message.silences if silence.kind is SilenceKind.RULE}
    is_silenced = any(silence.kind is SilenceKind.STORY for silence in message.silences)
    choices = [
        Choice(label="End the silence of this story", action=EndSilence())
        if is_silenced
        else Choice(label="Silence this story here", action=_silence("", is_here=True))
    ]
    for rule in rules:
        key = rule_key(rule)
        if rule in silenced_rules:
            choices.append(Choice(label=f"End the silence of {rule}", action=EndSilence(key=key)))
        else:
            choices.append(Choice(label=f"Silence here for a day: {rule}", action=_silence(key, is_here=True)))
            choices.append(Choice(label=f"Silence in your channels for a day: {rule}", action=_silence(key)))
    outlets = {line.outlet: line.article for line in brief.lines if line.outlet}
    for outlet, article in list(outlets.items())[:_OUTLETS]:
        choices.append(Choice(label=f"Silence in your channels for a day: outlet {outlet}", action=_silence(article)))
    for name in names.proper_names(brief.title.text)[:_NAMES]:
        key = entity_key(name)
        choices.append(Choice(label=f"Silence in your channels for a day: name {name}", action=_silence(key)))
    for line in brief.coverage[:_ARTICLES]:
        label = f"Different event: {phrases.short_name(line.outlet)}: {line.title}"
        choices.append(Choice(label=label, action=Split(articles=(line.article,))))
    if len(rules) > 1:
        choices += [Choice(label=f"Noise for {rule}", action=Noise(rule=rule_key(rule))) for rule in rules]
    return [*choices, Choice(label="Why was this posted?", action=ShowWhy())]


def gathered_choices(rules: Sequence[str]) -> list[Choice]:
    """Return the menu of a story in a gathered message.

    Choosing a silence a second time ends it, because the menu of a gathered message is never edited.
    """
    choices = [Choice(label="Useful", action=Useful())]
    for rule in rules:
        label = f"Noise for {rule}" if len(rules) > 1 else "Noise"
        choices.append(Choice(label=label, action=Noise(rule=rule_key(rule))))
    choices.append(Choice(label="Silence this story here, or end that", action=_silence("", is_here=True)))
    for rule in rules:
        name = rule if len(rules) > 1 else "the rule"
        label = f"Silence {name} here for a day, or end that"
        choices.append(Choice(label=label, action=_silence(rule_key(rule), is_here=True)))
    return choices


def different_event_choice(message: Message) -> Choice | None:
    """Return the button that splits off a reply's article, or None if the reply is not about an article."""
    articles = [fact.article for fact in message.facts] + [edit.article for edit in message.edits]
    if not articles or not message.briefs:
        return None
    return Choice(label="Different event", action=Split(articles=(articles[0],)))


def _silence(key: str, *, is_here: bool = False) -> MakeSilence:
    end = BUTTON_SILENCE if key else None
    return MakeSilence(kind=_KINDS[len(key)], key=key, end=end, is_here=is_here)


def encode_action(action: Action) -> tuple[str, str]:
    """Return the word and the key that a button carries for an action."""
    match action:
        case Noise():
            return "noise", action.rule
        case MakeSilence():
            return "here" if action.is_here else "everywhere", action.key
        case EndSilence():
            return "end", action.key
        case Split():
            return "split", action.articles[0]
        case _:
            return next(word for word, plain_action in _PLAIN_ACTIONS.items() if plain_action == action), ""


def decode_action(word: str, key: str, *, is_toggle: bool = False) -> Action | None:
    """Return the action of a word and a key, or None if they do not identify an action.

    If ``is_toggle`` is true, silencing what is already silenced here ends the silence.
    """
    if key and not _KEY.match(key):
        return None
    kind = _KINDS[len(key)]
    match word, kind:
        case "noise", SilenceKind.STORY | SilenceKind.RULE:
            return Noise(rule=key)
        case "here", SilenceKind.STORY | SilenceKind.RULE:
            return replace(_silence(key, is_here=True), is_toggle=is_toggle)
        case "everywhere", SilenceKind.RULE | SilenceKind.OUTLET | SilenceKind.ENTITY:
            return _silence(key)
        case "end", SilenceKind.STORY | SilenceKind.RULE:
            return EndSilence(key=key)
        case "split", SilenceKind.OUTLET:
            return Split(articles=(ArticleId(key),))
        case word, _:
            return None if key else _PLAIN_ACTIONS.get(word)


def describe_silence(silence: Silence) -> str:
    """Return a sentence about a silence, up to the word "by". The caller adds the person's name."""
    subject = {SilenceKind.STORY: "This story", SilenceKind.EVERYTHING: "Everything"}.get(silence.kind, "")
    other_count = len(silence.channels) - 1
    place = f"here and in {format_count(other_count, 'other channel')}" if other_count > 0 else "here"
    place = place if silence.channels else "in every channel"
    return f"🔕 {subject or phrases.cut(phrases.clean(silence.name), 75)} is silenced {place} by "
