"""Reading queries and list items: any text gives an expression or one located error, soon."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import rules
from bot.rules import expression
from tests.rules import making, test_engine_equals_slow
from tests.rules.test_engine_equals_slow import EXAMPLES

pytestmark = test_engine_equals_slow.pytestmark

EVERYTHING = [word for words in making.SCRIPTS.values() for word in words]
PIECES = st.sampled_from(
    (
        'a B AND OR NOT NEAR/3 NEAR near/2 ONEAR/1 and ( ) " "a_b" "a_b"~2 ~ { } {X} /a+/ / $s $ title: body:b site:x.y'
        " lang:en titel: * ? abc* - + ! && | ^2 中国 … “ ’s \u00ad \u200b _ : // \\ NEAR/99999999999"
    )
    .replace("_", "\n")
    .split(" ")
)
MESSY = st.lists(PIECES, max_size=12).map(" ".join) | st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=30)


Read = Callable[..., expression.Expression]


def outcome(read: Read, text: str, **sets: tuple[str, ...]) -> expression.Expression | rules.QueryError:
    """Return the expression, or the error, whose place is in the text."""
    try:
        return read(text, sets=sets)
    except rules.QueryError as raised:
        error = raised
    assert 0 <= error.start <= error.end <= len(text)
    assert error.message
    assert error.code
    return error


@given(MESSY | making.queries(EVERYTHING))
@settings(max_examples=2 * EXAMPLES, deadline=None)
def test_any_text_gives_one_located_error_or_an_expression_that_is_read_back_as_itself(text: str) -> None:
    for read in (rules.parse_query, rules.parse_term):
        result = outcome(read, text, s=("x", "y z"))
        if not isinstance(result, rules.QueryError):
            assert outcome(rules.parse_query, rules.render_query(result), s=("x", "y z")) == result


@pytest.mark.parametrize(
    ("text", "part", "code", "help_", "read"),
    [
        ("a NEAR/3 b NEAR/3 c", "NEAR/3", "near-chain", "(a NEAR/3 b) NEAR/3", rules.parse_query),
        ("title:a NEAR/3 body:b", "NEAR/3", "near-fields", "title:(a NEAR/3 b)", rules.parse_query),
        ("a NEAR/3 NOT b", "NOT", "near-operand", "OR", rules.parse_query),
        ("word~2", "~2", "unknown-operator", '"a b"~5', rules.parse_query),
        ("a)", ")", "unopened", "remove it", rules.parse_query),
        ("a }", "}", "unopened", "remove it", rules.parse_query),
        ("a {", "{", "unclosed-brace", "close it", rules.parse_query),
        ("a -b c d", "-", "unknown-operator", "", rules.parse_query),
        ("title: AND b", "title:", "field-without-term", "", rules.parse_query),
        ("a AND ()", "()", "empty-brackets", "remove", rules.parse_query),
        ("back*door", "*", "inner-wildcard", "?", rules.parse_query),
        ("/(?=a)b/", "(?=a)b", "bad-regex", "exclude", rules.parse_query),
        ("site:dawn.com/latest", "dawn.com/latest", "bad-value", "write site:dawn.com", rules.parse_query),
        ("lang:german", "german", "bad-value", "a language code, as in lang:en", rules.parse_query),
        ("title:(a AND body:b)", "body:", "field-in-field", "one field", rules.parse_query),
        ('"a"~5', "a", "bad-window", "two to", rules.parse_query),
        ("“&”", "&", "empty-term", "letter", rules.parse_query),
        ("ＢＥＳ ＡＮＤ ba*", "ba*", "short-prefix", "at least", rules.parse_query),
        ("", "", "empty-query", "write a word", rules.parse_query),
        # Of several mistakes, the first to be read.
        ("ba* -c", "ba*", "short-prefix", "", rules.parse_query),
        ('(a OR b AND c) AND "d', "OR", "mixed-operators", "", rules.parse_query),
        # The term may have been read before.
        ("b AND a AND ba*", "ba*", "short-prefix", "", rules.parse_query),
        ("ba*", "ba*", "short-prefix", "", rules.parse_query),
        # List items.
        ("url:x", "url", "needs-query", "", rules.parse_term),
        ("-a", "-", "unknown-operator", "", rules.parse_term),
        ("title:", "title:", "field-without-term", "", rules.parse_term),
        ("{ba*}", "ba*", "short-prefix", "", rules.parse_term),
        ("titel:a", "titel", "unknown-field", "", rules.parse_term),
        ("title: body:a", "body", "field-in-field", "", rules.parse_term),
        ("$x y", "$x y", "set-in-phrase", "", rules.parse_term),
        ("title:ba*", "ba*", "short-prefix", "", rules.parse_term),
        ("  ", "", "empty-term", "", rules.parse_term),
    ],
)
def test_a_mistake_is_placed_on_its_characters_with_a_fix(
    text: str, part: str, code: str, help_: str, read: Read
) -> None:
    """tests/config/mistakes/queries.yaml has the commonest mistakes, with the whole text of the answer."""
    error = outcome(read, text)
    assert isinstance(error, rules.QueryError)
    assert (text[error.start : error.end], error.code) == (part, code)
    assert help_ in (error.help or "")


@pytest.mark.parametrize(
    "hostile",
    [
        "a OR " * 200_000,
        "(" * 10_000 + "a" + ")" * 10_000,
        "NOT " * 10_000 + "a",
        "a OR " * 10_500 + "a",
        "/(((a{1,100}){1,100}){1,100}){1,100}/",
        '"' + "a " * 20_000 + '"',
        "a" * 99_000,
        "?" * 50_000,
        "/" * 50_000,
        '"a b"~' + "9" * 5_000,
        "$s OR " * 15_000 + "$s",
    ],
    ids=lambda hostile: f"{hostile[:12]}… {len(hostile)}",
)
def test_hostile_queries_are_read_or_refused_soon(hostile: str) -> None:
    started = time.process_time()
    result = outcome(rules.parse_query, hostile, s=tuple("abcdefgh"))
    assert not isinstance(result, rules.QueryError) or len(result.message) < 2_000
    assert time.process_time() - started < 5


def test_a_set_that_contains_itself_is_refused() -> None:
    with pytest.raises(rules.QueryError, match=r"contains itself: a > b > a"):
        rules.parse_query("$a", sets={"a": ("$b",), "b": ("x", "$a")})


def test_sets_that_blow_up_are_refused() -> None:
    sets = {f"s{level}": (f"$s{level + 1}",) * 10 for level in range(9)} | {"s9": ("x",)}
    with pytest.raises(rules.QueryError, match="more than 10,000 terms"):
        rules.parse_query("$s0", sets=sets)
