"""Find likely mistakes in a rule: common words, lone acronyms, words in capitals, nouns without their plural.

The usual spelling of a word in the news decides about capitals (bot.text.names). A list of nouns decides about
plurals.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bot.model.rules import Rule
from bot.patterns import LazyPattern
from bot.rules import english, expression, parse
from bot.rules.english import COMMON_WORDS, COUNTED_NOUNS, NEWS_WORDS
from bot.rules.errors import RuleProblem
from bot.rules.evaluate import CompiledRule
from bot.rules.parts import LineKind, Part
from bot.text import names, tokens, words

#: Words after a comma that belong to the name before it, such as Inc.
_NAME_TAIL = LazyPattern(
    r"(?:inc|ltd|llc|llp|corp|co|plc|gmbh|ag|kg|s\.?a|s\.?p\.?a|n\.?v|b\.?v|pty|jr|sr|ii|iii|m\.?d|ph\.?d|esq)\.?\Z",
    re.IGNORECASE,
)
_ACRONYM = LazyPattern(r"[^\W_]{2,5}\Z")


class _Term(NamedTuple):
    """A word or phrase that must match, with its position in the rule.

    The position of a set's term is the position of the set in the rule.
    """

    leaf: expression.Words
    place: tuple[str | int, ...]
    start: int
    end: int
    is_of_set: bool

    def in_braces(self) -> str:
        """Return the term in braces, which match only its case; in a list with the quotes that YAML needs."""
        return f"{{{self.leaf.text}}}" if self.place[0] == "query" else f'"{{{self.leaf.text}}}"'

    def problem(self, code: str, message: str, help_text: str) -> RuleProblem:
        return RuleProblem(place=self.place, start=self.start, end=self.end, code=code, message=message, help=help_text)


def find_warnings(compiled: CompiledRule) -> tuple[RuleProblem, ...]:
    """Return the warnings about a rule. They do not prevent its use."""
    rule = compiled.rule
    terms = [*_find_wanted_terms(rule)]
    required = [part for part in compiled.parts if part.kind is not LineKind.NONE]
    has_exclusions = len(required) < len(compiled.parts)
    kinds = [part.kind for part in required]
    is_one_line = kinds.count(LineKind.ALL) + (LineKind.ANY in kinds) < 2
    is_near = any(isinstance(part.expression, expression.Near) for part in required)
    is_alone = is_one_line and not is_near and not (rule.query is not None and has_exclusions)
    problems = [*_check_texts(rule)]
    problems += [problem for term in terms if not term.is_of_set for problem in _check_word(term, is_alone)]
    if is_one_line and not has_exclusions and not rule.feeds:
        problems += _check_acronyms(terms, required)
    problems += _check_excluded(rule, terms)
    problems += _check_names(terms)
    if not rule.stem:
        problems += _check_plurals(terms)
    if not rule.must_match and not rule.must_not_match:
        problems.append(
            RuleProblem(
                place=("name",),
                end=len(rule.name),
                code="no-examples",
                message="the rule has no examples",
                help="add must_match with a headline that it must match, must_not_match with one that it must not",
            )
        )
    return tuple(problems)


def _find_wanted_terms(rule: Rule) -> Iterator[_Term]:
    sets = dict(rule.sets)
    for key, line in rule.lines:
        for number, item in enumerate(line.terms) if key != "none" else ():
            tree = parse.parse_term(item, sets=sets)
            for leaf, set_name in _find_words(tree):
                yield _Term(leaf, (key, line.label, number), 0, len(item), is_of_set=bool(set_name))
    if rule.query is not None:
        for leaf, set_name in dict.fromkeys(_find_words(parse.parse_query(rule.query, sets=sets))):
            written = re.escape(f"${set_name}" if set_name else leaf.text)
            match = re.search(rf"(?<!\w){written}(?!\w)", rule.query)
            start, end = match.span() if match else (0, 1)
            yield _Term(leaf, ("query",), start, end, is_of_set=bool(set_name))


def _find_words(tree: expression.Expression, set_name: str = "") -> Iterator[tuple[expression.Words, str]]:
    """Yield each word and phrase that must match, with the name of its set (empty if it has none)."""
    match tree:
        case expression.Words():
            yield tree, set_name
        case expression.Not():
            return
        case _:
            name = set_name or (tree.name if isinstance(tree, expression.Named) else "")
            for part in () if isinstance(tree, expression.Leaf) else expression.children(tree):
                yield from _find_words(part, name)


#: What was pasted into a term, or written as in another language -> a code, a message and a remedy.
_MISTAKES = (
    (
        LazyPattern(r"\A[^/]*?(\w\?\w)"),
        "question-mark",
        "? does not stand for a letter",
        "list each spelling as a separate term; * stands for any ending of a word",
    ),
    (
        LazyPattern(r"\A[^/]*?\w ?(;|\|) "),
        "separator",
        "{0} does not separate terms",
        "write each term as a separate item: [word, two words]",
    ),
    (
        LazyPattern(r'\A[^/"]*?\w (?=([-–—+!])\w)'),
        "sign",
        "{0} is a part of this term, and not an operator",
        "to exclude a term, write it under none; write - and a space before each item of a list",
    ),
    (
        LazyPattern(r"(&#?\w+;)"),
        "html",
        "{0} is HTML, and articles are read as text",
        "write the character that it stands for",
    ),
    (
        LazyPattern(r"((?:https?://|www\.)\S+)"),
        "address",
        "the address of an article is not searched",
        "for the articles of one site, write query: with a term such as site:bbc.co.uk",
    ),
    (
        # A name or an item in quotes may contain these words.
        LazyPattern(r"\A(?=[^A-Z\"/{]*\Z).*?\w (and|or|not) \w"),
        "operator-word",
        '"{0}" is a word of this term, and not an operator',
        "write the terms as separate items or under all; if you mean the phrase, put it in quotes: '\"a {0} b\"'",
    ),
)


def _check_texts(rule: Rule) -> Iterator[RuleProblem]:
    """Warn of mistakes that can be seen in the text of an item or a query."""
    texts = [((key, line.label, number), item) for key, line in rule.lines for number, item in enumerate(line.terms)]
    for place, text in [*texts, *([(("query",), rule.query)] if rule.query else [])]:
        for pattern, code, message, help_text in _MISTAKES:
            if match := pattern.search(text):
                start, end = match.span(1)
                yield RuleProblem(
                    place=place,
                    start=start,
                    end=end,
                    code=code,
                    message=message.format(match[1]),
                    help=help_text.format(match[1]),
                )


def is_name_tail(piece: str) -> bool:
    """Return whether the text after a comma belongs to the name before it: Inc., Ltd."""
    return _NAME_TAIL.match(piece.strip()) is not None


def _check_word(term: _Term, is_alone: bool) -> Iterator[RuleProblem]:
    leaf = term.leaf
    elements = leaf.pattern.elements
    if is_name_tail(leaf.text):
        help_text = f'in quotes a name is one term: "Acme, {leaf.text}"'
        yield term.problem("split-by-comma", f'"{leaf.text}" alone is the end of a name', help_text)
        return
    if leaf.pattern.is_capitals and all(_is_common(element.text, is_alone=len(elements) == 1) for element in elements):
        # These are ordinary words in capitals, as in DATA BREACH.
        help_text = f"write {leaf.text.lower()}; or, if it is an acronym, {term.in_braces()}"
        yield term.problem("capital-words", f'"{leaf.text}" matches only in capitals', help_text)
    if len(elements) > 1 or elements[0].shape is not expression.Shape.WORD:
        return
    folded = tokens.fold(elements[0].text)
    is_capitals = leaf.pattern.is_capitals or leaf.is_exact
    # 3G and S3 rarely mean something else. Neither does UK if another line must match too.
    is_distinctive = any(char.isdigit() for char in folded) and not folded.isdigit()
    if folded in COMMON_WORDS and not is_capitals and (is_alone or folded not in NEWS_WORDS):
        help_text = "remove it, or write the phrase that you mean"
        yield term.problem("common-word", f'"{leaf.text}" is in nearly every article', help_text)
    elif len(folded) <= 2 and folded.isascii() and not is_distinctive and (is_alone or not is_capitals):
        message = f'"{leaf.text}" is short and will also match unrelated articles'
        help_text = "write a longer phrase, or a line that must match too; write an acronym in capitals"
        yield term.problem("short-word", message, help_text)
    elif folded.isdigit() and is_alone:
        message = f'"{leaf.text}" alone is in many unrelated articles'
        yield term.problem("lone-number", message, "write a phrase with it, or a line that must match too")


def _check_excluded(rule: Rule, terms: Sequence[_Term]) -> Iterator[RuleProblem]:
    """Warn of a term that is wanted and excluded."""
    sets = dict(rule.sets)
    excluded = [item for key, line in rule.lines if key == "none" for item in line.terms]
    trees = [parse.parse_term(item, sets=sets) for item in excluded]
    leaves = [leaf for tree in trees for leaf, _ in _find_words(tree) if leaf.field is None]
    for term in terms:
        if any(_covers(leaf, term.leaf) for leaf in leaves):
            message = f'none excludes "{term.leaf.text}", so it never makes the rule match'
            yield term.problem("excluded-term", message, "remove it from one of the two")


def _covers(excluded: expression.Words, wanted: expression.Words) -> bool:
    """Return whether a term excludes each text that the wanted term matches."""
    if excluded.pattern.elements[-1].shape is not expression.Shape.PREFIX:
        return excluded.pattern == wanted.pattern
    return _finds_words(excluded, [element.text for element in wanted.pattern.elements])


def _check_acronyms(terms: Sequence[_Term], required: Sequence[Part]) -> Iterator[RuleProblem]:
    """Warn of an acronym as the only required term: PTA is a regulator and a parent-teacher association."""
    trees = [part.expression for part in required]
    alternatives = [tree.parts if isinstance(tree, expression.Any | expression.Named) else (tree,) for tree in trees]
    sufficient = {leaf.text for leaf in itertools.chain(*alternatives) if isinstance(leaf, expression.Words)}
    for term in terms:
        text = term.leaf.text
        if text in sufficient and term.leaf.pattern.is_capitals and _ACRONYM.match(text):
            yield term.problem(
                "ambiguous-acronym",
                f"{text} alone may mean something else",
                "add another line under all, or write the words of the other meaning under none",
            )


def _check_plurals(terms: Sequence[_Term]) -> Iterator[RuleProblem]:
    """Warn once for the rule, at the first noun that does not match its plural."""
    missed: dict[str, tuple[_Term, str]] = {}
    for _, line in itertools.groupby(terms, key=lambda term: term.place[:2]):
        line_terms = [*line]
        for term in line_terms:
            if plural := _find_missing_plural(term.leaf, [other.leaf for other in line_terms]):
                missed.setdefault(term.leaf.text, (term, plural))
    for term, plural in list(missed.values())[:1]:
        text = term.leaf.text
        yield term.problem(
            "no-plural",
            f'"{text}" does not match "{plural}"{_same_goes_for(list(missed)[1:])}',
            f"add {plural}, write {text}* for any ending, or stem: true in the rule for all its terms",
        )


def _check_names(terms: Sequence[_Term]) -> Iterator[RuleProblem]:
    """Warn once for the rule, at the first name that also matches an ordinary word."""
    ambiguous: dict[str, _Term] = {}
    for term in terms:
        if not term.leaf.is_exact and _is_word_and_name(term.leaf.text):
            ambiguous.setdefault(term.leaf.text, term)
    for name, term in list(ambiguous.items())[:1]:
        yield term.problem(
            "word-and-name",
            f'"{name}" also matches "{name.lower()}"{_same_goes_for(list(ambiguous)[1:])}',
            f"to match only this case, write {term.in_braces()}; to match both, write {name.lower()}",
        )


def _same_goes_for(terms: list[str]) -> str:
    return f"; the same goes for {', '.join(terms[:5])}{' …' if len(terms) > 5 else ''}" if terms else ""


#: An ordinary word is in at least this share of news items, and at most _MOST_CAPITALS of its uses are capitalised.
_COMMON_RATE = 10 / 10_000
_MOST_CAPITALS = 1 / 9
#: A word in less than this share of news items may be a rare name.
_WORD_RATE = 1 / 10_000


def _is_word_and_name(text: str) -> bool:
    """Return whether a capitalised word also occurs in lower case in the news, like Apple, Orange or Shell."""
    table = names.background_table()
    folded = tokens.fold(text)
    return (
        text[:1].isupper()
        and text[1:].islower()
        and text.isalpha()
        and table.rates.get(folded, 0) >= _WORD_RATE
        and table.capitals.get(folded, 1) < 1
    )


def _find_missing_plural(leaf: expression.Words, terms: list[expression.Words]) -> str | None:
    """Return the plural of a term, or None if the term has no plural or if ``terms`` match the plural."""
    *first_words, last = leaf.pattern.elements
    is_plain = last.shape is expression.Shape.WORD and last.form is expression.Form.PLAIN and not leaf.is_exact
    if not is_plain or not leaf.text.endswith(last.text) or last.text not in COUNTED_NOUNS:
        return None
    # "under attack" has no plural.
    if first_words and first_words[-1].text in COMMON_WORDS:
        return None
    plural = leaf.text.removesuffix(last.text) + english.add_s(last.text)
    plural_words = [element.text for element in expression.make_words(plural).pattern.elements]
    return None if any(_finds_words(other, plural_words) for other in terms) else plural


def _finds_words(term: expression.Words, plural_words: list[str]) -> bool:
    elements = term.pattern.elements
    return len(elements) == len(plural_words) and all(
        element.fits(word, word, word) for element, word in zip(elements, plural_words, strict=True)
    )


def _is_common(word: str, *, is_alone: bool) -> bool:
    # An acronym is shorter.
    if len(word) >= 7:
        return True
    if len(word) < 4:
        return False
    table = names.background_table()
    # Do not stem a single word, because AIDS is not the plural of aid.
    folded = tokens.fold(word) if is_alone else words.stem(word)
    return table.rates.get(folded, 0) >= _COMMON_RATE and table.capitals.get(folded, 1) <= _MOST_CAPITALS
