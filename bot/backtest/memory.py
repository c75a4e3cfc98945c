"""A transaction in memory: what the desk and its speaker ask for, kept as storage keeps it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import cast

from bot import model, ports


class Stories:
    """Stands in for ``ports.Stories``."""

    def __init__(self) -> None:
        self.all: dict[model.StoryId, model.Story] = {}
        self._home: dict[model.ArticleId, model.StoryId] = {}
        self._alerts: dict[model.StoryId, dict[str, model.Alert]] = {}
        #: Channel -> alerts that have posted; few, so that looking through them is cheap.
        self._posted: dict[str, dict[model.StoryId, model.Alert]] = {}
        self._held: dict[tuple[model.StoryId, str], model.Alert] = {}

    def open_since(self, since: datetime) -> Sequence[model.Story]:
        return [story for story in self.all.values() if story.merged_into is None and story.last_seen >= since]

    def get(self, ids: Sequence[model.StoryId]) -> Mapping[model.StoryId, model.Story]:
        return {story: self.all[story] for story in ids if story in self.all}

    def of_article(self, article: model.ArticleId) -> model.Story | None:
        home = self._home.get(article)
        return None if home is None else self.all[home]

    def save(self, story: model.Story) -> None:
        self.all[story.id] = story
        for member in story.members:
            self._home[member.article.id] = story.id

    def decide(self, decisions: Sequence[model.Decision]) -> None:
        """Nobody reads them back."""

    def alerts(self, stories: Sequence[model.StoryId]) -> Sequence[model.Alert]:
        return [alert for story in stories for alert in self._alerts.get(story, {}).values()]

    def save_alert(self, alert: model.Alert) -> None:
        self._alerts.setdefault(alert.story, {})[alert.channel] = alert
        self._held.pop((alert.story, alert.channel), None)
        if alert.state is model.AlertState.HELD or (alert.state is model.AlertState.POSTED and alert.held_until):
            self._held[alert.story, alert.channel] = alert
        if alert.posted_at is not None:
            self._posted.setdefault(alert.channel, {})[alert.story] = alert

    def held_until(self, now: datetime) -> Sequence[model.Alert]:
        due = [(alert.held_until, alert) for alert in self._held.values() if alert.held_until]
        ready = [(until, alert) for until, alert in due if until <= now]
        return [alert for _, alert in sorted(ready, key=lambda one: (one[0], one[1].story, one[1].channel))]

    def next_release(self) -> datetime | None:
        """The first moment at which a hold runs out."""
        return min((alert.held_until for alert in self._held.values() if alert.held_until), default=None)

    def held(self) -> int:
        return len({story for (story, _), alert in self._held.items() if alert.state is model.AlertState.HELD})

    def posted_since(self, channel: str, when: datetime) -> Sequence[model.Alert]:
        posted = self._posted.get(channel, {}).values()
        return [alert for alert in posted if alert.posted_at and alert.posted_at >= when]


class Outbox:
    """Stands in for ``ports.Outbox``; takes what storage would take."""

    def __init__(self) -> None:
        self.rows: dict[model.SendId, model.Outgoing] = {}

    def add(self, rows: Iterable[model.Outgoing]) -> None:
        for row in rows:
            self.rows.setdefault(row.id, row)


class Judgements:
    """Stands in for ``ports.Judgements``: nobody has judged what was never sent."""

    def of_story(self, story: model.StoryId, channel: str) -> Sequence[model.Judgement]:
        return ()

    def snoozes(self, now: datetime) -> Mapping[tuple[str, str], datetime]:
        return {}


class Memory:
    def __init__(self) -> None:
        self.stories = Stories()
        self.outbox = Outbox()
        self.judgements = Judgements()

    @property
    def transaction(self) -> ports.Transaction:
        # The desk and its speaker use these three, and of them what stands here; the tests run them whole.
        return cast("ports.Transaction", self)
