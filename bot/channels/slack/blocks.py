"""Render a message in Slack's Block Kit, with its buttons, within every limit of Slack; and parse a press of a button.

    rich text  severity and rule; the headline (the link) and its outlet; the summary, matched words bold; the latest
               news; the other headlines, each a link, with outlet and time
    context    why: a line of the rule → the matched words
    rich text  people's decisions about the story, if the channel has buttons
    actions    the buttons

Untrusted text appears only in text elements of rich_text blocks and in plain_text objects, which Slack shows as they
are: nothing in them pings, formats or links (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import groupby
from typing import Any, TypeAlias

from bot.channels.kit import menu, outline, phrases, rendering
from bot.channels.kit.menu import Choice
from bot.channels.kit.outline import OutlineLine, Run, Style
from bot.durations import format_time
from bot.model.actions import Judgement, Silence, Verdict
from bot.model.channels import ChatMessage, Delivery, Person, Press
from bot.model.messages import Listing, Message, Post, Reply, StoryView, content_of, post_of
from bot.model.stories import StoryId
from bot.patterns import LazyPattern

Json: TypeAlias = str | int | bool | Mapping[str, "Json"] | Sequence["Json"] | None
Piece: TypeAlias = dict[str, Json]

HEADER_LIMIT = 150
SECTION_LIMIT = 3_000
TEXT_LIMIT = 4_000
BLOCK_LIMIT = 50
#: Maximum blocks of the Home tab (docs.slack.dev/surfaces/app-home).
PAGE_BLOCK_LIMIT = 100
#: Maximum length of all blocks as JSON. Slack refuses more than about 13,200 characters (slackapi/bolt-js #2509) and
#: does not document what it counts, so we count everything.
TOTAL_LIMIT = 10_000


def text_element(
    words: str, *, bold: bool = False, strike: bool = False, italic: bool = False, code: bool = False
) -> Piece:
    styles = (("bold", bold), ("strike", strike), ("italic", italic), ("code", code))
    style = {name: True for name, is_on in styles if is_on}
    return {"type": "text", "text": words, "style": style} if style else {"type": "text", "text": words}


def person_element(by: str) -> Piece | None:
    """Return an element that shows a person's name, or None if ``by`` is not an id. In an edit, it notifies nobody."""
    return {"type": "user", "user_id": by} if _USER.match(by) else None


def date_element(when: datetime, form: str, fallback: str) -> Piece:
    """Return a time that each reader sees in their zone; ``fallback`` is the text for programs that cannot show it."""
    return {"type": "date", "timestamp": int(when.timestamp()), "format": form, "fallback": fallback}


def section_element(pieces: Sequence[Piece], kind: str = "rich_text_section") -> Piece:
    # Slack refuses empty texts and empty sections.
    return {"type": kind, "elements": [piece for piece in pieces if piece.get("text") != ""] or [text_element(" ")]}


def rich_text_block(elements: Sequence[Piece]) -> Piece:
    return {"type": "rich_text", "elements": elements}


def json_length(blocks: Sequence[Piece]) -> int:
    """Return the length of the blocks as JSON, which counts towards ``TOTAL_LIMIT``."""
    return phrases.size(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")))


def escape(words: str) -> str:
    """Escape & < > for ``text`` (docs.slack.dev/messaging/formatting-message-text)."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_to(words: str, limit: int) -> str:
    """Return escaped text of at most ``limit`` units; it is cut before escaping, so that no entity is cut."""
    room = limit
    while phrases.size(result := escape(phrases.cut(words, room))) > limit:
        room -= max(1, min(phrases.size(result) - limit, room // 2))
    return result


def break_formats(words: str) -> str:
    """Add an invisible joiner after each of the characters * _ ~ in plain text, so that Slack does not format the text.

    A backtick becomes an apostrophe, because code is often a command to copy, and a joiner would be copied too.
    """
    return phrases.map_around_links(
        words, lambda part: "".join(f"{c}\u2060" if c in "*_~" else c for c in part.replace("`", "'"))
    )


def plain_text(words: str) -> str:
    return escape_to(break_formats(words), TEXT_LIMIT)


#: Slack's maximum length of an option (docs.slack.dev/reference/block-kit/composition-objects/option-object).
OPTION_TEXT_LIMIT = 75
#: Maximum people named in one line.
_MAX_PEOPLE = 5

_PREFIX = "wirewatch:"
#: Prefix of the buttons on the Home tab, which carry a command.
COMMAND_PREFIX = "wirewatch-command:"
#: Names of the two menus under a story's message, and of the menu under each story of a listing.
_MORE, _FOR_ALL, _LISTED = "more", "all", "menu"
#: Slack's maximum of options in an overflow menu.
_MAX_OVERFLOW = 5
_ACTION = LazyPattern(r"wirewatch:([a-z-]{1,20}):([\w-]{1,64})\Z", re.ASCII)
#: The value of a button: a word, and a key or nothing.
_VALUE = LazyPattern(r"([a-z]{1,20}):([0-9a-f]{0,20})\Z", re.ASCII)
#: A link in the text of a payload: <address> or <address|label>.
_TEXT_LINK = LazyPattern(r"<(https?://[^|>\s]{1,3000})")
_USER = LazyPattern(r"[UW][A-Z0-9]{1,20}\Z")
_PLACE = LazyPattern(r"[A-Z0-9]{2,24}\Z")
_TS = LazyPattern(r"\d{1,12}\.\d{1,9}\Z")


def _listing_menu(view: StoryView, room: outline.Room) -> Piece:
    """Return all actions in one menu, because a listing has no room for a row of buttons under each story."""
    choices = menu.listing_choices(_named_rules(view, room))
    if len(choices) > _MAX_OVERFLOW:
        return _actions_block([_select(_LISTED, view.id, "More…", choices)])
    options = [_option(choice) for choice in choices]
    return _actions_block([{"type": "overflow", "action_id": _element_id(_LISTED, view.id), "options": options}])


def _actions_block(elements: Sequence[Piece]) -> Piece:
    return {"type": "actions", "elements": elements}


def _button(choice: Choice, story: StoryId) -> Piece:
    word, _ = menu.encode_action(choice.action)
    button: Piece = {
        "type": "button",
        "action_id": _element_id(word, story),
        "text": _plain_text_object(choice.label),
        "value": _button_value(choice),
    }
    return {**button, "confirm": _CONFIRM} if choice.is_for_all else button


def _select(name: str, story: StoryId, placeholder: str, choices: Sequence[Choice]) -> Piece:
    return {
        "type": "static_select",
        "action_id": _element_id(name, story),
        "placeholder": _plain_text_object(placeholder),
        "options": [_option(choice) for choice in choices],
    }


def command_buttons(commands: Mapping[str, str]) -> Piece:
    """Return a block of buttons that carry out commands: label -> the command without ``/wirewatch``."""
    return _actions_block(
        [
            {
                "type": "button",
                "action_id": f"{COMMAND_PREFIX}{number}",
                "text": _plain_text_object(label),
                "value": command,
            }
            for number, (label, command) in enumerate(commands.items())
        ]
    )


def _option(choice: Choice) -> Piece:
    shown = phrases.cut(phrases.clean(choice.label), OPTION_TEXT_LIMIT) or "unnamed"
    return {"text": _plain_text_object(shown), "value": _button_value(choice)}


def _plain_text_object(words: str) -> Piece:
    plain: Piece = {"type": "plain_text", "text": words}
    # Slack must not read a rule's name with colons as emoji. Add the field only if needed, to keep menus short.
    return {**plain, "emoji": False} if ":" in words else plain


#: Slack asks this before it sends an action that changes what other channels get.
_CONFIRM: Piece = {
    "title": _plain_text_object("For everybody?"),
    "text": _plain_text_object("This changes what everybody gets, also in other channels."),
    "confirm": _plain_text_object("Yes"),
    "deny": _plain_text_object("No"),
}


def _element_id(name: str, story: StoryId) -> str:
    return f"{_PREFIX}{name}:{story}"


def _button_value(choice: Choice) -> str:
    return ":".join(menu.encode_action(choice.action))


def decisions_block(post: Post, *, lines: int, zone: tzinfo = UTC) -> Iterator[Piece]:
    """Yield a block with a story's newest verdicts and silences, in at most ``lines`` lines, or nothing."""
    grouped: dict[tuple[Verdict, str], list[Judgement]] = {}
    for judgement in post.judgements:
        grouped.setdefault((judgement.verdict, judgement.rule), []).append(judgement)
    shown = [_verdict_elements(verdict, rule, judgements) for (verdict, rule), judgements in grouped.items()]
    shown = [*shown, *(_silence_elements(silence, zone) for silence in post.silences)][-lines:]
    if shown:
        yield rich_text_block([section_element(pieces) for pieces in shown])


def _verdict_elements(verdict: Verdict, rule: str, judgements: Sequence[Judgement]) -> list[Piece]:
    rule_name = phrases.cut(phrases.clean(rule), OPTION_TEXT_LIMIT)
    pieces: list[Piece] = []
    for judgement in judgements[:_MAX_PEOPLE]:
        pieces += [text_element(", ")] if pieces else []
        pieces.append(person_element(judgement.by) or text_element("somebody"))
    if len(judgements) > _MAX_PEOPLE:
        pieces.append(text_element(f" and {len(judgements) - _MAX_PEOPLE:,} more"))
    return [text_element(f"{verdict.value.capitalize()} for {rule_name}: "), *pieces]


def _silence_elements(silence: Silence, zone: tzinfo) -> list[Piece]:
    pieces = [text_element(menu.describe_silence(silence)), text_element(phrases.short_name(silence.by) or "somebody")]
    if silence.until:
        form = "{date_short_pretty} at {time}"
        shown = format_time(silence.until, zone)
        pieces += [text_element(" until "), date_element(silence.until, form, shown)]
    return pieces


def parse_press(payload: object, *, envelope: str) -> Press | None:
    """Parse an interaction payload. Returns None if it is not a press of our buttons or is incomplete."""
    match payload:
        case {
            "type": "block_actions",
            "container": {"type": "message", "channel_id": str(place), "message_ts": str(ref)},
            "user": {"id": str(by)} as user,
            "actions": [
                {"type": "button", "action_id": str(element), "value": str(value)}
                | {
                    "type": "static_select" | "overflow",
                    "action_id": str(element),
                    "selected_option": {"value": str(value)},
                }
            ],
        } if (
            _USER.match(by)
            and _PLACE.match(place)
            and _TS.match(ref)
            and (pressed := _ACTION.match(element))
            and (chosen := _VALUE.match(value))
        ):
            action = menu.decode_action(chosen[1], chosen[2])
            if action is None:
                return None
            return Press(
                id=envelope,
                person=Person(id=by, name=phrases.person_name(user.get("username"), service="Slack")),
                action=action,
                story=StoryId(pressed[2]),
                place=place,
                ref=ref,
            )
        case _:
            return None


#: Maximum lines of people's decisions, for each of the outline's rooms.
_DECISION_LINES = (8, 4, 2, 1, 1, 1)
#: Numbers of stories in a listing that get a menu, tried in this order.
_MENU_COUNTS = (8, 6, 4, 2, 0)
_TIME = "{date_short_pretty} {time}"


def message_content(delivery: Delivery, *, has_buttons: bool = False, zone: tzinfo) -> dict[str, Any]:
    """Return the fields of a request with the text and the blocks of a message; a plain message has no blocks."""
    message, names_story = delivery.message, delivery.reply_to is None
    content: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}
    if delivery.is_plain:
        text = rendering.plain_message(message, zone=zone, limit=TEXT_LIMIT)
        return {**content, "text": plain_text(rendering.cut_lines(text, TEXT_LIMIT))}
    content["text"] = escape_to(rendering.plain_preview(message), TEXT_LIMIT)
    return {**content, "blocks": build_blocks(message, names_story=names_story, has_buttons=has_buttons, zone=zone)}


def shows_all_stories(listing: Listing) -> bool:
    """Return whether a listing shows the headline and the link of all its stories."""
    return outline.shows_all_stories(listing, lambda lines: list(_render_lines(lines, {})), _fits)


def _fits(blocks: Sequence[Piece]) -> bool:
    return len(blocks) <= BLOCK_LIMIT and json_length(blocks) <= TOTAL_LIMIT


def build_blocks(
    message: Message, *, names_story: bool = False, has_buttons: bool = False, zone: tzinfo = UTC
) -> list[Piece]:
    """Build the blocks of a message.

    If ``names_story`` is true, a reply names its story, because it is outside of the story's thread. ``zone`` is for
    programs that cannot show a time in the reader's zone.
    """
    result: list[Piece] = []
    for room, decision_lines, menu_count in _sizes(len(message.stories) if has_buttons else 0):
        lines = outline.build_lines(message, room, names_story=names_story, zone=zone)
        menus = {view.id: _listing_menu(view, room) for view in message.stories[:menu_count] if view.why}
        result = [*_render_lines(lines, menus), *_picture_block(message)]
        if has_buttons:
            result += _buttons_below(message, room, decision_lines=decision_lines, zone=zone)
        result = result[:BLOCK_LIMIT]
        if json_length(result) <= TOTAL_LIMIT:
            break
    return result


def build_page(parts: Sequence[ChatMessage], *, zone: tzinfo) -> list[Piece]:
    """Build the blocks of the Home tab."""
    result: list[Piece] = []
    for part in parts:
        result += build_blocks(part.message, zone=zone)
        if part.commands:
            result.append(command_buttons(part.commands))
    return result[:PAGE_BLOCK_LIMIT]


def find_link(message: Mapping[str, Any]) -> str:
    """Return the first link in a message of a payload, or "" if it has none."""
    pending: list[object] = [message.get("blocks")]
    while pending:
        match pending.pop(0):
            case {"type": "link", "url": str(url)}:
                return url
            case list() as items:
                pending = [*items, *pending]
            case {"elements": list(elements)}:
                pending = [*elements, *pending]
    link = _TEXT_LINK.search(str(message.get("text") or ""))
    return link[1] if link else ""


def _picture_block(message: Message) -> Iterator[Piece]:
    """Yield a block with the story's picture as a thumbnail, or none. Only a section can show a small picture."""
    post = post_of(message)
    if post and post.picture:
        outlet = phrases.short_name(post.story.title.outlet) or "Picture"
        picture = {"type": "image", "image_url": post.picture, "alt_text": "Picture of the article"}
        yield {
            "type": "section",
            "text": {"type": "plain_text", "text": f"Picture: {outlet}", "emoji": False},
            "accessory": picture,
        }


def _sizes(stories: int) -> Iterator[tuple[outline.Room, int, int]]:
    """Yield rooms with their lines of decisions and numbers of menus, from the most generous to the tightest."""
    for room, decision_lines in zip(outline.ROOMS, _DECISION_LINES, strict=True):
        # Drop menus before stories, because a menu is half as long as a story.
        counts = sorted({min(stories, count) for count in _MENU_COUNTS}, reverse=True)
        yield from ((room, decision_lines, menu_count) for menu_count in counts)


def _named_rules(view: StoryView, room: outline.Room) -> list[str]:
    """Return the rules that the message names; only these can be judged."""
    return list(dict.fromkeys(why.rule for why in view.why[: room.rules]))


def _buttons_below(message: Message, room: outline.Room, *, decision_lines: int, zone: tzinfo) -> Iterator[Piece]:
    match content_of(message):
        case Reply() as reply:
            if choice := menu.different_event_choice(reply):
                yield _actions_block([_button(choice, reply.story.id)])
        case Post(story=story) as post if story.why:
            yield from decisions_block(post, lines=decision_lines, zone=zone)
            buttons = [_button(choice, story.id) for choice in menu.BUTTONS]
            choices = menu.more_choices(post, _named_rules(story, room))
            more = _select(_MORE, story.id, "More…", [choice for choice in choices if not choice.is_for_all])
            shared = [choice for choice in choices if choice.is_for_all]
            # Slack asks for confirmation by menu, not by option.
            for_all = {**_select(_FOR_ALL, story.id, "For everybody…", shared), "confirm": _CONFIRM}
            yield _actions_block([*buttons, more, *([for_all] if shared else [])])


def _render_lines(lines: Sequence[OutlineLine], menus: dict[StoryId, Piece]) -> Iterator[Piece]:
    for story, story_lines in groupby(lines, key=lambda line: line.story):
        for is_small, part in groupby(story_lines, key=lambda line: line.style is Style.SMALL):
            part_lines = list(part)
            if is_small:
                text = phrases.cut("\n".join(line.text for line in part_lines), SECTION_LIMIT)
                yield {"type": "context", "elements": [{"type": "plain_text", "text": text, "emoji": False}]}
            else:
                yield from _rich_blocks(part_lines)
        if story is not None and story in menus:
            yield menus[story]


def _rich_blocks(lines: Sequence[OutlineLine]) -> Iterator[Piece]:
    if lines[0].style is Style.HEAD and not any(run.link for run in lines[0].runs):
        words = phrases.cut(lines[0].text, HEADER_LIMIT)
        yield {"type": "header", "text": {"type": "plain_text", "text": words, "emoji": False}}
        lines = lines[1:]
    elements: list[Piece] = []
    for style, part in groupby(lines, key=lambda line: line.style):
        pieces = [[_run_element(run) for run in line.runs] for line in part]
        match style:
            case Style.ITEM:
                items = [section_element(line_pieces) for line_pieces in pieces]
                elements.append({"type": "rich_text_list", "style": "bullet", "elements": items})
            case Style.QUOTE:
                elements += [section_element(line_pieces, "rich_text_quote") for line_pieces in pieces]
            case _:
                elements += [section_element(line_pieces) for line_pieces in pieces]
    if elements:
        yield rich_text_block(elements)


def _run_element(run: Run) -> Piece:
    if run.at is not None:
        return date_element(run.at, _TIME, run.text)
    if run.mention in ("here", "channel"):
        return {"type": "broadcast", "range": run.mention}
    if run.mention.startswith("S"):
        return {"type": "usergroup", "usergroup_id": run.mention}
    if person := person_element(run.mention):
        return person
    if run.link:
        link: Piece = {"type": "link", "url": run.link, "text": run.text}
        return {**link, "style": {"bold": True}} if run.is_bold else link
    return text_element(run.text, bold=run.is_bold, strike=run.is_struck, italic=run.is_italic)
