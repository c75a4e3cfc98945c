"""What a new version of an article says otherwise: material changes only.

Knows no rule and no channel. Typos, punctuation, word forms, order of paragraphs, what is only added or only left out,
and all that live pages rewrite are silent.
"""

from __future__ import annotations

import re

from bot import model
from bot.articles import headlines, stated
from bot.articles.fingerprints import fold_text
from bot.articles.livepages import is_live_page
from bot.articles.meanings import turn
from bot.articles.rewording import changed, words_of
from bot.language import alignment

_LAST_WORD = re.compile(r"\w\W*+\Z")
#: Two sentences with this share of words in common, and at least so many, are versions of one.
_SAME_SENTENCE, _FEWEST_SHARED = 0.5, 3
#: A sentence is told by its beginning.
_MOST_WORDS = 100


def edits(before: model.Article, after: model.Article) -> tuple[model.Edit, ...]:
    """Material changes in the headline and in sentences, in order.

    A teaser against the page's full text is compared by headline only. A live page has no versions but news.
    """
    if is_live_page(before) or is_live_page(after):
        return ()
    found: list[model.Edit] = []
    if headlines.differs(before, after):
        found.append(_edit(after, "title", before.title, after.title))
    if before.is_full_text == after.is_full_text and fold_text(before.text) != fold_text(after.text):
        names = stated.names_in(before.text) | stated.names_in(after.text)
        for old, new in _rewritten(before.text, after.text):
            if _sentence_differs(old, new, names):
                found.append(_edit(after, "text", old, new))
    return tuple(found)


def _edit(article: model.Article, field: str, before: str, after: str) -> model.Edit:
    return model.Edit(article=article.id, outlet=article.outlet, field=field, before=before, after=after)


def _sentence_differs(before: str, after: str, names: frozenset[str]) -> bool:
    if stated.asks(after):
        return False
    one, other = stated.plain_first(words_of(before), names), stated.plain_first(words_of(after), names)
    if _is_cut(before) or _is_cut(after):
        # What a teaser leaves out at its end has not gone.
        shorter = min(len(one), len(other))
        one, other = one[:shorter], other[:shorter]
    removed, added = changed(one, other)
    if stated.is_turned(removed, added) or stated.is_turned(added, removed) or stated.are_opposites(removed, added):
        return True
    if (gone := stated.figures(removed, turn)) and (come := stated.figures(added, turn)) and gone != come:
        return True
    return stated.has_other_name(one, other)


def _is_cut(sentence: str) -> bool:
    """Behind its last word stand dots."""
    last = _LAST_WORD.search(sentence)
    behind = sentence[last.start() :] if last else sentence
    return ".." in behind or "…" in behind


def _rewritten(before: str, after: str) -> list[tuple[str, str]]:
    """Sentences that stand in both versions in different words, paired."""
    one, other = stated.sentences(before), stated.sentences(after)
    folded, others = [fold_text(sentence) for sentence in one], [fold_text(sentence) for sentence in other]
    words = {sentence: _words(sentence) for sentence in (*folded, *others)}
    pairs: list[tuple[str, str]] = []
    for each in alignment.align(folded, others):
        if each.kind != "replace":
            continue
        free = list(range(each.other_start, each.other_end))
        for old in range(each.start, each.end):
            shares = [_overlap(words[folded[old]], words[others[new]]) for new in free]
            best = max(shares, default=0.0)
            if best >= _SAME_SENTENCE:
                pairs.append((one[old], other[free.pop(shares.index(best))]))
    return pairs


def _words(folded: str) -> frozenset[str]:
    return frozenset(folded.split(maxsplit=_MOST_WORDS)[:_MOST_WORDS])


def _overlap(words: frozenset[str], others: frozenset[str]) -> float:
    shared = len(words & others)
    return shared / min(len(words), len(others)) if shared >= _FEWEST_SHARED else 0.0
