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

#: Lines of what readers said, in each of the outline's rooms.
_SAID = (8, 4, 2, 1, 1)
#: Stories of a gathered message that have a menu.
_MENUS = (8, 6, 4, 2, 0)
_TIME = "{date_short_pretty} {time}"


def blocks(
    message: model.Message, *, names_story: bool = False, has_buttons: bool = False, zone: tzinfo = UTC
) -> list[Piece]:
    """``names_story``: a reply outside of its thread says which story it belongs to. ``zone``: of the times that a
    program shows which cannot show the reader's own."""
    made: list[Piece] = []
    for room, said, menus in _sizes(len(message.briefs) if has_buttons else 0):
        lines = outline.lines(message, room, names_story=names_story, zone=zone)
        made = list(_rendered(lines, _menus(message, room, menus)))
        if has_buttons:
            made += _below(message, room, said=said, zone=zone)
        made = made[: rich.BLOCK_LIMIT]
        if rich.weight(made) <= rich.TOTAL_LIMIT:
            break
    return made


def _sizes(stories: int) -> Iterator[tuple[outline.Room, int, int]]:
    """From generous to the least: room, lines of what readers said, menus of as many stories."""
    for room, said in zip(outline.ROOMS, _SAID, strict=True):
        # No story is left out for a menu, which weighs half as much.
        yield from ((room, said, menus) for menus in sorted({min(stories, each) for each in _MENUS}, reverse=True))


def _rules(brief: model.StoryBrief, room: outline.Room) -> list[str]:
    """Those that the message names each: what is not named is not judged."""
    return list(dict.fromkeys(why.rule for why in brief.why[: room.rules]))


def _menus(message: model.Message, room: outline.Room, most: int) -> dict[model.StoryId, Piece]:
    shown = [brief for brief in message.briefs[:most] if brief.why]
    return {brief.story: buttons.gathered_menu(brief, _rules(brief, room)) for brief in shown}


def _below(message: model.Message, room: outline.Room, *, said: int, zone: tzinfo) -> Iterator[Piece]:
    match message.kind:
        case _ if message.is_gathered:
            return
        case model.MessageKind.REPLY:
            yield from buttons.different_event(message)
        case model.MessageKind.POST | model.MessageKind.EDIT if message.reason is not model.Reason.MERGED:
            for brief in message.briefs[:1]:
                if brief.why:
                    yield from buttons.said(message, lines=said, zone=zone)
                    yield buttons.row(message, _rules(brief, room))


def _rendered(lines: Sequence[Line], menus: dict[model.StoryId, Piece]) -> Iterator[Piece]:
    for story, told in groupby(lines, key=lambda line: line.story):
        for is_small, part in groupby(told, key=lambda line: line.style is Style.SMALL):
            those = list(part)
            yield from _small(those) if is_small else _rich(those)
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
                elements += [rich.quote(each) for each in pieces]
            case _:
                elements += [rich.section(each) for each in pieces]
    if elements:
        yield rich.rich(elements)


def _small(lines: Sequence[Line]) -> Iterator[Piece]:
    """Times are markup, which only a line of our own words may stand beside."""
    for has_time, those in groupby(lines, key=lambda line: any(run.at for run in line.runs)):
        if has_time:
            yield from (rich.small_own("".join(map(_marked_up, line.runs))) for line in those)
        else:
            yield rich.small(phrases.cut("\n".join(line.text for line in those), rich.SECTION_LIMIT))


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
