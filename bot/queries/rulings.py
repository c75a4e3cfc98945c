"""Parse and describe the decisions of people about stories: splits and merges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import model, storage
from bot.feeds import links
from bot.model.actions import Merge, Split
from bot.queries.errors import Refused, Why
from bot.stories import summaries


def split_of(tx: storage.Transaction, story_id: str, addresses: Sequence[str]) -> Split:
    """Return the action that takes these articles (by id or link) out of the story. Raises Refused."""
    story = find_story(tx, story_id)
    article_ids = {member.article.link: member.article.id for member in story.members if member.article.link}
    article_ids |= {member.article.id: member.article.id for member in story.members}
    chosen: list[model.ArticleId] = []
    for address in addresses:
        article = article_ids.get(address) or article_ids.get(links.canonical_link(address))
        if article is None:
            raise Refused(
                Why.UNUSABLE, f"the story {story.id} has no article {address}; `wirewatch stories` lists them"
            )
        chosen.append(article)
    if all(member.article.id in chosen or member.join.copy_of in chosen for member in story.members):
        everything = f"these are all articles of the story {story.id}: there is nothing to take them out of"
        raise Refused(Why.UNUSABLE, everything)
    return Split(articles=tuple(chosen))


def merge_of(tx: storage.Transaction, story_id: str, other_id: str) -> Merge:
    """Return the action that makes the two stories one. Raises Refused."""
    story, other = find_story(tx, story_id), find_story(tx, other_id)
    if story.id == other.id:
        raise Refused(Why.UNUSABLE, f"{story_id} and {other_id} are one story already")
    return Merge(other=other.id)


def story_id(tx: storage.Transaction, written: str) -> model.StoryId:
    """Return the id of the only story whose id begins with ``written``. Raises Refused."""
    ids = tx.stories.beginning(written, most=2) if written else []
    if len(ids) > 1:
        raise Refused(Why.UNUSABLE, f"several stories have an id that begins with {written}; write more of it")
    return ids[0] if ids else model.StoryId(written)


def find_story(tx: storage.Transaction, story_id: str) -> model.Story:
    """Return the story, or the story that it was merged into. Raises Refused."""
    story = tx.stories.resolve(model.StoryId(story_id))
    if story is None:
        raise Refused(Why.NOT_FOUND, f"no story {story_id}; `wirewatch stories` shows the id of each")
    return story


def describe_result(ruling: model.Ruling) -> str:
    """Describe in a clause what the ruling decides."""
    if ruling.kind is model.RulingKind.MERGE:
        return f"the stories {ruling.story} and {ruling.other} become one"
    count = len(ruling.articles)
    become = "becomes" if count == 1 else "become"
    return f"{model.format_count(count, 'article')} of the story {ruling.story} {become} a separate story"


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingText:
    """One split or merge, described in a sentence."""

    at: datetime
    by: str
    kind: model.RulingKind
    text: str
    #: False while the bot has not carried it out yet.
    is_done: bool


def ruling_texts_by_rule(tx: storage.Transaction, since: datetime) -> Mapping[str, tuple[RulingText, ...]]:
    """Return the rulings since ``since`` by rule, oldest first, without rulings about deleted stories."""
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
    return {rule: tuple(rule_texts) for rule, rule_texts in texts.items()}


def _describe(
    ruling: model.Ruling,
    story: model.Story,
    other: model.Story | None,
    articles: Mapping[model.ArticleId, model.Article],
) -> str:
    headline = summaries.story_headline(story)
    if ruling.kind is model.RulingKind.MERGE:
        return f'one event: "{headline}" and "{summaries.story_headline(other) if other else ruling.other}"'
    titles = [f'"{articles[article].title}"' for article in ruling.articles if article in articles]
    return f'another event than "{headline}": {", ".join(titles) or "articles that are no longer kept"}'
