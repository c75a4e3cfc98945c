"""What an article's new version says otherwise: material edits of its headline and of its sentences.

A sentence is aligned with the one of the other version that shares most of its words. Told is another number, day,
name, negation, hedge or decision in the place of another; typos, word forms, order, what only comes or goes are silent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile

from bot import model
from bot.facts.reading import Statement, statement, undressed
from bot.language import lexicon, sentences
from bot.language.livepages import is_live_page
from bot.language.words import fold, stem, words_of

#: Sentences compared of each version, and words of one: past it, a change is not what was alerted on.
_SENTENCES, _WORDS = 200, 80
#: Two sentences with this share of words in common, and at least so many, are versions of one.
_SAME_SENTENCE, _FEWEST_SHARED = 0.5, 3
#: A headline that keeps no more than this share of its words is another headline.
_SAME_HEADLINE = 0.34
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
_QUESTION = re.compile(r"\?(?:\W*$|['\"’”]*\s)")
_CUT = re.compile(r"(?:\.\.|…)\W{0,8}$")
_AGE = re.compile(
    r"(?<=[^\W\d]), \d{1,2}(?=[,.;]|$)|\b\d{1,3}[- ]?(?:years?[- ]olds?|yo)\b|\b(?:aged?|at) \d{2}(?=[,.;]|$)"
)
_BREAK = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|\n+")
#: Words in which one party gives way to another; more is a sentence turned round.
_LONGEST_NAME = 4
#: "likely" and "unlikely", "legal" and "illegal".
_OPPOSITE = ("un", "in", "im", "il", "ir", "dis", "non")


def corrections(before: model.Article, after: model.Article) -> tuple[model.Edit, ...]:
    """Material changes in the headline and in sentences, in order; linear in the texts, which are bounded.

    A teaser against the page's full text is compared by headline only. A live page has no versions but news.
    """
    if is_live_page(before) or is_live_page(after):
        return ()
    found = []
    if before.title != after.title and _headline_differs(before, after):
        found.append(_edit(after, "title", before.title, after.title))
    if before.is_full_text == after.is_full_text and before.text != after.text:
        language = lexicon.base(after.language)
        for old, new in _rewritten(_split(before.text), _split(after.text)):
            one, other = (_Wording(each, after, language) for each in (old, new))
            if _CUT.search(old) or _CUT.search(new):
                # What a teaser leaves out at its end has not gone.
                one, other = one.cut(other), other.cut(one)
            if not _QUESTION.search(new) and other.says_otherwise(one):
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


class _Wording:
    """One sentence as what it states: its words in order, and each kind of value."""

    def __init__(self, shown: str, article: model.Article, language: str) -> None:
        self.language = language
        self.shown = shown
        self.read: Statement = statement(_AGE.sub(" ", shown)[: sentences.LONGEST], 1, language, article.when.date())
        self.words = [token.text for token in words_of(self.read.plain)][:_WORDS]
        self.numbers = [(figure.number.value, figure.number.unit) for figure in self.read.figures]
        self.days = {(day.year, day.month, day.day) for day in self.read.days}

    def cut(self, other: _Wording) -> _Wording:
        """No longer than another that ends early."""
        if len(self.words) <= len(other.words):
            return self
        found = object.__new__(_Wording)
        found.language, found.read, found.shown = self.language, self.read, self.shown
        found.words = self.words[: len(other.words)]
        found.numbers, found.days = other.numbers, other.days
        return found

    def without(self, other: _Wording) -> list[str]:
        """Words that only this one has; forms and slips of the other's are none."""
        free = Counter(fold(word) for word in other.words)
        left = []
        for word in self.words:
            folded = fold(word)
            if free[folded] > 0:
                free[folded] -= 1
            else:
                left.append(word)
        spare = [word for word in other.words if free[fold(word)] > 0]
        joined, others = "".join(map(fold, left)), "".join(map(fold, spare))
        if joined == others:
            return []  # back door → backdoor
        return [
            word
            for at, word in enumerate(left)
            if not (_is_initials(word, spare) or any(_is_initials(each, left[at - 1 : at + 2]) for each in spare))
            and not any(self._is_form(word, each) for each in spare)
        ]

    def _is_form(self, word: str, other: str) -> bool:
        """The same word misspelt or in another form; never a number, a turn, or one name for another."""
        one, two = (fold(each).replace("'", "") for each in (word, other))
        if any(letter.isdigit() for letter in one + two) or self.turns([word]) != self.turns([other]):
            return False
        shorter, longer = sorted((one, two), key=len)
        if longer in (f"{shorter}s", f"{shorter}es", f"{shorter}'s"):
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
        return {found for word in words for found in lexicon.meanings(self.language, fold(word)) if found in _TURNS}

    def marks(self, words: Iterable[str]) -> set[str]:
        """Negations and hedges among the words."""
        known = lexicon.of(self.language)
        return {
            table
            for word in words
            for table in ("not", "hedge")
            if known.has(table, fold(word)) or (table == "not" and word.lower().endswith("n't"))
        }

    def names(self, words: Iterable[str]) -> set[str]:
        return {fold(word) for word in words if word[0].isupper() and stem(word) in self.read.names}

    def says_otherwise(self, before: _Wording, *, is_headline: bool = False) -> bool:
        """Another statement than ``before``; a headline's every word was chosen, a text's details come and go."""
        gone, come = before.without(self), self.without(before)
        if _values_differ(before.numbers, self.numbers, may_come=is_headline):
            return True
        if (
            before.days
            and self.days
            and before.days != self.days
            and len(before.days - self.days) == len(self.days - before.days)
        ):
            return True
        if self._are_opposites(gone, come) or self.marks(gone) != self.marks(come):
            return True
        removed, added = self.turns(gone) - self.turns(self.words), self.turns(come) - self.turns(before.words)
        if (removed and added) or (is_headline and added - _DETAILS):
            return True
        return self._has_other_name(before, gone, come)

    def _are_opposites(self, gone: Iterable[str], come: Iterable[str]) -> bool:
        """ "likely" for "unlikely", or the other way round."""
        one, other = ({fold(word) for word in words if len(word) > 3} for words in (gone, come))
        return any(
            f"{prefix}{word}" in these
            for these, those in ((one, other), (other, one))
            for word in those
            for prefix in _OPPOSITE
        )

    def _has_other_name(self, before: _Wording, gone: Sequence[str], come: Sequence[str]) -> bool:
        """One name in the place of another; a name that only comes or goes makes a sentence fuller or shorter."""
        return bool(before.names(gone) and self.names(come)) and len(gone) <= _LONGEST_NAME >= len(come)


def _is_initials(short: str, words: Sequence[str]) -> bool:
    """ "NZ" of "New Zealand"."""
    if len(short) < 2 or not short.isupper():
        return False
    return short in "".join(word[0] for word in words)


def _values_differ(before: Sequence[tuple[float, str]], after: Sequence[tuple[float, str]], *, may_come: bool) -> bool:
    """A number in the place of another; in a headline also one more."""
    gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
    for value, unit in [*gone]:
        for other, unit_after in [*come]:
            if unit == unit_after and value == other:
                del gone[value, unit], come[other, unit_after]
                break
    return bool(gone and come) or bool(may_come and come)


def _headline_differs(before: model.Article, after: model.Article) -> bool:
    language = lexicon.base(after.language)
    titles = [_plain(each.title) for each in (before, after)]
    if len({" ".join(_bare(_KICKER.sub("", title))) for title in titles}) == 1 or _QUESTION.search(after.title):
        return False
    one, other = (_Wording(title, after, language) for title in titles)
    if other.says_otherwise(one, is_headline=True) or _are_swapped(one, other, before.title + after.title):
        return True
    gone, come = (
        [word for word in words if not lexicon.is_small(language, fold(word))]
        for words in (one.without(other), other.without(one))
    )
    if not (gone and come):
        return False
    if language != "en":
        return True
    telling = [word for word in one.words if not lexicon.is_small(language, fold(word))]
    if len(telling) - len(gone) > _SAME_HEADLINE * len(telling):
        return False
    # Other words over the same text say the same; over another text, or over none, they say something else.
    return not after.text.strip() or before.text.strip() != after.text.strip()


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
