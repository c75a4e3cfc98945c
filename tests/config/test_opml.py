from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import opml
from bot.model.feeds import Feed


def _opml(body: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">\n<body>\n{body}\n</body></opml>'.encode()


def test_folders_and_categories_are_tags_and_spellings_of_one_address_are_one_feed_with_the_tags_of_both() -> None:
    outline = opml.read_opml(
        _opml(
            '<outline text="Asia"><outline text="Pakistan"><outline type="rss" text="Dawn" '
            'xmlUrl="https://www.dawn.com/feeds/home" category="/press/daily,english"/></outline></outline>'
            '<outline text="A"><outline text="Wire" xmlUrl="http://www.wire.example/feed/"/></outline>'
            '<outline text="B"><outline xmlUrl="https://wire.example/feed"/></outline>'
            '<outline xmlUrl="https://wire.example/feed?lang=ur"/>'
        )
    )
    assert outline.feeds == (
        Feed(
            url="https://www.dawn.com/feeds/home", name="Dawn", tags=("press", "daily", "english", "Asia", "Pakistan")
        ),
        Feed(url="https://wire.example/feed", name="Wire", tags=("A", "B")),
        Feed(url="https://wire.example/feed?lang=ur"),
    )
    assert outline.problems == ()


BROKEN = _opml(
    '<outline text="News & Views" title="News & Views">\n'
    '<outline text="A & B" xmlUrl="https://a.org/?x=1&lang=en&copy=2" type="rss" />\n'
    "<outline text=\"C &amp; D &#233; é\" xmlUrl='https://c.org/rss' />\n"
    "</outline>\n"
    '<outline type="rss" text="Nameless" />\n'
    '<outline type="rss" text="Mail" xmlUrl="mailto:x@y.org" />\n'
    '<outline text="E" xmlUrl="feed://e.org/rss"></outline>\n'
    '<outline text="F" xmlUrl="https://a.org/?x=1&lang=en&copy=2"/>\n'
    '<outline text="Cut" xmlUrl="https://cut.or'
)


def test_a_broken_file_is_read_as_far_as_possible_and_its_flaws_are_reported() -> None:
    outline = opml.read_opml(BROKEN)
    assert outline.feeds == (
        Feed(url="https://a.org/?x=1&lang=en&copy=2", name="A & B", tags=("News & Views",)),
        Feed(url="https://c.org/rss", name="C & D é é", tags=("News & Views",)),
        Feed(url="http://e.org/rss", name="E"),
    )
    assert len(outline.problems) == 2
    assert outline.problems[0].startswith("line 4: not well-formed XML")
    assert outline.problems[1] == "'mailto:x@y.org' is not an http or https address, so it was omitted"


@pytest.mark.parametrize("encoding", ["windows-1251", "utf-16"])
def test_a_file_is_read_in_the_encoding_that_it_declares(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><opml><outline text="Новости" xmlUrl="https://a.org/"/></opml>'
    assert opml.read_opml(text.encode(encoding)).feeds == (Feed(url="https://a.org/", name="Новости"),)


@pytest.mark.parametrize("blank", [" ", "&#10;"])
def test_an_address_with_a_blank_is_omitted_as_feeds_yaml_would_refuse_it(blank: str) -> None:
    outline = opml.read_opml(f'<opml><outline text="A" xmlUrl="https://a.org/{blank}x"/></opml>'.encode())
    assert outline.feeds == ()
    assert "is not an http or https address" in outline.problems[0]


def test_entities_are_never_expanded() -> None:
    bomb = (
        b'<!DOCTYPE o [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
        b'<opml><body><outline text="&b;&f;" xmlUrl="https://e.org/rss"/></body></opml>'
    )
    outline = opml.read_opml(bomb)
    assert outline.feeds == (Feed(url="https://e.org/rss", name="&b;&f;"),)
    assert outline.problems == ("the file declares entities, which are not expanded",)


@pytest.mark.parametrize(
    "content", [b"", b"<html><body>no</body></html>", b"\x00\xff\xfe", b"<opml/>", b"<outline " * 1000]
)
def test_a_file_that_is_not_a_list_is_an_error(content: bytes) -> None:
    outline = opml.read_opml(content)
    assert outline.feeds == ()
    assert "no feed is listed: the file has no <outline> with an xmlUrl" in outline.problems


TEXT = st.text(max_size=20)
FEEDS = st.lists(
    st.builds(
        Feed,
        url=st.from_regex(r"https://[a-z]{1,8}\.org/[a-z0-9?&=%<>\"']{0,12}", fullmatch=True),
        name=st.none() | TEXT,
        tags=st.lists(st.text(alphabet='ab &<"é', min_size=1, max_size=5), max_size=3).map(tuple),
    ),
    unique_by=lambda feed: feed.url,
    max_size=4,
)


@given(FEEDS)
def test_an_exported_list_can_be_imported(feeds: list[Feed]) -> None:
    outline = opml.read_opml(opml.write_opml(feeds).encode())
    assert [feed.url for feed in outline.feeds] == [feed.url for feed in feeds]
    for feed, back in zip(feeds, outline.feeds, strict=True):
        assert set(back.tags) == {" ".join(tag.split()) for tag in feed.tags if tag.strip()}
