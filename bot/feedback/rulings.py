"""What people decided about the stories of each rule, in words.

Reads the store, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot import model, ports, summaries


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One ruling for people."""

    at: datetime
    by: str
    kind: model.RulingKind
    #: What it says, in a sentence.
    text: str
    #: False: it waits for the bot.
    is_done: bool


def by_rule(tx: ports.Transaction, when: datetime) -> Mapping[str, tuple[Told, ...]]:
    """Rule -> what people decided about its stories at ``when`` or later, the oldest first.

    Stories that are no longer kept are left out.
    """
    rulings = tx.rulings.since(when)
    stories = tx.stories.get([story for one in rulings for story in (one.story, one.other) if story])
    articles = tx.articles.get([article for one in rulings for article in one.articles])
    found: dict[str, list[Told]] = {}
    for ruling in rulings:
        story, other = stories.get(ruling.story), stories.get(ruling.other) if ruling.other else None
        if story is None:
            continue
        told = Told(
            at=ruling.at,
            by=ruling.by,
            kind=ruling.kind,
            text=_text(ruling, story, other, articles),
            is_done=ruling.done_at is not None,
        )
        for rule in dict.fromkeys((*story.rules, *(other.rules if other else ()))):
            found.setdefault(rule, []).append(told)
    return {rule: tuple(told) for rule, told in found.items()}


def _text(
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
