"""The slow, obvious evaluator: the language as docs/query-language.md says it, word by word.

It shares the expression tree, the words of a text and the end of the lead with the engine, and reads terms on its own.
"""

from __future__ import annotations

import itertools
import re

from bot.model.stories import Article
from bot.rules import expression
from bot.rules.evaluate import CompiledRule
from bot.rules.parts import LineKind
from bot.text import tokens
from bot.text.sentences import lead_length


class Slow:
    """One article."""

    def __init__(self, article: Article) -> None:
        self.article = article
        self.lead_title = Field("lead", article.title)
        self.fields = [
            Field("title", article.title),
            Field("body", article.text),
            Field("url", article.link),
            Field("author", article.author or ""),
            *(Field("tag", tag) for tag in article.tags),
            Field("source", article.outlet),
            self.lead_title,
            Field("lead", article.text[: lead_length(article.text, article.language)]),
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


def matches(compiled: CompiledRule, article: Article) -> bool:
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
    rest = [field for field in slow.texts(leaf.field) if field is not title and field is not slow.lead_title]
    if any(term_places(leaf.text, leaf.is_exact, field) for field in rest):
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
    words = [word for index, (word, _, _) in enumerate(title.tokens) if index not in own]
    loud = [word for word in words if all(c.isupper() or not c.isalpha() for c in word)]
    return len(words) >= 4 and len(loud) * 4 >= len(words) * 3


# -- texts and terms, word by word


#: A word, its possessive, and the text up to the next word without the possessive.
Token = tuple[str, str, str]
#: The first and the last word of each place.
Places = set[tuple[int, int]]


def tokenise(string: str) -> tuple[str, list[Token]]:
    """Return the text before the first word, and the words."""
    words = list(tokens.tokens(string))
    ends = [*(word.start for word in words[1:]), len(string)]
    return string[: words[0].start] if words else string, [
        (word.text, word.possessive, word.mark + string[word.gap : end]) for word, end in zip(words, ends, strict=False)
    ]


def capitals(string: str) -> bool:
    letters = [character for character in string if character.isalpha()]
    return len(letters) >= 2 and all(character.isupper() for character in letters)


class Field:
    def __init__(self, name: str, original: str) -> None:
        self.name = name
        self.normal = tokens.normalise(original)
        lead, self.tokens = tokenise(self.normal)
        self.gaps = [tokens.gap_form(text) for text in (lead, *(behind for _, _, behind in self.tokens))]


def term_words(term: str) -> tuple[str, list[Token]]:
    """The lead, then for each word: the word with its wildcards, its possessive, and the text that must follow."""
    lead, words = tokenise(term)
    found: list[Token] = []
    joins = False
    for word, possessive, behind in words:
        if joins and not tokens.is_unspaced(word[0]):
            word = found.pop()[0] + word
        while behind.startswith("?") and not possessive:
            behind = behind[1:]
            if tokens.is_unspaced(word[-1]) or word == "?":
                found.append((word, possessive, ""))
                word = "?"
            else:
                word += "?"
        if behind.startswith("*") and not possessive:
            word, behind = word + "*", behind[1:]
        joins = word.endswith("?") and word != "?" and behind == ""
        found.append((word, possessive, tokens.gap_form(behind)))
    return tokens.gap_form(lead).lstrip(" "), found


def word_fits(word: str, token: str, is_exact: bool) -> bool:
    bare = word.rstrip("*")
    if not is_exact:
        bare, token = tokens.fold_case(bare), tokens.fold_case(token)
        if tokens.drop_accents(bare) == bare:
            token = tokens.drop_accents(token)
    if "?" in bare:
        pattern = re.escape(bare).replace(r"\?", tokens.LETTER_PATTERN)
        return re.fullmatch(pattern + (".*" if word.endswith("*") else ""), token, re.DOTALL) is not None
    return token.startswith(bare) if word.endswith("*") else token == bare


def term_places(text: str, is_exact: bool, field: Field) -> Places:
    lead, elements = term_words(text)
    found: Places = set()
    for first in range(len(field.tokens)):
        if not field.gaps[first].endswith(lead):
            continue
        ends, wanted = [first - 1], field.gaps[first]
        for number, (word, possessive, gap) in enumerate(elements):
            exact = is_exact or capitals(text) or capitals(word)
            following = []
            for here in (end + 1 for end in ends if end + 1 < len(field.tokens) and field.gaps[end + 1] == wanted):
                token, owner, _ = field.tokens[here]
                if not word_fits(word, token, exact) or possessive not in ("", owner):
                    continue
                following.append(here)
                # A * in a script without spaces stands for the rest of the run, which may have the next words too.
                last = here
                while word[-1] == "*" and tokens.is_unspaced(word[-2]) and number + 1 < len(elements):
                    last += 1
                    if last == len(field.tokens) or field.gaps[last] or not tokens.is_unspaced(field.tokens[last][0]):
                        break
                    following.append(last)
            ends, wanted = sorted(set(following)), gap
        tail = elements[-1][2].rstrip(" ")
        if ends and field.gaps[ends[0] + 1].startswith(tail):
            found.add((first, ends[0]))
    return found
