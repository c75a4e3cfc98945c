"""The slow, obvious evaluator: the language as docs/query-language.md says it, character by character.

It shares the expression tree with the engine and nothing else: it reads terms and texts on its own (slow_words.py).
"""

from __future__ import annotations

import itertools
import re

from bot import model
from bot.rules import expression
from bot.rules.evaluate import CompiledRule
from bot.rules.parts import LineKind
from tests.rules.slow_words import Field, Places, capitals, term_places


class Slow:
    """One article."""

    def __init__(self, article: model.Article) -> None:
        self.article = article
        self.fields = [
            Field("title", article.title),
            Field("body", article.text),
            Field("url", article.link),
            Field("author", article.author or ""),
            *(Field("tag", tag) for tag in article.tags),
            Field("source", article.outlet),
        ]

    def texts(self, field: str | None) -> list[Field]:
        return [one for one in self.fields if one.name == field or (field is None and one.name in ("title", "body"))]

    def places(self, part: expression.Expression, field: Field) -> Places:
        """Where a part under NEAR is true in one field."""
        match part:
            case expression.Words(text, is_exact, scope):
                return term_places(text, is_exact, field) if field in self.texts(scope) else set()
            case expression.Any(parts) | expression.Named(_, parts):
                return set[tuple[int, int]]().union(*(self.places(one, field) for one in parts))
            case expression.Near(left, right, words, is_ordered):
                return {
                    (min(one[0], other[0]), max(one[1], other[1]))
                    for one in self.places(left, field)
                    for other in self.places(right, field)
                    if 0 < other[0] - one[1] <= words + 1 or (not is_ordered and 0 < one[0] - other[1] <= words + 1)
                }
            case expression.Window(parts, words, scope):
                return self.windows(parts, words, field) if field in self.texts(scope) else set()
            case expression.Regex(source, ignores_case, scope):
                assert field in self.texts(scope)
                found = re.search(source, field.normal, re.IGNORECASE if ignores_case else 0)
                return {(0, 0)} if found else set()
            case _:
                raise AssertionError(part)

    def windows(self, parts: tuple[expression.Words, ...], words: int, field: Field) -> Places:
        found: Places = set()
        for chosen in itertools.product(*(term_places(part.text, part.is_exact, field) for part in parts)):
            taken = [index for first, last in chosen for index in range(first, last + 1)]
            span = max(taken) - min(taken) + 1
            if len(set(taken)) == len(taken) and span - len(taken) <= words:
                found.add((min(taken), max(taken)))
        return found

    def holds(self, part: expression.Expression) -> bool:
        match part:
            case expression.All(parts):
                return all(self.holds(one) for one in parts)
            case expression.Any(parts) | expression.Named(_, parts):
                return any(self.holds(one) for one in parts)
            case expression.Not(one):
                return not self.holds(one)
            case expression.Value("lang", value):
                language = (self.article.language or "").lower().replace("_", "-")
                return language == value or language.startswith(value + "-")
            case expression.Value(_, value):
                host = self.article.link.partition("://")[2].partition("/")[0].lower()
                return host == value or host.endswith("." + value)
            case expression.Words(_, _, scope) | expression.Regex(_, _, scope) | expression.Window(_, _, scope):
                return any(self.places(part, field) for field in self.texts(scope))
            case _:
                return any(self.places(part, field) for field in self.fields)

    def supporting(self, part: expression.Expression) -> set[expression.Leaf]:
        """Terms on which a true part rests."""
        if not self.holds(part):
            return set()
        match part:
            case expression.All(parts) | expression.Any(parts) | expression.Named(_, parts):
                return set[expression.Leaf]().union(*(self.supporting(one) for one in parts))
            case expression.Not():
                return set()
            case expression.Words():
                return {part}
            case _:
                return set(expression.leaves(part))


def matches(compiled: CompiledRule, article: model.Article) -> bool:
    slow = Slow(article)
    wanted = [part.expression for part in compiled.parts if part.kind is LineKind.ANY]
    if not all(slow.holds(part.expression) for part in compiled.parts if part.kind is LineKind.ALL):
        return False
    if wanted and not any(map(slow.holds, wanted)):
        return False
    if any(slow.holds(part.expression) for part in compiled.parts if part.kind is LineKind.NONE):
        return False
    found = [
        leaf for part in compiled.parts if part.kind is not LineKind.NONE for leaf in slow.supporting(part.expression)
    ]
    return not (found and all(is_weak(leaf, compiled, slow) for leaf in found))


def is_weak(leaf: expression.Leaf, compiled: CompiledRule, slow: Slow) -> bool:
    if not isinstance(leaf, expression.Words) or leaf.is_exact or not capitals(leaf.text):
        return False
    title = slow.fields[0]
    if any(term_places(leaf.text, leaf.is_exact, field) for field in slow.texts(leaf.field) if field is not title):
        return False
    own = {
        index
        for part in compiled.parts
        for term in expression.leaves(part.expression)
        for words in (term.parts if isinstance(term, expression.Window) else (term,))
        if isinstance(words, expression.Words) and not words.is_exact and capitals(words.text)
        for first, last in term_places(words.text, False, title)
        for index in range(first, last + 1)
    }
    words = [token.text for index, token in enumerate(title.tokens) if index not in own]
    loud = [word for word in words if all(c.isupper() or not c.isalpha() for c in word)]
    return len(words) >= 4 and len(loud) * 4 >= len(words) * 3
