"""Does a headline's new wording make another statement?

Another number or day, decision or outcome, party, its two sides exchanged, its opposite, or other words over another
text. A question states nothing; what only goes makes a headline shorter.
"""

from __future__ import annotations

import re

from bot import model
from bot.articles import stated
from bot.articles.fingerprints import fold_text, fold_title
from bot.articles.meanings import DETAILS, outcome, turn
from bot.articles.rewording import changed, words_of

_DRESS = re.compile(
    r"^\s*+(?:(?:live|update[ds]?|watch|video|breaking(?: news)?|exclusive|opinion|analysis|just in|correct(?:ed|ion))"
    r"(?:\s++\d++)?+\s*+[:|–—-]\s*+)++|(?<!\s)\s++[|–—-]\s++[^|–—-]{2,40}$",
    re.IGNORECASE,
)
_REPORTS = re.compile(r"(?<!\s)\s*+(?:--?|[–—:,])\s*+reports?\s*+$", re.IGNORECASE)
#: «Coronavirus: …», put before a headline and taken away again.
_KICKER = re.compile(r"^\s*[^\s:]+(?:\s+[^\s:]+){0,2}:\s+")
#: A headline that keeps no more than this share of its words is another headline.
_SAME_HEADLINE = 0.34


def differs(before: model.Article, after: model.Article) -> bool:
    """The headline of ``after`` states something else."""
    if fold_title(_KICKER.sub("", before.title)) == fold_title(_KICKER.sub("", after.title)):
        return False
    if stated.asks(after.title):
        return False
    one, other = words_of(_undressed(before.title)), words_of(_undressed(after.title))
    removed, added = changed(one, other)
    if _says_otherwise(removed, added) or _are_swapped(one, other, before.title + after.title):
        return True
    removed, added = stated.telling(removed), stated.telling(added)
    if not (removed and added):
        # What only comes or goes makes a headline fuller or shorter, seldom another.
        return False
    if not (after.language or "en").lower().startswith("en"):
        return True
    if len(stated.telling(one)) - len(removed) <= _SAME_HEADLINE * len(stated.telling(one)):
        # Other words over the same text say the same; over another text, or over none, they say something else.
        return not after.text.strip() or fold_text(before.text) != fold_text(after.text)
    return _has_other_name_in_titles(before, after)


def _says_otherwise(removed: list[str], added: list[str]) -> bool:
    """Another number or day, a decision or an outcome more, a decision, negation or hedge less, or the opposite.

    An outcome or a number that only goes makes a headline shorter; a detail that only comes, fuller.
    """
    if stated.are_opposites(removed, added):
        return True
    gone, come = stated.meant(removed), stated.meant(added)
    if come - gone - DETAILS or stated.is_turned(removed, added):
        return True
    return (gone != come and bool(gone and come)) or bool(
        stated.figures(added, outcome) - stated.figures(removed, outcome)
    )


def _has_other_name_in_titles(before: model.Article, after: model.Article) -> bool:
    """One name for another, where capitals tell names."""
    titles = [_KICKER.sub("", _undressed(each.title)) for each in (before, after)]
    one, other = map(words_of, titles)
    if _is_headline_case(one) or _is_headline_case(other):
        return False
    names = frozenset().union(*(stated.names_in(each) for each in (*titles, before.text, after.text)))
    return stated.has_other_name(stated.plain_first(one, names), stated.plain_first(other, names))


def _are_swapped(one: list[str], other: list[str], titles: str) -> bool:
    """«Acme sues Borel», «Borel sues Acme»: the same words in another order, or the two sides of one verb.

    A colon only moves the subject, a «by» turns the verb round.
    """
    folded, others = ([word.casefold() for word in words if turn(word) != "alleged"] for words in (one, other))
    if ":" in titles or folded.count("by") != others.count("by"):
        return False
    if folded != others and sorted(folded) == sorted(others):
        return True
    sides = _sides(others)
    return any(
        (after, before) in sides.get(verb, ()) for verb, pairs in _sides(folded).items() for before, after in pairs
    )


def _sides(words: list[str]) -> dict[str, list[tuple[str, str]]]:
    """By a verb's meaning, the telling words before and after it."""
    told = stated.telling(words)
    found: dict[str, list[tuple[str, str]]] = {}
    for before, verb, after in zip(told, told[1:], told[2:], strict=False):
        meaning = outcome(verb)
        if meaning is not None and not meaning.isdigit():
            found.setdefault(meaning, []).append((before, after))
    return found


def _undressed(title: str) -> str:
    """Without «LIVE:» and «| BBC News»; «… - reports» hedges as «reportedly» does."""
    hedged = _REPORTS.sub(" reportedly", title)
    return _DRESS.sub("", hedged) or hedged


def _is_headline_case(words: list[str]) -> bool:
    """Nearly every longer word wears a capital, so that a capital tells no name."""
    long = [word for word in words if len(word) > 3]
    return sum(word[0].isupper() for word in long) * 10 >= 7 * len(long)
