"""A page's markup, asked by XPath, with the types that the answers have."""

from __future__ import annotations

from typing import cast

from lxml import html


def tree_of(markup: str) -> html.HtmlElement:
    return html.fromstring(markup)


def elements(tree: html.HtmlElement, xpath: str) -> list[html.HtmlElement]:
    return cast("list[html.HtmlElement]", tree.xpath(xpath))


def values(tree: html.HtmlElement, xpath: str) -> list[str]:
    """Return the values of attributes."""
    return cast("list[str]", tree.xpath(xpath))


def text_of(tree: html.HtmlElement) -> str:
    """Its text in one line."""
    return " ".join(str(tree.text_content()).split())
