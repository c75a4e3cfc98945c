"""What an article says that the earlier articles of its story did not: dates, numbers, names, decisions.

    article → statements → claims of each kind ┐
    earlier articles → the same                ┴→ what differs and matters → facts

Pure. Careful rather than complete: each fact becomes a reply in a thread, so what is doubtful stays unsaid and is
read in the linked article. Numbers and dates are read in several languages, decisions and roles in English.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from bot import model
from bot.stories.news import dates, decisions, names, numbers
from bot.stories.news.claims import Found
from bot.stories.news.statements import Statement, statements

#: More than this of one article is not news but another story's article.
_MOST_FACTS = 5


def facts(story: model.Story, article: model.Article) -> tuple[model.Fact, ...]:
    """New in ``article`` against the story's members that came before it; none while it is the story's only one."""
    earlier = []
    for member in story.members:
        if member.article.id == article.id:
            break
        earlier.append(member.article)
    if not earlier or any(one.fingerprint == article.fingerprint for one in earlier):
        return ()
    said = [statements(one) for one in earlier]
    fresh = statements(article)
    moved = dates.news(said, fresh)
    found = [
        *moved,
        *numbers.news(said, fresh),
        *decisions.news(said, fresh, told={each.statement.order for each in moved if each.before}),
        *names.news(said, fresh, outlet=article.outlet),
    ]
    # What replaces something said comes first, then what stands higher in the article.
    found.sort(key=lambda each: (each.before is None, each.statement.order))
    known: set[str] = set()
    kept: list[model.Fact] = []
    for each in found:
        if _key(each) in known or len(kept) == _MOST_FACTS:
            continue
        known.add(_key(each))
        kept.append(_fact(each, article, fresh))
    return tuple(kept)


def _key(found: Found) -> str:
    return f"{found.label}: {found.after}".casefold()


def _fact(found: Found, article: model.Article, fresh: Sequence[Statement]) -> model.Fact:
    """The sentence shown is the first whole one that says it; the headline where the text has none."""
    whole = [each for each in fresh if each.is_fit and each.order and found.after.casefold() in each.text.casefold()]
    shown = found.statement if found.statement.is_fit and found.statement.order else next(chain(whole), found.statement)
    return model.Fact(
        kind=found.kind,
        label=found.label,
        before=found.before,
        after=found.after,
        sentence=shown.text,
        article=article.id,
        outlet=article.outlet,
    )
