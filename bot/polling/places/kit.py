"""What a known place is: how its short form becomes a feed, how often it may be polled, and its traps. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote

from bot import model

_NO_WAIT = timedelta()


class Unfit(ValueError):
    """What follows the place's name is none of its forms; the text says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Etiquette:
    """How often feeds of one host may be polled."""

    #: The shortest interval between two polls of one feed.
    every: timedelta = _NO_WAIT
    #: Between two polls of any feeds of the host, by one process.
    pace: timedelta = _NO_WAIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place that many people watch; the object ``PLACE`` of a module of this folder."""

    #: What is written before the colon.
    name: str
    #: Form -> an example of it, for the docs.
    forms: Mapping[str, str]
    #: What follows the colon, and whether the feed has a token -> the feed. Raises Unfit.
    feed: Callable[[str, bool], model.Feed]
    #: Host -> how often it may be polled, without and with a token.
    hosts: Mapping[str, tuple[Etiquette, Etiquette]] = field(default_factory=dict)
    #: Statuses that it answers during its outages, whatever they say.
    outages: frozenset[int] = frozenset()
    #: Its short form leads to a page that names the feed.
    is_page: bool = False
    #: The beginning of the text that it sends, with status 200, to those who poll too often.
    limit_text: bytes | None = None
    #: The hub that announces its news, which its feeds do not name; and what the hub calls the feed at an address.
    hub: str | None = None
    topic: Callable[[str], str] = str
    #: Its links hide the publisher's.
    hides_links: bool = False


def alike(**etiquette: timedelta) -> tuple[Etiquette, Etiquette]:
    """The same with and without a token."""
    both = Etiquette(**etiquette)
    return both, both


def name(found: re.Match[str] | None, *, form: str) -> re.Match[str]:
    """The parts of a form, which are names, in which nothing needs quoting. Raises Unfit where it is none."""
    if not found:
        raise Unfit(f"write {form}")
    return found


def words(rest: str, *, form: str) -> str:
    """Words of a search, quoted for an address. Raises Unfit."""
    text = " ".join(rest.split())
    if not 2 <= len(text) <= 1_000 or not text.isprintable():
        raise Unfit(f"write {form}")
    return quote(text, safe="")
