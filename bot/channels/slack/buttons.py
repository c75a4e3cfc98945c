"""The buttons under a story: what they say, what they send, and what a press says back.

An element's id names the story, its value the verdict and the rule's key: all our own. What comes back is untrusted
until the pipeline has found the story, the message and the rule; here only its form is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any

from bot import model, ports
from bot.channels.kit import people, phrases
from bot.channels.slack import rich_text as rich
from bot.channels.slack.rich_text import Piece
from bot.language import names
from bot.model import Verdict

#: Slack's limits: docs.slack.dev/reference/block-kit/composition-objects/option-object.
OPTION_TEXT_LIMIT = 75
#: People named in one line.
_NAMED = 5

_PREFIX = "wirewatch:"
_LABELS = {
    Verdict.USEFUL: "Useful",
    Verdict.NOISE: "Noise",
    Verdict.MUTED: "Mute this story",
    Verdict.UNMUTED: "Unmute this story",
    Verdict.SNOOZED: "Snooze the rule for a day",
    Verdict.WOKEN: "Wake the rule",
    Verdict.CLAIMED: "Claim",
    Verdict.UNCLAIMED: "Release",
    Verdict.OTHER_EVENT: "Another event",
    Verdict.SILENCED: "Silence for a day…",
}
_NOISE_FOR, _SNOOZE_FOR, _MENU, _OTHER = "noise-for", "snooze-for", "menu", "other-event"
_SILENCE = "silence"
#: Outlets and names of the headline that can be silenced.
_SILENCED = 5
#: Headlines that can be said to tell another event, the newest ones.
_OTHERS = 10
#: Which verdicts an element may send.
_VERDICTS: Mapping[str, frozenset[Verdict]] = {
    **{verdict.value: frozenset({verdict}) for verdict in Verdict},
    _NOISE_FOR: frozenset({Verdict.NOISE}),
    _SNOOZE_FOR: frozenset({Verdict.SNOOZED, Verdict.WOKEN}),
    _OTHER: frozenset({Verdict.OTHER_EVENT}),
    _SILENCE: frozenset({Verdict.SILENCED}),
    _MENU: frozenset({Verdict.USEFUL, Verdict.NOISE, Verdict.MUTED, Verdict.SNOOZED}),
}
#: Slack takes at most this many options in a menu behind three dots.
_OVERFLOW = 5
_ACTION = re.compile(r"wirewatch:([a-z-]{1,20}):([\w-]{1,64})\Z", re.ASCII)
_ENTITY_LENGTH, _ARTICLE_LENGTH = 16, 20
#: A verdict, and the key of a rule or of an entity, or the id of an article.
_VALUE = re.compile(r"([a-z]{1,20}):([0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{20})?\Z", re.ASCII)
_USER = re.compile(r"[UW][A-Z0-9]{1,20}\Z")
_PLACE = re.compile(r"[A-Z0-9]{2,24}\Z")
_TS = re.compile(r"\d{1,12}\.\d{1,9}\Z")


# -- under a message


def row(message: model.Message, rules: Sequence[str]) -> Piece:
    """The buttons of one story, whose message names these rules."""
    story = message.briefs[0].story
    is_muted = any(one.verdict is Verdict.MUTED for one in message.judgements)
    snoozed = {one.rule for one in message.judgements if one.verdict is Verdict.SNOOZED}
    mute = Verdict.UNMUTED if is_muted else Verdict.MUTED
    is_claimed = any(one.verdict is Verdict.CLAIMED for one in message.judgements)
    claim = _button(Verdict.UNCLAIMED if is_claimed else Verdict.CLAIMED, story)
    if len(rules) == 1:
        sleep = Verdict.WOKEN if rules[0] in snoozed else Verdict.SNOOZED
        noise, snooze = _button(Verdict.NOISE, story, rules[0]), _button(sleep, story, rules[0])
    else:
        # Which rule is meant must be said.
        noise = _select(_NOISE_FOR, story, "Noise for…", [_option(rule, Verdict.NOISE, rule) for rule in rules])
        snooze = _select(_SNOOZE_FOR, story, "Snooze for a day…", [_sleep_option(rule, snoozed) for rule in rules])
    added = message.briefs[0].coverage[:_OTHERS]
    others = [_select(_OTHER, story, "Another event…", [_other_option(line) for line in added])] if added else []
    useful, silence = _button(Verdict.USEFUL, story), _silence(message, rules)
    return _actions([claim, useful, noise, _button(mute, story), snooze, silence, *others])


def _silence(message: model.Message, rules: Sequence[str]) -> Piece:
    """What may be silenced in every channel: the rules, the outlets, and the names of the headline."""
    brief = message.briefs[0]
    outlets = {line.outlet: line.article for line in brief.lines if line.outlet}
    options = [
        *(_option(f"Rule {rule}", Verdict.SILENCED, rule) for rule in rules),
        *(_keyed(f"Outlet {name}", article) for name, article in list(outlets.items())[:_SILENCED]),
        *(_keyed(f"Name {name}", model.entity_key(name)) for name in names.proper_names(brief.title.text)[:_SILENCED]),
    ]
    return _select(_SILENCE, brief.story, _LABELS[Verdict.SILENCED], options)


def _keyed(label: str, key: str) -> Piece:
    return {**_option(label, Verdict.SILENCED), "value": f"{Verdict.SILENCED.value}:{key}"}


def other_event(message: model.Message) -> Iterator[Piece]:
    """Under a reply: the article that it tells of is of another event."""
    told = [fact.article for fact in message.facts] + [edit.article for edit in message.edits]
    if told and message.briefs:
        button = _button(Verdict.OTHER_EVENT, message.briefs[0].story)
        yield _actions([{**button, "value": f"{Verdict.OTHER_EVENT.value}:{told[0]}"}])


def menu(brief: model.StoryBrief, rules: Sequence[str]) -> Piece:
    """All of it in one menu: for a story of a gathered message, which has no room for a row of buttons each.

    The menu does not show what holds: what is chosen again is taken back.
    """
    options = [
        _option("Useful", Verdict.USEFUL),
        *(_option(f"Noise for {rule}" if len(rules) > 1 else "Noise", Verdict.NOISE, rule) for rule in rules),
        _option("Mute or unmute", Verdict.MUTED),
        *(
            _option(f"Snooze or wake {rule}" if len(rules) > 1 else "Snooze or wake the rule", Verdict.SNOOZED, rule)
            for rule in rules
        ),
    ]
    if len(options) > _OVERFLOW:
        return _actions([_select(_MENU, brief.story, "Judge this story…", options)])
    return _actions([{"type": "overflow", "action_id": _action(_MENU, brief.story), "options": options}])


def _actions(elements: Sequence[Piece]) -> Piece:
    return {"type": "actions", "elements": elements}


def _button(verdict: Verdict, story: model.StoryId, rule: str = "") -> Piece:
    return {
        "type": "button",
        "action_id": _action(verdict.value, story),
        "text": _plain(_LABELS[verdict]),
        "value": _value(verdict, rule),
    }


def _select(action: str, story: model.StoryId, placeholder: str, options: Sequence[Piece]) -> Piece:
    return {
        "type": "static_select",
        "action_id": _action(action, story),
        "placeholder": _plain(placeholder),
        "options": options,
    }


def _other_option(line: model.CoverageLine) -> Piece:
    shown = phrases.cut(f"{phrases.name(line.outlet)}: {phrases.clean(line.title)}", OPTION_TEXT_LIMIT) or "unnamed"
    return {"text": _plain(shown), "value": f"{Verdict.OTHER_EVENT.value}:{line.article}"}


def _sleep_option(rule: str, snoozed: set[str]) -> Piece:
    if rule in snoozed:
        return _option(f"Wake {rule}", Verdict.WOKEN, rule)
    return _option(rule, Verdict.SNOOZED, rule)


def _option(label: str, verdict: Verdict, rule: str = "") -> Piece:
    shown = phrases.cut(phrases.clean(label), OPTION_TEXT_LIMIT) or "unnamed"
    return {"text": _plain(shown), "value": _value(verdict, rule)}


def _plain(words: str) -> Piece:
    plain: Piece = {"type": "plain_text", "text": words}
    # A rule's name is not to be read as emoji. Said only where it matters: ten menus weigh as much as their stories.
    return {**plain, "emoji": False} if ":" in words else plain


def _action(name: str, story: model.StoryId) -> str:
    return f"{_PREFIX}{name}:{story}"


def _value(verdict: Verdict, rule: str) -> str:
    return f"{verdict.value}:{model.rule_key(rule) if rule else ''}"


# -- what was said of it


def said(judgements: Sequence[model.Judgement], *, lines: int, zone: tzinfo = UTC) -> Iterator[Piece]:
    """One block that shows what readers said and still holds, the newest ``lines`` of it."""
    grouped: dict[tuple[Verdict, str], list[model.Judgement]] = {}
    for one in judgements:
        # Who claimed it stands at the top.
        if not one.verdict.is_of_claim:
            grouped.setdefault((one.verdict, one.rule), []).append(one)
    shown = [rich.section(_line(verdict, rule, those, zone)) for (verdict, rule), those in grouped.items()][-lines:]
    if shown:
        yield rich.rich(shown)


def person(by: str) -> Piece | None:
    """Shown by their name; None: it is no id of Slack's."""
    return rich.user(by) if _USER.match(by) else None


def _line(verdict: Verdict, rule: str, those: Sequence[model.Judgement], zone: tzinfo) -> list[Piece]:
    named = phrases.cut(phrases.clean(rule), OPTION_TEXT_LIMIT)
    people: list[Piece] = []
    for one in those[:_NAMED]:
        people += [rich.text(", ")] if people else []
        people.append(person(one.by) or rich.text("somebody"))
    if len(those) > _NAMED:
        people.append(rich.text(f" and {len(those) - _NAMED:,} more"))
    match verdict:
        case Verdict.MUTED:
            return [rich.text("🔕 Muted by "), *people, rich.text(": nothing more of this story here")]
        case Verdict.SNOOZED:
            until = those[-1].until
            form = "{date_short_pretty} at {time}"
            end = [rich.text(" until "), rich.date(until, form, phrases.day_and_time(until, zone))] if until else []
            return [rich.text(f"💤 {named} is snoozed by "), *people, *end]
        case _:
            return [rich.text(f"{_LABELS[verdict]} for {named}: "), *people]


# -- what comes back


def parse_press(payload: Mapping[str, Any], *, envelope: str) -> ports.Press | None:
    """The press that an interaction payload tells of; None: it is none of ours, or not whole."""
    if payload.get("type") != "block_actions":
        return None
    container, user, actions = (payload.get(name) for name in ("container", "user", "actions"))
    if not isinstance(container, dict) or not isinstance(user, dict) or not isinstance(actions, list):
        return None
    by, place, ref = user.get("id"), container.get("channel_id"), container.get("message_ts")
    if len(actions) != 1 or not isinstance(actions[0], dict) or container.get("type") != "message":
        return None
    if not are_ids(by, place, ref):
        return None
    action_id, value = actions[0].get("action_id"), _value_of(actions[0])
    element = _ACTION.match(action_id) if isinstance(action_id, str) else None
    chosen = _VALUE.match(value) if value else None
    if element is None or chosen is None or chosen[1] not in set(Verdict):
        return None
    verdict = Verdict(chosen[1])
    if verdict not in _VERDICTS.get(element[1], ()):
        return None
    named = chosen[2] or ""
    is_article, is_entity = len(named) == _ARTICLE_LENGTH, len(named) == _ENTITY_LENGTH
    is_silence, is_other = verdict is Verdict.SILENCED, verdict is Verdict.OTHER_EVENT
    if named and not is_silence and (is_entity or is_article != is_other):
        return None
    if is_silence and not named:
        return None
    return ports.Press(
        id=envelope,
        by=str(by),
        name=people.shown(user.get("username"), service="Slack"),
        verdict=verdict,
        story=model.StoryId(element[2]),
        rule="" if is_article or is_entity else named,
        article=model.ArticleId(named) if is_article else None,
        entity=named if is_entity else "",
        place=str(place),
        ref=str(ref),
        takes_back=element[1] == _MENU,
    )


def are_ids(person: object, place: object, ref: object) -> bool:
    """Whether these have the forms of a person's, a channel's and a message's id."""
    return _is(_USER, person) and _is(_PLACE, place) and _is(_TS, ref)


def _is(form: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and form.match(value) is not None


def _value_of(action: Mapping[str, Any]) -> str | None:
    option = action.get("selected_option")
    is_chosen = action.get("type") in ("static_select", "overflow") and isinstance(option, dict)
    value = option.get("value") if is_chosen and option else None
    value = action.get("value") if action.get("type") == "button" else value
    return value if isinstance(value, str) else None
