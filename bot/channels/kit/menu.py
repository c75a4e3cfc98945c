"""The actions that people can choose under a story's message, for every service with buttons.

A message has the buttons Useful, Noise and "More…", which opens a menu of the other actions. Each button carries a
short word for its action, and a key. What a service sends back is untrusted; this module checks only its form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from bot.channels.kit import phrases
from bot.durations import format_count
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
    rule_key,
)
from bot.model.messages import Post, Reply
from bot.model.stories import ArticleId
from bot.patterns import LazyPattern

#: Maximum outlets that the menu offers to silence.
_OUTLETS = 3
#: Maximum articles that the menu offers to split off, newest first.
_ARTICLES = 8
#: A key of 8 digits is the id of a silence, one of 12 the key of a rule, and one of 20 the id of an article.
_KEY = LazyPattern(r"[0-9a-f]{8,20}", re.ASCII)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A button, or a line of a menu."""

    label: str
    action: Action

    @property
    def is_for_all(self) -> bool:
        """Whether the action also changes channels other than the message's."""
        return isinstance(self.action, Split) or (isinstance(self.action, MakeSilence) and not self.action.is_here)


#: The buttons directly under a message.
BUTTONS = (Choice(label="Useful", action=Useful()), Choice(label="Noise", action=Noise()))
_SILENCE_STORY = MakeSilence(kind=SilenceKind.STORY, is_here=True)


def more_choices(post: Post, rules: Sequence[str]) -> list[Choice]:
    """Return the menu of "More…" for a story whose message names these rules."""
    of_rules = {silence.name: silence for silence in post.silences if silence.kind is SilenceKind.RULE}
    choices = [
        Choice(label="End the silence of this story", action=EndSilence(id=silence.id))
        for silence in post.silences
        if silence.kind is SilenceKind.STORY
    ]
    choices = choices or [Choice(label="Silence this story here", action=_SILENCE_STORY)]
    for rule in rules:
        if silence := of_rules.get(rule):
            choices.append(Choice(label=f"End the silence of {rule}", action=EndSilence(id=silence.id)))
        else:
            choices.append(_silence_choice(SilenceKind.RULE, rule, rule_key(rule), is_here=True))
            choices.append(_silence_choice(SilenceKind.RULE, rule, rule_key(rule)))
    outlets = {line.outlet: line.article for line in post.story.lines if line.outlet}
    for outlet, article in list(outlets.items())[:_OUTLETS]:
        choices.append(_silence_choice(SilenceKind.OUTLET, f"outlet {outlet}", article))
    for line in post.story.coverage[:_ARTICLES]:
        label = f"Different event: {phrases.short_name(line.outlet)}: {line.title}"
        choices.append(Choice(label=label, action=Split(articles=(line.article,))))
    if len(rules) > 1:
        choices += [Choice(label=f"Noise for {rule}", action=Noise(rule=rule_key(rule))) for rule in rules]
    return [*choices, Choice(label="Why was this posted?", action=ShowWhy())]


def _silence_choice(kind: SilenceKind, subject: str, key: str, *, is_here: bool = False) -> Choice:
    place = "here" if is_here else "in your channels"
    action = MakeSilence(kind=kind, name=key, lasts=BUTTON_SILENCE, is_here=is_here)
    return Choice(label=f"Silence {place} for a day: {subject}", action=action)


def listing_choices(rules: Sequence[str]) -> list[Choice]:
    """Return the menu of a story in a listing."""
    noise = [
        Choice(label=f"Noise for {rule}" if len(rules) > 1 else "Noise", action=Noise(rule=rule_key(rule)))
        for rule in rules
    ]
    silences = [_silence_choice(SilenceKind.RULE, rule, rule_key(rule), is_here=True) for rule in rules]
    story = Choice(label="Silence this story here", action=_SILENCE_STORY)
    return [Choice(label="Useful", action=Useful()), *noise, story, *silences]


def different_event_choice(reply: Reply) -> Choice | None:
    """Return the button that splits off a reply's article, or None if the reply is not about an article."""
    articles = reply.articles[:1]
    return Choice(label="Different event", action=Split(articles=articles)) if articles else None


def encode_action(action: Action) -> tuple[str, str]:
    """Return the word and the key that a button carries for an action."""
    match action:
        case Noise(rule=key):
            return "noise", key
        case MakeSilence(kind=SilenceKind.STORY):
            return "story", ""
        case MakeSilence(kind=kind, name=key, is_here=is_here):
            return "here" if is_here else kind.value, key
        case EndSilence(id=key):
            return "end", key
        case Split(articles=articles):
            return "split", articles[0]
        case ShowMenu():
            return "menu", ""
        case ShowWhy():
            return "why", ""
        case _:
            return "useful", ""


def decode_action(word: str, key: str) -> Action | None:
    """Return the action of a word and a key, or None if they do not identify an action."""
    if key and not _KEY.fullmatch(key):
        return None
    match word, len(key):
        case "useful", 0:
            return Useful()
        case "noise", 0 | 12:
            return Noise(rule=key)
        case "story", 0:
            return _SILENCE_STORY
        case ("here" | "rule") as place, 12:
            return _silence_choice(SilenceKind.RULE, "", key, is_here=place == "here").action
        case "outlet", 20:
            return _silence_choice(SilenceKind.OUTLET, "", key).action
        case "end", 8:
            return EndSilence(id=key)
        case "split", 20:
            return Split(articles=(ArticleId(key),))
        case "menu", 0:
            return ShowMenu()
        case "why", 0:
            return ShowWhy()
        case _:
            return None


def describe_silence(silence: Silence) -> str:
    """Return a sentence about a silence, up to the word "by". The caller adds the person's name."""
    name = phrases.cut(phrases.clean(silence.name), 75)
    subject = "This story" if silence.kind is SilenceKind.STORY else name
    other_count = len(silence.channels) - 1
    place = f"here and in {format_count(other_count, 'other channel')}" if other_count > 0 else "here"
    place = place if silence.channels else "in every channel"
    return f"🔕 {subject} is silenced {place} by "
