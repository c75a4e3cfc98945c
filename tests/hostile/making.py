"""Helpers that build hostile documents and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.feeds.documents import item, rss
from tests.testbed.servers.feeds import Reply


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets that no document may reach."""

    #: An address on a private network that nobody may ask.
    canary: str = "http://127.0.0.2:9/private"
    #: The path of a file whose text must never be seen outside it.
    secret: str = "/etc/passwd"


@dataclass(frozen=True, slots=True)
class Site:
    """A feed beside other pages of its server, which are fetched for it."""

    feed: Reply
    pages: Mapping[str, Reply]


#: Makes what a server answers.
Making = Callable[[Targets], Reply | Site]
Documents = Mapping[str, Making]

XML = {"Content-Type": "application/rss+xml"}


def xml(text: str | bytes, *, content_type: str = "application/rss+xml") -> Reply:
    body = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return Reply(body=body, headers={"Content-Type": content_type})


def json(text: str | bytes) -> Reply:
    return xml(text, content_type="application/feed+json")


def page(text: str) -> Reply:
    return xml(text, content_type="text/html; charset=utf-8")


def with_body(html: str) -> Reply:
    """A feed of one item with this HTML, escaped as XML wants it."""
    return xml(rss(item(1, body=html.replace("&", "&amp;").replace("<", "&lt;"))))


def with_title(title: str) -> Reply:
    return xml(rss(item(1, title=title)))


def with_extra(extra: str) -> Reply:
    """A feed of one item with more elements."""
    return xml(rss(item(1, extra=extra)))


def with_link(link: str) -> Reply:
    """A feed of one item that links to this address, which is fetched for its text."""
    return xml(rss(item(1).replace("https://news.example.org/1", link)))


def name_documents(name: str, values: Mapping[str, str], make: Callable[[str], Reply | Site]) -> dict[str, Making]:
    """Return a document for each value, named after it."""

    def making(value: str) -> Making:
        return lambda targets: make(value)

    return {f"{name}: {key}": making(value) for key, value in values.items()}
