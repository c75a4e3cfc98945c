"""One story in short: its headline, its sentences, why it matched, and the headlines of all who carry it.

Everything shown is a story's own words with their place of origin; nothing is composed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from bot import model
from bot.language import mastheads, sentences, tokens
from bot.summaries import marking
from bot.summaries.picking import pick

#: Evidence shown of one line of a rule, and of a whole rule: enough to see why, short enough for a phone.
_SHOWN_OF_LINE = 2
_SHOWN_OF_RULE = 6
#: Articles from which the headline, the summary and the evidence are taken: the story was told by then.
_TELLERS = 40
#: Headlines that a message holds; its channels show fewer.
_LINES = 20
#: Words that change nothing in a headline.
_ARTICLES = frozenset({"a", "an", "the"})
#: A headline that its feed cut is known by so many words.
_CUT_WORDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Who carries a story, by headline: what a message, the page, the API and the feeds show."""

    #: The outlets with the story's own headline.
    byline: model.CoverageLine
    #: The other headlines. The one that joined last is first, so that what is new is at the top.
    lines: tuple[model.CoverageLine, ...]
    #: How many other headlines there are.
    count: int
    #: Syndicated copies, which have no line.
    copy_count: int


def brief(
    story: model.Story,
    rules: Mapping[str, model.Rule],
    *,
    headline: model.ArticleId | None = None,
    said: Collection[str] = (),
) -> model.StoryBrief:
    """Return the story in short for the rules that speak, by name.

    ``headline``: the article whose headline the message shows already. ``said``: sentences already told.
    """
    teller = _teller(story, rules, headline)
    # Articles that may tell another event speak last, and sign what they say.
    others = sorted(story.members[:_TELLERS], key=lambda member: member.is_probable)
    members = [teller, *(member for member in others if member is not teller)]
    summary: tuple[model.Sentence, ...] = ()
    for member in members:
        summary = pick(member.article, _of_rules(member.matches, rules), said=said)
        if summary:
            break
    listed = coverage(story, headline=teller.article.id, most=_LINES)
    return model.StoryBrief(
        story=story.id,
        title=_title(teller, story, rules),
        summary=summary,
        why=_why(members, rules),
        byline=listed.byline,
        coverage=listed.lines,
        coverage_count=listed.count,
        owner_count=len(story.owners),
        copy_count=listed.copy_count,
        first_seen=story.first_seen,
        last_seen=story.last_seen,
    )


def headline(
    story: model.Story, rules: Mapping[str, model.Rule], *, article: model.ArticleId | None = None
) -> model.Sentence:
    """Return the headline that a message shows, with the words that these rules matched.

    ``article``: whose headline it shows already. Without it, the story's own, unless another article is the first that
    these rules match.
    """
    return _title(_teller(story, rules, article), story, rules)


def headline_of(story: model.Story) -> str:
    """Return the headline under which every page, list and answer shows the story.

    It is that of one article, with what its outlet corrected in it.
    """
    own = _own(story)
    if own is None or not own.article.title.strip():
        return story.title or (_opening(own.article) if own else "")
    return own.article.title[: _title_end(own.article.title, own.article.outlet)].strip()


def coverage(story: model.Story, *, headline: model.ArticleId | None = None, most: int | None = None) -> Coverage:
    """Return the headlines under which outlets carry the story; nearly equal ones are one line.

    ``headline``: the article whose headline is shown; None: the story's own. ``most``: how many of the others are
    wanted; None: all. The story has at least one member.
    """
    shown = next((each for each in story.members if each.article.id == headline), None) or _own(story)
    assert shown is not None
    groups: dict[tuple[str, ...], list[model.Member]] = {_words_of(shown.article): [shown]}
    copies = 0
    for member in story.members:
        if member is shown:
            continue
        if member.join.copy_of is not None:
            copies += 1
            continue
        words = _words_of(member.article)
        if words not in groups and sentences.is_cut_title(member.article.title) and len(words) >= _CUT_WORDS:
            words = next((each for each in groups if _is_start(words, of=each)), words)
        groups.setdefault(words, []).append(member)
    own, *others = groups.values()
    return Coverage(
        byline=_line(own, is_doubtful=shown.is_probable),
        lines=tuple(_line(members, is_doubtful=shown.is_probable) for members in others[::-1][:most]),
        count=len(others),
        copy_count=copies,
    )


def _line(members: list[model.Member], *, is_doubtful: bool) -> model.CoverageLine:
    """``is_doubtful``: the story's own headline may tell another event than the rest."""
    shown = next((each for each in members if not each.is_probable), members[0])
    article = shown.article
    return model.CoverageLine(
        outlet=article.outlet,
        title=mastheads.quoted(article.title, outlet=article.outlet, link=article.link) or _opening(article),
        link=article.link,
        at=article.when,
        article=article.id,
        more=len({each.article.outlet for each in members} - {article.outlet}),
        is_probable=is_doubtful or shown.is_probable,
    )


def _words_of(article: model.Article) -> tuple[str, ...]:
    """What two headlines have in common that differ in their dress only; an article without any is like no other."""
    return _headline_words(article.title, article.outlet, article.link) or (article.id,)


@lru_cache(maxsize=8_192)
def _headline_words(title: str, outlet: str, link: str) -> tuple[str, ...]:
    bare = mastheads.undressed(mastheads.without(title, outlet=outlet, link=link))
    words = (tokens.drop_accents(tokens.fold_case(word.text)) for word in tokens.words(bare))
    return tuple(word for word in words if word not in _ARTICLES)


def _is_start(words: tuple[str, ...], *, of: tuple[str, ...]) -> bool:
    """A feed cuts a headline between words or inside one."""
    last = len(words) - 1
    return len(of) > last and of[:last] == words[:last] and of[last].startswith(words[last])


def _own(story: model.Story) -> model.Member | None:
    """The member whose headline the story shows; None: the story has no members."""
    first = story.members[0] if story.members else None
    return next((each for each in story.members if each.article.id == story.headline), first)


def _teller(story: model.Story, rules: Mapping[str, model.Rule], article: model.ArticleId | None) -> model.Member:
    """The member for which a message is posted, or was."""
    posted = next((each for each in story.members if each.article.id == article), None)
    own = _own(story)
    if posted is not None or own is None:
        return posted or story.members[0]
    inside = [own, *(each for each in story.members[:_TELLERS] if each is not own)]
    of_rules = [each for each in inside if any(match.rule in rules for match in each.matches)] or inside
    titled = [each for each in of_rules if each.article.title.strip()]
    whole = (each for each in titled if not sentences.is_cut_title(each.article.title))
    return next(whole, (titled or of_rules)[0])


def _title(teller: model.Member, story: model.Story, rules: Mapping[str, model.Rule]) -> model.Sentence:
    article = teller.article
    is_titled = bool(article.title.strip())
    text = article.title if is_titled else story.title or _opening(article) or article.link or article.outlet
    marked = marking.places(_of_rules(teller.matches, rules), field="title" if is_titled else "", text=text)
    start = len(text) - len(text.lstrip())
    spans = marking.spans(text, start, _title_end(text, article.outlet), marked)
    return model.Sentence(spans=spans, outlet=article.outlet, link=article.link, article=article.id)


def _opening(article: model.Article) -> str:
    """The first sentence of an article that has no headline."""
    return next((span.text for span in sentences.split(article.text, article.language)), "")


def _title_end(title: str, outlet: str) -> int:
    """Where the headline ends: the outlet's own name behind a bar or dash is none of it."""
    signed = re.search(rf"(?<!\s)\s++[|–—-]\s++{re.escape(outlet)}\s*+$", title, re.IGNORECASE) if outlet else None
    return signed.start() if signed and signed.start() else len(title.rstrip())


def _of_rules(matches: Iterable[model.Match], rules: Mapping[str, model.Rule]) -> tuple[model.Match, ...]:
    return tuple(match for match in matches if match.rule in rules)


def _why(members: Iterable[model.Member], rules: Mapping[str, model.Rule]) -> tuple[model.Why, ...]:
    shown: dict[str, list[model.Evidence]] = {}
    for member in members:
        for match in _of_rules(member.matches, rules):
            kept = shown.setdefault(match.rule, [])
            for each in match.evidence:
                of_line = [one for one in kept if one.label == each.label]
                is_known = any(one.text.casefold() == each.text.casefold() for one in of_line)
                if not is_known and len(of_line) < _SHOWN_OF_LINE and len(kept) < _SHOWN_OF_RULE:
                    kept.append(each)
    return tuple(
        model.Why(rule=name, severity=rules[name].severity, evidence=tuple(shown[name]))
        for name in rules
        if name in shown
    )
