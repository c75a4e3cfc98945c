"""Selectors that are proposed for pages of many shapes, and what they read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bot import model
from bot.feeds.kinds.page import Options, Source, proposals

URL = "https://authority.example/en/news/"
FETCHED = datetime(2015, 12, 20, 9, tzinfo=UTC)
TITLES = (
    "Authority fines two carriers over roaming charges",
    "Parliament adopts the amended data retention act",
    "Court suspends the blocking of a messenger",
    "Minister presents a draft licence for satellites",
    "Watchdog publishes its report on outages of the year",
)
TEXT = "What the authority has decided is told here in more than forty letters"
MENU = "".join(f'<li><a href="/m{n}">Section of the site with number {n}</a></li>' for n in range(9))


def page(item: Callable[[int, str], str], *, around: str = "{}", language: str = "en", head: str = "") -> bytes:
    items = "".join(item(number, title) for number, title in enumerate(TITLES, start=1))
    return (
        f'<html lang="{language}"><head><meta charset="utf-8">{head}</head><body><header><ul>{MENU}</ul></header>'
        f"{around.replace('{}', items)}<ul class='pagination'>{MENU}</ul></body></html>"
    ).encode()


def read(content: bytes, fetched: datetime | None = FETCHED) -> tuple[dict[str, str], model.ParsedFeed]:
    body = model.Body(content=content, content_type="text/html", url=URL, fetched=fetched)
    options = proposals.propose_selectors(body)[1][0]
    return dict(options), Source(Options.model_validate(options)).read(body)


LD = json.dumps({
    "@type": "ItemList",
    "itemListElement": [{"@type": "ListItem", "url": f"https://authority.example/story/{n}"} for n in range(1, 6)],
})  # fmt: skip
PAGES = {
    "a table without a class, the date in a column": page(
        lambda n, title: f'<tr><td>{n:02}.12.2015</td><td><a href="{n}.html">{title}</a></td></tr>',
        around='<div id="content"><table><tr><th>Datum</th><th>Titel</th></tr>{}</table></div>',
        language="de",
    ),
    "a list in Polish": page(
        lambda n, title: f'<li><span class="data">{n} grudnia 2015</span> <a href="?id={n}">{title}</a></li>',
        around='<ul class="aktualnosci">{}</ul>',
        language="pl",
    ),
    "dates in Urdu": page(
        lambda n, title: f'<div class="khabar"><h3><a href="/ur/{n}">{title}</a></h3><b>{n} دسمبر، 2015</b></div>',
        language="ur",
    ),
    "a definition list in Japanese, its dates the terms": page(
        lambda n, title: f'<dt>2015年12月{n}日</dt><dd><a href="/press/{n}">{title}</a></dd>',
        around='<dl class="news">{}</dl>',
        language="ja",
    ),
    "a definition list, its dates behind the terms": page(
        lambda n, title: f'<dt><a href="/r/{n}">{title}</a></dt><dd>Posted 2015-12-0{n}</dd>',
        around='<div class="releases"><dl>{}</dl></div>',
    ),
    "headings with what follows them": page(
        lambda n, title: f'<h3><a href="/f/{n}">{title}</a></h3><p class="date">{n} December 2015</p><p>{TEXT}.</p>',
        around='<div id="news">{}</div>',
    ),
    "cards that are links, dated by days ago": page(
        lambda n, title: (
            f'<a class="card" href="../c/{n}"><img src="x"><div class="head">{title}</div>'
            f"<div>{20 - n} days ago</div></a>"
        ),
        around="<section>{}</section>",
    ),
    "what JSON-LD lists among others of the same shape": page(
        lambda n, title: (
            f'<div class="css-9a8"><a href="/story/{n}"><span>{title}</span></a><span>December {n}, 2015</span></div>'
            f'<div class="css-9a8"><a href="/shop/{n}">A subscription of many words</a></div>'
        ),
        around='<div class="css-1x2">{}</div>',
        head=f'<script type="application/ld+json">{LD}</script>',
    ),
    "documents with the date before them": page(
        lambda n, title: f'<p><strong>{n:02}/12/2015</strong> <a href="/files/{n}.pdf">{title}</a></p>',
        around='<div class="items">{}<p><strong>30/11/2015</strong> <a href="/6.pdf">An older document</a></div>',
    ),
    "a heading without a link, topics, and a link to read on": page(
        lambda n, title: (
            f'<div class="item"><a href="/topic/{n}">Topic</a><h4>{title}</h4><p>{TEXT}.</p><span>{n} Dec 2015</span>'
            f'<a class="more" href="/x/{n}">Read on</a></div>'
        )
    ),
    "articles of which the first has a larger heading, each with its topic": page(
        lambda n, title: (
            f'<article class="post post-{n}"><h{1 + (n > 1)}><a href="/{n}">{title}</a></h{1 + (n > 1)}>'
            f'<a href="/{n}"><time datetime="2015-12-0{n}"></time></a>'
            f'<a href="/topic/{n}">Telecommunication, part {n}</a></article>'
        )
    ),
    "a short list with dates beside a long one without": page(
        lambda n, title: f'<li><span>2015-12-0{n}</span><a href="/p/{n}">{title}</a></li>',
        around='<ul class="press">{}</ul><ul class="topics">'
        + "".join(f'<li><a href="/t/{n}">{TEXT} and so on {n}</a></li>' for n in range(15))
        + "</ul>",
    ),
    "lines that are parted by breaks, the date before the link": page(
        lambda n, title: f'{n:02}.12.2015 <a href="{n}.pdf">{title}</a><br>',
        around='<div id="content"><h1>All press releases of the authority</h1>{}</div>',
    ),
    "classes to which a build has added letters": page(
        lambda n, title: (
            f'<li class="List_item__q1W2e"><div class="Card_body__t5R6y"><a class="Card_a__u7I8o" href="/{n}">{title}'
            f'</a><div class="Card_date__p0O9i">Dec {n}, 2015</div></div></li>'
        ),
        around='<ul class="List_list__x9Y8z">{}</ul>',
    ),
    "every second row with a class": page(
        lambda n, title: (
            f'<tr class={("row", "alt")[n % 2]}><td><a href="?id={n}">{title}</a></td><td>2015-12-0{n}</td>'
        ),
        around="<table><tr><th>Release</th><th>Date</th></tr>{}</table>",
    ),
    "cards with a picture and a topic before the headline": page(
        lambda n, title: (
            f'<div class="card"><a href="/{n}"><img src="x"></a><a href="/topic/x">Policy</a>'
            f'<a class="headline" href="/{n}">{title}</a><span>0{n}.12.2015 | Agency</span></div>'
        )
    ),
    "news and events of one class": page(
        lambda n, title: f'<div class="teaser"><a href="/{n}">{title}</a><i>{n} December 2015</i></div>',
        around='<div class="events">'
        + "".join(
            f'<div class="teaser"><a href="/e{n}">Conference on law, part {n}</a><i>{n} May 2016</i></div>'
            for n in "123"
        )
        + '</div><div class="latest">{}</div>',
    ),
    "an item that says its date itself": page(
        lambda n, title: f'<li><a href="/p/{n}">{title}</a> ({n} December 2015)</li>', around="<ol class=list>{}</ol>"
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_what_is_proposed_reads_every_item_with_its_date(name: str) -> None:
    options, reading = read(PAGES[name])
    found = reading.entries[:5]
    assert [(entry.title, entry.published and entry.published.day) for entry in found] == [
        (title, number) for number, title in enumerate(TITLES, start=1)
    ], options
    links = [entry.link or "" for entry in found]
    assert [link.rstrip("/").rpartition("/")[2].strip("?id=").partition(".")[0] for link in links] == list("12345")
    assert not any("/m" in link or "/topic" in link or "/shop" in link for link in links)


def test_the_text_is_neither_the_title_nor_the_date() -> None:
    for name in ("headings with what follows them", "a heading without a link, topics, and a link to read on"):
        assert all(TEXT in (entry.body or "") for entry in read(PAGES[name])[1].entries)
    for name in ("cards that are links, dated by days ago", "what JSON-LD lists among others of the same shape"):
        assert "text" not in read(PAGES[name])[0]


def test_short_headlines_of_chinese_are_headlines() -> None:
    titles = ("国务院发布新规", "工信部回应质疑", "法院暂停禁令", "监管机构开罚单")
    items = "".join(
        f'<li><a href="/{n}">{title}</a><span>2015-12-0{n}</span></li>' for n, title in enumerate(titles, 1)
    )
    found = read(f"<html lang=zh-CN><body><ul class=list>{items}</ul>".encode())[1].entries
    assert [entry.title for entry in found] == list(titles)


def test_english_dates_in_digits_are_read_by_the_order_of_the_country_that_the_list_shows() -> None:
    options, reading = read(PAGES["documents with the date before them"])
    assert options["language"] == "en-GB"
    assert all(entry.published and entry.published.month in (11, 12) for entry in reading.entries)


def test_digits_that_fit_both_orders_name_no_country() -> None:
    options, reading = read(page(lambda n, t: f'<li class="pr"><b>03/04/2015</b><a href="/{n}">{t}</a></li>'))
    assert (options["date"], options.get("language")) == ("b", None)
    assert not any(entry.published for entry in reading.entries)


def test_days_ago_are_counted_from_the_fetch_and_are_no_change_of_the_item() -> None:
    content = PAGES["cards that are links, dated by days ago"]
    options, first = read(content)
    assert first.entries[0].published == datetime(2015, 12, 1, 9, tzinfo=UTC)
    later = content.replace(b" days ago", b"7 days ago")
    body = model.Body(content=later, content_type="text/html", url=URL, fetched=FETCHED)
    assert Source(Options.model_validate(options)).read(body).item_hashes == first.item_hashes


def test_a_page_that_scripts_build_is_said_to_be_one() -> None:
    body = model.Body(content=b"<div id=app></div><script src=x></script>", content_type="text/html", url=URL)
    with pytest.raises(model.ReadError, match="empty without JavaScript"):
        proposals.propose_selectors(body)


def grouped(group: Callable[[int, str], str], item: Callable[[int, str], str], *, language: str = "en") -> bytes:
    """Two articles of 3 December, two of 2 December and one of 1 December, below their days."""
    parts, numbers = "", iter(enumerate(TITLES, start=1))
    for day, count in ((3, 2), (2, 2), (1, 1)):
        items = "".join(item(*next(numbers)) for _ in range(count))
        parts += group(day, items)
    return (
        f'<html lang="{language}"><head><meta charset="utf-8"></head>'
        f'<body><header><p class="today">20 December 2015</p>'
        f'<ul>{MENU}</ul></header><div id="content">{parts}</div><ul class="pagination">{MENU}</ul></body></html>'
    ).encode()


def line(number: int, title: str) -> str:
    return f'<li><a href="/{number}">{title}</a></li>'


def block(number: int, title: str) -> str:
    return f'<div class="item"><a href="/{number}">{title}</a></div>'


GROUPED = {
    "a heading before each list": grouped(
        lambda day, items: f"<h2>{day} December 2015</h2><ul class=news>{items}</ul>", line
    ),
    "headings and items side by side": grouped(lambda day, items: f"<h4>December {day}, 2015</h4>{items}", block),
    "a group that holds its day and its items": grouped(
        lambda day, items: (
            f'<div class="group"><div class="day">Posted on {day} Dec 2015</div><div>{items}</div></div>'
        ),
        block,
    ),
    "a row of a table for each day": grouped(
        lambda day, items: f'<table><tr class="day"><td colspan="2"><b>{day:02}.12.2015</b></td></tr>{items}</table>',
        lambda n, title: f'<tr class="entry"><td><a href="/{n}">{title}</a></td><td>PDF</td></tr>',
        language="de",
    ),
    "rows without a class, a cell over several of them": grouped(
        lambda day, items: items.replace("<tr>", f"<tr><td rowspan=2>{day} December 2015</td>", 1),
        lambda n, title: f'<tr><td><a href="/{n}">{title}</a></td></tr>',
    ).replace(b'<div id="content">', b'<div id="content"><table>'),
    "bodies of a table": grouped(
        lambda day, items: f"<table><thead><tr><th>{day} grudnia 2015</th></tr></thead><tbody>{items}</tbody></table>",
        lambda n, title: f'<tr><td><a href="/{n}">{title}</a></td></tr>',
        language="pl",
    ),
    "a definition list of several articles a day": grouped(
        lambda day, items: f"<dl><dt>2015年12月{day}日</dt><dd><ul>{items}</ul></dd></dl>", line, language="ja"
    ),
    "a list in a list, whose day has no element": grouped(
        lambda day, items: f'<ul class="days"><li>{day} December 2015<ul>{items}</ul></li></ul>',
        lambda n, title: f'<li class="news"><a href="/{n}">{title}</a></li>',
    ),
    "a time of the heading for machines": grouped(
        lambda day, items: f'<section><h3><time datetime="2015-12-0{day}">Day {day}</time></h3>{items}</section>', block
    ),
    "today, yesterday and an earlier day": grouped(
        lambda day, items: f"<h3>{('1 December 2015', 'Yesterday', 'Today')[day - 1]}</h3>{items}", block
    ),
    "items of headings with a text, below larger headings": grouped(
        lambda day, items: f"<h2>Thursday, {day} December 2015</h2>{items}",
        lambda n, title: f'<h3><a href="/{n}">{title}</a></h3><p>{TEXT}.</p>',
    ),
    "a heading that is a link to its day": grouped(
        lambda day, items: f'<h3><a href="/archive/2015-12-0{day}">{day} December 2015</a></h3><ul>{items}</ul>', line
    ),
    "days and articles in elements of one kind": grouped(
        lambda day, items: f"<p><strong>{day} December 2015</strong></p>{items}",
        lambda n, title: f'<p><a href="/{n}">{title}</a></p>',
    ),
    "rows of one table without a class": grouped(
        lambda day, items: f"<tr><td colspan=2>{day:02}/12/2015</td></tr>{items}",
        lambda n, title: f'<tr><td>PDF</td><td><a href="/{n}">{title}</a></td></tr>',
    ).replace(b'<div id="content">', b'<div id="content"><table><tr><td>20/11/2015</td></tr>'),
    "lines between breaks": grouped(
        lambda day, items: f"{day} December 2015<br>{items}<br>", lambda n, title: f'<a href="/{n}">{title}</a><br>'
    ),
}
SEEN = datetime(2015, 12, 3, 9, tzinfo=UTC)


@pytest.mark.parametrize("name", GROUPED)
def test_what_is_under_a_day_has_its_date(name: str) -> None:
    options, reading = read(GROUPED[name], SEEN)
    found = [(entry.title, entry.published and entry.published.day) for entry in reading.entries]
    assert found == list(zip(TITLES, (3, 3, 2, 2, 1), strict=True)), options


def test_a_time_of_day_is_of_the_day_over_it() -> None:
    content = grouped(
        lambda day, items: f"<h2>{day} December 2015</h2>{items}",
        lambda n, title: f'<div class="item"><span>1{n}:30</span> <a href="/{n}">{title}</a></div>',
    )
    options, reading = read(content)
    assert [entry.published for entry in reading.entries] == [
        datetime(2015, 12, day, 10 + n, 30, tzinfo=UTC) for n, day in enumerate((3, 3, 2, 2, 1), start=1)
    ], options


def test_days_that_date_what_is_before_them_date_nothing_after_them() -> None:
    item = '<div class="item"><a href="/{n}">{title}</a></div><p class="when">{n} December 2015</p>'
    content = page(lambda n, title: item.replace("{n}", str(n)).replace("{title}", title), around="<div>{}</div>")
    assert not any(entry.published for entry in read(content)[1].entries)


def test_the_day_of_the_page_and_a_section_without_a_day_date_nothing() -> None:
    today = page(block, around="<p>20 December 2015</p><div>{}</div>")
    assert not any(entry.published for entry in read(today)[1].entries)
    mixed = grouped(lambda day, items: f"<h2>{'Archive' if day == 1 else f'{day} December 2015'}</h2>{items}", block)
    assert [entry.published and entry.published.day for entry in read(mixed)[1].entries] == [3, 3, 2, 2, None]
