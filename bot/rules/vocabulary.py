"""The words that rules ask for, as numbers, and which numbers a text has: fast, and never too few.

    text → chunks → the numbers of each chunk → the set of terms in the text
                                              → the sequence of phrase words → phrases in the text

A chunk is analysed once; after that it is one dictionary look-up, whatever its script, accents or marks. A term that
cannot be decided this way (a phrase with marks, exact case inside a phrase, a regular expression) gets a number that
is reported too often; ``unsure`` lists these numbers, and the exact evaluation decides them.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import accumulate, chain, pairwise
from operator import itemgetter
from typing import NamedTuple

from bot.language import tokens
from bot.rules import expression, patterns, tokenizer
from bot.rules.forms import Forms, is_plain, longest_run
from bot.rules.memo import Memo
from bot.rules.patterns import MIN_PREFIX, Element, Form, Shape
from bot.rules.places import Places
from bot.rules.tokenizer import BREAK_WORD, NOTHING, Said

#: Marks around words; none is a letter or a dash in normal form.
_MARKS = ".,;:!?\"'()[]“”‘’…«»"
_phrase_word = itemgetter(0)
#: Sorts behind every letter.
_LAST = chr(sys.maxunicode)


class Found(NamedTuple):
    """The numbers in a text."""

    numbers: set[int]
    #: The numbers of each word, with BREAK_WORD where a phrase must end.
    words: list[Said]
    #: The phrase word of each.
    sequence: list[int]


class Vocabulary:
    """Numbers for words and terms; grows while rules are added, then only answers."""

    def __init__(self) -> None:
        #: Numbers that a text may have without the term.
        self.unsure: set[int] = set()
        #: The highest number.
        self.count = 0
        #: By number: how often a text is likely to have it.
        self.weights = [0]
        self._plain = Forms()
        self._accented = Forms()
        self._exact = Forms()
        #: The number of each term while terms are added; the key has more than the text only if needed.
        self._terms: dict[str | tuple[str, bool, str | None], int] = {}
        #: The plain words that phrases contain.
        self._chain_words: dict[str, int] = {}
        #: By plain word, the number of phrases that contain it.
        self._in_phrases: Counter[str] = Counter()
        #: By two phrase words, the phrase that they are, or all phrases that begin with them, each with all its words
        #: if it has more than two.
        self._chains: dict[tuple[int, int], int | tuple[tuple[int, tuple[int, ...]], ...]] = {}
        #: By the number of a word, the phrases that need it, with the other words that they need.
        self._triggers: dict[int, tuple[tuple[int, frozenset[int]], ...]] = {}
        self._scoped: dict[str, dict[int, int]] = {"title": {}, "body": {}}
        #: A number that every text has: for terms on other fields and regular expressions.
        self.always = self._new(is_sure=False)
        #: The first number of a chunk that is not one word or one mark.
        self._several = self._new(is_sure=True)
        self._chunk_numbers = Memo(self._look, size=tokenizer.MEMO_CHUNKS, longest=tokenizer.MEMO_CHARACTERS)
        self._spreads = Memo(self._spread, size=tokenizer.MEMO_CHUNKS, longest=tokenizer.MEMO_CHARACTERS)

    def _new(self, *, is_sure: bool) -> int:
        self.count += 1
        self.weights.append(0)
        if not is_sure:
            self.unsure.add(self.count)
        return self.count

    # -- adding ------------------------------------------------------------------------------------------------

    def number(self, leaf: expression.Leaf) -> int:
        """Return the number that a text has wherever the term is."""
        if not isinstance(leaf, expression.Words) or leaf.field not in (None, "title", "body"):
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
        return self._scoped[leaf.field].setdefault(number, self._new(is_sure=True))

    def _element(self, element: Element) -> int:
        forms = self._forms(element.form)
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

    def _forms(self, form: Form) -> Forms:
        return self._plain if form is Form.PLAIN else self._exact if form is Form.EXACT else self._accented

    def _add_phrase(self, pattern: patterns.Pattern, *, is_anywhere: bool) -> int:
        run = longest_run(pattern.elements)
        is_whole = len(run) == len(pattern.elements) and not pattern.tail and not pattern.elements[0].gap
        is_sure = is_anywhere and is_whole and len(run) >= 2 and all(map(is_plain, run))
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
        # The word added last is usually the rarest: common ones were added earlier.
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

    def find(self, title: str, body: str) -> Found:
        """Return the numbers in a title and a text; some may belong to no term."""
        in_title: list[str] = []
        if is_scoped := any(self._scoped.values()):
            in_title = tokenizer.split(title)
            pieces = [*in_title, tokenizer.BREAK, *tokenizer.split(body)]
        else:
            pieces = tokenizer.split(f"{title} {tokenizer.BREAK} {body} ")
        chunk_numbers = [*map(self._chunk_numbers.__getitem__, pieces)]
        numbers = {*chain.from_iterable(chunk_numbers)}
        words = self._words(pieces, chunk_numbers)
        sequence = [*map(_phrase_word, words)]
        if self._chains:
            self._find_chains(sequence, numbers)
        if self._triggers:
            self._find_triggered(numbers)
        if is_scoped:
            for field, field_numbers in (
                ("title", chunk_numbers[: len(in_title)]),
                ("body", chunk_numbers[len(in_title) :]),
            ):
                scoped = self._scoped[field]
                numbers.update(map(scoped.__getitem__, scoped.keys() & {*chain.from_iterable(field_numbers)}))
        numbers.add(self.always)
        return Found(numbers, words, sequence)

    def _words(self, pieces: list[str], chunk_numbers: list[Said]) -> list[Said]:
        """Return the numbers of each word of a text, with BREAK_WORD where a phrase must end."""
        begins = [*map(_phrase_word, chunk_numbers)]
        if self._several not in begins:
            return chunk_numbers
        words: list[Said] = []
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
                if not words or _has_run(sequence, words):
                    numbers.add(number)

    def places(self, title: str, text_numbers: Found) -> Places:
        """Return the places of the terms in a title and a text, as far as their numbers are sure."""
        in_title = chain.from_iterable(map(self._spreads.__getitem__, tokenizer.split(title)))
        places = Places(text_numbers.words, sum(word is not BREAK_WORD for word in in_title))
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

    def _look(self, chunk: str) -> Said:
        words = self._spread(chunk)
        return words[0] if len(words) == 1 else (self._several, *chain.from_iterable(words))

    def _spread(self, chunk: str) -> tuple[Said, ...]:
        """Return the numbers of each word of a chunk, and BREAK_WORD where a phrase must end."""
        word = chunk.strip(_MARKS)
        if word[-2:] in ("'s", "’s"):
            word = word[:-2]
        if word.isascii() and word.isalnum():
            in_chain = self._chain_words.get(word.lower(), 0)
            if not in_chain or word == chunk:
                return (self._word_numbers(in_chain, self._numbers_of_ascii(word)),)
        word_numbers: list[Said] = []
        # A chunk of a script without spaces can be a whole text, of few different letters.
        by_text: dict[str, Said] = {}
        normal = tokens.normalise(chunk)
        mark, position = "", 0
        for token in tokens.tokens(normal):
            if tokens.gap_form(mark + normal[position : token.start]) not in ("", " "):
                word_numbers.append(BREAK_WORD)
            if token.text not in by_text:
                plain = tokens.drop_accents(tokens.fold_case(token.text))
                by_text[token.text] = self._word_numbers(self._chain_words.get(plain, 0), self._numbers(token.text))
            word_numbers.append(by_text[token.text])
            mark, position = token.mark, token.gap
        if tokens.gap_form(mark + normal[position:]) not in ("", " "):
            word_numbers.append(BREAK_WORD)
        return tuple(word_numbers)

    def _word_numbers(self, in_chain: int, numbers: Iterable[int]) -> Said:
        word_numbers = tuple(dict.fromkeys((in_chain, *numbers)))
        return word_numbers if word_numbers != NOTHING else NOTHING

    def _numbers_of_ascii(self, raw: str) -> tuple[int, ...]:
        """Return the numbers of an ASCII word, which no term with accents fits: faster than ``_numbers``."""
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


def _has_run(sequence: list[int], words: tuple[int, ...]) -> bool:
    start = -1
    try:
        while True:
            start = sequence.index(words[0], start + 1)
            if tuple(sequence[start : start + len(words)]) == words:
                return True
    except ValueError:
        return False
