"""The buttons under a story: what they say, what they send, and what a press says back.

An element's id names the story, its value the action: all our own (bot/channels/kit/menu.py). What comes back is
untrusted until the pipeline has found the story, the message and the rule; here only its form is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any

from bot import model, ports
from bot.channels.kit import menu, people, phrases
from bot.channels.kit.menu import Choice
from bot.channels.slack import rich_text as rich
from bot.channels.slack.rich_text import Piece
from bot.model import Verdict

#: Slack's limits: docs.slack.dev/reference/block-kit/composition-objects/option-object.
OPTION_TEXT_LIMIT = 75
#: Maximum people named in one line.
_NAMED = 5

_PREFIX = "wirewatch:"
#: The menus under a story's message, and under each story of a gathered message.
_MORE, _GATHERED = "more", "menu"
#: Slack's maximum of options in an overflow menu.
_OVERFLOW = 5
_ACTION = re.compile(r"wirewatch:([a-z-]{1,20}):([\w-]{1,64})\Z", re.ASCII)
#: A word and the key of a rule or of an entity, or the id of an article.
_VALUE = re.compile(r"([a-z]{1,20}):([0-9a-f]{0,20})\Z", re.ASCII)
_USER = re.compile(r"[UW][A-Z0-9]{1,20}\Z")
_PLACE = re.compile(r"[A-Z0-9]{2,24}\Z")
_TS = re.compile(r"\d{1,12}\.\d{1,9}\Z")


def row(message: model.Message, rules: Sequence[str]) -> Piece:
    """Return the buttons of a story whose message names these rules."""
    story = message.briefs[0].story
    shown = [_button(choice, story) for choice in menu.buttons(message)]
    return _actions([*shown, _select(_MORE, story, "More…", menu.more(message, rules))])


def different_event(message: model.Message) -> Iterator[Piece]:
    """Yield the button under a reply that marks its article as a different event."""
    choice = menu.different_event(message)
    if choice is not None:
        yield _actions([_button(choice, message.briefs[0].story)])


def gathered_menu(brief: model.StoryBrief, rules: Sequence[str]) -> Piece:
    """Return all actions in one menu: a gathered message has no room for a row of buttons under each story."""
    choices = menu.of_gathered(rules)
    if len(choices) > _OVERFLOW:
        return _actions([_select(_GATHERED, brief.story, "More…", choices)])
    options = [_option(choice) for choice in choices]
    return _actions([{"type": "overflow", "action_id": _id(_GATHERED, brief.story), "options": options}])


def _actions(elements: Sequence[Piece]) -> Piece:
    return {"type": "actions", "elements": elements}


def _button(choice: Choice, story: model.StoryId) -> Piece:
    word, _ = menu.word_of(choice.action)
    return {
        "type": "button",
        "action_id": _id(word, story),
        "text": _plain(choice.label),
        "value": _value(choice),
    }


def _select(name: str, story: model.StoryId, placeholder: str, choices: Sequence[Choice]) -> Piece:
    return {
        "type": "static_select",
        "action_id": _id(name, story),
        "placeholder": _plain(placeholder),
        "options": [_option(choice) for choice in choices],
    }


def _option(choice: Choice) -> Piece:
    shown = phrases.cut(phrases.clean(choice.label), OPTION_TEXT_LIMIT) or "unnamed"
    return {"text": _plain(shown), "value": _value(choice)}


def _plain(words: str) -> Piece:
    plain: Piece = {"type": "plain_text", "text": words}
    # A rule's name with colons is not emoji. Added only where needed: ten menus are as long as their stories.
    return {**plain, "emoji": False} if ":" in words else plain


def _id(name: str, story: model.StoryId) -> str:
    return f"{_PREFIX}{name}:{story}"


def _value(choice: Choice) -> str:
    return ":".join(menu.word_of(choice.action))


def said(message: model.Message, *, lines: int, zone: tzinfo = UTC) -> Iterator[Piece]:
    """Yield a block with people's verdicts and the silences of a story, the newest ``lines`` of them."""
    grouped: dict[tuple[Verdict, str], list[model.Judgement]] = {}
    for judgement in message.judgements:
        # A claim is shown at the top of the message.
        if judgement.verdict.is_of_rule:
            grouped.setdefault((judgement.verdict, judgement.rule), []).append(judgement)
    shown = [_opinion(verdict, rule, judgements) for (verdict, rule), judgements in grouped.items()]
    shown = [*shown, *(_silence(silence, zone) for silence in message.silences)][-lines:]
    if shown:
        yield rich.rich([rich.section(pieces) for pieces in shown])


def person(by: str) -> Piece | None:
    """Return a person, whom Slack shows by name, or None if ``by`` is not an id of Slack."""
    return rich.user(by) if _USER.match(by) else None


def _opinion(verdict: Verdict, rule: str, judgements: Sequence[model.Judgement]) -> list[Piece]:
    rule_name = phrases.cut(phrases.clean(rule), OPTION_TEXT_LIMIT)
    pieces: list[Piece] = []
    for judgement in judgements[:_NAMED]:
        pieces += [rich.text(", ")] if pieces else []
        pieces.append(person(judgement.by) or rich.text("somebody"))
    if len(judgements) > _NAMED:
        pieces.append(rich.text(f" and {len(judgements) - _NAMED:,} more"))
    return [rich.text(f"{verdict.value.capitalize()} for {rule_name}: "), *pieces]


def _silence(silence: model.Silence, zone: tzinfo) -> list[Piece]:
    pieces = [rich.text(menu.silence_words(silence)), rich.text(phrases.name(silence.by) or "somebody")]
    if silence.until:
        form = "{date_short_pretty} at {time}"
        shown = phrases.day_and_time(silence.until, zone)
        pieces += [rich.text(" until "), rich.date(silence.until, form, shown)]
    return pieces


def parse_press(payload: Mapping[str, Any], *, envelope: str) -> ports.Press | None:
    """Parse an interaction payload. Returns None if it is not a press of our buttons or is incomplete."""
    if payload.get("type") != "block_actions":
        return None
    container, user, actions = (payload.get(name) for name in ("container", "user", "actions"))
    if not isinstance(container, dict) or not isinstance(user, dict) or not isinstance(actions, list):
        return None
    by, place, ref = user.get("id"), container.get("channel_id"), container.get("message_ts")
    if len(actions) != 1 or not isinstance(actions[0], dict) or container.get("type") != "message":
        return None
    if not (_is(_USER, by) and _is(_PLACE, place) and _is(_TS, ref)):
        return None
    action_id, value = actions[0].get("action_id"), _value_of(actions[0])
    element = _ACTION.match(action_id) if isinstance(action_id, str) else None
    chosen = _VALUE.match(value) if value else None
    if element is None or chosen is None:
        return None
    action = menu.action_of(chosen[1], chosen[2], is_toggle=element[1] == _GATHERED)
    if action is None:
        return None
    return ports.Press(
        id=envelope,
        person=ports.Person(id=str(by), name=people.shown(user.get("username"), service="Slack")),
        action=action,
        story=model.StoryId(element[2]),
        place=str(place),
        ref=str(ref),
    )


def _is(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.match(value) is not None


def _value_of(action: Mapping[str, Any]) -> str | None:
    option = action.get("selected_option")
    is_chosen = action.get("type") in ("static_select", "overflow") and isinstance(option, dict)
    value = option.get("value") if is_chosen and option else None
    value = action.get("value") if action.get("type") == "button" else value
    return value if isinstance(value, str) else None
