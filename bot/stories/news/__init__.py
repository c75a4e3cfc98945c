"""What an article says that the earlier articles of its story did not: dates, numbers, names, decisions, a sentence.

    article → statements → claims of each kind ┐
    earlier articles → the same                ┴→ what differs and matters → facts

Pure. Careful rather than complete: each fact becomes a reply in a thread, so what is doubtful stays unsaid and is
read in the linked article. Numbers and dates are read in several languages, decisions and roles in English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from bot import model
from bot.stories.news import dates, decisions, names, novelty, numbers
from bot.stories.news.claims import Found
from bot.stories.news.deadlines import deadlines
from bot.stories.news.quantities import quantities
from bot.stories.news.statements import Statement, statements

__all__ = ["deadlines", "facts", "facts_of_version", "newest_sentence"]

#: More than this of one article is not news but another story's article.
_MOST_FACTS = 5
#: Articles asked for the newest sentence, from the last on.
_LATEST = 5
#: Figures and names that a decision tells with it.
_SAYS = {
    "fine": "fined",
    "sentence": "sentenced",
    "arrested": "arrested",
    "evacuated": "evacuated",
    "rescued": "rescued",
    "charged": "charged",
    "settlement": "settled",
    "appointed": "appointed",
    "jobs cut": "dismissed",
}


def facts(story: model.Story, article: model.Article) -> tuple[model.Fact, ...]:
    """New in ``article`` against the story's members that came before it; none while it is the story's only one."""
    earlier = []
    for member in story.members:
        if member.article.id == article.id:
            break
        earlier.append(member.article)
    return _facts(earlier, article)


def facts_of_version(story: model.Story, before: model.Article, after: model.Article) -> tuple[model.Fact, ...]:
    """New in the next version of one of the story's articles: what a live page adds to itself and to the others."""
    others = [member.article for member in story.members]
    return _facts([before if one.id == after.id else one for one in others], after)


def _facts(earlier: Sequence[model.Article], article: model.Article) -> tuple[model.Fact, ...]:
    if not earlier or any(one.fingerprint == article.fingerprint for one in earlier):
        return ()
    said = [statements(one) for one in earlier]
    fresh = statements(article)
    moved = dates.news(said, fresh)
    decided = decisions.news(said, fresh, told={"delayed"} if any(each.before for each in moved) else ())
    counted = numbers.news(said, fresh)
    found = [
        *moved,
        *(each for each in decided if not _is_counted(each, counted)),
        *(each for each in counted if not _is_told(each, decided)),
        *(each for each in names.news(said, fresh, outlet=article.outlet) if not _is_told(each, decided)),
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
    sentence = _sentence(said, fresh, article)
    if sentence and all(each.sentence != sentence.sentence for each in kept):
        kept.append(sentence)
    return tuple(kept)


def newest_sentence(story: model.Story) -> model.Fact | None:
    """The new sentence of the last article that has one; None: the later articles say the same in other words."""
    articles = [member.article for member in story.members]
    for at in range(len(articles) - 1, max(0, len(articles) - 1 - _LATEST), -1):
        if story.members[at].join.copy_of is None:
            found = _sentence([statements(one) for one in articles[:at]], statements(articles[at]), articles[at])
            if found:
                return found
    return None


def _sentence(
    said: Sequence[Sequence[Statement]], fresh: Sequence[Statement], article: model.Article
) -> model.Fact | None:
    is_english = (article.language or "en").lower().startswith("en")
    found = novelty.news(said, fresh, is_english=is_english)
    return _fact(found, article, fresh) if found else None


def _is_told(found: Found, decided: Sequence[Found]) -> bool:
    """A decision's own words hold the figure or name: «fined Norvik £400,000»."""
    return found.before is None and any(
        each.statement.order == found.statement.order and _SAYS.get(found.label) == each.label for each in decided
    )


def _is_counted(decision: Found, counted: Sequence[Found]) -> bool:
    """«90,000 have died»: the number says it."""
    return decision.label == "died" and any(
        each.label == "deaths" and each.statement.order == decision.statement.order for each in counted
    )


def _key(found: Found) -> str:
    """A decision is its words, whatever kinds it is of: «ordered an investigation»."""
    return (found.after if found.kind == "decision" else f"{found.label}: {found.after}").casefold()


def _says(statement: Statement, found: Found) -> bool:
    """In the same words; a number also of the same thing: «5» stands in many sentences."""
    if found.kind == "number":
        told = quantities(statement.plain, statement.language)
        return any((each.label, each.shown) == (found.label, found.after) for each in told)
    return re.search(rf"(?<!\w){re.escape(found.after)}(?!\w)", statement.text, re.IGNORECASE) is not None


def _fact(found: Found, article: model.Article, fresh: Sequence[Statement]) -> model.Fact:
    """The sentence shown is the first whole one that says it; the headline where the text has none."""
    whole = [each for each in fresh if each.is_fit and each.order and _says(each, found)]
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
