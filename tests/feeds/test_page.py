"""A page read by selectors: its items and dates, a guess of its selectors, and pages that are made to be expensive."""

from __future__ import annotations

import contextlib
import re
import time
from datetime import UTC, datetime

import pytest

from bot.feeds import kinds
from bot.feeds.kinds.page import Options, Source, proposals
from bot.model.errors import IsPage, ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body

URL = "https://authority.example/en/news/"
FETCHED = datetime(2015, 12, 20, 9, tzinfo=UTC)
TITLES = (
    "Authority fines two carriers over roaming charges",
    "Parliament adopts the amended data retention act",
    "Court suspends the blocking of a messenger",
    "Minister presents a draft licence for satellites",
    "Watchdog publishes its report on outages of the year",
)
TEXT = "What the authority has decided is on another page of the site"
MENU = "".join(f'<li><a href="/m{n}">Section of the site with number {n}</a></li>' for n in range(9))
CARD = (
    '<article class="card teaser"><h3><a href="{n}?ref=list#top">{title}</a></h3><span class="when">{n}. Dezember 2015'
    f'</span><p>{TEXT} &amp; more.</p><a href="/topic/x">Thema</a></article>'
)


def page(row: str, *, around: str = "{}", language: str = "en") -> bytes:
    """Return a page that lists the titles in such rows, between menus."""
    rows = "".join(row.format(n=f"{number}", title=title) for number, title in enumerate(TITLES, start=1))
    return (
        f'<html lang="{language}"><head><meta charset="utf-8"><title>News</title>'
        f'<meta property="og:site_name" content="The Authority"></head><body><nav><ul>{MENU}</ul></nav>'
        f"{around.replace('{}', rows)}<footer><ul class='pagination'>{MENU}</ul></footer></body></html>"
    ).encode()


CARDS = page(CARD, around='<main><div class="list">{}</div></main>', language="de")


def body(content: bytes) -> Body:
    return Body(content=content, content_type="text/html; charset=utf-8", url=URL)


def read(content: bytes, **options: str) -> ParsedFeed:
    return Source(Options.model_validate(options)).read(body(content))


def refused(content: bytes, **options: str) -> str:
    with pytest.raises(ReadError) as caught:
        read(content, **options)
    return str(caught.value)


def test_selectors_find_title_link_date_and_text() -> None:
    reading = read(CARDS, item="div.list > article", date=".when", text="p")
    assert (reading.title, reading.language, len(reading.item_hashes)) == ("News", "de", 5)
    assert reading.entries[0] == Entry(
        link=f"{URL}1?ref=list#top",
        title=TITLES[0],
        body=f"<p>{TEXT} &amp; more.</p>",
        published=datetime(2015, 12, 1, tzinfo=UTC),
    )


def test_an_xpath_of_an_earlier_version_names_its_replacement() -> None:
    with pytest.raises(ValueError, match="XPath is not supported; write a CSS selector"):
        Options.model_validate({"item": "//article"})


def test_posts_whose_title_is_their_text_have_none_and_inline_tags_part_no_words() -> None:
    post = b"<html><body><div class=post><p>A back<b>door</b>.</p><a href=/1>08:00</a></div></body></html>"
    [entry] = read(post, item=".post", title="p", text="p").entries
    assert (entry.title, entry.body) == (None, "<p>A back<b>door</b>.</p>")


def test_an_item_without_a_link_is_known_by_its_title() -> None:
    plain = b"<ul><li>Order 1 was written</li><li>Order 2 was written</li></ul>"
    reading = read(plain, item="li", title=":text")
    assert [(bool(entry.guid), entry.link) for entry in reading.entries] == [(True, None)] * 2
    assert len({entry.guid for entry in reading.entries}) == 2


@pytest.mark.parametrize("declared", ['<meta charset="{0}">', '<meta http-equiv=x content="text/html; charset={0}">'])
@pytest.mark.parametrize(("encoding", "title"), [("windows-1251", "Регулятор пишет"), ("gbk", "监管机构开出罚单")])
def test_a_page_may_say_its_encoding_itself(declared: str, encoding: str, title: str) -> None:
    content = f'<html><head>{declared.format(encoding)}</head><body><li><a href="/1">{title}</a>'.encode(encoding)
    source = Source(Options.model_validate({"item": "li"}))
    assert source.read(Body(content=content, content_type="text/html", url=URL)).entries[0].title == title


def test_a_page_on_which_nothing_is_found_any_more_has_an_error_with_the_change() -> None:
    error = refused(CARDS, item="main .latest article")
    assert error.startswith(
        'no articles: "main .latest article" finds nothing on the page; "main" still exists; the page now has'
    )
    assert '5 of "article.card"' in error
    assert "none of 5 items has a title" in refused(CARDS, item="article", title="h2")


def test_a_page_that_scripts_build_is_named_in_the_error() -> None:
    error = refused(b"<html><body><div id=app></div><script src=x.js></script></body></html>", item="li")
    assert "empty without JavaScript, which Wirewatch does not run" in error


@pytest.mark.parametrize(
    "path",
    ["li:has(a)", "li ~ li", "li + li", "a b c d e", "//a", "(((", "li[", "x" * 301],
)  # fmt: skip
def test_a_selector_that_a_page_could_make_expensive_or_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError):
        Options.model_validate({"item": path})


BOMBS = {
    "10 MB of items": (b"<li><a href=/x>word word word word</a>" * 270_000, {"item": "li"}),
    "10 MB of text": (b"<ul><li>" + b"word " * 2_000_000, {"item": "li", "title": ":text"}),
    "very deep": (b"<div>" * 50_000 + b"<a href=x>aaaa", {"item": "div div div"}),
    "deep and wide": ((b"<div>t" * 190 + b"</div>" * 190) * 100, {"item": "div div div"}),
    "flat, by place": (b"<ul>" + b"<li>a" * 9_000, {"item": "li:nth-child(2)"}),
    "items in items": ((b"<div class=c>text " * 50 + b"</div>" * 50) * 90, {"item": ".c", "title": ":text"}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_page_takes_long(name: str) -> None:
    content, options = BOMBS[name]
    begun = time.process_time()
    try:
        reading = read(b"<html><body>" + content, **options)
    except ReadError:
        pass
    else:
        assert sum(len(entry.title or "") + len(entry.body or "") for entry in reading.entries) < 10_000_000
    assert time.process_time() - begun < 5


def test_proposing_for_a_hostile_page_is_bounded_too() -> None:
    begun = time.process_time()
    links = "".join(f'<div class="c{"a" * (n % 50)}"><a href="/{n}">A headline of some words</a>' for n in range(9_000))
    with contextlib.suppress(ReadError):
        proposals.propose_selectors(body(links.encode()))
    assert time.process_time() - begun < 5


def test_a_feed_is_read_as_a_page_only_where_it_says_so() -> None:
    with pytest.raises(IsPage):
        kinds.parse_document(body(CARDS))
    options = Options.model_validate({"item": "article"}).model_dump_json()
    assert len(kinds.parse_document(body(CARDS), kind="page", options=options).entries) == 5


# -- selectors that are guessed for pages of several shapes, and what they read


def propose(content: bytes) -> dict[str, str]:
    name, options = proposals.propose_selectors(body(content))
    assert name == "The Authority"
    assert options is not None
    return dict(options)


PAGES = {
    "cards": CARDS,
    "a table without a class, the date in a column": page(
        '<tr><td>0{n}.12.2015</td><td><a href="{n}.html">{title}</a></td></tr>',
        around='<div id="content"><table><tr><th>Datum</th><th>Titel</th></tr>{}</table></div>',
        language="de",
    ),
    "a list in Polish": page(
        '<li><span class="data">{n} grudnia 2015</span> <a href="?id={n}">{title}</a></li>',
        around='<ul class="aktualnosci">{}</ul>',
        language="pl",
    ),
    "a short list with dates beside a long one without": page(
        '<li><span>2015-12-0{n}</span><a href="/p/{n}">{title}</a></li>',
        around='<ul class="press">{}</ul><ul class="topics">'
        + "".join(f'<li><a href="/t/{n}">{TEXT} and so on {n}</a></li>' for n in range(15))
        + "</ul>",
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_the_proposed_selectors_read_every_item_with_its_date_and_nothing_of_the_menu(name: str) -> None:
    options = propose(PAGES[name])
    entries = read(PAGES[name], **options).entries
    assert [(entry.title, entry.published and entry.published.day) for entry in entries] == [
        (title, number) for number, title in enumerate(TITLES, start=1)
    ], options
    assert [re.sub(r"\D", "", (entry.link or "").rpartition("/")[2]) for entry in entries] == list("12345")


def test_cards_without_dates_are_a_list_too() -> None:
    content = page('<a class="card" href="/c/{n}">{title}</a>', around="<section>{}</section>")
    assert propose(content) == {"item": "a.card"}
    assert [entry.title for entry in read(content, item="a.card").entries] == [*TITLES]


def test_days_ago_are_counted_from_the_fetch_and_are_no_change_of_the_item() -> None:
    content = page('<li class="news"><a href="/c/{n}">{title}</a><i>{n} days ago</i></li>')
    source = Source(Options.model_validate({"item": "li.news", "date": "i"}))
    first, later = (
        source.read(Body(content=text, content_type="text/html", url=URL, fetched=FETCHED))
        for text in (content, content.replace(b" days ago", b"7 days ago"))
    )
    assert first.entries[0].published == datetime(2015, 12, 19, 9, tzinfo=UTC)
    assert later.item_hashes == first.item_hashes
