"""A message as Slack's Block Kit, within every limit by construction.

rich text  how grave, which rule; the headline, which is the link, and whose it is; the summary's sentences, matched
           words bold; what came last; the other headlines, each linked, with its outlet and time
context    why: line → words
rich text  what readers said of it, where the channel has buttons
actions    the buttons
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from itertools import groupby

from bot import model
from bot.channels.kit import outline, phrases
from bot.channels.kit.styled import Line, Run, Style
from bot.channels.slack import buttons
from bot.channels.slack import rich_text as rich
from bot.channels.slack.rich_text import Piece

#: Maximum lines of people's decisions, for each of the outline's rooms.
_SAID = (8, 4, 2, 1, 1)
#: Maximum stories of a gathered message with a menu, tried in this order.
_MENUS = (8, 6, 4, 2, 0)
_TIME = "{date_short_pretty} {time}"


def blocks(
    message: model.Message, *, names_story: bool = False, has_buttons: bool = False, zone: tzinfo = UTC
) -> list[Piece]:
    """Build the blocks of a message.

    ``names_story``: a reply names its story, since it is outside of the story's thread. ``zone`` is for programs that
    cannot show a time in the reader's zone.
    """
    result: list[Piece] = []
    for room, decision_lines, menus in _sizes(len(message.briefs) if has_buttons else 0):
        lines = outline.lines(message, room, names_story=names_story, zone=zone)
        result = list(_rendered(lines, _menus(message, room, menus)))
        if has_buttons:
            result += _below(message, room, decision_lines=decision_lines, zone=zone)
        result = result[: rich.BLOCK_LIMIT]
        if rich.weight(result) <= rich.TOTAL_LIMIT:
            break
    return result


def _sizes(stories: int) -> Iterator[tuple[outline.Room, int, int]]:
    """Yield rooms with their lines of decisions and numbers of menus, from the most generous to the tightest."""
    for room, decision_lines in zip(outline.ROOMS, _SAID, strict=True):
        # Drop menus before stories: a menu is half as long as a story.
        counts = sorted({min(stories, count) for count in _MENUS}, reverse=True)
        yield from ((room, decision_lines, menus) for menus in counts)


def _rules(brief: model.StoryBrief, room: outline.Room) -> list[str]:
    """Return the rules that the message names; only these can be judged."""
    return list(dict.fromkeys(why.rule for why in brief.why[: room.rules]))


def _menus(message: model.Message, room: outline.Room, most: int) -> dict[model.StoryId, Piece]:
    shown = [brief for brief in message.briefs[:most] if brief.why]
    return {brief.story: buttons.gathered_menu(brief, _rules(brief, room)) for brief in shown}


def _below(message: model.Message, room: outline.Room, *, decision_lines: int, zone: tzinfo) -> Iterator[Piece]:
    match message.kind:
        case _ if message.is_gathered:
            return
        case model.MessageKind.REPLY:
            yield from buttons.different_event(message)
        case model.MessageKind.POST | model.MessageKind.EDIT if message.reason is not model.Reason.MERGED:
            for brief in message.briefs[:1]:
                if brief.why:
                    yield from buttons.said(message, lines=decision_lines, zone=zone)
                    yield buttons.row(message, _rules(brief, room))


def _rendered(lines: Sequence[Line], menus: dict[model.StoryId, Piece]) -> Iterator[Piece]:
    for story, story_lines in groupby(lines, key=lambda line: line.story):
        for is_small, part in groupby(story_lines, key=lambda line: line.style is Style.SMALL):
            part_lines = list(part)
            yield from _small(part_lines) if is_small else _rich(part_lines)
        if story is not None and story in menus:
            yield menus[story]


def _rich(lines: Sequence[Line]) -> Iterator[Piece]:
    if lines[0].style is Style.HEAD and not any(run.link for run in lines[0].runs):
        yield rich.header(phrases.cut(lines[0].text, rich.HEADER_LIMIT))
        lines = lines[1:]
    elements: list[Piece] = []
    for style, part in groupby(lines, key=lambda line: line.style):
        pieces = [[_piece(run) for run in line.runs] for line in part]
        match style:
            case Style.ITEM:
                elements.append(rich.bullets(pieces))
            case Style.QUOTE:
                elements += [rich.quote(line_pieces) for line_pieces in pieces]
            case _:
                elements += [rich.section(line_pieces) for line_pieces in pieces]
    if elements:
        yield rich.rich(elements)


def _small(lines: Sequence[Line]) -> Iterator[Piece]:
    """Yield small lines; a time is markup, so that a line with a time contains our own words only."""
    for has_time, group in groupby(lines, key=lambda line: any(run.at for run in line.runs)):
        if has_time:
            yield from (rich.small_own("".join(map(_marked_up, line.runs))) for line in group)
        else:
            yield rich.small(phrases.cut("\n".join(line.text for line in group), rich.SECTION_LIMIT))


def _marked_up(run: Run) -> str:
    return rich.own_date(run.at, _TIME, run.text) if run.at else rich.escaped(run.text)


def _piece(run: Run) -> Piece:
    if run.at is not None:
        return rich.date(run.at, _TIME, run.text)
    if run.mention:
        return rich.mention(run.mention)
    if run.person and (person := buttons.person(run.person)):
        return person
    if run.link:
        return rich.link(run.text, run.link, bold=run.is_bold)
    return rich.text(run.text, bold=run.is_bold, strike=run.is_struck, italic=run.is_italic)
