"""The language, sentence by sentence of its specification."""

from __future__ import annotations

import pytest

from bot import rules
from tests.rules.making import article, has, item_has, matched, rule, words_found


@pytest.mark.parametrize(
    ("term", "text", "expected"),
    [
        # Whole words.
        ("BES", "BES12 ships", False),
        ("BES", "the BES, again", True),
        ("Iran", "Iranian oil", False),
        ("5G", "15G", False),
        ("BES", "BES_server #BES", True),
        ("5,000", "5,000 firms", True),
        ("5,000", "15,000 firms", False),
        ("5,000", "5,000,000 firms", False),
        ("5", "5,000 firms", False),
        # Case.
        ("BES", "bes", False),
        ("iran", "IRAN", True),
        ("straße", "STRASSE", True),
        ("{Bes}", "BES", False),
        ("{Bes}", "Bes", True),
        ("PTA chief", "PTA Chief", True),
        ("PTA chief", "Pta chief", False),
        ("G20", "g20", True),
        # Accents.
        ("resume", "résumé", True),
        ("résumé", "resume", False),
        ("йод", "иод", False),
        ("иод", "йод", False),
        ("{cafe}", "café", False),
        ("ÉTÉ", "ETE", False),
        ("Νέος", "ΝΈΟΣ", True),
        # Invisible characters and quotes.
        ("backdoor", "back\u00addoor", True),
        ("back\u200ddoor", "backdoor", True),
        ("O'Brien", "O’Brien", True),
        # Phrases.
        ("back door", "back-door", True),
        ("back door", "back – \n door", True),
        ("back-door", "back door", True),
        ("back door", "backdoor", False),
        ("back door", "back, door", False),
        ("back door", "back\n\ndoor", False),
        ("back door", "back\n \u00ad\ndoor", False),
        ("Pakistan order", "Pakistan’s order", True),
        ("firms servers", "the firms' servers", True),
        ("s", "Pakistan’s", False),
        # Marks.
        ("AT&T", "AT&T said", True),
        ("AT&T", "AT T", False),
        ("US", "U.S. law", False),
        ("U.S.", "the U.S. law", True),
        ("U.S.", "the U.S.’s law", True),
        ("U.S.", "US law", False),
        ("C++", "C++ code", True),
        ("C++", "C code", False),
        ("#BES", "#BES", True),
        ("#BES", "BES", False),
        ("McDonald's", "McDonald’s shop", True),
        ("McDonald's", "McDonald shop", False),
        # Wildcards.
        ("backdoor*", "backdoors", True),
        ("backdoor*", "backdoor", True),
        ("Serv* BlackBerry", "Servers BlackBerry", True),
        ("wom?n", "women", True),
        ("wom?n", "womaen", False),
        ("PTA*", "PTAs", True),
        # Scripts that run without spaces.
        ("电信管理局", "巴基斯坦电信管理局要求", True),
        ("BES", "使用BES服务", True),
        ("5G网", "建5G网络", True),
        ("ドア", "バックドアだ", True),
        ("か", "がか゚が", False),
        ("华*", "华为", True),
        ("한*", "한국은", True),
        ("한", "한국", False),
        ("ที", "ที่", False),
        ("บ้าน", "หลังบ้านนี้", True),
        # Addresses.
        ("BES", "see https://x.example/a/BES?id=1", True),
        ("BES", "see https://x.example/a/bes/BES12", False),
    ],
)
def test_a_term_is_found_where_the_specification_says(term: str, text: str, expected: bool) -> None:
    assert item_has(term, text=text) is expected


@pytest.mark.parametrize(
    ("query", "title", "text", "expected"),
    [
        ("a1 AND b1", "a1", "b1", True),
        ("a1 NOT b1", "a1", "b1", False),
        ("a1 AND (b1 OR c1)", "c1 a1", "", True),
        ('"a1 b1"', "a1", "b1", False),
        ("a1 NEAR/0 b1", "b1, a1", "", True),
        ("a1 NEAR/2 b1", "a1 x x b1", "", True),
        ("a1 NEAR/2 b1", "a1 x x x b1", "", False),
        ("a1 NEAR/9 b1", "a1", "b1", False),
        ("a1 NEAR b1", "a1. X x x x b1", "", True),
        ("a1 NEAR b1", "a1 x x x x x b1", "", False),
        ("a1 NEAR/3f b1", "b1 a1", "", False),
        ("a1 ONEAR/3 b1", "a1 b1", "", True),
        ("a1 NEAR/5 b1", "", "a1\n\nb1", True),
        ("a1 NEAR/3 a1", "a1", "", False),
        ("(a1 NEAR/0 b1) NEAR/0 c1", "a1 b1 c1", "", True),
        ("(a1 OR b1) NEAR/0 c1", "b1 c1", "", True),
        ("/ba+d/ NEAR/1 c1", "baaad x c1", "", True),
        ('"a1 b1 c1"~1', "c1 x a1 b1", "", True),
        ('"a1 b1 c1"~1', "c1 x a1 x b1", "", False),
        ('"a1 a1"~1', "a1", "", False),
        ("title:(a1 OR b1)", "", "a1", False),
        ("body:a1", "a1", "", False),
        ("url:story", "", "", True),
        ("url:stor", "", "", False),
        ("site:news.example", "", "", True),
        ("site:www.news.example", "", "", True),
        ("site:ews.example", "", "", False),
        ("lang:en", "", "", True),
        ("author:smith AND tag:telecom", "", "", True),
        ('source:"Example News"', "", "", True),
        (r"/CVE-\d{4}-\d+/", "CVE-2015-1234", "", True),
        ("/cve/", "CVE", "", False),
        ("/cve/i", "CVE", "", True),
    ],
)
def test_a_query_is_true_where_the_specification_says(query: str, title: str, text: str, expected: bool) -> None:
    assert has(query, title, text, author="A. Smith", tags=("Telecom",), language="en-GB") is expected


def test_capitals_in_a_shouting_title_are_weak() -> None:
    assert not item_has("PTA", "PTA MEETING AT SCHOOL TONIGHT")
    assert item_has("PTA", "PTA meeting at school tonight")
    assert item_has("PTA", "PTA MEETING AT SCHOOL TONIGHT", "The PTA met.")
    assert item_has("{PTA}", "PTA MEETING AT SCHOOL TONIGHT")
    assert item_has("meeting", "PTA MEETING AT SCHOOL TONIGHT")


def test_a_title_of_the_rules_own_acronyms_does_not_shout() -> None:
    query = "PTA AND BES AND NATO AND USA AND FBI"
    assert has(query, "PTA BES NATO USA FBI talks")


def test_a_weak_term_counts_beside_a_strong_one() -> None:
    assert has("PTA AND school", "PTA MEETING AT SCHOOL TONIGHT")


def test_evidence_is_the_articles_own_words_with_offsets() -> None:
    found = article("Ｔｈｅ ＰＴＡ", "Its back\u00ad-\ndoor’s order")
    (match,) = matched(rule(all={"who": ["PTA"], "what": ["back door"]}), found)
    who, what = match.evidence
    assert (who.label, who.term, who.field, who.text) == ("who", "PTA", "title", "ＰＴＡ")
    assert found.title[who.start : who.end] == "ＰＴＡ"
    assert what.text == found.text[what.start : what.end] == "back\u00ad-\ndoor"


def test_evidence_of_near_is_the_pair_and_not_every_place() -> None:
    assert words_found("a1 NEAR/1 b1", text="a1 x x x x a1 b1 x x x b1") == ["a1", "b1"]


def test_where_limits_every_term_without_a_field_of_its_own() -> None:
    from bot import model

    in_title = rule(all={"x": ["a1"]}, where=model.Where.TITLE)
    assert matched(in_title, article("a1"))
    assert not matched(in_title, article("x", "a1"))
    assert matched(rule(any=["body:a1"], where=model.Where.TITLE), article("x", "a1"))


def test_a_set_stands_for_any_of_its_terms() -> None:
    with_set = rule(query="$servers NEAR/2 order", sets={"servers": ["BES", "$other"], "other": ["mail serv*"]})
    assert matched(with_set, article("order on mail servers"))
    assert rules.render_query(rules.parse_query("title:$a", sets={"a": ("x",)})) == "title:$a"
