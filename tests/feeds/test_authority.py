"""When two outlets show one headline."""

from __future__ import annotations

import pytest

from bot.feeds import items, links

LINKS = ("https://www.gazette.example/1", "https://feeds.herald.example/rss")
TITLE = "BlackBerry to leave Pakistan over server access"


@pytest.mark.parametrize(
    "other",
    [
        TITLE,
        "BLACKBERRY to leave  Pakistan, over ‘server’ access!",
        f"LIVE: {TITLE}",
        f"{TITLE} | Herald",
        f"{TITLE} – Morning Post",
        f"Breaking News: {TITLE} - The Gazette - Asia",
        "BlackBerry to leave Pakistan over server…",
    ],
)
def test_two_headlines_agree_if_only_additions_of_outlets_differ(other: str) -> None:
    for first, second in ((TITLE, other), (other, TITLE)):
        assert items.titles_agree(first, second, outlet="Morning Post", links=LINKS)


@pytest.mark.parametrize(
    "other",
    [
        "",
        "BlackBerry to stay in Pakistan over server access",
        f"{TITLE} - hoax",
        f"Hoax: {TITLE}",
        "BlackBerry…",
        "BlackBerry to leave Pakistan over money…",
    ],
)
def test_other_words_do_not_agree(other: str) -> None:
    for first, second in ((TITLE, other), (other, TITLE)):
        assert not items.titles_agree(first, second, outlet="Morning Post", links=LINKS)
    assert not items.titles_agree(other, "", outlet="", links=LINKS)


@pytest.mark.parametrize(
    ("url", "is_one"),
    [
        ("https://news.google.com/rss/search?q=PTA", True),
        ("https://www.google.com/alerts/feeds/123/456", True),
        ("https://www.reddit.com/r/worldnews/.rss", False),
        ("https://www.techmeme.com/feed.xml", True),
        ("https://developers.google.com/feed.xml", False),
    ],
)
def test_known_aggregators_are_recognised_by_their_address_and_none_takes_posts_of_users(
    url: str, is_one: bool
) -> None:
    assert links.is_known_aggregator(url) is is_one


@pytest.mark.parametrize(
    ("hostile", "its_own"),
    [
        ("https://github.com/squat/x/releases.atom", "https://github.com/agency/y/releases.atom"),
        ("https://squat.tumblr.com/rss", "https://agency.tumblr.com/rss"),
        ("https://mastodon.social/@squat.rss", "https://mastodon.social/@agency.rss"),
    ],
)
def test_accounts_of_one_service_are_no_sisters_and_none_speaks_for_another(hostile: str, its_own: str) -> None:
    assert links.site_of(hostile) != links.site_of(its_own)
    assert not links.belongs_to(its_own.replace("rss", "1"), hostile)


# -- who owns an outlet


@pytest.mark.parametrize(
    ("domain", "owner"),
    [
        ("mashable.com", "Ziff Davis"),
        ("WWW.BBC.CO.UK", "BBC"),
        ("dawn.com.", "Dawn Media"),
        *((domain, None) for domain in ("gazette.example", "", ".", "com", "co.uk", "notbbc.com", "bbc.com.example")),
    ],
)
def test_a_listed_domain_and_its_subdomains_have_an_owner_and_no_other(domain: str, owner: str | None) -> None:
    assert links.group_of(domain) == owner
