"""``kind: reddit``: parse a listing from Reddit's API, which is used for feeds with a token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from bot.feeds.kinds import jsonfeed
from bot.feeds.kinds.jsonfeed import Json, text_field
from bot.model.errors import ReadError
from bot.model.feeds import ParsedFeed
from bot.model.fetching import Body

KIND = "reddit"


class Source:
    """Parses listings of posts."""

    def recognises(self, body: Body) -> bool:
        """Return False, because nothing in the JSON identifies the kind; the feed must name it."""
        return False

    def read(self, body: Body) -> ParsedFeed:
        """Parse a listing. Blocking. Raises ReadError."""
        return jsonfeed.parse_api_answer(body, title="Reddit", items_of=_items, convert=_item)


def _items(answer: Json) -> Iterator[Mapping[str, Json]]:
    data = answer.get("data") if isinstance(answer, Mapping) else None
    children = data.get("children") if isinstance(data, Mapping) else None
    if not isinstance(children, list):
        raise ReadError("not a listing of Reddit: it has no data with children")
    for child in children:
        post = child.get("data") if isinstance(child, Mapping) else None
        if isinstance(post, Mapping) and text_field(post, "name") and text_field(post, "title"):
            yield post


def _item(post: Mapping[str, Json]) -> Mapping[str, Json]:
    created = post.get("created_utc")
    # The upper limit is the end of the year 9999.
    is_time = isinstance(created, (int, float)) and 0 < created < 253_402_300_800
    linked = text_field(post, "url_overridden_by_dest")
    return {
        "id": text_field(post, "name"),
        "url": f"https://www.reddit.com{text_field(post, 'permalink')}"
        if text_field(post, "permalink").startswith("/")
        else None,
        "title": text_field(post, "title"),
        "content_text": f"{text_field(post, 'selftext')}\n\n{linked}".strip(),
        "date_published": datetime.fromtimestamp(float(created), tz=UTC).isoformat() if is_time else None,  # type: ignore[arg-type]  # is_time
        "authors": [{"name": text_field(post, "author")}],
        "tags": [text_field(post, "subreddit")],
    }
