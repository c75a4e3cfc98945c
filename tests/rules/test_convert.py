"""Queries of other products: each row of docs/convert.md, and any text at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot import rules
from bot.rules import convert
from bot.rules.convert import Dialect

PAGE = (Path(__file__).parents[2] / "docs" / "convert.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(.+?)` \| `(.+?)` \| (yes|no) \|$", re.MULTILINE)


def rows() -> list[tuple[Dialect, str, str, bool]]:
    page_rows = []
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        dialect = Dialect(section.partition("\n")[0].partition(" and ")[0].lower().replace(" ", "-"))
        page_rows += [(dialect, query, ours, lost == "yes") for query, ours, lost in ROW.findall(section)]
    return page_rows


@pytest.mark.parametrize(("dialect", "query", "ours", "is_lossy"), rows())
def test_a_row_of_the_page_is_true(dialect: Dialect, query: str, ours: str, is_lossy: bool) -> None:
    conversion = convert.convert(query, dialect)
    assert conversion.query == ours
    assert bool(conversion.lost) is is_lossy, conversion.lost


def test_every_row_of_the_page_was_read() -> None:
    assert len(rows()) == len(re.findall(r"\| (?:yes|no) \|$", PAGE, re.MULTILINE)) > 30
    assert {dialect for dialect, *_ in rows()} == set(Dialect)


def lost(query: str, dialect: Dialect) -> list[str]:
    return [note.what for note in convert.convert(query, dialect).lost]


def test_what_is_lost_is_named_with_its_part() -> None:
    conversion = convert.convert("gender:female AND country:pk", Dialect.BRANDWATCH)
    assert conversion.query == ""
    assert [note.part for note in conversion.lost] == ["gender:", "country:"]
    assert all("no such field" in note.what for note in conversion.lost)


def test_small_operators_are_words_where_the_product_says_so() -> None:
    assert convert.convert("a1 AND {and}", Dialect.BRANDWATCH).query == "a1 AND {and}"
    assert convert.convert("a1 or b1", Dialect.LUCENE).query == 'a1 OR "or" OR b1'
    assert convert.convert("NEAR OR b1", Dialect.LUCENE).query == '"near" OR b1'


@pytest.mark.parametrize(
    ("query", "ours", "what"),
    [
        ("a1 NEAR/5 (b1 NOT c1)", "a1 NEAR/5 b1", "NOT under NEAR"),
        ("a1 NEAR/5 site:bbc.co.uk", "a1", "site: under NEAR"),
        ("title:a1 NEAR/5 url:b1", "title:a1 AND url:b1", "different fields"),
    ],
)
def test_what_near_cannot_join_is_noted(query: str, ours: str, what: str) -> None:
    assert convert.convert(query, Dialect.BRANDWATCH).query == ours
    assert any(what in note for note in lost(query, Dialect.BRANDWATCH))


def test_lucene_slop_finds_what_lucene_finds_of_two_words() -> None:
    query = convert.convert('"a1 b1"~2', Dialect.LUCENE).query
    assert query == "a1 NEAR/2f b1 OR b1 NEAR/0f a1"
    assert convert.convert('"a1 b1"~1', Dialect.LUCENE).query == "a1 NEAR/1f b1"


def test_lucene_exclusions_alone_are_told() -> None:
    assert any("only exclusions" in what for what in lost("-a1 -b1", Dialect.LUCENE))


def test_a_cashtag_is_not_taken_for_a_set() -> None:
    assert convert.convert("$BB OR a1", Dialect.TALKWALKER).query.startswith('"$bb"')


@pytest.mark.parametrize(
    ("query", "code"),
    [("(a1", "unclosed"), ('"a1', "unclosed"), ("a1)", "unopened"), ("a1 AND", "missing-term"), ("", "empty-query")],
)
@pytest.mark.parametrize("dialect", Dialect)
def test_a_query_that_is_broken_there_is_shown_with_its_place(query: str, code: str, dialect: Dialect) -> None:
    with pytest.raises(rules.QueryError) as caught:
        convert.convert(query, dialect)
    assert caught.value.code == code
    assert 0 <= caught.value.start <= len(query)


@pytest.mark.parametrize("dialect", [Dialect.MELTWATER, Dialect.LUCENE])
@pytest.mark.parametrize(
    "query", ["(" * 10_000 + "a" + ")" * 10_000, "NOT " * 10_000 + "a1", "a NEAR b " * 7_000, "a" * 1_000_000]
)
def test_a_monstrous_query_is_refused_in_bounded_time(query: str, dialect: Dialect) -> None:
    try:
        conversion = convert.convert(query, dialect)
    except rules.QueryError:
        return
    assert conversion.lost


ATOMS = st.sampled_from(
    """ a1 PTA und* *x te* w*n "back_door" "a_b_c"~3 "a_b"~4 {Bes} raw:x + ++ - ! AND OR NOT and near/3 NEAR/2f
    ONEAR/4 NEAR ( ) )~5 ^2 x~1 title: url: site: lang: en x.org country: [1_TO_2] /a+/ && || $s http://x.org/y 管理局
    """.split()
).map(lambda atom: atom.replace("_", " "))


@given(st.one_of(st.lists(ATOMS, max_size=14).map(" ".join), st.text(max_size=40)), st.sampled_from(Dialect))
@example("NOT NEAR a", Dialect.BRANDWATCH)
@example("a NOT NEAR/3 (b AND NOT c)", Dialect.BRANDWATCH)
@example("/(/", Dialect.LUCENE)
def test_any_text_gives_a_query_that_parses_or_one_located_error(query: str, dialect: Dialect) -> None:
    try:
        conversion = convert.convert(query, dialect)
    except rules.QueryError as error:
        found_at = (error.start, error.end)
    else:
        found_at = (0, 0)
        if conversion.query:
            rules.parse_query(conversion.query)
        else:
            assert conversion.lost
    assert 0 <= found_at[0] <= found_at[1]
