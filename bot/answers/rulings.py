"""What people decide about stories: which articles are another event, which stories are one."""

from __future__ import annotations

from collections.abc import Sequence

from bot import articles, model, ports
from bot.answers.refusals import Refused, Why
from bot.model.actions import Merge, Split
from bot.pipeline import rulings


def split_of(tx: ports.Transaction, story_id: str, addresses: Sequence[str]) -> Split:
    """Return the action that takes these articles (by id or link) out of the story. Raises Refused."""
    story = found(tx, story_id)
    known = {member.article.link: member.article.id for member in story.members if member.article.link}
    known |= {member.article.id: member.article.id for member in story.members}
    chosen: list[model.ArticleId] = []
    for address in addresses:
        article = known.get(address) or known.get(articles.canonical_link(address))
        if article is None:
            raise Refused(
                Why.UNUSABLE, f"the story {story.id} has no article {address}; `wirewatch stories` lists them"
            )
        chosen.append(article)
    if all(member.article.id in chosen or member.join.copy_of in chosen for member in story.members):
        everything = f"these are all articles of the story {story.id}: there is nothing to take them out of"
        raise Refused(Why.UNUSABLE, everything)
    return Split(articles=tuple(chosen))


def merge_of(tx: ports.Transaction, story_id: str, other_id: str) -> Merge:
    """Return the action that makes the two stories one. Raises Refused."""
    story, other = found(tx, story_id), found(tx, other_id)
    if story.id == other.id:
        raise Refused(Why.UNUSABLE, f"{story_id} and {other_id} are one story already")
    return Merge(other=other.id)


def story_id(tx: ports.Transaction, written: str) -> model.StoryId:
    """Return the id of the one story whose id begins with what was written. Raises Refused."""
    ids = tx.stories.beginning(written, most=2) if written else []
    if len(ids) > 1:
        raise Refused(Why.UNUSABLE, f"several stories have an id that begins with {written}; write more of it")
    return ids[0] if ids else model.StoryId(written)


def found(tx: ports.Transaction, story_id: str) -> model.Story:
    """The story, or the one that it was merged into. Raises Refused."""
    story = rulings.living(tx, model.StoryId(story_id))
    if story is None:
        raise Refused(Why.NOT_FOUND, f"no story {story_id}; `wirewatch stories` shows the id of each")
    return story


def told(ruling: model.Ruling) -> str:
    """What it decides, in a clause."""
    if ruling.kind is model.RulingKind.MERGE:
        return f"the stories {ruling.story} and {ruling.other} become one"
    count = len(ruling.articles)
    become = "becomes" if count == 1 else "become"
    return f"{model.counted(count, 'article')} of the story {ruling.story} {become} a separate story"
