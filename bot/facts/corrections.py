"""What an article's new version says otherwise: material edits of its headline and of its sentences.

A sentence is aligned with the one of the other version that shares most of its words. Told is another number, day,
name, negation, hedge or decision in the place of another; typos, word forms, order, what only comes or goes are silent.
So is a headline or sentence written wholly anew: that is the next state of the page, no correction of what it said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from bot import model
from bot.facts.reading import Statement, statement, undressed
from bot.language import lexicon, sentences
from bot.language.alignment import align
from bot.language.livepages import is_live_page
from bot.language.words import fold, stem, words_of

#: Sentences compared of each version, and words of one: past it, a change is not what was alerted on.
_SENTENCES, _WORDS = 200, 80
#: Two sentences with this share of words in common, and at least so many, are versions of one.
_SAME_SENTENCE, _FEWEST_SHARED = 0.5, 3
#: Two headlines with this share of their telling words in common are versions of one.
_SAME_HEADLINE = 0.5
#: Words that stand in the place of others; where more do, it is told anew.
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
#: Words with which a number or a turn is put into a headline; with more it is a second headline.
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
            one, other = (_Wording(each, after, language) for each in _as_long(old, new))
            if not (_QUESTION.search(old) or _QUESTION.search(new)) and any(
                _is_otherwise(*parts) for parts in _replaced(one, other)
            ):
                found.append(_edit(after, "text", old, new))
    return tuple(found)


def _edit(article: model.Article, field: str, before: str, after: str) -> model.Edit:
    return model.Edit(article=article.id, outlet=article.outlet, field=field, before=before, after=after)


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
    """Both, of one length where either is cut: what a teaser leaves out at its end has not gone."""
    if not (_CUT.search(old) or _CUT.search(new)):
        return old, new
    one, other = old.split(), new.split()
    most = min(len(one), len(other))
    return " ".join(one[:most]), " ".join(other[:most])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one wording has, and the other lacks, in one place."""

    words: list[str]
    numbers: list[tuple[float, str]]
    days: list[tuple[int, int | None, int | None]]
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
        self.starts = [-1]
        for word in self.words:
            self.starts.append(self.read.plain.find(word, self.starts[-1] + 1))
        self.starts = [*self.starts[1:], len(self.read.plain)]

    def part(self, other: _Wording, start: int = 0, end: int = _WORDS) -> _Part:
        """What only this one has from one of its words to another; all of it by default."""
        end = min(end, len(self.words))
        low, high = self.starts[start] if start else 0, self.starts[end]
        own = self._own(other)
        words = [self.words[at] for at in range(start, end) if at in own]
        shared = Counter(value for _, _, value in other.numbers)
        numbers = []
        for begins, ends, value in self.numbers:
            shared[value] -= 1
            if shared[value] < 0 and low < ends and begins < high:
                numbers.append(value)
        days = {day for _, _, day in other.days}
        return _Part(
            words=words,
            numbers=numbers,
            days=[day for begins, ends, day in self.days if day not in days and low < ends and begins < high],
            turns=self.turns(words) - self.turns(other.words),
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
        if "".join(map(fold, words)) == "".join(map(fold, spare)):
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
    """What stands in the place of what, in order; where many words do, the sentence is told anew, not corrected."""
    for each in align(one.folded, other.folded):
        is_short = each.end - each.start <= _LONGEST >= each.other_end - each.other_start
        if each.kind != "equal" and is_short:
            yield one.part(other, each.start, each.end), other.part(one, each.other_start, each.other_end)


def _is_otherwise(gone: _Part, come: _Part) -> bool:
    """One value, decision or name is in the place of another, or a negation or hedge comes or goes."""
    return bool(
        _values_differ(gone.numbers, come.numbers)
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


def _values_differ(gone: Sequence[tuple[float, str]], come: Sequence[tuple[float, str]]) -> bool:
    """A number in the place of another of its unit."""
    return bool({unit for _, unit in gone} & {unit for _, unit in come})


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
        _is_otherwise(gone, come) or ((come.numbers or come.turns - _DETAILS) and len(come.words) <= _FEW)
        for gone, come in _replaced(one, other)
    ) or _are_swapped(one, other, before.title + after.title)


def _plain(title: str) -> str:
    hedged = _REPORTS.sub(" reportedly", " ".join(title.split()))
    return _TAIL.sub("", undressed(hedged)) or hedged


def _are_swapped(one: _Wording, other: _Wording, titles: str) -> bool:
    """ "Acme sues Borel", "Borel sues Acme". A colon only moves the subject, a "by" turns the verb round."""
    folded, others = ([fold(word) for word in each.words] for each in (one, other))
    if ":" in titles or folded.count("by") != others.count("by"):
        return False
    common = one.names(one.words) & other.names(other.words)
    orders = [[word for word in words if word in common] for words in (folded, others)]
    verbs = one.turns(one.words) & other.turns(other.words)
    return orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1]) and bool(verbs)
