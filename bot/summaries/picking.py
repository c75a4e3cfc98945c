"""Two or three sentences of one article that tell it: by matched words, place, weight of words and novelty.

Sees one article and what it matched; knows no story and no other article.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bot import model
from bot.language import sentences as cutting
from bot.summaries import marking
from bot.summaries.vocabulary import content_words

#: Sentences looked at: what an article says first, it says in these.
_LOOKED_AT = 60
#: Words of a whole summary: what a phone shows without scrolling.
_MOST_WORDS = 70
#: A longer sentence is worth less; one beyond the second figure is told only where nothing shorter is.
_LONG_WORDS, _LONGEST_WORDS = 55, 80
#: Share of a sentence's words that another may hold before it only repeats it.
_REPEATS_FROM = 0.6

# Weights: round figures on a plateau; from half to double of each, bench/quality/summaries.py changes by under a point.
#: A word of the headline: its writer has said what the article is about.
_TITLE_WEIGHT = 6.0
#: A word that a chosen sentence has told already.
_TOLD_SHARE = 0.5
#: Between summing the words (0) and averaging them (1): neither long nor short sentences win by their length.
_LENGTH_POWER = 0.4
#: What the first sentence of a news article is worth over its place.
_LEAD_BONUS = 0.5
#: Each matched wording in a sentence, up to three: the rule is what the reader asked about.
_MATCH_BONUS = 1.0
#: “He said …” without the sentence before it; a question.
_DANGLING_SHARE, _QUESTION_SHARE, _LONG_SHARE = 0.8, 0.5, 0.4

#: A quote without the name of who said it.
_ONLY_QUOTED = re.compile(r"^[“\"«„][^”\"»]*[”\"»]$")


@dataclass(frozen=True, slots=True)
class _Candidate:
    start: int
    end: int
    #: Among the article's fit sentences, from 0.
    order: int
    words: frozenset[str]
    length: int
    is_dangling: bool
    is_question: bool
    #: Distinct matched wordings in it.
    matched: int = 0


def pick(
    article: model.Article,
    matches: Sequence[model.Match] = (),
    count: int = 3,
    *,
    said: Collection[str] = (),
) -> tuple[model.Sentence, ...]:
    """At most ``count`` whole sentences in the article's order; none when it has no whole one.

    ``said``: sentences already told, which are not told again.
    """
    body = article.text
    marked = marking.places(matches, field="body", text=body)
    candidates = _candidates(article, marked, said)
    chosen = sorted(_choose(candidates, article.title, count), key=lambda each: each.start)
    return tuple(
        model.Sentence(
            spans=marking.spans(body, each.start, each.end, marked),
            outlet=article.outlet,
            link=article.link,
            article=article.id,
        )
        for each in chosen
    )


@lru_cache(maxsize=512)
def _fit(article: model.Article) -> tuple[_Candidate, ...]:
    """The fit sentences of an article; kept, since each message of its story asks again."""
    title = " ".join(article.title.split()).casefold().rstrip(".")
    found: list[_Candidate] = []
    for first, end in _units(cutting.without_footer(cutting.split(article.text, article.language))[:_LOOKED_AT]):
        start = first + cutting.dateline_length(article.text[first:end])
        text = article.text[start:end]
        if cutting.fault(text) or " ".join(text.split()).casefold().rstrip(".") == title:
            continue
        found.append(
            _Candidate(
                start=start,
                end=end,
                order=len(found),
                words=frozenset(content_words(text)),
                length=len(text.split()),
                is_dangling=cutting.is_dangling(text) or _ONLY_QUOTED.match(text) is not None,
                is_question=cutting.is_question(text),
            )
        )
    readable = tuple(each for each in found if each.length <= _LONGEST_WORDS)
    return readable or tuple(found)


def _candidates(article: model.Article, marked: Sequence[tuple[int, int]], said: Collection[str]) -> list[_Candidate]:
    text = article.text
    told = {" ".join(sentence.split()) for sentence in said}
    return [
        replace(each, matched=len({text[a:b].casefold() for a, b in marked if a >= each.start and b <= each.end}))
        for each in _fit(article)
        if not told or " ".join(text[each.start : each.end].split()) not in told
    ]


def _units(found: Sequence[cutting.SentenceSpan]) -> list[tuple[int, int]]:
    """Sentences, those of one quote together: a quote that opens in one and closes in a later one is one unit."""
    units: list[tuple[int, int]] = []
    at = 0
    while at < len(found):
        last = at
        if not cutting.is_balanced(found[at].text):
            for ahead in range(at + 1, min(at + 4, len(found))):
                if found[ahead].paragraph != found[at].paragraph:
                    break
                joined = " ".join(each.text for each in found[at : ahead + 1])
                if cutting.is_balanced(joined):
                    last = ahead
                    break
        units.append((found[at].start, found[last].end))
        at = last + 1
    return units


def _choose(candidates: Sequence[_Candidate], title: str, count: int) -> list[_Candidate]:
    weights = _weights(candidates, title)
    chosen: list[_Candidate] = []
    room = _MOST_WORDS
    while len(chosen) < count:
        best, best_score = None, 0.0
        for each in candidates:
            if each in chosen or (chosen and each.length > room) or _repeats(each, chosen):
                continue
            score = _score(each, chosen, weights)
            if score > best_score:
                best, best_score = each, score
        if best is None:
            break
        chosen.append(best)
        room -= best.length
    return chosen


def _weights(candidates: Sequence[_Candidate], title: str) -> dict[str, float]:
    """What each word is worth: more when the article comes back to it, and when its title has it."""
    spread = Counter(word for each in candidates for word in each.words)
    in_title = set(content_words(title))
    return {word: math.log1p(times) + (_TITLE_WEIGHT if word in in_title else 0.0) for word, times in spread.items()}


def _score(each: _Candidate, chosen: Sequence[_Candidate], weights: dict[str, float]) -> float:
    known = {word for one in chosen for word in one.words}
    gain = sum(weights[word] * (_TOLD_SHARE if word in known else 1.0) for word in each.words)
    score: float = gain / max(each.length, 8) ** _LENGTH_POWER
    score *= 0.5 + 1.0 / (1.0 + 0.5 * each.order) + (_LEAD_BONUS if each.order == 0 else 0.0)
    score *= 1.0 + _MATCH_BONUS * min(each.matched, 3)
    if each.is_dangling and not any(one.order == each.order - 1 for one in chosen):
        score *= _DANGLING_SHARE
    if each.is_question:
        score *= _QUESTION_SHARE
    if each.length > _LONG_WORDS:
        score *= _LONG_SHARE
    return score


def _repeats(each: _Candidate, chosen: Sequence[_Candidate]) -> bool:
    mine = each.words
    if not mine:
        return bool(chosen)
    return any(len(mine & one.words) >= _REPEATS_FROM * min(len(mine), len(one.words) or 1) for one in chosen)
