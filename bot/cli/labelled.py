"""Labelled articles, grouped with and without a language model: which events are hidden, and which are told twice.

A line of the file is a JSON object: ``title``, ``text``, ``source`` (the outlet), ``at`` (ISO 8601 with a zone),
``lang``, ``story`` (your name of the event; null: of none) and ``rule`` (a loaded rule's name; not needed where one is
loaded).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from pathlib import Path

from bot import config, model, ports, rules, stories
from bot.cli import terminal
from bot.cli.options import UNUSABLE

#: These add an article to a story without its own headline in a channel.
_SILENT = frozenset({model.JoinReason.SAME_LINK, model.JoinReason.COPY, model.JoinReason.SIMILAR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One article that its rule matches."""

    article: model.Article
    matches: tuple[model.Match, ...]
    event: str | None


@dataclass(slots=True, kw_only=True)
class Score:
    """How one way of grouping did."""

    events: int = 0
    #: Events that no channel would show under a headline of their own.
    hidden: int = 0
    #: Messages beyond one an event.
    beyond: int = 0
    pairs_right: int = 0
    pairs_joined: int = 0
    pairs_labelled: int = 0
    calls: int = 0
    tokens: int = 0
    articles: int = 0

    def cells(self) -> tuple[str, ...]:
        """For a table: events, hidden, beyond, precision and recall of pairs, calls and tokens an article."""
        told = self.as_json()
        names = ("events", "hidden", "beyond", "precision", "recall", "calls_an_article", "tokens_an_article")
        return tuple(str(told[name]) for name in names)

    def as_json(self) -> dict[str, int | float]:
        """The same with names."""
        return {
            "articles": self.articles,
            "events": self.events,
            "hidden": self.hidden,
            "beyond": self.beyond,
            "precision": round(self.pairs_right / self.pairs_joined, 2) if self.pairs_joined else 1.0,
            "recall": round(self.pairs_right / self.pairs_labelled, 2) if self.pairs_labelled else 1.0,
            "calls_an_article": round(self.calls / self.articles, 2) if self.articles else 0.0,
            "tokens_an_article": round(self.tokens / self.articles) if self.articles else 0,
        }


def read(path: Path, settings: config.Settings) -> tuple[Row, ...]:
    """The rows that match, oldest first. Ends the command where a line cannot be read."""
    known = {compiled.rule.name: compiled for compiled in settings.rules}
    found = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        terminal.fail(f"reading {path}: {error}", UNUSABLE)
    for number, line in enumerate(lines, start=1):
        try:
            row = _row(json.loads(line), known) if line.strip() else None
        except (ValueError, KeyError, TypeError, AttributeError):
            names = ", ".join(known)
            terminal.fail(
                f"reading {path}: line {number} is no JSON object with title, text, source, at and story, or its rule "
                f"is not loaded; loaded: {names or 'none'}",
                UNUSABLE,
            )
        if row is not None:
            found.append(row)
    return tuple(sorted(found, key=lambda row: row.article.when))


def _row(line: Mapping[str, str | None], known: Mapping[str, rules.CompiledRule]) -> Row | None:
    name = line.get("rule")
    compiled = known[name] if name is not None else next(iter(known.values()))
    if name is None and len(known) > 1:
        raise KeyError(name)
    at = datetime.fromisoformat(str(line["at"]))
    if at.tzinfo is None:
        raise ValueError(line["at"])
    title, text, source = str(line["title"]), str(line["text"]), str(line["source"])
    key = hashlib.sha256(f"{source}\n{title}\n{text}\n{at}".encode()).hexdigest()
    article = model.Article(
        id=model.ArticleId(key[:20]),
        feed="",
        outlet=source,
        owner=source,
        link="",
        title=title,
        text=text,
        language=line.get("lang"),
        published=at,
        first_seen=at,
        fingerprint=key,
    )
    feed = model.Feed(url="https://labelled.example/", tags=compiled.rule.feeds)
    matches = rules.RuleSet([compiled]).match(article, feed, now=at)
    return Row(article=article, matches=matches, event=line["story"]) if matches else None


@dataclass(slots=True)
class _Group:
    """One way of grouping: the stories as they grow, and the model's answers."""

    grouping: stories.Grouping
    members: defaultdict[model.StoryId, list[model.Member]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, str | None] = field(default_factory=dict)
    tokens: int = 0
    #: The prompt that the last attempt lacked an answer to.
    wanted: model.Prompt | None = None


async def compare(rows: Sequence[Row], settings: config.Settings, opened: ports.LanguageModel) -> Mapping[str, Score]:
    """The same articles without the model and with it."""
    window = settings.bot.stories_window
    modes = {each.rule.name: each.rule.group for each in settings.rules if each.rule.group is not model.Group.NORMAL}
    return {
        name: await _score(rows, modes, _Group(stories.Grouping(window=window)), asked)
        for name, asked in (("without the model", None), ("with the model", opened))
    }


async def _score(
    rows: Sequence[Row],
    modes: Mapping[str, model.Group],
    group: _Group,
    opened: ports.LanguageModel | None,
) -> Score:
    homes: dict[model.ArticleId, model.StoryId] = {}
    shown: list[Row] = []
    for row in rows:
        join = await _join(row, modes, group, opened)
        for younger in join.merges:
            group.members[join.story] += group.members.pop(younger, [])
        group.members[join.story].append(model.Member(article=row.article, join=join, matches=row.matches))
        if join.reason not in _SILENT:
            shown.append(row)
    for story, members in group.members.items():
        homes.update({member.article.id: story for member in members})
    score = _counted(rows, shown, homes)
    score.calls, score.tokens = len(group.answers), group.tokens
    return score


async def _join(
    row: Row, modes: Mapping[str, model.Group], group: _Group, opened: ports.LanguageModel | None
) -> model.Join:
    while True:
        try:
            second = (lambda _, near: _second(row, near, group)) if opened else None
            return group.grouping.join(row.article, row.matches, modes, second)
        except stories.Undecided:
            assert opened is not None
            assert group.wanted is not None
            try:
                answered = await opened.ask(group.wanted)
                group.answers[group.wanted.key] = answered.text
                group.tokens += answered.tokens_in + answered.tokens_out
            except ports.ModelError as failure:
                group.answers[group.wanted.key] = None
                group.tokens += failure.tokens_in + failure.tokens_out


def _second(row: Row, near: Sequence[model.StoryId], group: _Group) -> stories.Opinion | None:
    # Costs start-up: the prompts, which this command alone needs.
    from bot.llm import prompts
    from bot.llm.prompts import same_event

    shown = [_story(story, group.members[story]) for story in near if group.members.get(story)]
    if not shown or prompts.speaks_to_a_model(row.article):
        return None
    prompt = same_event.ask(row.article, shown)
    if prompt.key not in group.answers:
        group.wanted = prompt
        raise stories.Undecided
    try:
        answer = prompts.read(prompt, group.answers[prompt.key] or "", same_event.SameEvent)
    except ports.BadAnswer:
        return None
    if answer.verdict is same_event.Verdict.CANNOT_TELL:
        return None
    return stories.Opinion(stories=answer.named([story.id for story in shown]), detail="")


def _story(story: model.StoryId, members: Sequence[model.Member]) -> model.Story:
    seen = [member.article.first_seen for member in members]
    return model.Story(
        id=story, title=members[0].article.title, first_seen=min(seen), last_seen=max(seen), members=tuple(members)
    )


def _counted(rows: Sequence[Row], shown: Sequence[Row], homes: Mapping[model.ArticleId, model.StoryId]) -> Score:
    events = Counter(row.event for row in rows if row.event)
    told = Score(events=len(events), articles=len(rows))
    told.hidden = len(events.keys() - {row.event for row in shown})
    told.beyond = max(0, len(shown) - len(events))
    told.pairs_labelled = sum(count * (count - 1) // 2 for count in events.values())
    for one, other in combinations([row for row in rows if row.event], 2):
        if homes[one.article.id] == homes[other.article.id]:
            told.pairs_joined += 1
            told.pairs_right += one.event == other.event
    return told
