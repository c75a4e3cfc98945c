"""Addresses: of articles, of sites and of their owners."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.feeds import items, links
from bot.feeds.links import canonical_link, link_key

PLAIN = "https://www.dawn.com/news/1223734/blackberry-quits"


@pytest.mark.parametrize(
    ("given_", "canonical"),
    [
        (PLAIN, PLAIN),
        ("HTTPS://WWW.Dawn.COM:443/news/./a/../1223734/blackberry-quits", PLAIN),
        (PLAIN + "?utm_source=rss&utm_medium=feed&fbclid=x#comments", PLAIN),
        ("https://e.org/story?id=7&utm_campaign=a&page=2", "https://e.org/story?id=7&page=2"),
        ("https://e.org/s?cid=12&source=5&ref=9&rss=12", "https://e.org/s?cid=12&source=5&ref=9&rss=12"),
        ("https://e.org/s?ref=rss&source=feed&rss=1", "https://e.org/s"),
        ("https://e.org/#!/story/5", "https://e.org/#!/story/5"),
        ("http://user:secret@e.org/a", "http://e.org/a"),
        ("www.e.org/a", "http://www.e.org/a"),
        ("//e.org/a", "https://e.org/a"),
        ("https://e.org/%7euser/%e2%82%ac", "https://e.org/~user/%E2%82%AC"),
        ("https://bücher.example/ä ö", "https://xn--bcher-kva.example/%C3%A4%20%C3%B6"),
        (" https://e.org/a\n\tb ", "https://e.org/ab"),
        ("https://e.org./a", "https://e.org/a"),
        # redirects that say where they lead
        ("https://www.google.com/url?sa=t&url=https%3A%2F%2Fe.org%2Fa%3Fid%3D1&usg=x", "https://e.org/a?id=1"),
        ("https://l.facebook.com/l.php?u=https%3A%2F%2Fe.org%2Fa%3Ffbclid%3Dx&h=AT", "https://e.org/a"),
        ("https://disq.us/url?url=https://e.org/a-b", "https://e.org/a-b"),
        ("https://www.bing.com/news/apiclick.aspx?ref=x&url=https%3a%2f%2fe.org%2fa&c=1", "https://e.org/a"),
        ("https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fe.org%2Fa&data=5", "https://e.org/a"),
        (
            "https://www.google.com/url?q=https%3A%2F%2Fl.facebook.com%2Fl.php%3Fu%3Dhttps%253A%252F%252Fe.org%252Fa",
            "https://e.org/a",
        ),
        ("https://www.google.com/url?q=javascript:alert(1)", "https://www.google.com/url?q=javascript:alert(1)"),
        ("https://www.google.com/search?q=https://e.org/a", "https://www.google.com/search?q=https://e.org/a"),
        ("https://e.org/share?url=https://other.org/", "https://e.org/share?url=https://other.org/"),
        ("https://news.google.com/rss/articles/CBMiAU9?oc=5", "https://news.google.com/rss/articles/CBMiAU9?oc=5"),
        # no address at all
        ("javascript:alert(1)", ""),
        ("http://e.org:99999/", ""),
        ("https://e.org/" + "a" * 5_000, ""),
        ("", ""),
    ],
)
def test_a_link_becomes_the_articles_own_address(given_: str, canonical: str) -> None:
    assert canonical_link(given_) == canonical


def test_a_relative_link_is_resolved() -> None:
    assert canonical_link("../a?x=1", "https://e.org/feeds/rss.xml") == "https://e.org/a?x=1"


HOSTS = st.from_regex(r"\A[a-z0-9-]{1,6}(\.[a-z0-9-]{1,6}){1,3}\Z") | st.sampled_from(
    ["www.google.com", "l.facebook.com", "en.m.wikipedia.org", "www.example.org", "1.2.3.4"]
)
PLAIN_LOOKING = st.builds(
    "{}://{}{}/{}{}{}".format,
    st.sampled_from(["http", "https"]),
    HOSTS,
    st.sampled_from(["", ":80", ":443", ":8443", ":080", ":9", ":99999", ":"]),
    st.text(alphabet="ab/.-_~,:@!$'()*+;=&%9Aé", max_size=14)
    | st.sampled_from(
        ["amp/a", "a/amp", "a/amp/", "a.amp", "a/amp.html", "news/amp/a-1-2", "campaign", "url", "amp/s/e.org/a"]
    ),
    st.text(alphabet="ab=&+/?:;.%3D", max_size=10).map(lambda query: f"?{query}")
    | st.sampled_from(
        ["", "?", "?utm_campaign=a&b=1", "?amp=1", "?url=http://e.org/a", "?q=http://m.e.org/amp/1-2/", "?a=b=c"]
    ),
    st.sampled_from(["", "#", "#top", "#/s/1", "#!/s", "#a?b"]),
)


@given(PLAIN_LOOKING | st.text(max_size=40))
@example("https://e.org/a/amp/amp.html?amp=1&utm_x=%zz")
def test_the_canonical_form_of_a_canonical_link_is_itself(url: str) -> None:
    link = canonical_link(url)
    assert canonical_link(link) == link


@given(PLAIN_LOOKING)
@example("https://www.example.org/a/b.html?utm_campaign=x&id=1#top")
@example("https://e.org/a?b=c=d")
@example("https://e--f.org/a")
@example("https://-e.org/a")
@example(f"https://{'e' * 64}.org/a")
@example("https://e.org/a/..")
@example("https://news.example.org:8443/a?utm_campaign=x&id=1")
def test_a_plain_link_is_read_as_the_careful_reading_reads_it(url: str) -> None:
    quick = links.canonicalise_plain(url)
    assert quick is None or quick == links.canonicalise_by_parts(url)


def test_http_and_https_with_and_without_www_are_one_article() -> None:
    forms = [f"{scheme}://{www}e.org/a?b=1" for scheme in ("http", "https") for www in ("", "www.")]
    assert {link_key(form) for form in forms} == {"e.org/a?b=1"}


@pytest.mark.parametrize("link", ["", "https://e.org/", "https://www.e.org/"])
def test_a_front_page_names_no_article(link: str) -> None:
    assert link_key(link) == ""


def test_an_owner_is_the_registrable_domain() -> None:
    assert links.registrable_domain("https://feeds.bbc.co.uk/a") == "bbc.co.uk"
    assert links.registrable_domain("https://one.blogspot.com/a") == "one.blogspot.com"
    assert links.registrable_domain("http://127.0.0.1:80/a") == "127.0.0.1"
    assert links.registrable_domain("http://localhost/a") == "localhost"
    assert links.registrable_domain("nonsense") == ""


# -- when two outlets show one headline


LINKS = ("https://www.gazette.example/1", "https://feeds.herald.example/rss")
TITLE = "BlackBerry to leave Pakistan over server access"


@pytest.mark.parametrize(
    "other",
    [
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
