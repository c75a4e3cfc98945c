"""The answers of news search engines: invented reports in the forms in which Google, Bing and GDELT list them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from html import escape
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One report in the list of a search engine."""

    title: str
    link: str
    at: datetime
    text: str = ""
    outlet: str = "Courier"
    site: str = "https://courier.example"


def render(index: str, reports: Iterable[Listed]) -> bytes:
    """Return the answer of an index: google-news, bing-news or gdelt."""
    form = {"google-news": _google, "bing-news": _bing, "gdelt": _gdelt}[index]
    items = "".join(map(form, reports))
    spaces = 'xmlns:media="http://search.yahoo.com/mrss/" xmlns:News="https://www.bing.com/news/search"'
    head = f"<title>search - {index}</title><link>https://{index}.example/search</link><language>en-US</language>"
    document = (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0" {spaces}><channel>{head}{items}</channel></rss>'
    )
    return document.encode()


def _google(report: Listed) -> str:
    """A link to Google, the outlet behind the headline, and as text the headline again."""
    link = f"https://news.google.com/rss/articles/CB{quote(report.link, safe='').replace('%', '')}?oc=5"
    title, outlet = escape(report.title), escape(report.outlet)
    shown = escape(f'<a href="{link}" target="_blank">{title}</a>&nbsp;&nbsp;<font color="#6f6f6f">{outlet}</font>')
    return (
        f"<item><title>{title} - {outlet}</title><link>{link}</link>"
        f'<guid isPermaLink="false">{escape(link)}</guid>{_date(report)}'
        f'<description>{shown}</description><source url="{escape(report.site)}">{outlet}</source></item>'
    )


def _bing(report: Listed) -> str:
    """A link that leads through Bing, the first sentence, and the outlet's name without its address."""
    target = quote(report.link, safe="")
    link = f"http://www.bing.com/news/apiclick.aspx?ref=FexRss&aid=&tid=1&url={target}&c=1&mkt=en-us"
    return (
        f"<item><title>{escape(report.title)}</title><link>{escape(link)}</link>"
        f"<description>{escape(report.text)}</description>{_date(report)}"
        f"<News:Source>{escape(report.outlet)}</News:Source></item>"
    )


def _gdelt(report: Listed) -> str:
    """The headline and the link alone."""
    return (
        f"<item><title>{escape(report.title)}</title><link>{escape(report.link)}</link>"
        f"<guid>{escape(report.link)}</guid>{_date(report)}</item>"
    )


def _date(report: Listed) -> str:
    return f"<pubDate>{format_datetime(report.at, usegmt=True)}</pubDate>"
