"""Answer the questions and commands that people send in a chat. Only the person who asked sees the answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import timedelta

import structlog

from bot import config
from bot.durations import format_count, format_time
from bot.model.actions import EndSilence, MakeSilence, Silence, SilenceId, SilenceKind
from bot.model.channels import ActionResult, ChatMessage, ChatRequest
from bot.model.errors import CannotAct, StoreError
from bot.model.messages import Listing, Message, Notice, StoryView
from bot.model.rules import Rule
from bot.patterns import LazyPattern
from bot.pipeline import actions
from bot.pipeline.rights import Rights, person_context, person_rights
from bot.pipeline.turn import Turn
from bot.queries.actions import SilenceParameters
from bot.queries.articles import EXPLAIN, ExplainParameters
from bot.queries.feeds import FEEDS_HEALTH, FeedsParameters
from bot.queries.registry import MOST, Archive, Parameters, QueryRunner, Refused, Watched, read_parameters
from bot.queries.silences import SILENCES
from bot.rules import errors
from bot.stories import summaries

log = structlog.get_logger("wirewatch")

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
#: Maximum stories in an answer, stories read to fill it, and decisions shown for a story.
_STORIES, _READ, _DECISIONS = 10, 500, 4
#: Maximum silences on the page, newest first.
_PAGE_SILENCES = 10
_USAGE = (
    "/wirewatch why LINK: which rules match an article, and why others do not",
    "/wirewatch stories RULE: a rule's stories of the last seven days",
    "/wirewatch silence rule|outlet NAME for 2 hours: REASON; silence list; silence end ID",
    "/wirewatch feeds: which feeds do not work",
)
_SILENCE = LazyPattern(
    r"(?P<kind>rule|outlet|story)\s+(?P<name>\S.{0,400}?)\s+for\s+(?P<for>\d{1,6}\s?[a-z]{1,10})(?:\s*:\s*|\s+)(?P<reason>.+)",
    re.IGNORECASE | re.DOTALL,
)
#: A link, plain or written as <link|label>, optionally followed by a rule's name.
_LINK = LazyPattern(r"(?:<([^|>\s]{1,4000})(?:\|[^>]{0,1000})?>|(\S{1,4000}))\s*(.*)", re.DOTALL)
_QUOTES = "\"'“”„"
_NOT_FOR_YOU = (
    "You cannot ask here: only members of a channel in which Wirewatch posts can. If the operator set may_act, only "
    "the people listed there can. If you are a member, Wirewatch could not read the list of members: try again in a "
    "minute, or ask the operator to run `wirewatch status --check`."
)


class ChatCommands:
    """Answers questions; only the person who asked sees the answer."""

    def __init__(self, watched: Watched) -> None:
        self._watched, self._queries = watched, QueryRunner(watched)

    async def answer(self, request: ChatRequest, channels: Sequence[str]) -> Sequence[ChatMessage]:
        """Answer a command that a chat app received; ``channels`` are the channels of that app."""
        rights = person_rights(request.person, channels, self._watched.settings)
        words = request.words.strip()
        parts = (
            [ChatMessage(message=await self._command(words, request, rights))] if words or not request.is_page else []
        )
        if not request.is_page:
            return parts
        if not rights.own:
            return [ChatMessage(message=_reply(_NOT_FOR_YOU))]
        try:
            return [*parts, *await self._page(rights)]
        except StoreError:
            return [ChatMessage(message=_reply(_UNAVAILABLE), commands=_REFRESH)]

    async def _command(self, words: str, request: ChatRequest, rights: Rights) -> Message:
        verb, _, argument = words.partition(" ")
        verb = verb.casefold()
        log.info("chat command answered", verb=verb if verb in _VERBS else "help", by=request.person.id)
        if not rights.own and verb in _VERBS:
            return _reply(_NOT_FOR_YOU)
        try:
            match verb:
                case "why" if argument.strip():
                    return await self._why(argument, rights)
                case "why":
                    return _reply("There is no link to explain.", _USAGE[0])
                case "stories" if argument.strip():
                    return await self._stories(argument.strip().strip(_QUOTES), rights)
                case "silence" if argument.strip():
                    return await self._silence(argument.strip(), request, rights)
                case "feeds":
                    return await self._feeds()
                case _:
                    return _reply("Commands:", *_USAGE)
        except CannotAct as error:
            # In a chat, commands begin with a slash.
            why = str(error).replace("`wirewatch silence list`", "`/wirewatch silence list`")
            return _reply(f"Nothing was changed: {why}.")
        except Refused as error:
            return _reply(str(error))
        except StoreError:
            return _reply(_UNAVAILABLE)

    def _readable(self, rights: Rights) -> dict[str, Rule]:
        """Return the rules that post to a channel whose stories the person may read."""
        routes = self._settings.bot.routes
        return {entry.rule.name: entry.rule for entry in self._settings.rules if rights.may_read(entry.rule, routes)}

    async def _page(self, rights: Rights) -> list[ChatMessage]:
        views = await self._views(None, _DAY, self._readable(rights))
        stories = _stories(views, f"{_counted(views)} in the last 24 hours")
        silences = await self._silences(rights)
        return [
            ChatMessage(message=stories, commands=_REFRESH),
            ChatMessage(message=_reply(_count_silences(silences))),
            *(
                ChatMessage(message=_reply(f"Silence {id_}", line), commands={"End this silence": f"silence end {id_}"})
                for id_, line in list(silences.items())[:_PAGE_SILENCES]
            ),
            ChatMessage(message=await self._feeds()),
            ChatMessage(message=_reply("Commands:", *_USAGE)),
        ]

    async def _stories(self, rule: str, rights: Rights) -> Message:
        readable = self._readable(rights)
        matching = errors.find_names(rule, readable)
        if len(matching) != 1:
            return _not_one(matching, readable)
        views = await self._views(matching[0], _WEEK, readable)
        return _stories(views, f'{_counted(views)} of "{matching[0]}" in the last 7 days')

    async def _views(self, rule: str | None, back: timedelta, readable: dict[str, Rule]) -> list[StoryView]:
        since = self._watched.clock.now() - back

        def read(archive: Archive) -> list[StoryView]:
            views: list[StoryView] = []
            for skip in range(0, _READ, _STORIES + 1):
                stories = archive.tx.stories.newest(since=since, rule=rule, skip=skip, most=_STORIES + 1)
                for story in stories:
                    of_story = {name: readable[name] for name in story.rules if name in readable}
                    if of_story:
                        views.append(summaries.make_view(story, of_story))
                if len(views) > _STORIES or len(stories) <= _STORIES:
                    break
            return views[: _STORIES + 1]

        return await self._queries.read(read)

    async def _why(self, argument: str, rights: Rights) -> Message:
        match = _LINK.fullmatch(argument.strip())
        link, rule = (match[1] or match[2], match[3].strip(_QUOTES)) if match else (argument, "")
        try:
            parameters = ExplainParameters(url=link, rule=rule or None)
        except ValueError:
            return _reply("This is too long for a link and a rule.", _USAGE[0])
        readable = self._readable(rights)
        answer = await self._queries.run(EXPLAIN, parameters)
        explained = [entry for entry in answer.explained if entry.rule in readable]
        matched = [entry for entry in explained if entry.matched]
        lines = []
        for entry in matched:
            lines.append(f'"{entry.rule}" matches')
            lines += [line.strip(" +") for line in entry.text.splitlines()]
        for place in [entry.story for entry in explained if entry.story][:1]:
            lines.append(f"Its story: {place.title}")
            decisions = [decision for decision in place.decisions if decision.channel in rights.own]
            lines += [
                f"{decision.channel}: {decision.action}, {decision.reason}"
                + (f": {decision.detail}" if decision.detail else "")
                for decision in decisions[-_DECISIONS:]
            ]
            if (more := len(decisions) - _DECISIONS) > 0:
                lines.append(f"{format_count(more, 'earlier decision')}: `wirewatch stories` lists all")
        # Do not list a rule if none of its terms matches.
        near_misses = [entry for entry in explained if not entry.matched and "  + " in entry.text]
        lines += [f'"{entry.rule}" does not match: {entry.text.splitlines()[-1].strip(" =")}' for entry in near_misses]
        count = len(matched)
        some = f"{format_count(count, 'rule')} {'matches' if count == 1 else 'match'} this article"
        return _reply(some if count else "No rule matches this article", *lines)

    async def _feeds(self) -> Message:
        page = await self._queries.run(FEEDS_HEALTH, FeedsParameters(problems=True, limit=MOST))
        count, total = f"{len(page.feeds)}{'+' if page.after else ''}", format_count(len(self._settings.feeds), "feed")
        lines = [f"{feed.outlet} {problem.text}" for feed in page.feeds for problem in feed.problems]
        return _reply(f"Problems with {count} of {total}" if lines else f"{total}, all working", *lines)

    async def _silence(self, argument: str, request: ChatRequest, rights: Rights) -> Message:
        now, zone = self._watched.clock.now(), self._settings.bot.timezone
        if argument.casefold() == "list":
            lines = [f"{line} (silence end {id_})" for id_, line in (await self._silences(rights)).items()]
            return _reply(_count_silences(lines), *lines)
        verb, _, name = argument.partition(" ")
        words = _SILENCE.fullmatch(argument)
        if verb.casefold() == "end":
            action: EndSilence | MakeSilence = EndSilence(id=name)
        elif words is None:
            return _reply("A silence needs a name, an end and a reason:", _USAGE[2])
        else:
            kind, name = words["kind"].casefold(), words["name"].strip(_QUOTES)
            if kind == "rule":
                readable = self._readable(rights)
                # Search only readable rules, so that a typed part of a name never reveals a hidden rule.
                if len(matching := errors.find_names(name, readable)) != 1:
                    return _not_one(matching, readable)
                name = matching[0]
            action = read_parameters(SilenceParameters, {**words.groupdict(), "kind": kind, "name": name}).action()

        def act(turn: Turn) -> ActionResult:
            return actions.apply_action(person_context(turn, rights, once=request.id), action)

        result = await actions.carry_out(self._watched.store, self._watched.settings, act, now=now)
        silence = result.created
        if not isinstance(silence, Silence) or isinstance(action, EndSilence):
            return _reply(result.text)
        until = f" until {format_time(silence.until, zone)}" if silence.until else ""
        done = f"Nothing is posted about {silence.subject} {silence.place}{until}"
        return _reply(done, f"Reason: {silence.reason}", f"To end it earlier: /wirewatch {result.command}")

    async def _silences(self, rights: Rights) -> dict[SilenceId, str]:
        """Return the silences in force that the person may see: id -> description."""
        zone, readable = self._settings.bot.timezone, self._readable(rights)
        lines = {}
        for entry in await self._queries.run(SILENCES, Parameters()):
            silence = entry.silence
            is_hidden = silence.kind is SilenceKind.RULE and silence.name not in readable
            if is_hidden or not (not silence.channels or rights.own.intersection(silence.channels)):
                continue
            until = f" until {format_time(silence.until, zone)}" if silence.until else ""
            lines[silence.id] = f"{silence.subject} {silence.place}{until}: {silence.reason}"
        return lines

    @property
    def _settings(self) -> config.Settings:
        return self._watched.settings


_VERBS = ("why", "stories", "silence", "feeds")
_UNAVAILABLE = "The archive is unavailable at the moment; try again in a minute."
_REFRESH = {"Refresh": "refresh"}


def _reply(lead: str, *lines: str) -> Notice:
    return Notice(lead=lead, details=lines)


def _count_silences(silences: Collection[str]) -> str:
    return f"{format_count(len(silences), 'silence')} in force" if silences else "No silence is in force"


def _not_one(matching: Sequence[str], names: Collection[str]) -> Message:
    several = f"{len(matching)} rules match this name; type more of the name"
    return _reply(several if matching else "No rule has this name", *(matching or names))


def _counted(views: Sequence[StoryView]) -> str:
    if len(views) > _STORIES:
        return f"The last {_STORIES} stories"
    return format_count(len(views), "story") if views else "No stories"


def _stories(views: Sequence[StoryView], lead: str) -> Message:
    if not views:
        return _reply(lead, _USAGE[0])
    return Listing(lead=lead, stories=tuple(views[:_STORIES]))
