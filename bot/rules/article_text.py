"""Split the fields of an article into words in three forms, and find the occurrences of terms in them.

``Steps`` limits the work of evaluations.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import urllib.parse
from typing import NamedTuple

from bot.model.errors import WirewatchError
from bot.model.stories import Article
from bot.rules import expression
from bot.text import sentences, tokens


class Stretch(NamedTuple):
    """A range of words. ``first`` and ``last`` are indexes, both included."""

    first: int
    last: int


class FieldText:
    """The text of one field, tokenised at most once."""

    def __init__(self, name: str, original: str, steps: Steps | None = None, *, field: str | None = None) -> None:
        #: The field that evidence names: for the two texts of the lead, title and body.
        self.name = name
        #: The field that terms name.
        self.field = field or name
        #: Limit of the work on this text, or None for no limit.
        self.steps = steps
        self.original = original
        self.normal = tokens.normalise_with_offsets(original)
        #: Id of a pattern -> the pattern and its occurrences. The pattern is kept because an id is valid only while
        #: its object exists.
        self._cache: dict[int, tuple[expression.Pattern, list[Stretch]]] = {}

    # Compute words and their forms on first use, because regular expressions do not need them.

    @functools.cached_property
    def tokens(self) -> tuple[tokens.Token, ...]:
        """Return the words with their positions in the normalised text."""
        return tuple(tokens.tokens(self.normal.text))

    @functools.cached_property
    def raw(self) -> list[str]:
        """Return the words as written."""
        return [token.text for token in self.tokens]

    @functools.cached_property
    def folded(self) -> list[str]:
        """Return the words without case."""
        return (
            [word.lower() for word in self.raw] if self.normal.text.isascii() else list(map(tokens.fold_case, self.raw))
        )

    @functools.cached_property
    def plain(self) -> list[str]:
        """Return the words without case and accents."""
        return self.folded if self.normal.text.isascii() else list(map(tokens.drop_accents, self.folded))

    @functools.cached_property
    def gaps(self) -> list[str]:
        """Return the gap before each word and the gap after the last word, as ``tokens.gap_form`` writes them."""
        gaps, mark, position = [], "", 0
        for token in self.tokens:
            gaps.append(tokens.gap_form(mark + self.normal.text[position : token.start]))
            mark, position = token.mark, token.gap
        gaps.append(tokens.gap_form(mark + self.normal.text[position:]))
        return gaps

    @functools.cached_property
    def _places(self) -> dict[str, list[int]]:
        return _index_words(self.plain)

    @functools.cached_property
    def _ordered(self) -> list[str]:
        return sorted(self._places)

    def _beginning(self, prefix: str) -> list[int]:
        """Return the positions of the plain words with this prefix.

        Uses bisection, because comparing each word made NEAR a third slower.
        """
        first = bisect.bisect_left(self._ordered, prefix)
        places: list[int] = []
        for word in itertools.islice(self._ordered, first, None):
            if not word.startswith(prefix):
                break
            places += self._places[word]
        return sorted(places)

    def _words(self, form: expression.Form) -> list[str]:
        return (
            self.plain if form is expression.Form.PLAIN else self.raw if form is expression.Form.EXACT else self.folded
        )

    def fits(self, element: expression.Element, index: int) -> bool:
        """Return whether the word at ``index`` fits the element."""
        if element.possessive and self.tokens[index].possessive != element.possessive:
            return False
        return element.fits(self.raw[index], self.folded[index], self.plain[index])

    def find(self, pattern: expression.Pattern) -> list[Stretch]:
        """Return every occurrence of a term, from left to right. The result is cached."""
        cached = self._cache.get(id(pattern))
        if cached is None:
            if self.steps is not None:
                # Checking ten words costs one step, as much as the later work for one occurrence.
                self.steps.take(1 + len(self.raw) // 10)
            cached = self._cache[id(pattern)] = pattern, self._find(pattern)
        return cached[1]

    def _find(self, pattern: expression.Pattern) -> list[Stretch]:
        if len(pattern.elements) == 1 and not pattern.elements[0].gap and not pattern.tail:
            return [Stretch(index, index) for index in self._starts(pattern.elements[0])]
        stretches = []
        end = self._end_in_runs(pattern) if any(element.runs_on for element in pattern.elements[:-1]) else None
        for first in self._starts(pattern.elements[0]):
            if not self.gaps[first].endswith(pattern.elements[0].gap):
                continue
            last = self._end(pattern, first) if end is None else end[first]
            if last is not None and self.gaps[last + 1].startswith(pattern.tail):
                stretches.append(Stretch(first, last))
        return stretches

    def _starts(self, element: expression.Element) -> list[int]:
        if element.shape is expression.Shape.WORD:
            plain = element.text
            if element.form is not expression.Form.PLAIN:
                plain = tokens.drop_accents(tokens.fold_case(plain))
            candidates = self._places.get(plain, [])
            if element.form is expression.Form.PLAIN and not element.possessive:
                return candidates
        elif element.shape is expression.Shape.PREFIX and not element.possessive:
            if element.form is expression.Form.PLAIN:
                return self._beginning(element.text)
            beginning = element.text
            return [index for index, word in enumerate(self._words(element.form)) if word.startswith(beginning)]
        else:
            candidates = list(range(len(self.raw)))
        return [index for index in candidates if self.fits(element, index)]

    def _end(self, pattern: expression.Pattern, first: int) -> int | None:
        """Return the index of the last word of the term, or None if the term does not begin at ``first``."""
        end = first
        for element in pattern.elements[1:]:
            end += 1
            if end >= len(self.raw) or self.gaps[end] != element.gap or not self.fits(element, end):
                return None
        return end

    def _end_in_runs(self, pattern: expression.Pattern) -> list[int | None]:
        """Return the result of ``_end`` for each first word, for a term with a ``*`` in a script without spaces.

        Goes from the last element to the first, so that a long run of letters takes one step per letter and element.
        """
        size = len(self.raw)
        #: By word: the end of the term if the current element is at this word, or None.
        ends: list[int | None] = list(range(size))
        for previous, element in reversed(list(zip(pattern.elements, pattern.elements[1:], strict=False))):
            following: int | None = None
            earlier: list[int | None] = [None] * size
            for index in range(size - 1, 0, -1):
                is_here = ends[index] is not None and self.gaps[index] == element.gap and self.fits(element, index)
                is_run = self.gaps[index] == "" and tokens.is_unspaced(self.raw[index])
                # The next element must be at the next word. After a ``*``, it may be at any later word of the run, or
                # at the first word after the run.
                continued = following if previous.runs_on and is_run else None
                following = ends[index] if is_here else continued
                earlier[index - 1] = following
            ends = earlier
        return ends

    def span(self, stretch: Stretch) -> tuple[int, int]:
        """Return the start and end of a stretch in the normalised text, without a possessive at its end."""
        return self.tokens[stretch.first].start, self.tokens[stretch.last].end

    def stretch(self, start: int, end: int) -> Stretch | None:
        """Return the words that a part of the normalised text touches, or None if it has no letter or digit."""
        first = bisect.bisect_right(self.tokens, start, key=lambda token: token.end)
        last = bisect.bisect_left(self.tokens, end, key=lambda token: token.start) - 1
        return Stretch(first, last) if first <= last else None


def _index_words(words: list[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for index, word in enumerate(words):
        if word in places:
            places[word].append(index)
        else:
            places[word] = [index]
    return places


class ArticleText:
    """The fields of one article. Each field is read on first use."""

    def __init__(self, article: Article, steps: Steps | None = None) -> None:
        self.article = article
        self._steps = steps
        self._fields: dict[str | None, tuple[FieldText, ...]] = {}

    def fields(self, name: str | None) -> tuple[FieldText, ...]:
        """Return the texts of a field, or of title and body if ``name`` is None.

        Each tag is a separate text. The lead has two texts: the title, and the first two sentences of the body.
        """
        texts = self._fields.get(name)
        if texts is None:
            texts = self._fields[name] = self._read_field(name)
        return texts

    def _read_field(self, name: str | None) -> tuple[FieldText, ...]:
        if name is None:
            return (*self.fields("title"), *self.fields("body"))
        if name == "lead":
            article = self.article
            # The lead begins where the body begins, so its offsets are also offsets into the body.
            opening = article.text[: sentences.lead_length(article.text, article.language)]
            return (
                FieldText("title", article.title, self._steps, field="lead"),
                FieldText("body", opening, self._steps, field="lead"),
            )
        return tuple(FieldText(name, string, self._steps) for string in self._strings(name))

    def _strings(self, name: str) -> tuple[str, ...]:
        article = self.article
        match name:
            case "title":
                return (article.title,)
            case "body":
                return (article.text,)
            case "url":
                return (article.link,)
            case "author":
                return (article.author or "",)
            case "tag":
                return article.tags
            case "source":
                return (article.outlet,)
            case _:
                raise AssertionError(name)

    @functools.cached_property
    def host(self) -> str:
        """Return the host of the article's link, folded; empty if the link has none."""
        try:
            return (urllib.parse.urlsplit(self.article.link).hostname or "").casefold().rstrip(".")
        except ValueError:
            return ""

    @functools.cached_property
    def language(self) -> str:
        """Return the article's language as a folded tag such as "pt-br"; empty if unknown."""
        return (self.article.language or "").strip().casefold().replace("_", "-")

    def value(self, field: str, value: str) -> tuple[str, int, int] | None:
        """Return the host or language with its start and end in the field, or None if it does not match ``value``."""
        if field == "lang":
            is_match = self.language == value or self.language.startswith(value + "-")
            language = self.article.language or ""
            return (language, 0, len(language)) if is_match else None
        if self.host != value and not self.host.endswith("." + value):
            return None
        start = max(self.article.link.casefold().find(self.host), 0)
        end = start + len(self.host)
        return self.article.link[start:end], start, end


def is_shouting(title: FieldText, capitals: tuple[expression.Pattern, ...]) -> bool:
    """Return whether at least three quarters of the title's words are in capitals.

    The rule's own terms in capitals are not counted, and at least four other words are required. A number counts as
    capitals, so that a headline of names and figures can shout.
    """
    own_words = {
        index
        for pattern in capitals
        for stretch in title.find(pattern)
        for index in range(stretch.first, stretch.last + 1)
    }
    words = [word for index, word in enumerate(title.raw) if index not in own_words]
    loud = sum(all(letter.isupper() or not letter.isalpha() for letter in word) for word in words)
    return len(words) >= 4 and loud * 4 >= len(words) * 3


#: Maximum steps for one example. A rule of 10,000 terms takes 200,000 steps on a headline; a few million steps take a
#: second.
MAX_EXAMPLE_STEPS = 2_000_000


class TooManySteps(WirewatchError):
    """An evaluation took more steps than allowed."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most:,} steps")
        self.most = most


class Steps:
    """A limit of steps that several evaluations share."""

    __slots__ = ("_left", "_most")

    def __init__(self, most: int = MAX_EXAMPLE_STEPS) -> None:
        self._most = self._left = most

    def take(self, count: int) -> None:
        """Subtract ``count`` steps. Raises TooManySteps if too few are left."""
        self._left -= count
        if self._left < 0:
            raise TooManySteps(self._most)
