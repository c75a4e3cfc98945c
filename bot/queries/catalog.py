"""The registry: the entries of all queries about the archive."""

from __future__ import annotations

from typing import Any

from bot.queries import (
    actions,
    articles,
    audit,
    brief,
    feedback,
    feeds,
    quarantine,
    rules,
    silences,
    status,
    stories,
    surges,
    trials,
)
from bot.queries.registry import Query

#: All queries, in the order of the API's document and of the list of tools.
QUERIES: tuple[Query[Any, Any], ...] = (
    stories.STORIES,
    stories.STORY,
    brief.BRIEF,
    actions.SPLIT,
    actions.MERGE,
    silences.SILENCES,
    actions.SILENCE,
    actions.END_SILENCE,
    articles.ARTICLES,
    articles.ARTICLE,
    articles.SEARCH,
    articles.EXPLAIN,
    rules.RULES,
    surges.VOLUME,
    rules.RULE,
    audit.AUDIT,
    feedback.FEEDBACK,
    trials.TRY_RULE,
    feeds.FEEDS_HEALTH,
    status.STATUS,
    quarantine.QUARANTINE,
)
