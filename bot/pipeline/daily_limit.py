"""Limit the items that one feed stores on one day; polling/quota.py decides how many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot import articles, model, polling, ports

#: Not counted: stored without text, or stored only if they match.
_FREE = (articles.Novelty.OLD, articles.Novelty.RETOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one poll uses of its feed's daily limit."""

    #: Counted against ``fetch.max_items_per_day``.
    cost: int = 0
    #: New ids of articles that are known; bounded by the same number.
    names: int = 0
    #: Items postponed to the next day.
    left: int = 0


def within(
    identified: articles.Identification,
    known_items: ports.Known,
    state: model.FeedState,
    *,
    pages: Mapping[str, str],
    most: int,
    now: datetime,
) -> tuple[articles.Identification, Use]:
    """Return the items to store now, and their use of the day; ``pages``: main texts by link."""
    storing = [item for item in identified.items if item.article and item.novelty not in _FREE]
    fits, cost = polling.fitting(state, [_length(item, pages) for item in storing], most=most, now=now)
    postponed = {item.sighting.article for item in storing[fits:]}
    free_names = max(0, most - (state.day_names if state.day == now.date() else 0))
    names = sum(_is_new_name(item, known_items) for item in identified.items)
    if not postponed and names <= free_names:
        return identified, Use(cost=cost, names=names)
    kept: list[articles.Identified] = []
    used_names = 0
    for item in identified.items:
        if item.sighting.article in postponed:
            # Postpone the edit, but note that the feed still lists the article, so that it is not deleted.
            if item.sighting.key in known_items.by_key:
                kept.append(replace(item, novelty=articles.Novelty.SEEN, article=None))
            continue
        if _is_new_name(item, known_items):
            # Nothing is lost: the next poll identifies the article by its link or title again.
            if used_names >= free_names:
                continue
            used_names += 1
        kept.append(item)
    return replace(identified, items=tuple(kept)), Use(cost=cost, names=used_names, left=len(postponed))


def _is_new_name(item: articles.Identified, known_items: ports.Known) -> bool:
    is_named = item.article is None or item.novelty is articles.Novelty.RETOLD
    return is_named and item.sighting.key not in known_items.by_key


def _length(item: articles.Identified, pages: Mapping[str, str]) -> int:
    assert item.article is not None
    return len(pages.get(item.article.link) or item.article.text)
