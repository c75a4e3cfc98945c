"""Find what a rule allows and rarely means: common words, lone acronyms, words in capitals, nouns without their plural.

How the news at large writes a word decides about capitals (bot.text.background); a list of nouns decides about plurals.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from bot import model
from bot.rules import english, expression, parse, regex
from bot.rules.english import COMMON_WORDS, COUNTED_NOUNS, NEWS_WORDS
from bot.rules.errors import QueryError, RuleProblem
from bot.rules.evaluate import CompiledRule
from bot.rules.parts import LineKind, Part
from bot.text import names, tokens, words

#: Words behind the comma of a name that are part of the name.
_NAME_TAIL = re.compile(
    r"(?:inc|ltd|llc|llp|corp|co|plc|gmbh|ag|kg|s\.?a|s\.?p\.?a|n\.?v|b\.?v|pty|jr|sr|ii|iii|m\.?d|ph\.?d|esq)\.?\Z",
    re.IGNORECASE,
)
_ACRONYM = re.compile(r"[^\W_]{2,5}\Z")


def find_warnings(compiled: CompiledRule) -> tuple[RuleProblem, ...]:
    """Return the warnings in the order of the rule; none stops it."""
    rule = compiled.rule
    problems = [
        *_check_lists(rule),
        *_check_query(rule),
        *_check_acronyms(rule, compiled.parts),
        *_check_contradictions(rule),
    ]
    problems += _check_names(rule, compiled.parts)
    problems += _check_regexes(rule, compiled.parts)
    if not rule.stem:
        problems += _check_plurals(rule, compiled.parts)
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


def _check_lists(rule: model.Rule) -> Iterator[RuleProblem]:
    is_alone = len(rule.all) + bool(rule.any) < 2
    for key, line in rule.lines:
        for number, term in enumerate(line.terms):
            place = (key, line.label, number)
            if number:
                yield from _check_comma(place, line.terms[number - 1], term)
            if key != "none" and not term.lstrip().startswith(("$", "/")):
                yield from _check_item(place, term, is_alone)
    # A plain list has a line for each item, so a comma can split a name over two lines.
    for (previous_key, previous), (key, line) in itertools.pairwise(rule.lines):
        is_plain = len(previous.terms) == len(line.terms) == 1 and line.label in ("", line.terms[0])
        if previous_key == key and is_plain:
            yield from _check_comma((key, line.label, 0), previous.terms[0], line.terms[0])


def is_name_tail(piece: str) -> bool:
    """Return whether the text behind a comma belongs to the name before it: Inc., Ltd."""
    return _NAME_TAIL.match(piece.strip()) is not None


def _check_comma(place: tuple[str | int, ...], previous: str, term: str) -> Iterator[RuleProblem]:
    is_number = re.fullmatch(r"\d{1,3}(?:,\d{3})*", previous.strip()) and re.match(r"\d{3}(?!\w)", term.strip())
    if is_number or is_name_tail(term):
        joined = f"{previous.strip()}{',' if is_number else ', '}{term.strip()}"
        yield RuleProblem(
            place=place,
            end=len(term),
            code="split-by-comma",
            message=f"a comma has split {'the number' if is_number else 'the name'} {joined}",
            help=f'in quotes it is one term: "{joined}"',
        )


def _check_item(place: tuple[str | int, ...], term: str, is_alone: bool) -> Iterator[RuleProblem]:
    try:
        leaf = parse.parse_term(term)
    except QueryError:
        return
    if isinstance(leaf, expression.Words):
        yield from _check_words(place, 0, len(term), leaf, is_alone)


def _check_query(rule: model.Rule) -> Iterator[RuleProblem]:
    if rule.query is None:
        return
    try:
        whole = parse.parse_query(rule.query, sets=dict(rule.sets))
    except QueryError:
        return
    is_alone = not isinstance(whole, expression.All | expression.Near)
    reported: set[str] = set()
    for leaf in _positive_words(whole):
        if leaf.text in reported:
            continue
        reported.add(leaf.text)
        match = re.search(rf"(?<!\w){re.escape(leaf.text)}(?!\w)", rule.query)
        start, end = match.span() if match else (0, 1)
        yield from _check_words(("query",), start, end, leaf, is_alone)


def _positive_words(tree: expression.Expression) -> Iterator[expression.Words]:
    if isinstance(tree, expression.Words):
        yield tree
    elif not isinstance(tree, expression.Not | expression.Named):
        for part in expression.children(tree):
            yield from _positive_words(part)


def _check_words(
    place: tuple[str | int, ...], start: int, end: int, leaf: expression.Words, is_alone: bool
) -> Iterator[RuleProblem]:
    yield from _check_capitals(leaf, place, start, end)
    element = leaf.pattern.elements[0]
    if len(leaf.pattern.elements) > 1 or element.shape is not expression.Shape.WORD:
        return
    word = tokens.fold(element.text)
    is_capitals = leaf.pattern.is_capitals or leaf.is_exact
    if word in COMMON_WORDS and not is_capitals and (is_alone or word not in NEWS_WORDS):
        yield RuleProblem(
            place=place,
            start=start,
            end=end,
            code="common-word",
            message=f'"{leaf.text}" is in nearly every article',
            help="remove it, or write the phrase that you mean",
        )
    elif len(word) <= 2 and word.isascii() and not _is_distinctive(word, is_capitals, is_alone):
        yield RuleProblem(
            place=place,
            start=start,
            end=end,
            code="short-word",
            message=f'"{leaf.text}" is short and will match where it is not meant',
            help=_help_with_short(word, is_capitals),
        )


def _is_distinctive(word: str, is_capitals: bool, is_alone: bool) -> bool:
    """Return whether a short word rarely matches where it is not meant: 3G, S3 and, with another line, UK."""
    has_both = any(char.isdigit() for char in word) and not word.isdigit()
    return has_both or (is_capitals and not is_alone)


def _help_with_short(word: str, is_capitals: bool) -> str:
    if is_capitals:
        return "add another line that must match"
    if word.isdigit():
        return f'write what it counts, as in "{word} people"'
    return f"if it is an acronym, write it in capitals: {word.upper()}; otherwise write a longer phrase"


def _check_acronyms(rule: model.Rule, parts: tuple[Part, ...]) -> Iterator[RuleProblem]:
    """Warn of an acronym as the only line: it matches the parents as well as the regulator."""
    required = [part for part in parts if part.kind is not LineKind.NONE]
    has_guard = any(part.kind is LineKind.NONE for part in parts) or rule.feeds
    if (
        has_guard
        or sum(part.kind is LineKind.ALL for part in required) + any(part.kind is LineKind.ANY for part in required) > 1
    ):
        return
    for part in required:
        tree = part.expression
        for leaf in expression.children(tree) if isinstance(tree, expression.Any | expression.Named) else (tree,):
            if isinstance(leaf, expression.Words) and leaf.pattern.is_capitals and _ACRONYM.match(leaf.text):
                yield _problem_at(
                    rule,
                    part,
                    leaf,
                    code="ambiguous-acronym",
                    message=f"{leaf.text} alone may mean something else",
                    help_text="add another line under all, or write the words of the other meaning under none",
                )


def _check_plurals(rule: model.Rule, parts: tuple[Part, ...]) -> Iterator[RuleProblem]:
    """Warn once for the rule, at the first noun that does not match its plural."""
    missed: dict[str, tuple[Part, expression.Words, str]] = {}
    for part in parts:
        terms = [leaf for leaf in expression.leaves(part.expression) if isinstance(leaf, expression.Words)]
        for leaf in terms if part.kind is not LineKind.NONE else ():
            if plural := _find_missing_plural(leaf, terms):
                missed.setdefault(leaf.text, (part, leaf, plural))
    if not missed:
        return
    part, leaf, plural = next(iter(missed.values()))
    yield _problem_at(
        rule,
        part,
        leaf,
        code="no-plural",
        message=f'"{leaf.text}" does not match "{plural}"{_same_goes_for(list(missed)[1:])}',
        help_text=f"add {plural}, write {leaf.text}* for any ending, or stem: true in the rule for all its terms",
    )


def _check_names(rule: model.Rule, parts: tuple[Part, ...]) -> Iterator[RuleProblem]:
    """Warn once for the rule, at the first name that also matches a word of the language."""
    names: dict[str, tuple[Part, expression.Words]] = {}
    for part in parts:
        leaves = expression.leaves(part.expression) if part.kind is not LineKind.NONE else ()
        for leaf in leaves:
            if isinstance(leaf, expression.Words) and not leaf.is_exact and _is_word_and_name(leaf.text):
                names.setdefault(leaf.text, (part, leaf))
    for part, leaf in list(names.values())[:1]:
        word = leaf.text.lower()
        yield _problem_at(
            rule,
            part,
            leaf,
            code="word-and-name",
            message=f'"{leaf.text}" also matches "{word}"{_same_goes_for(list(names)[1:])}',
            help_text=f"to match only this case, write {{{leaf.text}}}; to match both, write {word}",
        )


def _same_goes_for(terms: list[str]) -> str:
    return f"; the same goes for {', '.join(terms[:5])}{' …' if len(terms) > 5 else ''}" if terms else ""


def _problem_at(
    rule: model.Rule, part: Part, leaf: expression.Words, *, code: str, message: str, help_text: str
) -> RuleProblem:
    """Return a problem of a term of a part; a term of a set is where the set is used."""
    place: tuple[str | int, ...] = ("name",)
    start = 0
    if rule.query is not None:
        place, start = ("query",), max(rule.query.find(leaf.text), 0)
    else:
        for key, line in rule.lines:
            if key != "none" and line.label == part.label and leaf.text in line.terms:
                place = (key, line.label, line.terms.index(leaf.text))
                break
    end = start + len(leaf.text)
    return RuleProblem(place=place, start=start, end=end, code=code, message=message, help=help_text)


def _check_regexes(rule: model.Rule, parts: tuple[Part, ...]) -> Iterator[RuleProblem]:
    leaves = dict.fromkeys(leaf for part in parts for leaf in expression.leaves(part.expression))
    for leaf in leaves:
        if not isinstance(leaf, expression.Regex) or (size := regex.size(leaf.source)) <= regex.COSTLY_SIZE:
            continue
        written: list[tuple[tuple[str | int, ...], str]] = [(("query",), rule.query or "")]
        for key, line in rule.lines:
            written += [((key, line.label, number), term) for number, term in enumerate(line.terms)]
        place, start = next(
            ((place, text.find(leaf.source)) for place, text in written if leaf.source in text), (("name",), 0)
        )
        yield RuleProblem(
            place=place,
            start=start,
            end=start + len(leaf.source),
            code="costly-regex",
            message=f"this expression may take {regex.most_seconds(size):.0f} seconds on an article of a megabyte",
            help="repeat less: a smaller number in { }, and plain letters instead of \\p{L} or [^ ]",
        )


def _check_contradictions(rule: model.Rule) -> Iterator[RuleProblem]:
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


#: A word of the language is in at least so many news items, and at most this share of its uses is in capitals.
_COMMON_RATE = 10 / 10_000
_MOST_CAPITALS = 1 / 9
#: A word in fewer news items may be a rare name.
_WORD_RATE = 1 / 10_000


def _check_capitals(
    leaf: expression.Words, place: tuple[str | int, ...], start: int, end: int
) -> Iterator[RuleProblem]:
    """Warn of words of the language in capitals, which match in capitals only: ``DATA BREACH``."""
    elements = leaf.pattern.elements
    if leaf.pattern.is_capitals and all(_is_common(element.text, is_alone=len(elements) == 1) for element in elements):
        yield RuleProblem(
            place=place,
            start=start,
            end=end,
            code="capital-words",
            message=f'"{leaf.text}" matches only in capitals',
            help=f"write {leaf.text.lower()}; or, if it is an acronym, {{{leaf.text}}}",
        )


def _is_word_and_name(text: str) -> bool:
    """Return whether the news at large also writes a capitalised word in small letters: Apple, Orange, Shell."""
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
    """Return the plural that neither the term nor the terms of the same part match; None if none is missed."""
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
    # A word alone is not stemmed: AIDS is not an aid.
    folded = tokens.fold(word) if is_alone else words.stem(word)
    is_word = table.rates.get(folded, 0) >= _COMMON_RATE and table.capitals.get(folded, 1) <= _MOST_CAPITALS
    return len(word) >= 4 and is_word
