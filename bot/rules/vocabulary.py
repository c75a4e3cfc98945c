"""Number the terms of rules, and find the numbers of the terms in a text: fast, and without missing a term.

    text → chunks → the numbers of each chunk → the set of terms in the text
                                              → the sequence of phrase words → phrases in the text

A chunk is analysed once; after that, one dictionary look-up finds its numbers, whatever its script, accents or
punctuation. A term that cannot be decided this way (a phrase with punctuation, exact case inside a phrase, a regular
expression) gets a number that texts without the term can have too. ``unsure`` contains these numbers, and the exact
evaluation decides.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import accumulate, chain, pairwise
from operator import itemgetter
from typing import NamedTuple

from bot.patterns import LazyPattern
from bot.rules import expression
from bot.rules.expression import MIN_PREFIX, Element, Form, Shape
from bot.rules.index import Distance, Group
from bot.rules.memo import Memo
from bot.text import tokens


class Forms:
    """The elements that are compared with one form of words: plain, accented or exact."""

    __slots__ = ("holes", "lengths", "prefixes", "starts", "words")

    def __init__(self) -> None:
        self.words: dict[str, int] = {}
        self.prefixes: dict[str, int] = {}
        #: The lengths of the prefixes, ascending.
        self.lengths: tuple[int, ...] = ()
        #: The first ``MIN_PREFIX`` letters of each prefix.
        self.starts: set[str] = set()
        #: Elements with a wildcard inside, by their first letter, which is never a wildcard.
        self.holes: dict[str, list[tuple[Element, int]]] = {}

    def add(self, element: Element, number: int) -> None:
        """Add an element with its number, which is at least 1."""
        if element.shape is Shape.WORD:
            self.words[element.text] = number
        elif element.shape is Shape.PREFIX:
            self.prefixes[element.text] = number
            self.lengths = tuple(sorted({*self.lengths, len(element.text)}))
            self.starts.add(element.text[:MIN_PREFIX])
        else:
            self.holes.setdefault(element.text[0], []).append((element, number))

    def find(self, word: str, raw: str, folded: str, plain: str) -> list[int]:
        """Return the numbers of the elements that fit a word; ``word`` is the word in the form to compare."""
        number = self.words.get(word)
        numbers = [number] if number else []
        return numbers + self.find_prefixes(word) + self.find_holes(word, raw, folded, plain)

    def find_prefixes(self, word: str) -> list[int]:
        """Return the numbers of the prefixes with which a word begins."""
        starts = map(self.prefixes.get, [word[:length] for length in self.lengths if length <= len(word)])
        return [number for number in starts if number]

    def find_holes(self, word: str, raw: str, folded: str, plain: str) -> list[int]:
        """Return the numbers of the elements with a wildcard inside that fit a word."""
        return [number for element, number in self.holes.get(word[0], ()) if element.fits(raw, folded, plain)]


def _is_plain(element: Element) -> bool:
    """Return whether case, accents and possessives do not matter, and the script has spaces between words."""
    return element.form is Form.PLAIN and not element.possessive and not tokens.is_unspaced(element.text)


def _find_longest_run(elements: tuple[Element, ...]) -> tuple[Element, ...]:
    """Return the longest sequence of whole words with only a space, or nothing, between them."""
    best: tuple[Element, ...] = ()
    for start, element in enumerate(elements):
        if element.shape is not Shape.WORD:
            continue
        end = start + 1
        while (
            end < len(elements)
            and elements[end].shape is Shape.WORD
            and elements[end].gap in ("", " ")
            and not elements[end - 1].runs_on
        ):
            end += 1
        if end - start > len(best):
            best = elements[start:end]
    return best


#: Size of the cache: at most twice this many chunks, some 10 MB, which cover nearly all of a day's news.
MEMO_CHUNKS = 1 << 15
#: Maximum length of a cached chunk. Longer ones (addresses, Chinese clauses) are rarely repeated.
MEMO_CHARACTERS = 40
#: The chunk at which a phrase must end.
BREAK = "\x00"

#: Typographic punctuation, and the characters with which ``tokens.normalise`` and ``tokens.gap_form`` replace it.
_TYPOGRAPHIC = (("’", "'"), ("‘", "'"), ("“", '"'), ("”", '"'), ("–", " "), ("—", " "), ("…", " … "))
#: Punctuation to split from words, so that a word has few different chunks: “door”, not “(door” and “door,”. Rare
#: punctuation is not worth the time. A comma or full stop is split only before a space, because it may be inside a
#: number or an abbreviation.
_SPACED_MARKS = (("(", " ( "), (", ", " , "), (". ", " . "))
#: Punctuation to split from words unless a possessive follows, as in "Acme"'s.
_MARKS_BEFORE_POSSESSIVE = (('"', ' " '), (")", " ) "))
#: A version of ``tokens.BLANK_LINE`` for ASCII without carriage returns, which is several times faster.
_BLANK_LINE = LazyPattern(r"\n[^\S\n]*\n")


def split_chunks(string: str) -> list[str]:
    """Split a text into chunks. Some chunks are BREAK or only punctuation."""
    if "\n" in string or "\r" in string or not string.isascii():
        is_plain = string.isascii() and "\r" not in string
        string = (_BLANK_LINE if is_plain else tokens.BLANK_LINE).sub(f" {BREAK} ", string)
        if not is_plain:
            for written, meant in _TYPOGRAPHIC:
                string = string.replace(written, meant)
    if string.isascii():
        # Only in ASCII: in other text, an invisible character may be between the punctuation and the possessive.
        for mark, apart in _MARKS_BEFORE_POSSESSIVE:
            if mark in string and f"{mark}'" not in string:
                string = string.replace(mark, apart)
    for mark, apart in _SPACED_MARKS:
        string = string.replace(mark, apart)
    return string.replace("-", " ").split()


#: The numbers of a chunk. The first is the number of its word in phrases: 0 if no phrase has the word, or a reserved
#: number if the chunk is not one word. The others are the numbers of the terms that its words fit.
WordNumbers = tuple[int, ...]
NO_NUMBERS: WordNumbers = (0,)
#: The numbers of punctuation at which a phrase must end.
PHRASE_BREAK: WordNumbers = (0, 0)


#: Punctuation around words; normalising turns none of it into a letter or a dash.
_MARKS = ".,;:!?\"'()[]“”‘’…«»"
_get_phrase_word = itemgetter(0)
#: The character that sorts after every letter.
_LAST = chr(sys.maxunicode)


class TextNumbers(NamedTuple):
    numbers: set[int]
    #: The numbers of each word, with PHRASE_BREAK wherever a phrase must end.
    words: list[WordNumbers]
    #: The first number of each element of ``words``, to search for phrases.
    sequence: list[int]


class Vocabulary:
    """The numbers of words and terms. It grows while rules are added, and is only read after ``close``."""

    def __init__(self) -> None:
        #: Numbers that a text can have although it does not contain the term.
        self.unsure: set[int] = set()
        #: The highest number in use.
        self.count = 0
        #: By number: an estimate of how many texts have it, relative to other numbers.
        self.weights = [0]
        self._plain = Forms()
        self._accented = Forms()
        self._exact = Forms()
        #: The number of each term, while terms are added. The key is the text alone unless case or a field matters.
        self._terms: dict[str | tuple[str, bool, str | None], int] = {}
        #: The plain words that phrases contain.
        self._chain_words: dict[str, int] = {}
        #: By plain word, the number of phrases that contain it.
        self._in_phrases: Counter[str] = Counter()
        #: The first two words of phrases -> the number of the only phrase, if it has two words; otherwise the number of
        #: each phrase, with its words (none for a phrase of two words).
        self._chains: dict[tuple[int, int], int | tuple[tuple[int, tuple[int, ...]], ...]] = {}
        #: The number of a word -> the phrases that need the word, each with the other words that it needs.
        self._triggers: dict[int, tuple[tuple[int, frozenset[int]], ...]] = {}
        #: Field -> the number of a term in any field -> its number in this field.
        self._scoped: dict[str, dict[int, int]] = {"title": {}, "body": {}, "lead": {}}
        #: A number that every text has, for regular expressions and for terms on other fields than title and body.
        self.always = self._new(is_sure=False)
        #: The first number of a chunk other than a single word or a single break.
        self._several = self._new(is_sure=True)
        self._chunk_numbers = Memo(self._look, size=MEMO_CHUNKS, longest=MEMO_CHARACTERS)
        self._spreads = Memo(self._spread, size=MEMO_CHUNKS, longest=MEMO_CHARACTERS)

    def _new(self, *, is_sure: bool) -> int:
        self.count += 1
        self.weights.append(0)
        if not is_sure:
            self.unsure.add(self.count)
        return self.count

    # -- adding ------------------------------------------------------------------------------------------------

    def number(self, leaf: expression.Leaf) -> int:
        """Return the number that each text with the term has. A new term is added."""
        if not isinstance(leaf, expression.Words) or leaf.field not in (None, *expression.LIST_FIELDS):
            return self.always
        text, is_exact, field = leaf.text, leaf.is_exact, leaf.field
        key = (text, is_exact, field) if is_exact or field else text
        term_number = self._terms.get(key)
        if term_number is None:
            term_number = self._terms[key] = self._add(leaf)
            self._chunk_numbers.forget()
            self._spreads.forget()
        self.weights[term_number] += 1
        return term_number

    def close(self, common: Iterable[str], rules: int) -> None:
        """Compute the weights once all terms of ``rules`` rules are added, and drop what only adding needs.

        A word is as frequent as the terms that use it, alone or in a phrase; a common word counts once more for each
        rule. A prefix is as frequent as the words that begin with it.
        """
        weights = self.weights
        weights[self.always] += 1_000 * rules
        words = Counter({word: weights[number] + self._in_phrases[word] for word, number in self._plain.words.items()})
        for word in common:
            words[word] += rules
            if number := self._plain.words.get(word):
                weights[number] += rules
        ordered = sorted(words)
        heights = [0, *accumulate(map(words.__getitem__, ordered))]
        for prefix, number in self._plain.prefixes.items():
            first, last = bisect_left(ordered, prefix), bisect_left(ordered, prefix + _LAST)
            weights[number] += heights[last] - heights[first]
        self._terms.clear()
        self._in_phrases.clear()

    def _add(self, leaf: expression.Words) -> int:
        pattern = leaf.pattern
        first = pattern.elements[0]
        if len(pattern.elements) > 1 or first.gap or pattern.tail or first.possessive or first.text == "?":
            # The exact evaluation checks the field.
            return self._add_phrase(pattern, is_anywhere=leaf.field is None)
        number = self._element(first)
        if leaf.field is None:
            return number
        # Finding the lead is slow, so accept a term anywhere in the text; the exact evaluation decides.
        return self._scoped[leaf.field].setdefault(number, self._new(is_sure=leaf.field != "lead"))

    def _element(self, element: Element) -> int:
        forms = {Form.PLAIN: self._plain, Form.EXACT: self._exact, Form.ACCENTED: self._accented}[element.form]
        if element.shape is Shape.WORD:
            number = forms.words.get(element.text)
        elif element.shape is Shape.PREFIX:
            number = forms.prefixes.get(element.text)
        else:
            number = next(
                (existing for other, existing in forms.holes.get(element.text[0], ()) if other.text == element.text),
                None,
            )
        if number is None:
            number = self._new(is_sure=True)
            forms.add(element, number)
        return number

    def _add_phrase(self, pattern: expression.Pattern, *, is_anywhere: bool) -> int:
        run = _find_longest_run(pattern.elements)
        is_whole = len(run) == len(pattern.elements) and not pattern.tail and not pattern.elements[0].gap
        is_sure = is_anywhere and is_whole and len(run) >= 2 and all(map(_is_plain, run))
        number = self._new(is_sure=is_sure)
        if len(run) >= 2:
            words = tuple(map(self._chain_word, run))
            self._in_phrases.update(element.text for element in run)
            pair = words[0], words[1]
            existing = self._chains.get(pair)
            if existing is None and len(words) == 2:
                self._chains[pair] = number
            else:
                phrases = existing if isinstance(existing, tuple) else ((existing, ()),) if existing else ()
                self._chains[pair] = (*phrases, (number, words if len(words) > 2 else ()))
            return number
        needed = sorted({self._element(element) for element in pattern.elements if element.text != "?"})
        # The word added last is usually the rarest, because earlier terms added the common words.
        trigger = needed.pop()
        self._triggers[trigger] = (*self._triggers.get(trigger, ()), (number, frozenset(needed)))
        return number

    def _chain_word(self, element: Element) -> int:
        text = element.text
        plain = text if element.form is Form.PLAIN else tokens.drop_accents(tokens.fold_case(text))
        number = self._chain_words.get(plain)
        if number is None:
            number = self._plain.words.get(plain) or self._new(is_sure=True)
            self._chain_words[plain] = self._plain.words[plain] = number
        return number

    # -- asking ------------------------------------------------------------------------------------------------

    def find(self, title: str, body: str) -> TextNumbers:
        """Return the numbers in a title and a text; some may belong to no term."""
        in_title: list[str] = []
        if is_scoped := any(self._scoped.values()):
            in_title = split_chunks(title)
            pieces = [*in_title, BREAK, *split_chunks(body)]
        else:
            pieces = split_chunks(f"{title} {BREAK} {body} ")
        chunk_numbers = [*map(self._chunk_numbers.__getitem__, pieces)]
        numbers = {*chain.from_iterable(chunk_numbers)}
        words = self._words(pieces, chunk_numbers)
        sequence = [*map(_get_phrase_word, words)]
        if self._chains:
            self._find_chains(sequence, numbers)
        if self._triggers:
            self._find_triggered(numbers)
        if is_scoped:
            for field, field_numbers in (
                ("title", chunk_numbers[: len(in_title)]),
                ("body", chunk_numbers[len(in_title) :]),
                ("lead", chunk_numbers),
            ):
                scoped = self._scoped[field]
                numbers.update(map(scoped.__getitem__, scoped.keys() & {*chain.from_iterable(field_numbers)}))
        numbers.add(self.always)
        return TextNumbers(numbers, words, sequence)

    def _words(self, pieces: list[str], chunk_numbers: list[WordNumbers]) -> list[WordNumbers]:
        """Return the numbers of each word of a text, with PHRASE_BREAK wherever a phrase must end."""
        begins = [*map(_get_phrase_word, chunk_numbers)]
        if self._several not in begins:
            return chunk_numbers
        words: list[WordNumbers] = []
        start = 0
        for _ in range(begins.count(self._several)):
            at = begins.index(self._several, start)
            words += chunk_numbers[start:at]
            words += self._spreads[pieces[at]]
            start = at + 1
        return words + chunk_numbers[start:]

    def _find_chains(self, sequence: list[int], numbers: set[int]) -> None:
        for phrases in {*map(self._chains.get, pairwise(sequence))}:
            if isinstance(phrases, int):
                numbers.add(phrases)
                continue
            for number, words in phrases or ():
                if not words or _contains_run(sequence, words):
                    numbers.add(number)

    def places(self, title: str, text_numbers: TextNumbers) -> TermPlaces:
        """Return the positions in a title and a text of the terms whose numbers are sure."""
        in_title = chain.from_iterable(map(self._spreads.__getitem__, split_chunks(title)))
        places = TermPlaces(text_numbers.words, sum(word is not PHRASE_BREAK for word in in_title))
        for at, phrases in enumerate(map(self._chains.get, pairwise(text_numbers.sequence))):
            if phrases is not None:
                for number, words in ((phrases, ()),) if isinstance(phrases, int) else phrases:
                    if not words or tuple(text_numbers.sequence[at : at + len(words)]) == words:
                        places.add(number, at, len(words) or 2)
        places.rename(self._scoped["title"], self._scoped["body"])
        return places

    def _find_triggered(self, numbers: set[int]) -> None:
        for trigger in self._triggers.keys() & numbers:
            for number, needed in self._triggers[trigger]:
                if needed <= numbers:
                    numbers.add(number)

    def _look(self, chunk: str) -> WordNumbers:
        words = self._spread(chunk)
        return words[0] if len(words) == 1 else (self._several, *chain.from_iterable(words))

    def _spread(self, chunk: str) -> tuple[WordNumbers, ...]:
        """Return the numbers of each word of a chunk, with PHRASE_BREAK wherever a phrase must end."""
        word = chunk.strip(_MARKS)
        if word[-2:] in ("'s", "’s"):
            word = word[:-2]
        if word.isascii() and word.isalnum():
            in_chain = self._chain_words.get(word.lower(), 0)
            if not in_chain or word == chunk:
                return (self._word_numbers(in_chain, self._numbers_of_ascii(word)),)
        word_numbers: list[WordNumbers] = []
        # In a script without spaces, a chunk can be a whole text, whose letters repeat. Look up each letter once.
        by_text: dict[str, WordNumbers] = {}
        normal = tokens.normalise(chunk)
        mark, position = "", 0
        for token in tokens.tokens(normal):
            if tokens.gap_form(mark + normal[position : token.start]) not in ("", " "):
                word_numbers.append(PHRASE_BREAK)
            if token.text not in by_text:
                plain = tokens.drop_accents(tokens.fold_case(token.text))
                by_text[token.text] = self._word_numbers(self._chain_words.get(plain, 0), self._numbers(token.text))
            word_numbers.append(by_text[token.text])
            mark, position = token.mark, token.gap
        if tokens.gap_form(mark + normal[position:]) not in ("", " "):
            word_numbers.append(PHRASE_BREAK)
        return tuple(word_numbers)

    def _word_numbers(self, in_chain: int, numbers: Iterable[int]) -> WordNumbers:
        word_numbers = tuple(dict.fromkeys((in_chain, *numbers)))
        return word_numbers if word_numbers != NO_NUMBERS else NO_NUMBERS

    def _numbers_of_ascii(self, raw: str) -> tuple[int, ...]:
        """Return the numbers of an ASCII word. Skips terms with accents, so it is faster than ``_numbers``."""
        numbers: list[int] = []
        plain = raw.lower()
        for forms, word in ((self._plain, plain), (self._exact, raw)):
            if number := forms.words.get(word):
                numbers.append(number)
            if word[:MIN_PREFIX] in forms.starts:
                numbers += forms.find_prefixes(word)
            if forms.holes:
                numbers += forms.find_holes(word, raw, plain, plain)
        return tuple(numbers)

    def _numbers(self, raw: str) -> list[int]:
        folded = tokens.fold_case(raw)
        plain = tokens.drop_accents(folded)
        return [
            *self._plain.find(plain, raw, folded, plain),
            *self._accented.find(folded, raw, folded, plain),
            *self._exact.find(raw, raw, folded, plain),
        ]


def _contains_run(sequence: list[int], words: tuple[int, ...]) -> bool:
    start = -1
    try:
        while True:
            start = sequence.index(words[0], start + 1)
            if tuple(sequence[start : start + len(words)]) == words:
                return True
    except ValueError:
        return False


#: Added to word positions in the text. It is larger than any distance of a rule, so no word of the text is near the
#: title.
_TITLE_GAP = 1 << 20


class TermPlaces:
    """The positions at which terms begin in a title and a text, by the number of the term."""

    def __init__(self, words: Iterable[WordNumbers], in_title: int) -> None:
        """``words`` has the numbers of each word: title, PHRASE_BREAK, text. ``in_title`` counts the title's words."""
        self._firsts: dict[int, list[int]] = defaultdict(list)
        #: By number: how many words a phrase has after its first word.
        self._more: dict[int, int] = {}
        self._in_title = in_title
        self._breaks: list[int] = []
        index = 0
        for at, word in enumerate(words):
            if word is PHRASE_BREAK:
                self._breaks.append(at)
                if index == in_title:
                    index += _TITLE_GAP
                continue
            if word is not NO_NUMBERS:
                for number in word:
                    self._firsts[number].append(index)
            index += 1

    def add(self, number: int, at: int, size: int) -> None:
        """Add a phrase of ``size`` words at ``at``, which counts breaks too. Add phrases from left to right."""
        index = at - bisect_left(self._breaks, at)
        self._firsts[number].append(index if index < self._in_title else index + _TITLE_GAP)
        self._more[number] = size - 1

    def rename(self, in_title: Mapping[int, int], in_text: Mapping[int, int]) -> None:
        """Add the positions of terms that are limited to one field.

        ``in_title`` and ``in_text`` map the number of a term in any field to its number in this field.
        """
        for scoped, start, end in ((in_title, 0, _TITLE_GAP), (in_text, _TITLE_GAP, sys.maxsize)):
            for number in scoped.keys() & self._firsts.keys():
                places = self._firsts[number]
                self._firsts[scoped[number]] = places[bisect_left(places, start) : bisect_left(places, end)]

    def hold(self, distances: Iterable[Distance]) -> bool:
        """Return whether all distances are as required."""
        return all(self._are_near(distance) is distance.is_wanted for distance in distances)

    def _are_near(self, distance: Distance) -> bool:
        """Return whether the two sides are within the distance of each other anywhere in the text."""
        left, right = self._side(distance.left), self._side(distance.right)
        return _follows(left, right, distance.words) or (
            not distance.is_ordered and _follows(right, left, distance.words)
        )

    def _side(self, group: Group) -> tuple[list[int], list[int]]:
        """Return the first and the last word positions of all occurrences of a group, both ascending."""
        numbers = [number for number in group if number in self._firsts]
        if len(numbers) == 1:
            firsts = self._firsts[numbers[0]]
            extra = self._more.get(numbers[0])
            return firsts, [first + extra for first in firsts] if extra else firsts
        firsts = sorted(chain.from_iterable([self._firsts[number] for number in numbers]))
        if self._more.keys().isdisjoint(numbers):
            return firsts, firsts
        lasts = [first + self._more.get(number, 0) for number in numbers for first in self._firsts[number]]
        return firsts, sorted(lasts)


def _follows(left: tuple[list[int], list[int]], right: tuple[list[int], list[int]], words: int) -> bool:
    firsts = right[0]
    for last in left[1]:
        index = bisect_right(firsts, last)
        if index == len(firsts):
            return False
        if firsts[index] - last - 1 <= words:
            return True
    return False
