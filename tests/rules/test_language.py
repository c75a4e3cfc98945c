"""The language beyond the examples of its specification, which test_docs runs."""

from __future__ import annotations

import pytest

from bot import rules
from bot.model.rules import Rule, Where
from bot.rules import english
from tests.rules.making import article, has, matched, rule


@pytest.mark.parametrize(
    ("term", "text", "expected"),
    [
        # Case.
        ("{Bes}", "Bes", True),
        ("G20", "g20", True),
        # Accents.
        ("{cafe}", "café", False),
        ("ÉTÉ", "ETE", False),
        # Invisible characters and quotes of the term.
        ("back\u200ddoor", "backdoor", True),
        ("O'Brien", "O’Brien", True),
        # Phrases.
        ("back door", "back\n \u00ad\ndoor", False),
        ("firms servers", "the firms' servers", True),
        ("one two three four", "one two one two three four", True),
        ("one two three four", "one two three and three four", False),
        # Marks.
        ("U.S.", "the U.S.’s law", True),
        ("C++", "C++ code", True),
        ("#BES", "BES", False),
        ("McDonald's", "McDonald shop", False),
        # Wildcards.
        ("Serv* BlackBerry", "Servers BlackBerry", True),
        ("wom?n", "womaen", False),
        # Scripts that run without spaces.
        ("5G网", "建5G网络", True),
        ("監* 視", "監督 視", True),
        ("監* 視", "監 督 視", False),
        ("한", "한국", False),
        # Addresses.
        ("BES", "see https://x.example/a/BES?id=1", True),
        ("BES", "see https://x.example/a/bes/BES12", False),
    ],
)
def test_a_term_is_found_where_the_specification_says(term: str, text: str, expected: bool) -> None:
    assert bool(matched(rule(any=[term]), article(text=text))) is expected


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("a1 NEAR/0 b1", "b1, a1", True),
        ("a1 NEAR b1", "a1. X x x x b1", True),
        ("a1 NEAR b1", "a1 x x x x x b1", False),
        ("a1 ONEAR/3 b1", "a1 b1", True),
        ("a1 NEAR/5 b1", "x | a1\n\nb1", True),
        ("a1 NEAR/9 a1", "a1", False),
        ("(a1 NEAR/0 b1) NEAR/0 c1", "a1 b1 c1", True),
        ("/ba+d/ NEAR/1 c1", "baaad x c1", True),
        ('"a1 b1" NEAR/2f "c1 d1"', "a1 b1 x x c1 d1", True),
        ('("a1 b1" OR c1) NEAR/2 (d1 OR e1)', "a1 b1 | c1 x x e1", True),
        ("(a1 OR b1) NEAR/0 c1", "a1 x b1 c1", True),
        ("body:a1 NEAR/3 b1", "a1 b1 | a1", False),
        ("a1 NOT (b1 NEAR/2 a1)", "b1 x x a1", False),
        ("a1 NOT (b1 NEAR/1 a1)", "b1 x x a1", True),
        ("U.S.'s NEAR/3f order", "U.S.'s telecom back door: order", True),
        ("res* NEAR/5 {BES}", "BES-10 is (re-)sold, or resold", True),
        ('"a1 a1"~1', "a1", False),
        # Terms in capitals are weak in a title that shouts, and one of the rule's own acronyms does not.
        ("PTA", "PTA MEETING AT SCHOOL TONIGHT | The PTA met.", True),
        ("PTA", "PTA meeting at school tonight", True),
        ("PTA AND BES AND NATO AND USA AND FBI", "PTA BES NATO USA FBI talks", True),
        # A possessive behind a mark is no word.
        ("plan NOT {s}", 'Of "Acme"\u00ad\'s plan, é', True),
        ("plan NOT {s}", "Of (Acme)’s plan, é", True),
        ("plan NOT {s}", "U.S.'s plan", True),
        ("url:story", "", True),
        ("site:www.news.example", "", True),
        ("site:ews.example", "", False),
        ("lang:en", "", True),
        ("author:smith AND tag:telecom", "", True),
        ('source:"Example News"', "", True),
    ],
)
def test_a_query_is_true_where_the_specification_says(query: str, text: str, expected: bool) -> None:
    title, _, body = text.partition(" | ")
    assert has(query, title, body, author="A. Smith", tags=("Telecom",), language="en-GB") is expected


def test_evidence_is_the_articles_own_words_with_offsets() -> None:
    source = article("Ｔｈｅ ＰＴＡ", "Its back\u00ad-\ndoor’s order")
    (match,) = matched(rule(all={"who": ["PTA"], "what": ["back door"]}), source)
    who, what = match.evidence
    assert (who.label, who.term, who.field, who.text) == ("who", "PTA", "title", "ＰＴＡ")
    assert source.title[who.start : who.end] == "ＰＴＡ"
    assert what.text == source.text[what.start : what.end] == "back\u00ad-\ndoor"


def test_evidence_of_near_is_the_pair_and_not_every_place() -> None:
    (match,) = matched(rule(query="a1 NEAR/1 b1"), article("", "a1 x x x x a1 b1 x x x b1"))
    assert [evidence.text for evidence in match.evidence] == ["a1", "b1"]


def test_where_limits_every_term_without_a_field_of_its_own() -> None:
    in_title = rule(all={"x": ["a1"]}, where=Where.TITLE)
    assert matched(in_title, article("a1"))
    assert not matched(in_title, article("x", "a1"))
    assert matched(rule(any=["body:a1"], where=Where.TITLE), article("x", "a1"))
    assert not matched(rule(any=["/a1/"], where=Where.TITLE), article("x", "a1"))


def test_a_set_stands_for_any_of_its_terms() -> None:
    with_set = rule(query="$servers NEAR/2 order", sets={"servers": ["BES", "$other"], "other": ["mail serv*"]})
    assert matched(with_set, article("order on mail servers"))
    assert rules.render_query(rules.parse_query("title:$a", sets={"a": ("x",)})) == "title:$a"


@pytest.mark.parametrize(
    ("texts", "is_found"),
    [
        ("a back door|back-door|back — door|back’s door|(back door)|back\ndoor|back\r\ndoor|the “back door”", True),
        ("back \u00ad door|A back \u00ad door order", True),
        ("back, door|back. Door|back? door|back\n\ndoor|back (door)|back “door”|back: door|backdoor", False),
    ],
)
def test_a_phrase_ends_at_marks_and_goes_over_dashes_and_possessives(texts: str, *, is_found: bool) -> None:
    assert [text for text in texts.split("|") if has('"back door"', "x", text) is not is_found] == []


# -- ``stem: true``: the other English forms of a term's last word, and the truth of what is then explained


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("fine", ("fined", "fines")),
        ("fines", ("fine", "fined")),
        ("breach", ("breached", "breaches", "breaching")),
        ("ban", ("bans", "banned", "banning")),
        ("policy", ("policies",)),
        ("universities", ("university",)),
        ("bus", ("buses",)),
    ],
)
def test_the_forms_of_a_word_are_those_that_the_news_uses(word: str, forms: tuple[str, ...]) -> None:
    assert english.find_word_forms(word) == forms


@pytest.mark.parametrize("term", ["PTA", "{fine}", "regulat*", "wom?n", "Erdoğan", "eu", "5G"])
def test_a_term_that_says_its_own_forms_stays_as_it_is(term: str) -> None:
    tree = rules.parse_term(term)
    assert english.add_word_forms(tree) == tree


@pytest.mark.parametrize(
    ("given_rule", "text", "found"),
    [
        (rule(any={"x": ["data breach"]}, stem=True), "Two data breaches in a week", "data breaches"),
        (rule(any={"x": ["Court ruling"]}, stem=True), "COURT RULINGS ARE DUE", "COURT RULINGS"),
        (rule(query="fine NEAR/3 regulator", stem=True), "Regulators have fined it", "fined"),
        (rule(query="title:strike", stem=True), "Miners strike, striking teachers", "strike"),
    ],
)
def test_a_match_names_the_form_that_was_found(given_rule: Rule, text: str, found: str) -> None:
    (match,) = matched(given_rule, article(text))
    assert found in [evidence.text for evidence in match.evidence]
    for evidence in match.evidence:
        assert evidence.text.casefold() in evidence.term.casefold()


def test_an_exclusion_has_its_forms_too() -> None:
    excluding = rule(any={"x": ["Ofcom"]}, none=["parking fine"], stem=True)
    assert matched(excluding, article("Ofcom and parking"))
    assert not matched(excluding, article("Ofcom and parking fines"))
