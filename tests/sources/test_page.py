"""A page's list by selectors: what is found, what is told when it is found no more, and what no page can make of it."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import UTC, datetime

import pytest

from bot import model
from bot.feeds import kinds
from bot.feeds.kinds.page import Options, Source, proposals

URL = "https://regulator.example/news/"
ITEM = """<article class="card teaser"><h3><a href="{n}?ref=list#top">Regulator schreibt Anordnung {n}</a></h3>
<span class="when">{n}. Dezember 2015</span>
<p>Die Behörde hat den Betreibern eine lange Anordnung geschrieben &amp; mehr.</p>
<a href="/topic/x">Thema</a></article>"""
MENU = "".join(f'<li><a href="/m{n}">Was wir alles tun und lassen</a></li>' for n in range(9))
PAGE = """<html lang="de"><head><title>Behörde</title><meta property="og:site_name" content="Die Behörde">{head}</head>
<body><nav><ul class="menu">{menu}</ul></nav><main><div class="list">{items}</div></main></body></html>"""


def page(*numbers: int, item: str = ITEM, head: str = "") -> bytes:
    items = "".join(item.replace("{n}", str(n)) for n in numbers)
    return PAGE.replace("{items}", items).replace("{menu}", MENU).replace("{head}", head).encode()


def body(content: bytes) -> model.Body:
    return model.Body(content=content, content_type="text/html; charset=utf-8", url=URL)


def read(content: bytes, **options: str) -> model.ParsedFeed:
    return Source(Options.model_validate(options)).read(body(content))


def refused(content: bytes, **options: str) -> str:
    with pytest.raises(model.ReadError) as caught:
        read(content, **options)
    return str(caught.value)


def test_selectors_find_title_link_date_and_text() -> None:
    reading = read(page(1, 2), item="div.list > article", date=".when", text="p")
    assert (reading.title, reading.language, len(reading.item_hashes)) == ("Behörde", "de", 2)
    assert reading.entries[0] == model.Entry(
        link=f"{URL}1?ref=list#top",
        title="Regulator schreibt Anordnung 1",
        body="<p>Die Behörde hat den Betreibern eine lange Anordnung geschrieben &amp; mehr.</p>",
        published=datetime(2015, 12, 1, tzinfo=UTC),
    )


def test_an_xpath_of_an_earlier_version_names_its_replacement() -> None:
    with pytest.raises(ValueError, match="XPath is no longer supported; write a CSS selector"):
        Options.model_validate({"item": "//article"})


def test_posts_whose_title_is_their_text_have_none_and_inline_tags_part_no_words() -> None:
    post = b"<html><body><div class=post><p>A back<b>door</b>.</p><a href=/1>08:00</a></div></body></html>"
    [entry] = read(post, item=".post", title="p", text="p").entries
    assert (entry.title, entry.body) == (None, "<p>A back<b>door</b>.</p>")


def test_known_items_are_left_out_and_read_for_their_identity_where_that_is_asked() -> None:
    known = frozenset(read(page(1), item="article").item_hashes)
    source = Source(Options(item="article", title=None, link=None, date=None, text=None, language=None))
    later = model.Body(content=page(1, 2), content_type="", url=URL, known_hashes=known)
    assert [entry.title for entry in source.read(later).entries] == ["Regulator schreibt Anordnung 2"]
    named = model.Body(content=page(1, 2), content_type="", url=URL, known_hashes=known, names_known=True)
    assert [entry.identity_only for entry in source.read(named).entries] == [True, False]


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
    assert source.read(model.Body(content=content, content_type="text/html", url=URL)).entries[0].title == title


def test_a_page_on_which_nothing_is_found_any_more_says_what_changed() -> None:
    told = refused(page(*range(1, 9)), item="main .latest article")
    assert told.startswith(
        'no article: "main .latest article" finds nothing on the page; "main" is still there; now it'
    )
    assert 'repeats "article.card" (8 times)' in told
    assert "none of 3 items has a title" in refused(page(1, 2, 3), item="article", title="h2")


def test_a_page_that_scripts_build_says_so() -> None:
    told = refused(b"<html><body><div id=app></div><script src=x.js></script></body></html>", item="li")
    assert "empty without JavaScript, which Wirewatch does not run" in told


def test_a_page_without_a_body_says_what_is_wrong() -> None:
    """Found by fuzzing."""
    assert refused(b"<html><script>start()</script></html>", item="li") == refused(
        b"<html><body><div id=app></div><script src=x.js></script></body></html>", item="li"
    )


def test_selectors_are_proposed_from_what_repeats_and_not_from_the_menu() -> None:
    name, found = proposals.propose_selectors(body(page(*range(1, 9))))
    assert name == "Die Behörde"
    assert found[0] == {"item": "article.card", "title": "h3", "date": "span.when", "text": "p"}
    reading = read(page(*range(1, 9)), **found[0])
    assert len(reading.entries) == 8
    assert all(entry.published and entry.body and entry.link for entry in reading.entries)


def test_what_json_ld_calls_articles_is_proposed_before_a_longer_list() -> None:
    short = '<p class="note"><a href="https://regulator.example/n/{n}">Order number {n} to operators</a></p>'
    urls = [{"@type": "ListItem", "url": f"https://regulator.example/n/{n}"} for n in range(4)]
    ld = json.dumps({"@type": "ItemList", "itemListElement": urls})
    head = f'<script type="application/ld+json">{ld}</script>'
    other = "".join(f'<div class="ad"><a href="/ad{n}">Buy one of our many papers {n}</a></div>' for n in range(5))
    content = page(*range(4), item=short, head=head).replace(b"</main>", other.encode() + b"</main>")
    assert proposals.propose_selectors(body(content))[1][0]["item"] == "p.note"
    without = content.replace(ld.encode(), b"{")
    assert proposals.propose_selectors(body(without))[1][0]["item"] == "div.ad"


@pytest.mark.parametrize(
    "path",
    ["li:has(a)", "li ~ li", "li + li", "a b c d e", "//a", "(((", "li[", "x" * 301],
)  # fmt: skip
def test_a_selector_that_a_page_could_make_expensive_or_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError):
        Options.model_validate({"item": path})


BOMBS = {
    "50 MB of items": (b"<li><a href=/x>word word word word</a>" * 1_350_000, {"item": "li"}),
    "50 MB of text": (b"<ul><li>" + b"word " * 10_000_000, {"item": "li", "title": ":text"}),
    "very deep": (b"<div>" * 50_000 + b"<a href=x>aaaa", {"item": "div div div"}),
    "deep and wide": ((b"<div>t" * 190 + b"</div>" * 190) * 100, {"item": "div div div"}),
    "as deep as is read": ((b"<div>t" * 15 + b"</div>" * 15) * 900, {"item": "div div div", "title": "b"}),
    "flat, by place": (b"<ul>" + b"<li>a" * 19_000, {"item": "li:nth-child(2)"}),
    "one attribute": (b"<a href='" + b"x" * 4_000_000 + b"'>aaaa bbb</a>", {"item": "a"}),
    "items in items": ((b"<div class=c>text " * 50 + b"</div>" * 50) * 90, {"item": ".c", "title": ":text"}),
    "nothing closed": (b"<a b='" * 100_000, {"item": "a"}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_page_takes_long(name: str) -> None:
    content, options = BOMBS[name]
    begun = time.process_time()
    try:
        reading = read(b"<html><body>" + content, **options)
    except model.ReadError:
        pass
    else:
        assert sum(len(entry.title or "") + len(entry.body or "") for entry in reading.entries) < 10_000_000
    assert time.process_time() - begun < 5


def test_proposing_for_a_hostile_page_is_bounded_too() -> None:
    begun = time.process_time()
    links = "".join(f'<div class="c{"a" * (n % 50)}"><a href="/{n}">A headline of some words</a>' for n in range(9_000))
    with contextlib.suppress(model.ReadError):
        proposals.propose_selectors(body(links.encode()))
    assert time.process_time() - begun < 5


def test_a_feed_is_read_as_a_page_only_where_it_says_so() -> None:
    with pytest.raises(model.IsPage):
        kinds.parse_document(body(page(1, 2)))
    options = Options.model_validate({"item": "article"}).model_dump_json()
    assert len(kinds.parse_document(body(page(1, 2)), kind="page", options=options).entries) == 2
