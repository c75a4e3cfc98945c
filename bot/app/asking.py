"""What people ask in a chat, answered in a message: why, stories, silence, feeds, and the page of the day."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta

import structlog

from bot import answers, config, model, ports, summaries
from bot.answers import asked as questions
from bot.answers.day_counts import DayCounts
from bot.answers.playground import Playground
from bot.channels.kit import phrases
from bot.pipeline import silences

log = structlog.get_logger("wirewatch")

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
#: Stories in one answer.
_STORIES = 10
_USAGE = (
    "/wirewatch why LINK: which rules match an article, and what the others miss",
    "/wirewatch stories RULE: a rule's stories of the last seven days",
    "/wirewatch silence rule|outlet|entity NAME for 2 hours: REASON; silence list; silence end ID",
    "/wirewatch feeds: which feeds do not work",
)
_SILENCE = re.compile(
    r"(?P<kind>rule|outlet|entity)\s+(?P<name>\S.{0,400}?)\s+for\s+(?P<lasts>\d{1,6}\s?[a-z]{1,10})(?:\s*:\s*|\s+)(?P<why>.+)",
    re.IGNORECASE | re.DOTALL,
)
#: An address, also as <address|label>, and a rule behind it.
_LINK = re.compile(r"(?:<([^|>\s]{1,4000})(?:\|[^>]{0,1000})?>|(\S{1,4000}))\s*(.*)", re.DOTALL)
_QUOTES = "\"'“”„"


class Asking:
    """Answers questions of people; each answer is for the one who asked."""

    def __init__(self, watched: answers.Watched) -> None:
        self._watched = shared = answers.Shared(watched)
        self._answers = answers.Answers(shared, DayCounts(shared), Playground(shared))

    async def answer(self, asked: ports.Asked, *, channels: Sequence[str]) -> model.Message:
        """``channels``: those of the app that was asked."""
        verb, _, rest = asked.words.strip().partition(" ")
        verb = "page" if asked.is_page else verb.casefold()
        log.info("question answered", verb=verb if verb in ("page", *_VERBS) else "help", by=asked.by)
        if channels and asked.barred.issuperset(channels):
            return _told("Nothing is shown: asking here is for those whom the operator named under may_act.")
        try:
            match verb:
                case "page":
                    return await self._page()
                case "why" if rest.strip():
                    return await self._why(rest)
                case "stories" if rest.strip():
                    return await self._stories(rest.strip().strip(_QUOTES))
                case "silence" if rest.strip():
                    return await self._silence(rest.strip(), asked)
                case "feeds":
                    return await self._feeds()
                case _:
                    return _told("What can be asked:", *_USAGE)
        except (answers.Refused, ports.CannotSilence) as error:
            return _told(str(error))
        except ports.StoreError:
            return _told("The archive cannot be read at this moment: please ask again in a minute.")

    async def _page(self) -> model.Message:
        briefs = await self._briefs(None, _DAY)
        return _stories(briefs, f"{_counted(briefs)} in the last 24 hours")

    async def _stories(self, named: str) -> model.Message:
        names = [entry.rule.name for entry in self._settings.rules]
        found = [name for name in names if name.casefold() == named.casefold()]
        found = found or [name for name in names if named.casefold() in name.casefold()]
        if len(found) != 1:
            many = f"{len(found)} rules have such a name: write more of it"
            return _told(many if found else "No loaded rule has such a name", *(found or names))
        briefs = await self._briefs(found[0], _WEEK)
        return _stories(briefs, f'{_counted(briefs)} of "{found[0]}" in the last 7 days')

    async def _briefs(self, rule: str | None, back: timedelta) -> list[model.StoryBrief]:
        rules, since = {entry.rule.name: entry.rule for entry in self._settings.rules}, self._watched.clock.now() - back

        def read(tx: ports.Transaction) -> list[model.StoryBrief]:
            stories = tx.stories.newest(since=since, rule=rule, skip=0, most=_STORIES + 1)
            return [
                summaries.brief(story, {name: rules[name] for name in story.rules if name in rules})
                for story in stories
            ]

        return await self._watched.store.read(read)

    async def _why(self, rest: str) -> model.Message:
        found = _LINK.fullmatch(rest.strip())
        link, rule = (found[1] or found[2], found[3].strip(_QUOTES)) if found else (rest, "")
        try:
            question = questions.ExplainQuestion(url=link, rule=rule or None)
        except ValueError:
            return _told("This is too long for a link and a rule.", _USAGE[0])
        told = (await self._answers.explain(question)).explained
        matched = [each for each in told if each.matched]
        lines = []
        for each in matched:
            lines.append(f'"{each.rule}" matches')
            lines += [line.strip(" +") for line in each.text.splitlines()]
        for place in [each.story for each in told if each.story][:1]:
            lines.append(f"Its story: {place.title}")
            lines += [
                f"{one.channel}: {one.action}, {one.reason}" + (f": {one.detail}" if one.detail else "")
                for one in place.decisions[:4]
            ]
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

    async def _silence(self, rest: str, asked: ports.Asked) -> model.Message:
        now, zone = self._watched.clock.now(), self._settings.bot.timezone
        if rest.casefold() == "list":
            listed = await self._watched.store.read(lambda tx: silences.listed(tx, now=now))
            told = [
                f'{each.silence.kind} "{each.silence.name}" until {phrases.day_and_time(each.silence.until, zone)}: '
                f"{each.silence.reason} (silence end {each.silence.id})"
                for each in listed
            ]
            return _told(f"{model.counted(len(told), 'silence')} in force" if told else "No silence is in force", *told)
        if asked.barred:
            # A silence holds in every channel.
            names = ", ".join(sorted(asked.barred))
            return _told(f"Nothing was silenced: in {names} acting is for those whom the operator named under may_act.")
        verb, _, name = rest.partition(" ")
        if verb.casefold() == "end":
            ended = await self._watched.store.write(lambda tx: silences.end(tx, name, by=asked.name, now=now))
            return _told(f'The silence of {ended.kind} "{ended.name}" has ended')
        found = _SILENCE.fullmatch(rest)
        if found is None:
            return _told("A silence needs a name, an end and a reason:", _USAGE[2])
        try:
            until = now + model.parse_duration(found["lasts"])
        except (ValueError, OverflowError) as error:
            return _told(str(error))
        known = {entry.rule.name for entry in self._settings.rules}
        made = await self._watched.store.write(
            lambda tx: silences.add(
                tx,
                kind=model.SilenceKind(found["kind"].casefold()),
                name=found["name"].strip(_QUOTES),
                until=until,
                by=asked.name,
                reason=found["why"],
                known_rules=known,
                now=now,
                # The same for a command that is delivered again.
                silence_id=model.SilenceId(hashlib.sha256(asked.id.encode()).hexdigest()[:8]),
            )
        )
        done = f'Nothing is posted about {made.kind} "{made.name}" until {phrases.day_and_time(made.until, zone)}'
        return _told(done, f"Reason: {made.reason}", f"To end it before: /wirewatch silence end {made.id}")

    @property
    def _settings(self) -> config.Settings:
        return self._watched.settings


_VERBS = ("why", "stories", "silence", "feeds")


def _told(lead: str, *lines: str) -> model.Message:
    return model.Message(kind=model.MessageKind.NOTICE, lead=lead, lines=lines)


def _counted(briefs: Sequence[model.StoryBrief]) -> str:
    if len(briefs) > _STORIES:
        return f"The last {_STORIES} stories"
    return model.counted(len(briefs), "story") if briefs else "No stories"


def _stories(briefs: Sequence[model.StoryBrief], lead: str) -> model.Message:
    if not briefs:
        return _told(lead, _USAGE[0])
    return model.Message(kind=model.MessageKind.GATHERED, lead=lead, briefs=tuple(briefs[:_STORIES]))
