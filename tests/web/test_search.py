"""The search page: what it finds, what it refuses, and in which time."""

from __future__ import annotations

import time

from tests.web.conftest import Page
from tests.web.markup import elements, text_of, tree_of


async def test_a_search_shows_articles_with_marked_words_in_whole_sentences(shared: Page) -> None:
    tree = tree_of((await shared.get("/search", params={"q": 'backdoor "pulls out"'})).text)
    assert "1 article" in text_of(elements(tree, "//h2")[0])
    assert {mark.text_content() for mark in elements(tree, "//mark")} == {"backdoor", "pulls out"}
    quotes = [text_of(quote) for quote in elements(tree, "//p[@class='quote']")]
    assert quotes == [
        "BlackBerry pulls out of Pakistan since the regulator PTA insists on a backdoor into its BES servers."
    ]


async def test_outlet_rule_and_days_bound_it_also_without_words(shared: Page) -> None:
    def marked_words(answer: str) -> list[str]:
        return [text_of(item) for item in elements(tree_of(answer), "//ol[contains(@class, 'found')]//strong")]

    assert marked_words((await shared.get("/search", params={"outlet": "courier"})).text) == ["courier"]
    by_rule = await shared.get("/search", params={"rule": "BlackBerry in Pakistan"})
    assert sorted(marked_words(by_rule.text)) == ["courier", "ledger", "wire"]
    assert marked_words((await shared.get("/search", params={"q": "blackberry", "to": "2015-01-01"})).text) == []
    wrong = await shared.get("/search", params={"q": "blackberry", "from": "soon"})
    assert 'soon" is not a day or a duration' in text_of(tree_of(wrong.text))


#: Searches that cannot be read, and what the page says of each.
UNREADABLE = {
    "query: backdoor AND (bes OR": "26: a term is missing",
    "x" * 10_000: "2001: 10,000 characters; a search may have 2,000",
    " OR ".join(f"a{n}" for n in range(200)): "more than 100 terms",
    "(" * 1_500: "51: more than 50 levels",
    " OR ".join(f"/[a-z]{{1,{n}}}[0-9]/" for n in range(1, 8)): "more than 5 regular expressions",
    r"backdoor OR /(?i:[a-z\s]{1,400}[0-9])/": "too large for a search: 4,004 instructions",
    r"/(?i:[a-z\s]{1,1000}[0-9])/": "too large: 10,004 instructions; at most 5,000",
    "$nothing rain": 'unknown set "$nothing"',
    "'><script>alert(1)</script>\"": "28: a quote is not closed",
}


async def test_a_search_that_cannot_be_read_says_where_at_once(shared: Page) -> None:
    begun = time.process_time()
    for words, text in UNREADABLE.items():
        tree = tree_of((await shared.get("/search", params={"q": words})).text)
        (problem,) = elements(tree, "//pre")
        assert text in problem.text_content()
        assert "^" in problem.text_content()
        assert elements(tree, "//script") == []
    assert time.process_time() - begun < 20
