"""Who owns an outlet."""

from __future__ import annotations

import pytest

from bot.articles import owners


@pytest.mark.parametrize(
    ("domain", "owner"),
    [
        ("mashable.com", "Ziff Davis"),
        ("www.mashable.com", "Ziff Davis"),
        ("WWW.BBC.CO.UK", "BBC"),
        ("economictimes.indiatimes.com", "The Times Group"),
        ("dawn.com.", "Dawn Media"),
    ],
)
def test_a_listed_domain_and_its_subdomains_have_an_owner(domain: str, owner: str) -> None:
    assert owners.group_of(domain) == owner


@pytest.mark.parametrize("domain", ["gazette.example", "", ".", "com", "co.uk", "notbbc.com", "bbc.com.example"])
def test_any_other_domain_has_none(domain: str) -> None:
    assert owners.group_of(domain) is None


def test_sister_titles_share_an_owner() -> None:
    assert owners.group_of("wsj.com") == owners.group_of("nypost.com")
