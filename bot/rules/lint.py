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
from bot.rules import english, expression, parse, regex
from bot.rules.english import COMMON_WORDS, COUNTED_NOUNS, NEWS_WORDS
from bot.rules.errors import RuleProblem
from bot.rules.evaluate import CompiledRule
from bot.rules.parts import LineKind, Part
from bot.text import names, tokens, words

#: Words after a comma that belong to the name before it, such as Inc.
_NAME_TAIL = re.compile(
    r"(?:inc|ltd|llc|llp|corp|co|plc|gmbh|ag|kg|s\.?a|s\.?p\.?a|n\.?v|b\.?v|pty|jr|sr|ii|iii|m\.?d|ph\.?d|esq)\.?\Z",
    re.IGNORECASE,
)
_ACRONYM = re.compile(r"[^\W_]{2,5}\Z")


class _Term(NamedTuple):
    """A term with its position in the rule. The position of a set's term is the position of the set in the rule."""

    leaf: expression.Leaf
    place: tuple[str | int, ...]
    start: int
    end: int
    #: Whether the term must match; false for an exclusion.
    is_wanted: bool
    is_of_set: bool

    def in_braces(self, text: str) -> str:
        """Return a text in braces, which match only its case; in a list with the quotes that YAML needs."""
        return f"{{{text}}}" if self.place[0] == "query" else f'"{{{text}}}"'

    def problem(self, code: str, message: str, help_text: str) -> RuleProblem:
        return RuleProblem(place=self.place, start=self.start, end=self.end, code=code, message=message, help=help_text)


class _WordTerm(NamedTuple):
    """A word or a phrase that must match."""

    leaf: expression.Words
    term: _Term


def find_warnings(compiled: CompiledRule) -> tuple[RuleProblem, ...]:
    """Return the warnings about a rule. They do not prevent its use."""
    rule = compiled.rule
    terms = [*_find_terms(rule)]
    wanted = [
        _WordTerm(term.leaf, term) for term in terms if term.is_wanted and isinstance(term.leaf, expression.Words)
    ]
    required = [part for part in compiled.parts if part.kind is not LineKind.NONE]
    has_exclusions = len(required) < len(compiled.parts)
    kinds = [part.kind for part in required]
    is_one_line = kinds.count(LineKind.ALL) + (LineKind.ANY in kinds) < 2
    is_near = any(isinstance(part.expression, expression.Near) for part in required)
    is_alone = is_one_line and not is_near and not (rule.query is not None and has_exclusions)
    problems = [problem for word in wanted if not word.term.is_of_set for problem in _check_word(word, is_alone)]
    problems += _check_commas(rule)
    if is_one_line and not has_exclusions and not rule.feeds:
        problems += _check_acronyms(wanted, required)
    problems += _check_contradictions(rule)
    problems += _check_names(wanted)
    problems += _check_regexes(terms)
    if not rule.stem:
        problems += _check_plurals(wanted)
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


def _find_terms(rule: Rule) -> Iterator[_Term]:
    sets = dict(rule.sets)
    for key, line in rule.lines:
        for number, item in enumerate(line.terms):
            tree = parse.parse_term(item, sets=sets)
            for leaf in expression.leaves(tree):
                is_of_set = isinstance(tree, expression.Named)
                yield _Term(leaf, (key, line.label, number), 0, len(item), key != "none", is_of_set)
    if rule.query is not None:
        whole = parse.parse_query(rule.query, sets=sets)
        for leaf, is_wanted, set_name in dict.fromkeys(_find_leaves(whole, is_wanted=True, set_name="")):
            text = leaf.source if isinstance(leaf, expression.Regex) else getattr(leaf, "text", "")
            match = re.search(rf"(?<!\w){re.escape(f'${set_name}' if set_name else text)}(?!\w)", rule.query)
            start, end = match.span() if match else (0, 1)
            yield _Term(leaf, ("query",), start, end, is_wanted, is_of_set=bool(set_name))


def _find_leaves(
    tree: expression.Expression, *, is_wanted: bool, set_name: str
) -> Iterator[tuple[expression.Leaf, bool, str]]:
    """Yield each term, with whether it must match and the name of its set in the query (empty if it has none)."""
    if isinstance(tree, expression.Leaf):
        yield tree, is_wanted, set_name
        return
    is_wanted = is_wanted and not isinstance(tree, expression.Not)
    if isinstance(tree, expression.Named):
        set_name = set_name or tree.name
    for part in expression.children(tree):
        yield from _find_leaves(part, is_wanted=is_wanted, set_name=set_name)


def _check_commas(rule: Rule) -> Iterator[RuleProblem]:
    items = [(key, line, number, term) for key, line in rule.lines for number, term in enumerate(line.terms)]
    for (previous_key, previous_line, _, previous), (key, line, number, term) in itertools.pairwise(items):
        # A plain list has a line for each item, so a comma can split a name over two lines.
        are_plain = len(previous_line.terms) == len(line.terms) == 1 and line.label in ("", term)
        if previous_line is not line and not (previous_key == key and are_plain):
            continue
        is_number = re.fullmatch(r"\d{1,3}(?:,\d{3})*", previous.strip()) and re.match(r"\d{3}(?!\w)", term.strip())
        if is_number or is_name_tail(term):
            joined = f"{previous.strip()}{',' if is_number else ', '}{term.strip()}"
            yield RuleProblem(
                place=(key, line.label, number),
                end=len(term),
                code="split-by-comma",
                message=f"a comma has split {'the number' if is_number else 'the name'} {joined}",
                help=f'in quotes it is one term: "{joined}"',
            )


def is_name_tail(piece: str) -> bool:
    """Return whether the text after a comma belongs to the name before it: Inc., Ltd."""
    return _NAME_TAIL.match(piece.strip()) is not None


def _check_word(word: _WordTerm, is_alone: bool) -> Iterator[RuleProblem]:
    leaf, term = word
    elements = leaf.pattern.elements
    if leaf.pattern.is_capitals and all(_is_common(element.text, is_alone=len(elements) == 1) for element in elements):
        # These are ordinary words in capitals, as in DATA BREACH.
        help_text = f"write {leaf.text.lower()}; or, if it is an acronym, {term.in_braces(leaf.text)}"
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
    elif folded.isdigit() and len(folded) == 4 and is_alone:
        message = f'"{leaf.text}" is only a number, which many unrelated articles have'
        yield term.problem("bare-number", message, f'add the words beside it, as in "Olympics {leaf.text}"')
    elif len(folded) <= 2 and folded.isascii() and not is_distinctive and (is_alone or not is_capitals):
        message = f'"{leaf.text}" is short and will also match unrelated articles'
        if folded.isalpha() and len(folded) == 1:
            message = f'"{leaf.text}" is a single letter, which nearly every article has'
        yield term.problem("short-word", message, _help_with_short(folded, is_capitals))


def _help_with_short(word: str, is_capitals: bool) -> str:
    if len(word) == 1 and not word.isdigit():
        return "write a longer name, such as X Corp, or remove the term"
    if is_capitals:
        return "add another line that must match"
    if word.isdigit():
        return f'write what it counts, as in "{word} people"'
    return f"if it is an acronym, write it in capitals: {word.upper()}; otherwise write a longer phrase"


def _check_acronyms(wanted: Sequence[_WordTerm], required: Sequence[Part]) -> Iterator[RuleProblem]:
    """Warn of an acronym as the only required term: PTA is a regulator and a parent-teacher association."""
    trees = [part.expression for part in required]
    alternatives = [tree.parts if isinstance(tree, expression.Any | expression.Named) else (tree,) for tree in trees]
    sufficient = {leaf.text for leaf in itertools.chain(*alternatives) if isinstance(leaf, expression.Words)}
    for leaf, term in wanted:
        if leaf.text in sufficient and leaf.pattern.is_capitals and _ACRONYM.match(leaf.text):
            yield term.problem(
                "ambiguous-acronym",
                f"{leaf.text} alone may mean something else",
                "add another line under all, or write the words of the other meaning under none",
            )


def _check_plurals(wanted: Sequence[_WordTerm]) -> Iterator[RuleProblem]:
    """Warn once for the rule, at the first noun that does not match its plural."""
    missed: dict[str, tuple[_WordTerm, str]] = {}
    for _, line in itertools.groupby(wanted, key=lambda word: word.term.place[:2]):
        words_of_line = [*line]
        leaves = [word.leaf for word in words_of_line]
        for word in words_of_line:
            if plural := _find_missing_plural(word.leaf, leaves):
                missed.setdefault(word.leaf.text, (word, plural))
    for (leaf, term), plural in list(missed.values())[:1]:
        yield term.problem(
            "no-plural",
            f'"{leaf.text}" does not match "{plural}"{_same_goes_for(list(missed)[1:])}',
            f"add {plural}, write {leaf.text}* for any ending, or stem: true in the rule for all its terms",
        )


def _check_names(wanted: Sequence[_WordTerm]) -> Iterator[RuleProblem]:
    """Warn once for the rule, at the first name that also matches an ordinary word."""
    ambiguous: dict[str, _Term] = {}
    for leaf, term in wanted:
        if not leaf.is_exact and _is_word_and_name(leaf.text):
            ambiguous.setdefault(leaf.text, term)
    for name, term in list(ambiguous.items())[:1]:
        yield term.problem(
            "word-and-name",
            f'"{name}" also matches "{name.lower()}"{_same_goes_for(list(ambiguous)[1:])}',
            f"to match only this case, write {term.in_braces(name)}; to match both, write {name.lower()}",
        )


def _same_goes_for(terms: list[str]) -> str:
    return f"; the same goes for {', '.join(terms[:5])}{' …' if len(terms) > 5 else ''}" if terms else ""


def _check_regexes(terms: Sequence[_Term]) -> Iterator[RuleProblem]:
    for term in terms:
        if isinstance(term.leaf, expression.Regex) and (size := regex.size(term.leaf.source)) > regex.COSTLY_SIZE:
            yield term.problem(
                "costly-regex",
                f"this expression may take {regex.most_seconds(size):.0f} seconds on an article of a megabyte",
                "use smaller numbers in { }, and plain letters instead of \\p{L} or [^ ]",
            )


def _check_contradictions(rule: Rule) -> Iterator[RuleProblem]:
    excluded = {
        tokens.fold(term).strip(): (line.label, number) for line in rule.none for number, term in enumerate(line.terms)
    }
    for key, line in rule.lines:
        for term in line.terms if key != "none" else ():
            if place := excluded.get(tokens.fold(term).strip()):
                yield RuleProblem(
                    place=("none", *place),
                    end=len(term),
                    code="found-and-excluded",
                    message=f'"{term}" is in {key} ({line.label}) and in none',
                    help="an article with this term never matches; remove one of the two",
                )


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
    table = names.background_table()
    # Do not stem a single word, because AIDS is not the plural of aid.
    folded = tokens.fold(word) if is_alone else words.stem(word)
    is_word = table.rates.get(folded, 0) >= _COMMON_RATE and table.capitals.get(folded, 1) <= _MOST_CAPITALS
    return len(word) >= 4 and is_word
