"""The search texts with which outside indexes are asked about a rule, and what `wirewatch check` says."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.config import audits
from tests.config import folders


def searches(tmp_path: Path, keys: str) -> tuple[list[str], list[str]]:
    """Return the searches of a rule with these keys, as "index edition: text", and the messages about its audit."""
    rules = f"rules:\n  - {{name: R, notify: desk, {keys}}}\n"
    settings = folders.load(folders.make(tmp_path, rules=rules))
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
    ("keys", "texts"),
    [
        ("any: [backdoor, back door], audit: true", {"en-US": '(backdoor OR "back door")'}),
        (
            "all: {who: [PTA, regulator], what: [BlackBerry]}, audit: true",
            {"en-US": "BlackBerry (PTA OR regulator)"},
        ),
        # An index does not search for a pattern; the other alternatives remain.
        ("all: {who: ['/PTAs?/', PTA], what: [fine]}, stem: true, audit: true", {"en-US": "PTA fine"}),
        # It does not search for the beginning of a word either, but for the most frequent words that begin so.
        ("all: [vaccin*, backdoor*], audit: true", {"en-US": "backdoor (vaccine OR vaccination)"}),
        ("all: {what: [fine], place: ['/Karachi|Lahore/']}, audit: true", {"en-US": "fine"}),
        ("all: [fine], none: [parking], audit: true", {"en-US": "fine"}),
        (
            "query: 'blackberry NEAR/5 (ban OR \"shut down\") AND NOT phone', audit: true",
            {"en-US": 'blackberry (ban OR "shut down")'},
        ),
        ("query: '(fine AND bank) OR penalty', audit: true", {"en-US": "(fine OR penalty)"}),
        (f"all: {{what: [fine], many: [{', '.join(f'w{n}' for n in range(40))}]}}, audit: true", {"en-US": "fine"}),
        ("query: 'backdoor AND lang:ur', audit: true", {"ur-PK": "backdoor"}),
        (
            'any: [backdoor], audit: [true, "de-DE: Hintertür"]',
            {"en-US": "backdoor", "de-DE": "Hintertür"},
        ),
        ("any: [backdoor]", {}),
        ("any: [backdoor], audit: false", {}),
    ],
)
def test_a_search_text_asks_for_at_least_what_the_rule_matches_in_each_of_its_editions(
    tmp_path: Path, keys: str, texts: dict[str, str]
) -> None:
    expected = []
    for edition, text in texts.items():
        expected += [f"google-news {edition}: {text} when:2d", f"bing-news {edition}: {text}"]
        if edition == "en-US":
            expected.append(f"gdelt : {text}")
    assert searches(tmp_path, keys) == (expected, [])


@pytest.mark.parametrize("keys", ["any: ['/back.?door/']", "all: [t?ial]", "query: 'site:dawn.com'"])
def test_check_says_that_a_search_text_cannot_be_made(tmp_path: Path, keys: str) -> None:
    [message] = searches(tmp_path, f"{keys}, audit: true")[1]
    assert message.startswith("the rule is not audited")
    assert searches(tmp_path, f"{keys}, audit: 'back door'")[0]
