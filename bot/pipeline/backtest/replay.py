"""Replay matched articles through the live pipeline, in memory, at the articles' times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot import model
from bot.pipeline import draft, snapshot, story_updater
from bot.pipeline.backtest.report import Post


class Replay:
    """Replays matched articles; those with the same ``first_seen`` form a batch."""

    def __init__(self, at_the_time: snapshot.Snapshot) -> None:
        self._snapshot = at_the_time
        self._updater = story_updater.StoryUpdater(at_the_time.window)
        self._memory = draft.Draft()
        self._batch: list[model.Arrival] = []

    def take(self, article: model.Article, matches: tuple[model.Match, ...], *, is_baseline: bool) -> None:
        """Add a matched article; articles come in the order of their ``first_seen``."""
        if self._batch and self._batch[0].article.first_seen != article.first_seen:
            self._work()
        self._batch.append(model.Arrival(article=article, matches=matches, is_baseline=is_baseline))

    def finish(self, until: datetime) -> None:
        """Work off the last batch, and release what is held until ``until``."""
        self._work()
        self._release(until)

    def _work(self) -> None:
        if not self._batch:
            return
        now = self._batch[0].article.first_seen
        self._release(now)
        self._updater.update(self._memory.transaction, self._snapshot, self._batch, (), now=now)
        self._batch = []
        self._release(now)

    def _release(self, now: datetime) -> None:
        """Release each hold at its time, as the ticks of the live bot do."""
        previous: datetime | None = None
        while (due := self._memory.stories.next_release()) is not None and due <= now:
            if due == previous:
                # Held again until the same time: nothing changes until another article comes.
                return
            self._updater.release(self._memory.transaction, self._snapshot, now=due)
            previous = due

    @property
    def stories(self) -> int:
        """The number of stories, without merged ones."""
        return sum(story.merged_into is None for story in self._memory.stories.known.values())

    @property
    def held(self) -> int:
        """The number of stories still held at the end."""
        return self._memory.stories.held()

    def messages(self) -> Sequence[Post]:
        """Return the messages that would have been posted, in order of time."""
        rows = sorted(self._memory.outbox.rows.values(), key=lambda row: row.due_at)
        return [_post(row) for row in rows]


def _post(row: model.Outgoing) -> Post:
    message = row.message
    return Post(
        at=row.due_at,
        channel=row.channel,
        kind=message.kind,
        reason=message.reason.value if message.reason else "",
        headlines=tuple(brief.title.text for brief in message.briefs),
        rules=tuple(dict.fromkeys(why.rule for brief in message.briefs for why in brief.why)),
    )
