"""What one feed may still store today, taken from what was identified. Decides how much in polling/quota.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot import articles, model, polling, ports

#: Kept as an identity only, or stored for the few that match.
_FREE = (articles.Novelty.OLD, articles.Novelty.RETOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a reading takes of its feed's day."""

    #: Counted against ``fetch.max_items_per_day``.
    cost: int = 0
    #: New ids of articles that are known; bounded by the same number.
    names: int = 0
    #: Items that wait for tomorrow.
    left: int = 0


def within(
    found: articles.Identification,
    known: ports.Known,
    state: model.FeedState,
    *,
    pages: Mapping[str, str],
    most: int,
    now: datetime,
) -> tuple[articles.Identification, Use]:
    """What is stored now, and what that uses of the day; ``pages``: main texts by link."""
    storing = [item for item in found.items if item.article and item.novelty not in _FREE]
    fits, cost = polling.fitting(state, [_length(item, pages) for item in storing], most=most, now=now)
    left = {item.sighting.article for item in storing[fits:]}
    room = max(0, most - (state.day_names if state.day == now.date() else 0))
    names = sum(_is_name(item, known) for item in found.items)
    if not left and names <= room:
        return found, Use(cost=cost, names=names)
    kept: list[articles.Identified] = []
    used = 0
    for item in found.items:
        if item.sighting.article in left:
            # An edit waits; that the feed still has the article is kept, so that it is not let go.
            if item.sighting.key in known.by_key:
                kept.append(replace(item, novelty=articles.Novelty.SEEN, article=None))
            continue
        if _is_name(item, known):
            # Nothing is lost: the article is known by its link or its title the next time too.
            if used >= room:
                continue
            used += 1
        kept.append(item)
    return replace(found, items=tuple(kept)), Use(cost=cost, names=used, left=len(left))


def _is_name(item: articles.Identified, known: ports.Known) -> bool:
    is_named = item.article is None or item.novelty is articles.Novelty.RETOLD
    return is_named and item.sighting.key not in known.by_key


def _length(item: articles.Identified, pages: Mapping[str, str]) -> int:
    assert item.article is not None
    return len(pages.get(item.article.link) or item.article.text)
