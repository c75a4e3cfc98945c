"""docs/mistakes.md, made from the golden files: grouped by kind, each mistake foldable."""

from __future__ import annotations

import html
from collections.abc import Sequence

from tests.config import mistakes_made

_HEAD = """# How each mistake reads

`wirewatch check` says what is wrong, where, and what to write instead, for all problems of all files at once.
Below is each mistake that the tests make on purpose, by kind, with the first line of the answer. Open one to see the
whole answer. This page is written by `scripts/mistakes-table` from `tests/config/mistakes`; a test compares them.

"""

#: Heading -> mistakes. What is not named here goes to the file in which it was made.
_KINDS = {
    "YAML: spaces, indentation and keys": """
        colon-in-headline colon-in-note indented-less indented-more key-twice key-without-value
        list-item-one-space-off list-on-the-line-of-its-key colon-in-name space-from-a-document
        space-from-a-document-after-dash space-from-a-document-in-indentation two-slips-in-one-file
        no-space-after-colon no-space-after-dash no-space-after-every-dash no-space-after-first-dash
        no-space-before-list query-not-indented query-on-the-bar-line rule-not-a-list rules-twice tab
        two-colons-in-headline text-for-block empty-list""",
    "YAML: quotes, brackets and marks": """
        alias-bomb ampersand-first apostrophe-in-single-quotes boundary-in-double-quotes at-first backquote-first
        backslash-in-double-quotes bracket-too-many comma-in-name comma-in-number comment-eats-channel
        comment-eats-end-of-term comment-eats-list exclamation-first missing-comma nested-too-deep percent-first
        query-begins-with-bracket query-begins-with-quote star-first star-first-and-words template-braces
        text-after-quote unclosed-brace unclosed-bracket unclosed-double-quote unclosed-quote-closed-later
        unclosed-single-quote""",
    "Files": """
        binary bot-yml empty-feeds empty-file feeds-removed many-mistakes no-rules not-utf-8 rules-in-the-wrong-place
        two-documents utf-16""",
    "Secrets": """
        feed-with-password password-in-database slack-without-token token-under-misspelt-key token-written-out
        unset-variable variable-with-dollar buttons-without-app-token page-without-token public-url-without-token""",
    "Rules: terms": """
        braces-with-comma broken-regex costly-regex large-regex found-and-excluded number-as-word operator-in-list
        short-wildcard
        star-on-both-sides two-letters unknown-set set-with-a-mistake very-common-word words-side-by-side
        must-match-does-not must-not-match-does no-examples nothing-to-look-for only-negatives address-in-list
        and-as-an-item or-as-an-item or-in-plain-all or-several-times-in-list boundary-without-slashes
        name-found-as-a-word name-that-is-also-a-word number-of-two-digits regex-never-closed regex-of-nothing
        and-in-list and-in-set bracket-in-list curly-double-quotes-around-item curly-single-quotes equals-in-list
        list-without-brackets list-without-brackets-under-label minus-in-list near-in-list not-in-list
        noun-without-plural operator-words-in-capitals plus-in-list words-in-capitals""",
    "Rules: queries": """
        and-in-small-letters and-or-mixed and-under-near query-and-lists query-with-field unclosed-bracket-in-query
        unclosed-quote-in-query unknown-field-in-query unknown-operator address-in-query ampersands-in-query
        bar-in-query boost-in-query curly-single-quotes-in-query equals-in-query field-of-another-product
        fuzzy-in-query minus-in-query near-in-small-letters noun-without-plural-in-query plus-in-query
        words-in-capitals-in-query""",
    "Rules: keys": "",
    "bot.yaml": "",
    "feeds.yaml": "",
}
_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}


def table() -> str:
    """The whole page, as Markdown that git hosts and the documentation site both show."""
    by_kind: dict[str, list[mistakes_made.Mistake]] = {kind: [] for kind in _KINDS}
    for each in mistakes_made.all_mistakes():
        by_kind[kind_of(each)].append(each)
    return _HEAD + "\n".join(_group(kind, found) for kind, found in by_kind.items())


def kind_of(mistake: mistakes_made.Mistake) -> str:
    """The heading under which a mistake is listed."""
    by_file = next((name for name in mistake.files if name in _KINDS), "Rules: keys")
    return _OF.get(mistake.name, by_file)


def named() -> Sequence[str]:
    """Each mistake that a kind names."""
    return tuple(_OF)


def _group(kind: str, mistakes: Sequence[mistakes_made.Mistake]) -> str:
    return f"## {kind}\n\n" + "\n".join(_folded(each) for each in mistakes)


def _folded(mistake: mistakes_made.Mistake) -> str:
    first = mistake.expected.partition("\n")[0].split(": ", 1)[-1]
    return (
        f'<details id="{mistake.name}" markdown="1">\n'
        f"<summary>{_plain(mistake.about.rstrip('.'))}: <code>{_plain(first)}</code></summary>\n\n"
        f"```text\n{mistake.expected.rstrip()}\n```\n\n</details>\n"
    )


def _plain(text: str) -> str:
    """Shown as it is, by programs that read HTML and by those that look for Markdown inside it."""
    return "".join(f"&#{ord(char)};" if char in "\\`*_[]{" else char for char in html.escape(text, quote=False))
