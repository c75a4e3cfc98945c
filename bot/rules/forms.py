"""The words of terms in one of their forms, and the phrases that they make."""

from __future__ import annotations

from bot.language import tokens
from bot.rules.patterns import MIN_PREFIX, Element, Form, Shape


class Forms:
    """The elements of terms that compare one form of a word."""

    __slots__ = ("holes", "lengths", "prefixes", "starts", "words")

    def __init__(self) -> None:
        self.words: dict[str, int] = {}
        self.prefixes: dict[str, int] = {}
        #: The lengths of the prefixes, ascending, and the beginnings of the prefixes.
        self.lengths: tuple[int, ...] = ()
        self.starts: set[str] = set()
        #: Elements with a wildcard inside, by their first letter, which is never a wildcard.
        self.holes: dict[str, list[tuple[Element, int]]] = {}

    def add(self, element: Element, number: int) -> None:
        """Add an element under its number, which starts at 1."""
        if element.shape is Shape.WORD:
            self.words[element.text] = number
        elif element.shape is Shape.PREFIX:
            self.prefixes[element.text] = number
            self.lengths = tuple(sorted({*self.lengths, len(element.text)}))
            self.starts.add(element.text[:MIN_PREFIX])
        else:
            self.holes.setdefault(element.text[0], []).append((element, number))

    def find(self, word: str, raw: str, folded: str, plain: str) -> list[int]:
        """Return the numbers of the elements that fit a word; ``word`` is the word in the form compared here."""
        number = self.words.get(word)
        numbers = [number] if number else []
        return numbers + self.find_prefixes(word) + self.find_holes(word, raw, folded, plain)

    def find_prefixes(self, word: str) -> list[int]:
        """Return the numbers of the elements that a word begins with."""
        starts = map(self.prefixes.get, [word[:length] for length in self.lengths if length <= len(word)])
        return [number for number in starts if number]

    def find_holes(self, word: str, raw: str, folded: str, plain: str) -> list[int]:
        """Return the numbers of the elements with a wildcard inside that fit a word."""
        return [number for element, number in self.holes.get(word[0], ()) if element.fits(raw, folded, plain)]


def is_plain(element: Element) -> bool:
    """Return whether a word is compared by its letters only, and is written with spaces around it."""
    return element.form is Form.PLAIN and not element.possessive and not tokens.is_unspaced(element.text)


def longest_run(elements: tuple[Element, ...]) -> tuple[Element, ...]:
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
