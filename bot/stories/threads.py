"""Keep the threads of rules with ``group: rule``: all that such a rule matches while coverage lasts is one story.

The index compares an article with events. A thread is a story of several events, and its first event has its id.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from bot.model.stories import Story, StoryId


class NewestThread(msgspec.Struct, frozen=True):
    """The newest thread of a rule."""

    story: StoryId
    #: When the rule last matched an article of the thread.
    matched_at: datetime


class Threads:
    """The threads of the open stories."""

    def __init__(self) -> None:
        #: Event -> its thread.
        self._threads: dict[StoryId, StoryId] = {}
        #: Rule -> its newest thread.
        self._newest: dict[str, NewestThread] = {}

    def load(self, story: Story) -> None:
        """Add a stored story, if it is a thread. Stories must be added in the order in which they began."""
        if story.thread is None:
            return
        for member in story.members:
            self.add(story.id, member.join.event or story.id)
            if any(match.rule == story.thread for match in member.matches):
                self.note_match(story.thread, story.id, member.article.first_seen)

    def add(self, thread: StoryId, event: StoryId) -> None:
        """Add an event to a thread."""
        self._threads[event] = thread

    def note_match(self, rule: str, thread: StoryId, at: datetime) -> None:
        """Record that the rule of a thread has matched an article of it."""
        newest = self._newest.get(rule)
        if newest is None or newest.matched_at <= at:
            self._newest[rule] = NewestThread(thread, at)

    def newest(self, rule: str, since: datetime) -> StoryId | None:
        """Return the rule's newest thread, or None if the rule has matched none of its articles since that time."""
        thread = self._newest.get(rule)
        return thread.story if thread is not None and thread.matched_at >= since else None

    def thread_of(self, event: StoryId) -> StoryId | None:
        """Return the thread of an event, or None if the event is a story."""
        return self._threads.get(event)

    def events_of(self, story: StoryId) -> list[StoryId]:
        """Return the events of a thread, or the story itself if it is not a thread."""
        return [event for event, thread in self._threads.items() if thread == story] or [story]

    def merge(self, younger: StoryId, older: StoryId) -> None:
        """Move the events of the younger story to the older one. If one of them is a thread, both are."""
        thread_ids = {*self._threads.values(), *(thread.story for thread in self._newest.values())}
        if thread_ids.isdisjoint((younger, older)):
            return
        for event in [older, *self.events_of(younger)]:
            self._threads[event] = older
        # The first event of the younger story is now the first event of the older one.
        self._threads.pop(younger, None)
        self._newest = {
            rule: NewestThread(older, thread.matched_at) if thread.story == younger else thread
            for rule, thread in self._newest.items()
        }

    def keep(self, events: Iterable[StoryId]) -> None:
        """Forget all other events. Their threads go on."""
        kept = set(events)
        self._threads = {event: thread for event, thread in self._threads.items() if event in kept}
