"""The search texts with which outside indexes are asked about a rule, and what `wirewatch check` says."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot import app
from bot.config import audits
from tests.config import folders

BOT = "channels: {desk: {kind: console}}\n"


def searches(tmp_path: Path, keys: str) -> tuple[list[str], list[str]]:
    """Return the searches of a rule with these keys, as "index edition: text", and the messages about its audit."""
    rules = f"rules:\n  - {{name: R, notify: desk, {keys}}}\n"
    settings = app.load(folders.make(tmp_path, bot=BOT, feeds="feeds: [https://a.example/rss]\n", rules=rules), {})
    [compiled] = settings.rules
    messages = [problem.message for problem in settings.problems if problem.code == "no-audit"]
    if messages:
        return [], messages
    found = []
    for search in audits.list_searches(compiled):
        query = parse_qs(urlsplit(search.feed.url).query)
        edition = (query.get("hl") or query.get("mkt") or [""])[0]
        [text] = query.get("q") or query["query"]
        found.append(f"{search.index} {edition}: {text}")
    return found, []


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("any: [backdoor, back door]", '(backdoor OR "back door")'),
        ("all: {who: [PTA, regulator], what: [BlackBerry]}", "BlackBerry (PTA OR regulator)"),
        # An index does not search for a pattern; the other alternatives remain.
        ("all: {who: ['/PTAs?/', PTA], what: [fine]}, stem: true", "PTA fine"),
        # It does not search for the beginning of a word either, but for the most frequent words that begin so.
        ("all: [vaccin*, backdoor*]", "backdoor (vaccine OR vaccination)"),
        ("all: {what: [fine], place: ['/Karachi|Lahore/']}", "fine"),
        ("all: [fine], none: [parking]", "fine"),
        ("query: 'blackberry NEAR/5 (ban OR \"shut down\") AND NOT phone'", 'blackberry (ban OR "shut down")'),
        ("query: '(fine AND bank) OR penalty'", "(fine OR penalty)"),
        ("all: {what: [fine], many: [" + ", ".join(f"w{n}" for n in range(40)) + "]}", "fine"),
    ],
)
def test_a_search_text_asks_for_at_least_what_the_rule_matches(tmp_path: Path, keys: str, text: str) -> None:
    assert searches(tmp_path, f"{keys}, audit: true")[0] == [
        f"google-news en-US: {text} when:2d",
        f"bing-news en-US: {text}",
        f"gdelt : {text}",
    ]


def test_a_rule_names_its_languages(tmp_path: Path) -> None:
    assert searches(tmp_path, "query: 'backdoor AND lang:ur', audit: true")[0] == [
        "google-news ur-PK: backdoor when:2d",
        "bing-news ur-PK: backdoor",
    ]


def test_a_rule_may_have_search_texts_in_several_editions(tmp_path: Path) -> None:
    assert searches(tmp_path, 'any: [backdoor], audit: [true, "de-DE: Hintertür"]')[0] == [
        "google-news en-US: backdoor when:2d",
        "bing-news en-US: backdoor",
        "gdelt : backdoor",
        "google-news de-DE: Hintertür when:2d",
        "bing-news de-DE: Hintertür",
    ]


@pytest.mark.parametrize("keys", ["any: ['/back.?door/']", "all: [t?ial]", "query: 'site:dawn.com'"])
def test_check_says_that_a_search_text_cannot_be_made(tmp_path: Path, keys: str) -> None:
    [message] = searches(tmp_path, f"{keys}, audit: true")[1]
    assert message.startswith("the rule is not audited")
    assert searches(tmp_path, f"{keys}, audit: 'back door'")[0]


def test_a_rule_is_not_audited_unless_it_asks_for_it(tmp_path: Path) -> None:
    assert searches(tmp_path, "any: [backdoor]") == ([], [])
    assert searches(tmp_path, "any: [backdoor], audit: false") == ([], [])
