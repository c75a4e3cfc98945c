"""Recognise feeds that renamed or re-dated their known items: many changes at once are not news."""

from __future__ import annotations

from collections.abc import Sequence

from bot import ports
from bot.articles.groups import Group

#: Minimum number of items with new ids, and minimum share of all items, for a change of ids by the feed.
_CHURN_ITEMS = 3
_CHURN_SHARE = 0.8


def churned(groups: Sequence[Group], stored: ports.Known, *, total: int) -> dict[str, ports.Stub]:
    """Return the stored article by item key, if the feed changed the ids of most items over known titles."""
    if not stored.by_title:
        return {}
    renamed = {group.best.key: stub for group in groups if (stub := _same_but_id(group, stored)) is not None}
    return renamed if len(renamed) >= max(_CHURN_ITEMS, _CHURN_SHARE * total) else {}


def _same_but_id(group: Group, stored: ports.Known) -> ports.Stub | None:
    if group.is_known_by_id(stored):
        return None
    item = group.best
    stubs = sorted(stored.by_title.get(item.folded_title, ()), key=lambda stub: stub.id)
    by_text = [stub for stub in stubs if stub.has_text and stub.fingerprint == item.fingerprint]
    by_date = [stub for stub in stubs if stub.published is not None and stub.published == item.published]
    return next(iter((*by_text, *by_date)), None)


def are_restamped(groups: Sequence[Group], *, total: int) -> bool:
    """Return whether more than half of the known items have another date: the feed dates its items at each build.

    ``total`` also counts the items that were not parsed: their bytes, and so their dates, are unchanged.
    """
    dated = [group for group in groups if group.stub is not None and group.stub.published and group.best.published]
    return 2 * sum(is_redated(group) for group in dated) > len(dated) + max(0, total - len(groups))


def is_redated(group: Group) -> bool:
    """Return whether a stored article with a date has only other dates now."""
    dates = {item.published for item in group.members}
    return (
        group.stub is not None
        and group.stub.published is not None
        and None not in dates
        and (group.stub.published not in dates)
    )
