"""Read from a message of any kind what it shows, and make messages of each kind."""

from __future__ import annotations

from collections.abc import Sequence

from bot.model.messages import (
    Edit,
    Listing,
    Message,
    MessageKind,
    Notice,
    Post,
    Reply,
    StoryView,
    content_of,
    post_of,
)
from bot.model.stories import Fact


def lead_of(message: Message) -> str:
    """Return the first line of a message in our own words, or "" for the message of a story."""
    content = content_of(message)
    return "" if isinstance(content, Post) else content.lead


def lines_of(message: Message) -> tuple[str, ...]:
    content = content_of(message)
    assert isinstance(content, Listing | Notice)
    return content.lines


def facts_of(message: Message) -> tuple[Fact, ...]:
    assert isinstance(message, Reply)
    return message.facts


def story_post(message: Message) -> Post:
    """Return the message of a story, in its first form or in an edit."""
    post = post_of(message)
    assert post is not None
    return post


def listing_in(message: Message) -> Listing:
    """Return the list of stories that a message is or that an edit shows."""
    content = content_of(message)
    assert isinstance(content, Listing)
    return content


def message_of(kind: MessageKind, lead: str, stories: Sequence[StoryView]) -> Message:
    """Return a message of a kind, with what it needs."""
    match kind:
        case MessageKind.POST:
            return Post(story=stories[0])
        case MessageKind.EDIT:
            return Edit(content=Post(story=stories[0]))
        case MessageKind.REPLY:
            return Reply(lead=lead, story=stories[0])
        case MessageKind.LISTING:
            return Listing(lead=lead, stories=tuple(stories))
        case MessageKind.NOTICE:
            return Notice(lead=lead)
