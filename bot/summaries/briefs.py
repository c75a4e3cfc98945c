"""One story told in short: whose article tells it, its headline, its sentences, why it matched, who carries it.

Everything shown is a story's own words with their place of origin; nothing is composed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Mapping, Sequence

from bot import model
from bot.language import sentences
from bot.summaries import marking
from bot.summaries.picking import has_sentences, pick

#: Evidence shown of one line of a rule, and of a whole rule: enough to see why, short enough for a phone.
_SHOWN_OF_LINE = 2
_SHOWN_OF_RULE = 6
#: Articles from which the headline, the summary and the evidence are taken: the story was told by then.
_TELLERS = 40
#: Outlets named in a message.
_OUTLETS = 30


def brief(
    story: model.Story,
    rules: Mapping[str, model.Rule],
    *,
    said: Collection[str] = (),
) -> model.StoryBrief:
    """The story for the rules that speak (by name).

    ``said``: sentences already told.
    """
    members = _best_first(story.members[:_TELLERS], rules)
    summary: tuple[model.Sentence, ...] = ()
    for member in members:
        summary = pick(member.article, _of_rules(member.matches, rules), said=said)
        if summary:
            break
    return model.StoryBrief(
        story=story.id,
        title=headline(story, rules),
        summary=summary,
        why=_why(members, rules),
        outlets=_outlets(story.members),
        outlet_count=len({member.article.outlet for member in story.members}),
        owner_count=len(story.owners),
        first_seen=story.first_seen,
        last_seen=story.last_seen,
    )


def headline_of(story: model.Story) -> str:
    """Return the headline under which every page, list and answer shows the story: the one that was posted.

    It is the first article's that has one, with what its outlet has corrected in it.
    """
    article = next((each.article for each in story.members if each.article.title.strip()), None)
    if article is not None:
        return article.title[: _title_end(article.title, article.outlet)].strip()
    return story.title or (headline(story, story.rules).text if story.members else "")


def headline(story: model.Story, rules: Container[str]) -> model.Sentence:
    """The headline of the article that tells the story best for these rules, its matched words marked."""
    members = _best_first(story.members[:_TELLERS], rules)
    whole = [each for each in members if each.article.title.strip() and not sentences.is_cut_title(each.article.title)]
    titled = whole or [each for each in members if each.article.title.strip()]
    member = titled[0] if titled else members[0]
    article = member.article
    text = article.title if titled else story.title or _opening(article) or article.link or article.outlet
    matches = _of_rules(member.matches, rules)
    marked = marking.places(matches, field="title" if titled else "", text=text)
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


def _of_rules(matches: Iterable[model.Match], rules: Container[str]) -> tuple[model.Match, ...]:
    return tuple(match for match in matches if match.rule in rules)


def _best_first(members: Sequence[model.Member], rules: Container[str]) -> list[model.Member]:
    """The member that tells the story best first: more of the rules' lines, in the title, with a text to tell from."""

    def merit(member: model.Member) -> tuple[int, int, int]:
        evidence = [(match.rule, each) for match in _of_rules(member.matches, rules) for each in match.evidence]
        in_title = {(rule, each.label) for rule, each in evidence if each.field == "title"}
        lines = {(rule, each.label) for rule, each in evidence}
        return (int(has_sentences(member.article)), len(lines), len(in_title))

    # sorted is stable: of equals the earliest stays first, so that a message keeps its headline.
    merits = {id(member): merit(member) for member in members}
    return sorted(members, key=lambda member: tuple(-each for each in merits[id(member)]))


def _why(members: Sequence[model.Member], rules: Mapping[str, model.Rule]) -> tuple[model.Why, ...]:
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


def _outlets(members: Sequence[model.Member]) -> tuple[model.OutletLine, ...]:
    """One line an outlet, in order of arrival; its own first report before its copies of others."""
    lines: dict[str, model.OutletLine] = {}
    for member in members:
        article = member.article
        line = model.OutletLine(
            outlet=article.outlet,
            title=article.title,
            link=article.link,
            at=article.when,
            is_copy=member.join.copy_of is not None,
            article=article.id,
        )
        known = lines.get(article.outlet)
        if known is None or (known.is_copy and not line.is_copy):
            lines[article.outlet] = line
    named = tuple(lines.values())
    return named if len(named) <= _OUTLETS else (*named[: _OUTLETS - 1], named[-1])
