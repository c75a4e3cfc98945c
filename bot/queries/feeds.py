"""List the configured feeds with their health."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import pydantic

from bot.feeds import health, outlets
from bot.model import visible
from bot.model.feeds import Feed, FeedHealth, FeedState
from bot.queries.registry import Archive, Document, Omittable, PagedParameters, Question, Time, fields_of

Masked = Annotated[str, pydantic.AfterValidator(visible.masked)]


class FeedsParameters(PagedParameters):
    """A selection of feeds."""

    health: Omittable[FeedHealth] = pydantic.Field(default=None, description="Only feeds with this health.")


class FeedDocument(Document):
    """A feed and its health. ``outlet`` is the name of its outlet; ``title`` is the feed's own title."""

    url: Masked
    outlet: str
    title: str | None
    health: str
    error: Masked | None
    polled_at: Time | None
    ok_at: Time | None
    new_at: Time | None
    due_at: Time
    remarks: list[str]


class FeedsPage(Document):
    """Feeds, ordered by address; ``after`` starts the next page and is null on the last page."""

    feeds: list[FeedDocument]
    after: str | None


def describe_feed(state: FeedState, feeds: Mapping[str, Feed]) -> FeedDocument:
    """Describe a feed and its health; ``feeds`` maps each address in feeds.yaml to its feed."""
    return FeedDocument.model_validate(
        {
            **fields_of(state, FeedDocument),
            "outlet": outlets.feed_name(state, feeds),
            "health": state.health_told,
            "remarks": list(health.poll_remarks(state)),
        }
    )


def list_feeds(archive: Archive, parameters: FeedsParameters) -> FeedsPage:
    """List feeds with their health and errors, and the times of their last poll and last new article."""
    skip = parameters.number_after or 0
    healths = [parameters.health] if parameters.health else list(FeedHealth)
    states = archive.tx.feeds.page(health=healths, skip=skip, most=parameters.limit + 1)
    shown = states[: parameters.limit]
    return FeedsPage(
        feeds=[describe_feed(state, archive.settings.feeds_by_address) for state in shown],
        after=str(skip + len(shown)) if len(states) > len(shown) else None,
    )


FEEDS_HEALTH = Question("feeds_health", list_feeds, FeedsPage, path="/feeds", is_tool=True)
