"""What people decided about the stories of each rule, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot import model, ports, summaries


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingText:
    """One split or merge, described in a sentence."""

    at: datetime
    by: str
    kind: model.RulingKind
    text: str
    #: False while the bot has not carried it out yet.
    is_done: bool


def by_rule(tx: ports.Transaction, since: datetime) -> Mapping[str, tuple[RulingText, ...]]:
    """Return the rulings made at ``since`` or later by rule, oldest first; those of deleted stories are left out."""
    rulings = tx.rulings.since(since)
    stories = tx.stories.get([story for ruling in rulings for story in (ruling.story, ruling.other) if story])
    articles = tx.articles.get([article for ruling in rulings for article in ruling.articles])
    texts: dict[str, list[RulingText]] = {}
    for ruling in rulings:
        story, other = stories.get(ruling.story), stories.get(ruling.other) if ruling.other else None
        if story is None:
            continue
        text = RulingText(
            at=ruling.at,
            by=ruling.by,
            kind=ruling.kind,
            text=_describe(ruling, story, other, articles),
            is_done=ruling.done_at is not None,
        )
        for rule in dict.fromkeys((*story.rules, *(other.rules if other else ()))):
            texts.setdefault(rule, []).append(text)
    return {rule: tuple(of_rule) for rule, of_rule in texts.items()}


def _describe(
    ruling: model.Ruling,
    story: model.Story,
    other: model.Story | None,
    articles: Mapping[model.ArticleId, model.Article],
) -> str:
    headline = summaries.headline_of(story)
    if ruling.kind is model.RulingKind.MERGE:
        return f'one event: "{headline}" and "{summaries.headline_of(other) if other else ruling.other}"'
    titles = [f'"{articles[article].title}"' for article in ruling.articles if article in articles]
    return f'another event than "{headline}": {", ".join(titles) or "articles that are no longer kept"}'
