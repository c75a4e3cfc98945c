"""What an article's new version says otherwise: material edits of its headline and of its sentences.

A sentence is compared with the one of the other version that shares most of its words. Reported is a number, day,
name, negation, hedge or decision that replaces another. Typos, other forms of a word, another order and what is only
added or removed are not reported; neither is a headline or sentence that is wholly rewritten: that is the next state
of the page, not a correction of what it said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeAlias

from bot import model
from bot.stories.facts.reading import Statement, statement
from bot.text import lexicon, sentences, titles
from bot.text.alignment import align
from bot.text.titles import is_live_page
from bot.text.words import fold, stem, words_of

#: Sentences compared of each version, and words of one: past it, a change is not what was alerted on.
_SENTENCES, _WORDS = 200, 80
#: Two sentences with this share of words in common, and at least so many, are versions of one.
_SAME_SENTENCE, _FEWEST_SHARED = 0.5, 3
#: Two headlines with this share of their telling words in common are versions of one.
_SAME_HEADLINE = 0.5
#: The most words that replace others in a correction; where more do, the sentence is rewritten.
_LONGEST = 4
#: Two words with this many first letters in common, and this share of the longer one, are forms of one.
_ROOT, _ROOT_SHARE = 5, 0.6
#: Decisions and outcomes: one for another turns a sentence round.
_TURNS = frozenset(
    "=die =hurt =arrest =charge =convict =acquit =sentence =free =sue =appeal =fine =settle =ban =lift =resume =suspend"
    " =delay =advance =extend =cancel =approve =reject =resign =dismiss =appoint =win =lose =strike =end =begin =close"
    " =recall =propose =rise =fall =reverse =deny =admit =order =missing =investigate".split()
)
#: Turns of events of which one more is a detail.
_DETAILS = frozenset("=resign =rise =fall =win =lose =resume =begin =end =strike =free".split())
#: "COVID: …", put before a headline and taken away again; "… - reports" hedges as "reportedly" does.
_KICKER = re.compile(r"^\s*[^\s:]+(?:\s+[^\s:]+){0,2}:\s+")
_TAIL = re.compile(r" [|–—-] [^|–—-]{2,40}$")
_REPORTS = re.compile(r" ?(?:--?|[–—:,]) ?reports?$", re.IGNORECASE)
_QUESTION = re.compile(r"\?(?:['\"’”]{0,8}\s|\W{0,8}$)")
_CUT = re.compile(r"(?:\.\.|…)\W{0,8}$")
_AGE = re.compile(
    r"(?<=[^\W\d]), \d{1,2}(?=[,.;]|$)|\b\d{1,3}[- ]?(?:years?[- ]olds?|yo)\b|\b(?:aged?|at) \d{2}(?=[,.;]|$)"
)
_BREAK = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|\n+")
#: The most words that add a number or a decision to a headline; with more, it is another headline.
_FEW = 3
#: "likely" and "unlikely", "legal" and "illegal".
_OPPOSITE = ("un", "in", "im", "il", "ir", "dis", "non")


def corrections(before: model.Article, after: model.Article) -> tuple[model.Edit, ...]:
    """Material changes in the headline and in sentences, in order; linear in the texts, which are bounded.

    A teaser against the page's full text is compared by headline only. A live page has no versions but news.
    """
    if is_live_page(before) or is_live_page(after):
        return ()
    found = []
    language = lexicon.base(after.language)
    if before.title != after.title and _headline_differs(before, after, language):
        found.append(_edit(after, "title", before.title, after.title))
    if before.is_full_text == after.is_full_text and before.text != after.text:
        for old, new in _rewritten(_split(before.text), _split(after.text)):
            if _QUESTION.search(old) or _QUESTION.search(new):
                continue
            one, other = (_Wording(each, after, language) for each in _as_long(old, new))
            if any(_is_otherwise(*parts) for parts in _replaced(one, other)):
                found.append(_edit(after, "text", *(each[sentences.dateline_length(each) :] for each in (old, new))))
    return tuple(found)


def _edit(article: model.Article, field: str, before: str, after: str) -> model.Edit:
    return model.Edit(
        article=article.id, outlet=article.outlet, field=field, before=before, after=after, link=article.link
    )


def _split(text: str) -> list[str]:
    found = _BREAK.split(text[: _SENTENCES * sentences.LONGEST], maxsplit=_SENTENCES)
    return [part.strip() for part in found[:_SENTENCES] if part.strip() and len(part) <= sentences.LONGEST]


def _rewritten(before: Sequence[str], after: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Sentences that are in only one version, each with that of the other which shares most words."""
    one, other = ({" ".join(_bare(each)): each for each in version} for version in (before, after))
    gone = [each for key, each in one.items() if key not in other]
    come = {each: Counter(_bare(each)) for key, each in other.items() if key not in one}
    # A word -> the new sentences that have it: only those that share a rare one are compared.
    having: dict[str, list[str]] = {}
    for sentence, words in come.items():
        for word in words:
            having.setdefault(word, []).append(sentence)
    for old in gone:
        words = Counter(_bare(old))
        votes: Counter[str] = Counter()
        for word in words:
            if len(having.get(word, ())) <= _FEWEST_SHARED + len(come) // 4:
                votes.update(having.get(word, ()))
        for new, _ in votes.most_common(3):
            shared = sum((words & come[new]).values()) if new in come else 0
            if shared >= max(
                _FEWEST_SHARED, _SAME_SENTENCE * min(words.total(), come[new].total() if new in come else 0)
            ):
                del come[new]
                yield old, new
                break


def _bare(sentence: str) -> list[str]:
    return [fold(token.text) for token in words_of(sentence)][:_WORDS]


def _as_long(old: str, new: str) -> tuple[str, str]:
    """Both, equally long where either is cut: what a teaser leaves out at its end is not removed."""
    if not (_CUT.search(old) or _CUT.search(new)):
        return old, new
    one, other = old.split(), new.split()
    most = min(len(one), len(other))
    return " ".join(one[:most]), " ".join(other[:most])


_Day: TypeAlias = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one wording has in one place, and the other wording nowhere."""

    words: list[str]
    #: Units of the numbers.
    units: set[str]
    days: list[_Day]
    turns: set[str]
    #: Negations and hedges.
    marks: set[str]
    names: set[str]


class _Wording:
    """One sentence as what it states: its words in order, and each kind of value."""

    def __init__(self, shown: str, article: model.Article, language: str) -> None:
        self.language = language
        self.read: Statement = statement(_AGE.sub(" ", shown)[: sentences.LONGEST], 1, language, article.when.date())
        self.words = [token.text for token in words_of(self.read.plain)][:_WORDS]
        self.folded = [fold(word) for word in self.words]
        numbers = [figure.number for figure in self.read.figures]
        self.numbers = [(each.start, each.end, (each.value, each.unit)) for each in numbers]
        self.days = [(day.start, day.end, (day.year, day.month, day.day)) for day in self.read.days if not day.moves]
        #: Where each word begins, and the last one ends.
        self.starts: list[int] = []
        at = -1
        for word in self.words:
            at = self.read.plain.find(word, at + 1)
            self.starts.append(at)
        self.starts.append(len(self.read.plain))

    def parts(self, other: _Wording, places: Iterable[tuple[int, int]]) -> Iterator[_Part]:
        """What only this one has in each place, from one of its words to before another."""
        own, turns = self._own(other), self.turns(other.words)
        shared = Counter(value for _, _, value in other.numbers)
        numbers = []
        for begins, ends, value in self.numbers:
            shared[value] -= 1
            if shared[value] < 0:
                numbers.append((begins, ends, value))
        others = {day for _, _, day in other.days}
        days = [day for day in self.days if day[2] not in others]
        for start, end in places:
            low, high = self.starts[start] if start else 0, self.starts[end]
            words = [self.words[at] for at in range(start, end) if at in own]
            yield _Part(
                words=words,
                units={unit for begins, ends, (_, unit) in numbers if low < ends and begins < high},
                days=[day for begins, ends, day in days if low < ends and begins < high],
                turns=self.turns(words) - turns,
                marks=self._marks(words),
                names=self.names(words),
            )

    def without(self, other: _Wording) -> list[str]:
        """Words that only this one has; forms and slips of the other's are none."""
        own = self._own(other)
        return [word for at, word in enumerate(self.words) if at in own]

    def _own(self, other: _Wording) -> set[int]:
        free = Counter(other.folded)
        left = []
        for at, folded in enumerate(self.folded):
            if free[folded] > 0:
                free[folded] -= 1
            else:
                left.append(at)
        spare = [word for word, folded in zip(other.words, other.folded, strict=True) if free[folded] > 0]
        words = [self.words[at] for at in left]
        if "".join(self.folded[at] for at in left) == "".join(map(fold, spare)):
            return set()  # back door → backdoor
        return {
            place
            for at, (place, word) in enumerate(zip(left, words, strict=True))
            if not (_is_initials(word, spare) or any(_is_initials(each, words[at - 1 : at + 2]) for each in spare))
            and not any(self._is_form(word, each) for each in spare)
        }

    def _is_form(self, word: str, other: str) -> bool:
        """The same word misspelt or in another form; never a number, a turn, or one name for another."""
        one, two = (fold(each).replace("'", "") for each in (word, other))
        if any(letter.isdigit() for letter in one + two) or self.turns([word]) != self.turns([other]):
            return False
        shorter, longer = sorted((one, two), key=len)
        if longer in (f"{shorter}s", f"{shorter}es", f"{shorter}'s") or sorted(one) == sorted(two):
            return True
        alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False)))
        behind = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one[::-1], two[::-1], strict=False)))
        if len(longer) >= 5 and alike and alike + behind >= len(longer) - 2 + (len(one) != len(two)):
            return len(longer) >= 8 or len(one) != len(two)
        if word.islower() and other.islower():
            return alike >= _ROOT and alike >= _ROOT_SHARE * len(longer)
        # "S'pore", "NZ", "Feb".
        return len(shorter) < len(longer) and (alike == len(shorter) >= 3 or alike + behind >= len(shorter) >= 5)

    def turns(self, words: Iterable[str]) -> set[str]:
        """A word that may mean several of them, such as "back", turns nothing."""
        known = [_TURNS.intersection(lexicon.meanings(self.language, fold(word))) for word in words]
        return {turn for found in known if len(found) == 1 for turn in found}

    def _marks(self, words: Iterable[str]) -> set[str]:
        known = lexicon.of(self.language)
        return {
            table
            for word in words
            for table in ("not", "hedge")
            if known.has(table, fold(word)) or (table == "not" and word.lower().endswith("n't"))
        }

    def names(self, words: Iterable[str]) -> set[str]:
        return {fold(word) for word in words if word[0].isupper() and stem(word) in self.read.names}


def _replaced(one: _Wording, other: _Wording) -> Iterator[tuple[_Part, _Part]]:
    """What was replaced and by what, in order, where few words were: many are a rewritten sentence, no correction."""
    short = [
        each
        for each in align(one.folded, other.folded)
        if each.kind != "equal" and each.end - each.start <= _LONGEST >= each.other_end - each.other_start
    ]
    return zip(
        one.parts(other, [(each.start, each.end) for each in short]),
        other.parts(one, [(each.other_start, each.other_end) for each in short]),
        strict=True,
    )


def _is_otherwise(gone: _Part, come: _Part) -> bool:
    """A value, decision or name is replaced by another, or a negation or hedge is added or removed."""
    return bool(
        # A number by another of its unit.
        (gone.units & come.units)
        or (gone.days and len(gone.days) == len(come.days))
        or gone.marks != come.marks
        or (gone.turns and come.turns)
        or _are_opposites(gone.words, come.words)
        or (gone.names and come.names)
    )


def _are_opposites(gone: Iterable[str], come: Iterable[str]) -> bool:
    """ "likely" for "unlikely", or the other way round."""
    one, other = ({fold(word) for word in words if len(word) > 3} for words in (gone, come))
    return any(
        f"{prefix}{word}" in these
        for these, those in ((one, other), (other, one))
        for word in those
        for prefix in _OPPOSITE
    )


def _is_initials(short: str, words: Sequence[str]) -> bool:
    """ "NZ" of "New Zealand"."""
    if len(short) < 2 or not short.isupper():
        return False
    return short in "".join(word[0] for word in words)


def _headline_differs(before: model.Article, after: model.Article, language: str) -> bool:
    """Another statement than before, in a version of the same headline, whose every word was chosen."""
    titles = [_plain(each.title) for each in (before, after)]
    if len({" ".join(_bare(_KICKER.sub("", title))) for title in titles}) == 1 or any(map(_QUESTION.search, titles)):
        return False
    one, other = (_Wording(title, after, language) for title in titles)
    telling, theirs, gone = (
        [word for word in words if not lexicon.is_small(language, fold(word))]
        for words in (one.words, other.words, one.without(other))
    )
    if len(telling) - len(gone) < _SAME_HEADLINE * min(len(telling), len(theirs)):
        return False
    return any(
        _is_otherwise(gone, come) or ((come.units or come.turns - _DETAILS) and len(come.words) <= _FEW)
        for gone, come in _replaced(one, other)
    ) or _are_swapped(one, other, before.title + after.title)


def _plain(title: str) -> str:
    hedged = _REPORTS.sub(" reportedly", " ".join(title.split()))
    return _TAIL.sub("", titles.bare_title(hedged)) or hedged


def _are_swapped(one: _Wording, other: _Wording, titles: str) -> bool:
    """ "Acme sues Borel", "Borel sues Acme". A colon only moves the subject, a "by" turns the verb round."""
    if ":" in titles or one.folded.count("by") != other.folded.count("by"):
        return False
    common = one.names(one.words) & other.names(other.words)
    orders = [[word for word in words if word in common] for words in (one.folded, other.folded)]
    verbs = one.turns(one.words) & other.turns(other.words)
    return orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1]) and bool(verbs)
