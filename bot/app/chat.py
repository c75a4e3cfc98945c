"""What people press and ask in a chat, and how the connection that carries it is watched."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta

import structlog

from bot import config, model, storage
from bot.alerts import notices
from bot.channels.kit import phrases
from bot.model import SilenceKind
from bot.model.actions import EndSilence, MakeSilence
from bot.model.runtime import TaskGroup, retry_until_stored
from bot.pipeline import actions, silences
from bot.pipeline.silences import ActionContext, Rights, person_rights
from bot.pipeline.snapshot import Snapshot
from bot.pipeline.turn import Turn
from bot.queries import parameters
from bot.queries.errors import Refused
from bot.queries.questions import Answers
from bot.queries.trials import Playground
from bot.queries.watched import DayCounts, Shared, Watched
from bot.storage import keys
from bot.stories import summaries

log = structlog.get_logger("wirewatch")

#: Without a connection for so long the operator is notified: one hiccup is no news.
TELL_AFTER = timedelta(minutes=1)


class Interactions:
    """All listeners of one running bot."""

    def __init__(
        self,
        store: storage.Store,
        clock: model.Clock,
        *,
        snapshot: Callable[[], Snapshot],
        on_decided: Callable[[Sequence[model.Decision]], None],
        on_asked: Callable[[model.ChatRequest, Sequence[str]], Awaitable[model.Message]],
    ) -> None:
        """``on_asked`` is given a question and the channels of the app that it was put to."""
        self._store = store
        self._clock = clock
        self._snapshot = snapshot
        self._on_decided = on_decided
        self._on_asked = on_asked
        self._changed = asyncio.Event()

    async def run(self, listeners: Callable[[], Sequence[model.Listener]]) -> None:
        """Until cancelled, but for those that listen alone; after ``renew`` with the listeners of that moment."""
        while True:
            self._changed.clear()
            async with TaskGroup() as group:
                tasks = [group.create_task(self._hear(each)) for each in listeners() if not each.is_alone]
                await self._changed.wait()
                for task in tasks:
                    task.cancel()

    async def run_alone(self, listeners: Sequence[model.Listener]) -> None:
        """Those that listen alone, until cancelled."""
        async with TaskGroup() as group:
            for each in listeners:
                if each.is_alone:
                    group.create_task(self._hear(each))

    def renew(self) -> None:
        """The channels have changed."""
        self._changed.set()

    async def _hear(self, listener: model.Listener) -> None:
        watch = _Watch(self._store, self._clock, self._snapshot, listener.channels)
        await retry_until_stored(
            lambda: listener.listen(
                lambda press: self.take(press, listener.channels),
                watch.on_change,
                lambda asked: self._on_asked(asked, listener.channels),
            ),
            self._clock,
        )

    async def take(self, press: model.Press, channels: Sequence[str]) -> model.ActionResult:
        """Carry out a press on a message of one of these channels. Raises StoreError."""
        snapshot, now = self._snapshot(), self._clock.now()
        result = await self._store.write(
            lambda tx: actions.apply_press(tx, snapshot, press, channels=channels, now=now)
        )
        fields = {"action": type(press.action).__name__, "story": press.story, "by": press.person.id}
        if result.refused:
            log.warning("press refused", **fields, reason=result.refused)
        else:
            log.info("press taken", **fields, is_new=bool(result.decisions))
        self._on_decided(result.decisions)
        return result


class _Watch:
    """Whether one listener hears, and who has been told that it does not."""

    def __init__(
        self,
        store: storage.Store,
        clock: model.Clock,
        snapshot: Callable[[], Snapshot],
        channels: Sequence[str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._snapshot = snapshot
        self._channels = channels
        self._failing_since: datetime | None = None

    async def on_change(self, reason: str | None) -> None:
        """``reason``: why nothing is heard; None: all is well."""
        now = self._clock.now()
        if reason is None:
            self._failing_since = None
            log.info("buttons connected", channels=list(self._channels))
            await self._tell("", now)
            return
        log.error("buttons not connected", channels=list(self._channels), reason=reason)
        self._failing_since = self._failing_since or now
        if now - self._failing_since >= TELL_AFTER:
            await self._tell(reason, now)

    async def _tell(self, reason: str, now: datetime) -> None:
        def work(tx: storage.Transaction) -> None:
            before = [keys.buttons_trouble(channel).get(tx) for channel in self._channels]
            if any(before) == bool(reason):
                return
            for channel in self._channels:
                keys.buttons_trouble(channel).put(tx, reason)
            operator = self._snapshot().operator
            if operator:
                if reason:
                    notice = notices.buttons_are_silent(self._channels, reason, now=now)
                else:
                    was = next(each for each in before if each)
                    notice = notices.buttons_work_again(self._channels, was, now=now)
                tx.outbox.add([notices.notice_row(notice, channel=operator, now=now)])

        await retry_until_stored(lambda: self._store.write(work), self._clock)


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

    async def answer(self, asked: model.ChatRequest, *, channels: Sequence[str]) -> model.Message:
        """``channels``: those of the app that was asked."""
        verb, _, rest = asked.words.strip().partition(" ")
        verb = "page" if asked.is_page else verb.casefold()
        log.info("question answered", verb=verb if verb in ("page", *_VERBS) else "help", by=asked.person.id)
        rights = person_rights(asked.person, channels, self._watched.snapshot)
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
        except model.CannotAct as error:
            # Here the command has another name.
            why = str(error).replace("`wirewatch silence list`", "`/wirewatch silence list`")
            return _told(f"Nothing was changed: {why}.")
        except Refused as error:
            return _told(str(error))
        except model.StoreError:
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

        def read(tx: storage.Transaction) -> list[model.StoryBrief]:
            briefs: list[model.StoryBrief] = []
            for skip in range(0, _READ, _STORIES + 1):
                found = tx.stories.newest(since=since, rule=rule, skip=skip, most=_STORIES + 1)
                for story in found:
                    of_story = {name: readable[name] for name in story.rules if name in readable}
                    if of_story:
                        briefs.append(summaries.make_brief(story, of_story))
                if len(briefs) > _STORIES or len(found) <= _STORIES:
                    break
            return briefs[: _STORIES + 1]

        return await self._watched.store.read(read)

    async def _why(self, rest: str, rights: Rights) -> model.Message:
        found = _LINK.fullmatch(rest.strip())
        link, rule = (found[1] or found[2], found[3].strip(_QUOTES)) if found else (rest, "")
        try:
            question = parameters.ExplainQuestion(url=link, rule=rule or None)
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
                lines.append(f"{model.format_count(more, 'further decision')}: `wirewatch stories` lists all")
        # A rule of which nothing was found says nothing about the article.
        near = [each for each in told if not each.matched and "  + " in each.text]
        lines += [f'"{each.rule}" does not: {each.text.splitlines()[-1].strip(" =")}' for each in near]
        count = len(matched)
        some = f"{model.format_count(count, 'rule')} {'matches' if count == 1 else 'match'} this article"
        return _told(some if count else "No rule matches this article", *lines)

    async def _feeds(self) -> model.Message:
        lines, count = list[str](), 0
        for health in (model.FeedHealth.GONE, model.FeedHealth.FAILING):
            page = await self._answers.feeds(parameters.FeedsQuestion(health=health, limit=parameters.MOST))
            count += len(page.feeds)
            lines += [f"{each.outlet}: {each.error or each.health}" for each in page.feeds]
        total = model.format_count(len(self._settings.feeds), "feed")
        return _told(f"Not working: {count} of {total}" if count else f"{total}, none is broken", *lines)

    async def _silence(self, rest: str, asked: model.ChatRequest, rights: Rights) -> model.Message:
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

        def work(tx: storage.Transaction) -> model.ActionResult:
            context = ActionContext(
                turn=Turn(tx, snapshot, now),
                once=asked.id,
                author=person.author,
                author_id=person.id,
                rights=rights,
            )
            return actions.apply_action(context, action)

        result = await self._watched.store.write(work)
        silence = result.made
        if not isinstance(silence, model.Silence) or isinstance(action, EndSilence):
            return _told(result.text)
        until = f" until {phrases.format_time(silence.until, zone)}" if silence.until else ""
        done = f"Nothing is posted about {silence.subject} {silence.place}{until}"
        return _told(done, f"Reason: {silence.reason}", f"To end it before: /wirewatch {result.command}")

    async def _silences(self, rights: Rights) -> model.Message:
        now, zone = self._watched.clock.now(), self._settings.bot.timezone
        readable = self._readable(rights)
        lines = []
        for entry in await self._watched.store.read(lambda tx: silences.list_silences(tx, now=now)):
            silence = entry.silence
            is_hidden = silence.kind is SilenceKind.RULE and silence.name not in readable
            if is_hidden or not (not silence.channels or rights.own.intersection(silence.channels)):
                continue
            until = f" until {phrases.format_time(silence.until, zone)}" if silence.until else ""
            lines.append(f"{silence.subject} {silence.place}{until}: {silence.reason} (silence end {silence.id})")
        return _told(
            f"{model.format_count(len(lines), 'silence')} in force" if lines else "No silence is in force", *lines
        )

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
    return model.format_count(len(briefs), "story") if briefs else "No stories"


def _stories(briefs: Sequence[model.StoryBrief], lead: str) -> model.Message:
    if not briefs:
        return _told(lead, _USAGE[0])
    return model.Message(kind=model.MessageKind.GATHERED, lead=lead, briefs=tuple(briefs[:_STORIES]))
