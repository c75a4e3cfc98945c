"""Find corrections in an article's new version: material edits of its headline and its sentences.

A sentence is compared with the sentence of the other version that shares most of its words. An edit is material if a
number, day, name, negation, hedge or decision replaces another. Typos, other forms of a word, a different order, and
additions or removals are not material. Neither is a wholly rewritten headline or sentence: that is an update, not a
correction.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeAlias

from bot.model.stories import Article, Edit
from bot.stories.facts.reading import Statement, statement
from bot.text import headlines, lexicon, sentences
from bot.text.alignment import align
from bot.text.forms import is_live_page
from bot.text.words import fold, stem, words_of

#: Maximum sentences compared per version, and words per sentence, because an alert is rarely about later text.
_SENTENCES, _WORDS = 200, 80
#: Two sentences with this share and this number of words in common are versions of one sentence.
_SAME_SENTENCE, _FEWEST_SHARED = 0.5, 3
#: Two headlines with this share of their content words in common are versions of one headline.
_SAME_HEADLINE = 0.5
#: Maximum words that replace others in a correction; with more, the sentence is rewritten.
_LONGEST = 4
#: Two words with this many first letters in common, and this share of the longer word, are forms of one word.
_ROOT, _ROOT_SHARE = 5, 0.6
#: Decisions and outcomes. A sentence has another meaning if one of them replaces another.
_TURNS = frozenset(
    "=die =hurt =arrest =charge =convict =acquit =sentence =free =sue =appeal =fine =settle =ban =lift =resume =suspend"
    " =delay =advance =extend =cancel =approve =reject =resign =dismiss =appoint =win =lose =strike =end =begin =close"
    " =recall =propose =rise =fall =reverse =deny =admit =order =missing =investigate".split()
)
#: Turns of events that are only details if a new version adds them.
_DETAILS = frozenset("=resign =rise =fall =win =lose =resume =begin =end =strike =free".split())
#: An ending of a headline that outlets add and remove.
_TAIL = re.compile(r" [|–—-] [^|–—-]{2,40}$")
#: "… - reports" is a hedge like "reportedly".
_REPORTS = re.compile(r" ?(?:--?|[–—:,]) ?reports?$", re.IGNORECASE)
_QUESTION = re.compile(r"\?(?:['\"’”]{0,8}\s|\W{0,8}$)")
_CUT = re.compile(r"(?:\.\.|…)\W{0,8}$")
_AGE = re.compile(
    r"(?<=[^\W\d]), \d{1,2}(?=[,.;]|$)|\b\d{1,3}[- ]?(?:years?[- ]olds?|yo)\b|\b(?:aged?|at) \d{2}(?=[,.;]|$)"
)
_BREAK = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|\n+")
#: Maximum words that add a number or a decision to a headline; with more, it is another headline.
_FEW = 3
#: Markets whose level a report of the day updates with each hour. That is not a correction.
_MARKET = re.compile(
    r"\b(?:S&P|FTSE|Dow Jones|Nasdaq|Russell 2000|Nikkei|Topix|Hang Seng|DAX|CAC|STOXX|ASX|NZX|KOSPI|Sensex"
    r"|Nifty 50|KSE|Wall Street|Brent crude|West Texas|WTI)\b"
)
#: Prefixes of opposites: "likely" and "unlikely", "legal" and "illegal".
_OPPOSITE = ("un", "in", "im", "il", "ir", "dis", "non")


def corrections(old_article: Article, new_article: Article) -> tuple[Edit, ...]:
    """Return the material changes in the headline and in sentences, in order.

    If only one version has the full text, only headlines are compared. A live page has updates, not corrections. The
    time is linear in the length of the texts, which is limited.
    """
    if is_live_page(old_article) or is_live_page(new_article):
        return ()
    edits = []
    language = lexicon.base(new_article.language)
    if old_article.title != new_article.title and _headline_differs(old_article, new_article, language):
        edits.append(_edit(new_article, "title", old_article.title, new_article.title))
    if old_article.is_full_text == new_article.is_full_text and old_article.text != new_article.text:
        for old, new in _rewritten(_split(old_article.text), _split(new_article.text)):
            are_of_a_market = _MARKET.search(old) and _MARKET.search(new)
            if _QUESTION.search(old) or _QUESTION.search(new) or are_of_a_market:
                continue
            wordings = [_Wording(text, new_article, language) for text in _as_long(old, new)]
            if any(_is_otherwise(*parts) for parts in _replaced(*wordings)):
                edits.append(
                    _edit(new_article, "text", *(text[sentences.dateline_length(text) :] for text in (old, new)))
                )
    return tuple(edits)


def _edit(article: Article, field: str, old_text: str, new_text: str) -> Edit:
    return Edit(
        article=article.id, outlet=article.outlet, field=field, before=old_text, after=new_text, link=article.link
    )


def _split(text: str) -> list[str]:
    parts = _BREAK.split(text[: _SENTENCES * sentences.LONGEST], maxsplit=_SENTENCES)
    return [part.strip() for part in parts[:_SENTENCES] if part.strip() and len(part) <= sentences.LONGEST]


def _rewritten(old_sentences: Sequence[str], new_sentences: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Yield pairs of a sentence that only the old version has and a similar one that only the new version has."""
    old_by_key, new_by_key = (
        {" ".join(_bare(text)): text for text in version} for version in (old_sentences, new_sentences)
    )
    gone = [text for key, text in old_by_key.items() if key not in new_by_key]
    come = {text: Counter(_bare(text)) for key, text in new_by_key.items() if key not in old_by_key}
    # Word -> new sentences that contain it. Only sentences that share a rare word are compared.
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
    """Return both sentences. If one is truncated, cut the other to its length, because truncation is not a removal."""
    if not (_CUT.search(old) or _CUT.search(new)):
        return old, new
    old_words, new_words = old.split(), new.split()
    most = min(len(old_words), len(new_words))
    return " ".join(old_words[:most]), " ".join(new_words[:most])


_Day: TypeAlias = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """The words and values in one part of a wording that are not in the other wording."""

    words: list[str]
    #: Units of the numbers.
    units: set[str]
    days: list[_Day]
    turns: set[str]
    #: Negations and hedges.
    marks: set[str]
    names: set[str]


class _Wording:
    """A sentence, split into its words in order and its values by kind."""

    def __init__(self, shown: str, article: Article, language: str) -> None:
        self.language = language
        self.read: Statement = statement(_AGE.sub(" ", shown)[: sentences.LONGEST], 1, language, article.when.date())
        self.words = [token.text for token in words_of(self.read.plain)][:_WORDS]
        self.folded = [fold(word) for word in self.words]
        numbers = [figure.number for figure in self.read.figures]
        self.numbers = [(number.start, number.end, (number.value, number.unit)) for number in numbers]
        self.days = [(day.start, day.end, (day.year, day.month, day.day)) for day in self.read.days if not day.moves]
        #: The start of each word, then the end of the sentence.
        self.starts: list[int] = []
        at = -1
        for word in self.words:
            at = self.read.plain.find(word, at + 1)
            self.starts.append(at)
        self.starts.append(len(self.read.plain))

    def parts(self, other: _Wording, places: Iterable[tuple[int, int]]) -> Iterator[_Part]:
        """Yield, for each range of word indexes, the words and values that ``other`` lacks."""
        own, turns = self._own(other), self.turns(other.words)
        shared = Counter(value for _, _, value in other.numbers)
        numbers = []
        for begins, ends, value in self.numbers:
            shared[value] -= 1
            if shared[value] < 0:
                numbers.append((begins, ends, value))
        other_days = {day for _, _, day in other.days}
        days = [day for day in self.days if day[2] not in other_days]
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
        """Return the words that ``other`` does not have, not even misspelt or in another form."""
        own = self._own(other)
        return [word for at, word in enumerate(self.words) if at in own]

    def _own(self, other: _Wording) -> set[int]:
        free = Counter(other.folded)
        unmatched = []
        for at, folded in enumerate(self.folded):
            if free[folded] > 0:
                free[folded] -= 1
            else:
                unmatched.append(at)
        spare = [word for word, folded in zip(other.words, other.folded, strict=True) if free[folded] > 0]
        words = [self.words[at] for at in unmatched]
        if "".join(self.folded[at] for at in unmatched) == "".join(map(fold, spare)):
            return set()  # The words are joined or split: "back door" and "backdoor".
        return {
            place
            for at, (place, word) in enumerate(zip(unmatched, words, strict=True))
            if not (_is_initials(word, spare) or any(_is_initials(short, words[at - 1 : at + 2]) for short in spare))
            and not any(self._is_form(word, other_word) for other_word in spare)
        }

    def _is_form(self, word: str, other: str) -> bool:
        """Return whether two words are forms or misspellings of one; False for numbers, different turns and names."""
        first, second = (fold(form).replace("'", "") for form in (word, other))
        if any(letter.isdigit() for letter in first + second) or self.turns([word]) != self.turns([other]):
            return False
        shorter, longer = sorted((first, second), key=len)
        if longer in (f"{shorter}s", f"{shorter}es", f"{shorter}'s") or sorted(first) == sorted(second):
            return True
        alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
        behind = sum(
            1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first[::-1], second[::-1], strict=False))
        )
        if len(longer) >= 5 and alike and alike + behind >= len(longer) - 2 + (len(first) != len(second)):
            return len(longer) >= 8 or len(first) != len(second)
        if word.islower() and other.islower():
            return alike >= _ROOT and alike >= _ROOT_SHARE * len(longer)
        # Abbreviations: "S'pore", "NZ", "Feb".
        return len(shorter) < len(longer) and (alike == len(shorter) >= 3 or alike + behind >= len(shorter) >= 5)

    def turns(self, words: Iterable[str]) -> set[str]:
        """Return the decisions and outcomes among the words; ambiguous words such as "back" do not count."""
        by_word = [_TURNS.intersection(lexicon.meanings(self.language, fold(word))) for word in words]
        return {turn for turns in by_word if len(turns) == 1 for turn in turns}

    def _marks(self, words: Iterable[str]) -> set[str]:
        tables = lexicon.of(self.language)
        return {
            table
            for word in words
            for table in ("not", "hedge")
            if tables.has(table, fold(word)) or (table == "not" and word.lower().endswith("n't"))
        }

    def names(self, words: Iterable[str]) -> set[str]:
        return {fold(word) for word in words if word[0].isupper() and stem(word) in self.read.names}


def _replaced(old: _Wording, new: _Wording) -> Iterator[tuple[_Part, _Part]]:
    """Return pairs of replaced and new parts, in order; skip long parts, which are rewrites, not corrections."""
    short = [
        block
        for block in align(old.folded, new.folded)
        if block.kind != "equal" and block.end - block.start <= _LONGEST >= block.other_end - block.other_start
    ]
    return zip(
        old.parts(new, [(block.start, block.end) for block in short]),
        new.parts(old, [(block.other_start, block.other_end) for block in short]),
        strict=True,
    )


def _is_otherwise(gone: _Part, come: _Part) -> bool:
    """Return whether a value, decision or name replaces another, or a negation or hedge is added or removed."""
    return bool(
        # One number replaces another with the same unit.
        (gone.units & come.units)
        or (gone.days and len(gone.days) == len(come.days))
        or gone.marks != come.marks
        or (gone.turns and come.turns)
        or _are_opposites(gone.words, come.words)
        or (gone.names and come.names)
    )


def _are_opposites(gone: Iterable[str], come: Iterable[str]) -> bool:
    """Return whether a word and its opposite are exchanged: "likely" and "unlikely"."""
    old_words, new_words = ({fold(word) for word in words if len(word) > 3} for words in (gone, come))
    return any(
        f"{prefix}{word}" in opposites
        for opposites, words in ((old_words, new_words), (new_words, old_words))
        for word in words
        for prefix in _OPPOSITE
    )


def _is_initials(short: str, words: Sequence[str]) -> bool:
    """Return whether ``short`` abbreviates the words by their initials: "NZ" for "New Zealand"."""
    if len(short) < 2 or not short.isupper():
        return False
    return short in "".join(word[0] for word in words)


def _headline_differs(old_article: Article, new_article: Article, language: str) -> bool:
    """Return whether the two headlines are versions of one headline but state different things."""
    titles = [_plain(article.title) for article in (old_article, new_article)]
    if len({" ".join(_bare(headlines.without_topic(title))) for title in titles}) == 1 or any(
        map(_QUESTION.search, titles)
    ):
        return False
    old, new = (_Wording(title, new_article, language) for title in titles)
    old_words, new_words, gone = (
        [word for word in words if not lexicon.is_small(language, fold(word))]
        for words in (old.words, new.words, old.without(new))
    )
    if len(old_words) - len(gone) < _SAME_HEADLINE * min(len(old_words), len(new_words)):
        return False
    return any(
        _is_otherwise(gone, come) or ((come.units or come.turns - _DETAILS) and len(come.words) <= _FEW)
        for gone, come in _replaced(old, new)
    ) or _are_swapped(old, new, old_article.title + new_article.title)


def _plain(title: str) -> str:
    hedged = _REPORTS.sub(" reportedly", " ".join(title.split()))
    return _TAIL.sub("", headlines.bare_title(hedged)) or hedged


def _are_swapped(old: _Wording, new: _Wording, titles: str) -> bool:
    """Return whether the names are exchanged around the verb: "Acme sues Borel", "Borel sues Acme".

    A colon only moves the subject, and "by" makes the verb passive, so neither counts.
    """
    if ":" in titles or old.folded.count("by") != new.folded.count("by"):
        return False
    common = old.names(old.words) & new.names(new.words)
    orders = [[word for word in words if word in common] for words in (old.folded, new.folded)]
    verbs = old.turns(old.words) & new.turns(new.words)
    return orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1]) and bool(verbs)
