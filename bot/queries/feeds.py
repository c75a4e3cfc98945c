"""List the configured feeds with their health and problems."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import pydantic

from bot import config
from bot.feeds import health, links
from bot.model import visible
from bot.model.feeds import Feed, FeedHealth, FeedState
from bot.queries.registry import Archive, Document, Omittable, PagedParameters, Query, Time, fields_of

Masked = Annotated[str, pydantic.AfterValidator(visible.masked)]


class FeedsParameters(PagedParameters):
    """A selection of feeds."""

    health: Omittable[FeedHealth] = pydantic.Field(default=None, description="Only feeds with this health.")
    problems: bool = pydantic.Field(default=False, description="Only feeds with problems.")


class FeedProblem(Document):
    """A problem of a feed. ``text`` continues a sentence that begins with the feed's name."""

    kind: str
    text: Masked


class FeedDocument(Document):
    """A feed and its health. ``outlet`` is the name of its outlet; ``title`` is the feed's own title.

    ``problems`` needs attention; the operator's channel reports the same problems. ``remarks`` does not.
    """

    url: Masked
    outlet: str
    title: str | None
    health: str
    error: Masked | None
    polled_at: Time | None
    ok_at: Time | None
    new_at: Time | None
    due_at: Time
    problems: list[FeedProblem]
    remarks: list[str]


class FeedsPage(Document):
    """Feeds, ordered by address; ``after`` starts the next page and is null on the last page."""

    feeds: list[FeedDocument]
    after: str | None


def find_problems(state: FeedState, settings: config.Settings, now: datetime) -> tuple[health.HealthProblem, ...]:
    """Return the problems that a feed of feeds.yaml had at its last poll. Without a poll, its problems now."""
    feed = settings.feeds_by_address.get(state.url) or Feed(url=state.url)
    return health.find_problems(state, feed, state.polled_at or now)


def describe_feed(state: FeedState, settings: config.Settings, now: datetime) -> FeedDocument:
    """Describe a feed with its health and problems."""
    return FeedDocument.model_validate(
        {
            **fields_of(state, FeedDocument),
            "outlet": links.feed_name(state, settings.feeds_by_address),
            "new_at": state.rhythm.new_at,
            "health": state.health_text,
            "problems": find_problems(state, settings, now),
            "remarks": list(health.poll_remarks(state)),
        }
    )


def problem_states(archive: Archive) -> list[FeedState]:
    """Return the feeds that have problems, ordered by address."""
    return [state for state in archive.tx.feeds.all() if find_problems(state, archive.settings, archive.now)]


def list_feeds(archive: Archive, parameters: FeedsParameters) -> FeedsPage:
    """List feeds with their problems, and the times of their last poll and last new article."""
    skip, end = parameters.number_after or 0, (parameters.number_after or 0) + parameters.limit + 1
    healths = [parameters.health] if parameters.health else list(FeedHealth)
    if parameters.problems:
        states = [state for state in problem_states(archive) if state.health in healths][skip:end]
    else:
        states = list(archive.tx.feeds.page(health=healths, skip=skip, most=end - skip))
    shown = states[: parameters.limit]
    return FeedsPage(
        feeds=[describe_feed(state, archive.settings, archive.now) for state in shown],
        after=str(skip + len(shown)) if len(states) > len(shown) else None,
    )


FEEDS_HEALTH = Query("feeds_health", list_feeds, FeedsPage, path="/feeds", is_tool=True)
