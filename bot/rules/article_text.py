"""An article as rules see it: its fields as words in their three forms, and where a term is in them."""

from __future__ import annotations

import bisect
import functools
import itertools
import urllib.parse
from typing import NamedTuple

from bot import model
from bot.language import tokens
from bot.rules import patterns
from bot.rules.steps import Steps


class Stretch(NamedTuple):
    """From one word to another, both included."""

    first: int
    last: int


class FieldText:
    """One field's text, tokenised at most once."""

    def __init__(self, name: str, original: str, steps: Steps | None = None) -> None:
        self.name = name
        #: What looking through it may cost; None: as much as it takes.
        self.steps = steps
        self.original = original
        self.normal = tokens.normalise_with_offsets(original)
        #: By a pattern's identity, and with it, since an identity is good only while its owner lives.
        self._found: dict[int, tuple[patterns.Pattern, list[Stretch]]] = {}

    # Words and their forms are made when first asked for: a regular expression asks for none.

    @functools.cached_property
    def tokens(self) -> tuple[tokens.Token, ...]:
        """The words with their places in the normal text."""
        return tuple(tokens.tokens(self.normal.text))

    @functools.cached_property
    def raw(self) -> list[str]:
        """The words as they are."""
        return [token.text for token in self.tokens]

    @functools.cached_property
    def folded(self) -> list[str]:
        """The words without their case."""
        return (
            [word.lower() for word in self.raw] if self.normal.text.isascii() else list(map(tokens.fold_case, self.raw))
        )

    @functools.cached_property
    def plain(self) -> list[str]:
        """The words without case and accents."""
        return self.folded if self.normal.text.isascii() else list(map(tokens.drop_accents, self.folded))

    @functools.cached_property
    def gaps(self) -> list[str]:
        """Before each word, and behind the last, in ``text.gap_form``."""
        gaps, mark, position = [], "", 0
        for token in self.tokens:
            gaps.append(tokens.gap_form(mark + self.normal.text[position : token.start]))
            mark, position = token.mark, token.gap
        gaps.append(tokens.gap_form(mark + self.normal.text[position:]))
        return gaps

    @functools.cached_property
    def _places(self) -> dict[str, list[int]]:
        return _places(self.plain)

    @functools.cached_property
    def _ordered(self) -> list[str]:
        return sorted(self._places)

    def _beginning(self, prefix: str) -> list[int]:
        """The places of every plain word that begins so: a look at each word took a third of the time of NEAR."""
        first = bisect.bisect_left(self._ordered, prefix)
        places: list[int] = []
        for word in itertools.islice(self._ordered, first, None):
            if not word.startswith(prefix):
                break
            places += self._places[word]
        return sorted(places)

    def _words(self, form: patterns.Form) -> list[str]:
        return self.plain if form is patterns.Form.PLAIN else self.raw if form is patterns.Form.EXACT else self.folded

    def fits(self, element: patterns.Element, index: int) -> bool:
        """Whether the word at ``index`` is one that the element stands for."""
        if element.possessive and self.tokens[index].possessive != element.possessive:
            return False
        return element.fits(self.raw[index], self.folded[index], self.plain[index])

    def find(self, pattern: patterns.Pattern) -> list[Stretch]:
        """Every place of a term, from left to right; the same list when asked again."""
        known = self._found.get(id(pattern))
        if known is None:
            if self.steps is not None:
                # A word is looked up, an ending looked for: a tenth of what a place costs afterwards.
                self.steps.take(1 + len(self.raw) // 10)
            known = self._found[id(pattern)] = pattern, self._find(pattern)
        return known[1]

    def _find(self, pattern: patterns.Pattern) -> list[Stretch]:
        if len(pattern.elements) == 1 and not pattern.elements[0].gap and not pattern.tail:
            return [Stretch(index, index) for index in self._starts(pattern.elements[0])]
        found = []
        end = self._end_in_runs(pattern) if any(one.runs_on for one in pattern.elements[:-1]) else None
        for first in self._starts(pattern.elements[0]):
            if not self.gaps[first].endswith(pattern.elements[0].gap):
                continue
            last = self._end(pattern, first) if end is None else end[first]
            if last is not None and self.gaps[last + 1].startswith(pattern.tail):
                found.append(Stretch(first, last))
        return found

    def _starts(self, element: patterns.Element) -> list[int]:
        if element.shape is patterns.Shape.WORD:
            plain = element.text
            if element.form is not patterns.Form.PLAIN:
                plain = tokens.drop_accents(tokens.fold_case(plain))
            candidates = self._places.get(plain, [])
            if element.form is patterns.Form.PLAIN and not element.possessive:
                return candidates
        elif element.shape is patterns.Shape.PREFIX and not element.possessive:
            if element.form is patterns.Form.PLAIN:
                return self._beginning(element.text)
            beginning = element.text
            return [index for index, word in enumerate(self._words(element.form)) if word.startswith(beginning)]
        else:
            candidates = list(range(len(self.raw)))
        return [index for index in candidates if self.fits(element, index)]

    def _end(self, pattern: patterns.Pattern, first: int) -> int | None:
        """Where a term that starts at a word ends."""
        end = first
        for element in pattern.elements[1:]:
            end += 1
            if end >= len(self.raw) or self.gaps[end] != element.gap or not self.fits(element, end):
                return None
        return end

    def _end_in_runs(self, pattern: patterns.Pattern) -> list[int | None]:
        """The same of every word, where a run may go on after a part of the term: the nearest end.

        From the last part to the first, so that a text of one long run takes a step a letter and part.
        """
        size = len(self.raw)
        #: Of the parts from one on, by the word at which it is.
        ends: list[int | None] = list(range(size))
        for before, element in reversed(list(zip(pattern.elements, pattern.elements[1:], strict=False))):
            following: int | None = None
            earlier: list[int | None] = [None] * size
            for index in range(size - 1, 0, -1):
                stands = ends[index] is not None and self.gaps[index] == element.gap and self.fits(element, index)
                is_run = self.gaps[index] == "" and tokens.is_unspaced(self.raw[index])
                # What follows a word is the next one, or after a run any of the run and the one behind it.
                goes_on = following if before.runs_on and is_run else None
                following = ends[index] if stands else goes_on
                earlier[index - 1] = following
            ends = earlier
        return ends

    def place(self, stretch: Stretch) -> tuple[int, int]:
        """Offsets in the original, possessives left out."""
        return self.normal.place(self.tokens[stretch.first].start, self.tokens[stretch.last].end)

    def stretch(self, start: int, end: int) -> Stretch | None:
        """The words that a part of the normal text touches; None: it has no letter or digit."""
        first = bisect.bisect_right(self.tokens, start, key=lambda token: token.end)
        last = bisect.bisect_left(self.tokens, end, key=lambda token: token.start) - 1
        return Stretch(first, last) if first <= last else None


def _places(words: list[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for index, word in enumerate(words):
        if word in places:
            places[word].append(index)
        else:
            places[word] = [index]
    return places


class ArticleText:
    """One article's fields; each is read when first asked for."""

    def __init__(self, article: model.Article, steps: Steps | None = None) -> None:
        self.article = article
        self._steps = steps
        self._fields: dict[str | None, tuple[FieldText, ...]] = {}

    def fields(self, name: str | None) -> tuple[FieldText, ...]:
        """The texts of a field (one a tag); None: title and body."""
        texts = self._fields.get(name)
        if texts is None:
            texts = self._fields[name] = (
                (*self.fields("title"), *self.fields("body"))
                if name is None
                else tuple(FieldText(name, string, self._steps) for string in self._strings(name))
            )
        return texts

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
        """The host of the article's link, folded; empty: it has none."""
        try:
            return (urllib.parse.urlsplit(self.article.link).hostname or "").casefold().rstrip(".")
        except ValueError:
            return ""

    @functools.cached_property
    def language(self) -> str:
        """The article's language as a folded tag such as "pt-br"; empty: unknown."""
        return (self.article.language or "").strip().casefold().replace("_", "-")

    def value(self, field: str, value: str) -> tuple[str, int, int] | None:
        """The text and the offsets in its field where ``site:`` or ``lang:`` holds."""
        if field == "lang":
            found = self.language == value or self.language.startswith(value + "-")
            language = self.article.language or ""
            return (language, 0, len(language)) if found else None
        if self.host != value and not self.host.endswith("." + value):
            return None
        start = max(self.article.link.casefold().find(self.host), 0)
        end = start + len(self.host)
        return self.article.link[start:end], start, end


def is_shouting(title: FieldText, capitals: tuple[patterns.Pattern, ...]) -> bool:
    """At least four words, leaving out the rule's own all-capitals terms, three quarters of them in capitals.

    A number counts as written in capitals, or a headline of names and figures would never shout.
    """
    own = {
        index for pattern in capitals for found in title.find(pattern) for index in range(found.first, found.last + 1)
    }
    words = [word for index, word in enumerate(title.raw) if index not in own]
    loud = sum(all(letter.isupper() or not letter.isalpha() for letter in word) for word in words)
    return len(words) >= 4 and loud * 4 >= len(words) * 3
