"""What people ask in a chat, answered in a message: why, stories, silence, feeds, and the page of the day.

Each answer has only what is posted to channels in which the person counts (bot/pipeline/rights.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import timedelta

import structlog

from bot import config, model, ports, summaries
from bot.answers import asked as questions
from bot.answers.answering import Answers
from bot.answers.day_counts import DayCounts
from bot.answers.playground import Playground
from bot.answers.refusals import Refused
from bot.answers.watched import Shared, Watched
from bot.channels.kit import phrases
from bot.model import SilenceKind
from bot.model.actions import EndSilence, MakeSilence
from bot.pipeline import actions, silences
from bot.pipeline.rights import Rights, Turn, rights_of

log = structlog.get_logger("wirewatch")

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
#: Stories in one answer, those read for it, and decisions about a story.
_STORIES, _READ, _DECISIONS = 10, 500, 4
_USAGE = (
    "/wirewatch why LINK: which rules match an article, and what the others miss",
    "/wirewatch stories RULE: a rule's stories of the last seven days",
    "/wirewatch silence rule|outlet|entity NAME for 2 hours: REASON; silence list; silence end ID",
    "/wirewatch feeds: which feeds do not work",
)
_SILENCE = re.compile(
    r"(?:(?P<kind>rule|outlet|entity|story)\s+(?P<name>\S.{0,400}?)|everything)\s+for\s+(?P<lasts>\d{1,6}\s?[a-z]{1,10})(?:\s*:\s*|\s+)(?P<why>.+)",
    re.IGNORECASE | re.DOTALL,
)
#: An address, also as <address|label>, and a rule behind it.
_LINK = re.compile(r"(?:<([^|>\s]{1,4000})(?:\|[^>]{0,1000})?>|(\S{1,4000}))\s*(.*)", re.DOTALL)
_QUOTES = "\"'“”„"
_NOT_FOR_YOU = (
    "Nothing is shown: asking here is for members of a channel in which Wirewatch posts and, where its operator "
    "named people under may_act, for those."
)


class Asking:
    """Answers questions of people; each answer is for the one who asked."""

    def __init__(self, watched: Watched) -> None:
        self._watched = shared = Shared(watched)
        self._answers = Answers(shared, DayCounts(shared), Playground(shared))

    async def answer(self, asked: ports.Asked, *, channels: Sequence[str]) -> model.Message:
        """``channels``: those of the app that was asked."""
        verb, _, rest = asked.words.strip().partition(" ")
        verb = "page" if asked.is_page else verb.casefold()
        log.info("question answered", verb=verb if verb in ("page", *_VERBS) else "help", by=asked.person.id)
        rights = rights_of(asked.person, channels, self._watched.snapshot)
        if not rights.own:
            return _told(_NOT_FOR_YOU)
        try:
            match verb:
                case "page":
                    return await self._page(rights)
                case "why" if rest.strip():
                    return await self._why(rest, rights)
                case "stories" if rest.strip():
                    return await self._stories(rest.strip().strip(_QUOTES), rights)
                case "silence" if rest.strip():
                    return await self._silence(rest.strip(), asked, rights)
                case "feeds":
                    return await self._feeds()
                case _:
                    return _told("What can be asked:", *_USAGE)
        except ports.CannotAct as error:
            # Here the command has another name.
            why = str(error).replace("`wirewatch silence list`", "`/wirewatch silence list`")
            return _told(f"Nothing was changed: {why}.")
        except Refused as error:
            return _told(str(error))
        except ports.StoreError:
            return _told("The archive cannot be read at this moment: please ask again in a minute.")

    def _readable(self, rights: Rights) -> dict[str, model.Rule]:
        """The loaded rules that post to a channel in which the person counts."""
        routes = self._settings.bot.routes
        return {entry.rule.name: entry.rule for entry in self._settings.rules if rights.may_read(entry.rule, routes)}

    async def _page(self, rights: Rights) -> model.Message:
        briefs = await self._briefs(None, _DAY, self._readable(rights))
        return _stories(briefs, f"{_counted(briefs)} in the last 24 hours")

    async def _stories(self, named: str, rights: Rights) -> model.Message:
        readable = self._readable(rights)
        matching = _named(named, readable)
        if len(matching) != 1:
            return _not_one(matching, readable)
        briefs = await self._briefs(matching[0], _WEEK, readable)
        return _stories(briefs, f'{_counted(briefs)} of "{matching[0]}" in the last 7 days')

    async def _briefs(
        self, rule: str | None, back: timedelta, readable: dict[str, model.Rule]
    ) -> list[model.StoryBrief]:
        since = self._watched.clock.now() - back

        def read(tx: ports.Transaction) -> list[model.StoryBrief]:
            briefs: list[model.StoryBrief] = []
            for skip in range(0, _READ, _STORIES + 1):
                found = tx.stories.newest(since=since, rule=rule, skip=skip, most=_STORIES + 1)
                for story in found:
                    of_story = {name: readable[name] for name in story.rules if name in readable}
                    if of_story:
                        briefs.append(summaries.brief(story, of_story))
                if len(briefs) > _STORIES or len(found) <= _STORIES:
                    break
            return briefs[: _STORIES + 1]

        return await self._watched.store.read(read)

    async def _why(self, rest: str, rights: Rights) -> model.Message:
        found = _LINK.fullmatch(rest.strip())
        link, rule = (found[1] or found[2], found[3].strip(_QUOTES)) if found else (rest, "")
        try:
            question = questions.ExplainQuestion(url=link, rule=rule or None)
        except ValueError:
            return _told("This is too long for a link and a rule.", _USAGE[0])
        readable = self._readable(rights)
        told = [each for each in (await self._answers.explain(question)).explained if each.rule in readable]
        matched = [each for each in told if each.matched]
        lines = []
        for each in matched:
            lines.append(f'"{each.rule}" matches')
            lines += [line.strip(" +") for line in each.text.splitlines()]
        for place in [each.story for each in told if each.story][:1]:
            lines.append(f"Its story: {place.title}")
            decisions = [one for one in place.decisions if one.channel in rights.own]
            lines += [
                f"{one.channel}: {one.action}, {one.reason}" + (f": {one.detail}" if one.detail else "")
                for one in decisions[:_DECISIONS]
            ]
            if (more := len(decisions) - _DECISIONS) > 0:
                lines.append(f"{model.counted(more, 'further decision')}: `wirewatch stories` lists all")
        # A rule of which nothing was found says nothing about the article.
        near = [each for each in told if not each.matched and "  + " in each.text]
        lines += [f'"{each.rule}" does not: {each.text.splitlines()[-1].strip(" =")}' for each in near]
        count = len(matched)
        some = f"{model.counted(count, 'rule')} {'matches' if count == 1 else 'match'} this article"
        return _told(some if count else "No rule matches this article", *lines)

    async def _feeds(self) -> model.Message:
        lines, count = list[str](), 0
        for health in (model.FeedHealth.GONE, model.FeedHealth.FAILING):
            page = await self._answers.feeds(questions.FeedsQuestion(health=health, limit=questions.MOST))
            count += len(page.feeds)
            lines += [f"{each.outlet}: {each.error or each.health}" for each in page.feeds]
        total = model.counted(len(self._settings.feeds), "feed")
        return _told(f"Not working: {count} of {total}" if count else f"{total}, none is broken", *lines)

    async def _silence(self, rest: str, asked: ports.Asked, rights: Rights) -> model.Message:
        now, zone = self._watched.clock.now(), self._settings.bot.timezone
        if rest.casefold() == "list":
            return await self._silences(rights)
        verb, _, name = rest.partition(" ")
        words = _SILENCE.fullmatch(rest)
        if verb.casefold() == "end":
            action: EndSilence | MakeSilence = EndSilence(id=name)
        elif words is None:
            return _told("A silence needs a name, an end and a reason:", _USAGE[2])
        else:
            try:
                lasts = model.parse_duration(words["lasts"])
            except (ValueError, OverflowError) as error:
                return _told(str(error))
            kind, name = SilenceKind((words["kind"] or "everything").casefold()), (words["name"] or "").strip(_QUOTES)
            if kind is SilenceKind.RULE:
                readable = self._readable(rights)
                # A rule that the person does not see is not named to them, also where a part of its name is.
                if len(matching := _named(name, readable)) != 1:
                    return _not_one(matching, readable)
                name = matching[0]
            action = MakeSilence(kind=kind, name=name, end=lasts, reason=words["why"])
        snapshot, person = self._watched.snapshot, asked.person

        def work(tx: ports.Transaction) -> ports.ActionResult:
            turn = Turn(
                tx=tx,
                snapshot=snapshot,
                now=now,
                once=asked.id,
                author=person.author,
                author_id=person.id,
                rights=rights,
            )
            return actions.apply(turn, action)

        result = await self._watched.store.write(work)
        silence = result.made
        if not isinstance(silence, model.Silence) or isinstance(action, EndSilence):
            return _told(result.text)
        until = f" until {phrases.day_and_time(silence.until, zone)}" if silence.until else ""
        done = f"Nothing is posted about {silence.subject} {silence.place}{until}"
        return _told(done, f"Reason: {silence.reason}", f"To end it before: /wirewatch {result.command}")

    async def _silences(self, rights: Rights) -> model.Message:
        now, zone = self._watched.clock.now(), self._settings.bot.timezone
        readable = self._readable(rights)
        lines = []
        for entry in await self._watched.store.read(lambda tx: silences.listed(tx, now=now)):
            silence = entry.silence
            is_hidden = silence.kind is SilenceKind.RULE and silence.name not in readable
            if is_hidden or not (not silence.channels or rights.own.intersection(silence.channels)):
                continue
            until = f" until {phrases.day_and_time(silence.until, zone)}" if silence.until else ""
            lines.append(f"{silence.subject} {silence.place}{until}: {silence.reason} (silence end {silence.id})")
        return _told(f"{model.counted(len(lines), 'silence')} in force" if lines else "No silence is in force", *lines)

    @property
    def _settings(self) -> config.Settings:
        return self._watched.settings


_VERBS = ("why", "stories", "silence", "feeds")


def _told(lead: str, *lines: str) -> model.Message:
    return model.Message(kind=model.MessageKind.NOTICE, lead=lead, lines=lines)


def _named(part: str, names: Collection[str]) -> list[str]:
    """The one that is called so, else those that have it in their names."""
    exact = [name for name in names if name.casefold() == part.casefold()]
    return exact or [name for name in names if part.casefold() in name.casefold()]


def _not_one(found: Sequence[str], names: Collection[str]) -> model.Message:
    many = f"{len(found)} rules have such a name: write more of it"
    return _told(many if found else "No loaded rule has such a name", *(found or names))


def _counted(briefs: Sequence[model.StoryBrief]) -> str:
    if len(briefs) > _STORIES:
        return f"The last {_STORIES} stories"
    return model.counted(len(briefs), "story") if briefs else "No stories"


def _stories(briefs: Sequence[model.StoryBrief], lead: str) -> model.Message:
    if not briefs:
        return _told(lead, _USAGE[0])
    return model.Message(kind=model.MessageKind.GATHERED, lead=lead, briefs=tuple(briefs[:_STORIES]))
