"""Recognise what an outlet adds to a headline: its name, labels, and the form of an article other than a plain report.

An article's form (an opinion, a podcast, a live page, a briefing …) is recognised only by the outlet's own marks: a
section of the address (``/opinion/``), a label in the headline (``Live: …``, ``… – in pictures``) or a tag of the feed.
An article without such a mark is taken for a report.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.model.rules import ArticleForm
from bot.model.stories import Article


class _Marks(NamedTuple):
    form: ArticleForm
    #: Folders of the address, separated by spaces.
    sections: str
    #: Labels before the headline, up to a colon or a bar: "Opinion: …", "Live updates | …".
    before: str
    #: Labels after the headline, after a dash or a bar, or in brackets: "… – as it happened", "… (video)".
    after: str
    #: Tags of the feed, or the last part of one, as in "fox-news/opinion".
    tags: str = ""
    #: Sites all of whose pages have this form.
    sites: str = ""


#: A label may follow the topic: "US politics live", "Morning Edition podcast". "The place where we live" has no label.
_TOPIC = r"(?:(?!.{0,40}\b(?:we|you|they|i|to|who|people|still|long) live\b|(?:where|how|why|when)\b)[^:|]{1,40} )?"
_LIVE = r"live(?: (?:updates?|blog|coverage|news))?"
_DAY = r"(?:morning|afternoon|evening|daily|weekly|(?:mon|tues|wednes|thurs|fri|satur|sun)day)"
#: In order of precedence: an opinion in a podcast is a podcast.
_MARKS = (
    _Marks(
        ArticleForm.PODCAST,
        sections="podcast podcasts",
        before=rf"{_TOPIC}podcast",
        after=rf"{_TOPIC}podcast",
    ),
    _Marks(
        ArticleForm.VIDEO,
        sections="video videos av",
        before=r"video|watch(?: live)?",
        after=r"(?:[^-–—|]{1,20} )?video",
        sites="youtube.com youtu.be vimeo.com",
    ),
    _Marks(
        ArticleForm.LIVE,
        sections="live live-news live-updates live-update liveblog live-blog live-blogs live-coverage",
        before=rf"{_TOPIC}(?:{_LIVE}|as it happened|as the day unfolded)",
        after=rf"{_TOPIC}(?:{_LIVE}|as it happened)",
    ),
    _Marks(
        ArticleForm.PICTURES,
        sections="gallery galleries photo-gallery photogallery picture-gallery in-pictures photos pictures slideshow",
        before=r"(?:[^:|]{1,30} )?in (?:pictures|photos)|photos|pictures|(?:photo )?gallery",
        after=r"(?:[^-–—|]{1,30} )?in (?:pictures|photos)|photos|pictures|(?:photo )?gallery",
    ),
    _Marks(
        ArticleForm.OPINION,
        sections="opinion opinions comment commentary commentisfree op-ed oped columnists columnist columns editorial "
        "editorials debate letters viewpoint viewpoints",
        before=r"opinion|op-ed|comment|commentary|editorial|letters?(?: to the editor)?|viewpoint|guest essay|column",
        after=r"opinion|op-ed|comment|commentary|editorial|letters?",
        tags="opinion opinions op-ed editorial editorials commentary",
    ),
    _Marks(
        ArticleForm.EXPLAINER,
        sections="explainer explainers explained analysis fact-check factcheck fact-checks",
        before=r"explainer|explained|analysis|news analysis|fact[- ]?check|factbox|q ?& ?a|faq|quick guide|timeline",
        after=r"explainer|explained|analysis|fact[- ]?check|what we know(?: so far)?|everything you need to know",
        tags="explainer explainers analysis",
    ),
    _Marks(
        ArticleForm.BRIEFING,
        sections="briefing briefings newsletter newsletters blogs-the-papers",
        before=rf"(?:{_DAY} )?(?:newsletter|headlines|round-?up)|{_DAY} briefing|the papers|newspaper headlines"
        r"|[1-9]\d?@\w+",
        after=rf"(?:your )?(?:{_DAY} )?(?:briefing|newsletter)",
    ),
)
#: Headlines that are a form as a whole, without a label.
_WHOLE = {
    ArticleForm.LIVE: re.compile(r"(?:\A|: )live (?:[\w.-]+ ){0,5}updates?\Z", re.IGNORECASE),
    ArticleForm.EXPLAINER: re.compile(
        r"(?:\A|[:.] )(?:what (?:is|are) [^?:]{1,50} and (?:how|why|what) [^?]{1,50}"
        r"|how (?:does|do) [^?:]{1,40} work|what (?:does|do) (?:this|it|that) mean(?: for [^?]{1,30})?)\?\Z",
        re.IGNORECASE,
    ),
    ArticleForm.BRIEFING: re.compile(
        rf"(?:\A|[:.|] )(?:your )?{_DAY}(?:'s|’s)? (?:briefing|update|wrap|headlines|newsletter)\b", re.IGNORECASE
    ),
}
_BEFORE = {marks.form: re.compile(rf"\W{{0,3}}(?:{marks.before})\s?[:|]\s", re.IGNORECASE) for marks in _MARKS}
#: Labels of several words, which may also follow a colon.
_LONG_LABEL = r"live updates|in pictures|what we know|everything you need to know|your \w+ briefing"
#: The label after the last dash or bar, or in brackets at the end.
_AFTER = {
    marks.form: re.compile(
        rf"(?:\s[-–—|]\s|:\s(?={_LONG_LABEL})|[(\[])(?:{marks.after})[)\]]?\W{{0,2}}\Z", re.IGNORECASE
    )
    for marks in _MARKS
}
#: Longest end of a headline in which a label is searched.
_LABEL_LENGTH = 70
_LIVE_PAGE = re.compile(r"(?:^|-)live-(?:updates?|blog)(?:-|$)")


class FormFound(NamedTuple):
    """A recognised form and the mark that shows it, such as ``/opinion/`` or ``Live: ``."""

    form: ArticleForm
    mark: str
    #: Whether the mark is a label of the headline.
    is_in_title: bool = False


def find_form(title: str, link: str, tags: Sequence[str] = ()) -> FormFound | None:
    """Return the form that the outlet's own marks show, or None for a plain report.

    >>> find_form("Ministers are wrong about encryption", "https://news.example/opinion/2026/ministers")
    FormFound(form=<ArticleForm.OPINION: 'opinion'>, mark='/opinion/', is_in_title=False)
    >>> find_form("Iran war live: talks resume in Geneva", "")
    FormFound(form=<ArticleForm.LIVE: 'live'>, mark='Iran war live:', is_in_title=True)
    >>> find_form("Markets fall again: Live Market Updates", "")
    FormFound(form=<ArticleForm.LIVE: 'live'>, mark='Live Market Updates', is_in_title=True)
    >>> find_form("The opinion of the court: a live debate", "https://news.example/world/court")
    """
    try:
        address = urllib.parse.urlsplit(link)
        host = (address.hostname or "").removeprefix("www.")
    except ValueError:
        address, host = urllib.parse.urlsplit(""), ""
    *sections, page = address.path.lower().split("/")
    tag_names = [tag.rpartition("/")[2].strip().lower() for tag in tags]
    for marks in _MARKS:
        form = marks.form
        if host in marks.sites.split() or host.partition(".")[2] in marks.sites.split():
            return FormFound(form, host)
        if section := next((section for section in sections if section in marks.sections.split()), None):
            return FormFound(form, f"/{section}/")
        if label := _BEFORE[form].match(title) or _AFTER[form].search(title[-_LABEL_LENGTH:]):
            return FormFound(form, label[0].strip(), is_in_title=True)
        if (whole := _WHOLE.get(form)) and (label := whole.search(title)):
            return FormFound(form, label[0].strip(" :.|"), is_in_title=True)
        if tag := next((tag for tag in tag_names if tag in marks.tags.split()), None):
            return FormFound(form, f"tag {tag}")
        if form is ArticleForm.LIVE and (name := _LIVE_PAGE.search(page)):
            return FormFound(form, name[0].strip("-"))
    return None


def name_form(article: Article) -> str:
    """Return the form of an article as a label; empty for a report, and if the headline has the label already."""
    found = find_form(article.title, article.link, article.tags)
    return found.form.value if found and not found.is_in_title else ""


#: Labels before a title, such as "BREAKING:" and "Update 2:".
_LABELS = (
    "live(?: updates?)?|update[ds]?|watch|video|listen|podcast|breaking(?: news)?|exclusive|just in|developing"
    "|brief|urgent|refile"
)
_DRESS, _FRESHNESS = (
    re.compile(rf"^\s*(?:(?:{marks})(?:[\s-]*\d+)?\s*(?:[:|–—-]\s*))+", re.IGNORECASE)
    for marks in (f"{_LABELS}|opinion|analysis", _LABELS)
)
_SEPARATOR = re.compile(r"(?<!\s)\s++(?:[-–—·•|]|::)\s++|(?<!\s)\s*+\|\s*+")
_LINK_HOST = re.compile(r"https?://([^/:?#]+)", re.IGNORECASE)
#: Minimum letters of an outlet's name. Too many words begin with a shorter name by chance.
NAME_LETTERS = 3
#: Characters at the start of a title that are not searched for the outlet's name.
TITLE_CHARS = 12
#: Maximum words from the outlet's name to the end of the title, such as its town or "News, Weather & Sports".
TAIL_WORDS = 12
#: Maximum separators that are examined, from the end of the title.
_MOST_SEPARATORS = 12


def without_outlet(title: str, *, outlet: str, link: str) -> str:
    """Return the title up to the outlet's name. Recognise the name by ``outlet`` or by the link's domain."""
    names = [name for name in (_letters(outlet), _domain(link)) if len(name) >= NAME_LETTERS]
    for separator in [*_SEPARATOR.finditer(title, TITLE_CHARS)][-_MOST_SEPARATORS:]:
        tail = title[separator.end() :]
        letters = _letters(tail)
        # "BBC" names the outlet "BBC News" too.
        begins = any(
            letters.startswith(name) or (len(letters) >= NAME_LETTERS and name.startswith(letters)) for name in names
        )
        if begins and len(tail.split()) <= TAIL_WORDS:
            return title[: separator.start()]
    return title


def bare_title(title: str) -> str:
    """Return the title without a leading "LIVE:" or "Update 2:"."""
    return _DRESS.sub("", title) or title


def quoted_title(title: str, *, outlet: str, link: str) -> str:
    """Return the title as quoted next to its outlet: without the outlet's name and "LIVE:", but with "Opinion:"."""
    return _FRESHNESS.sub("", without_outlet(title, outlet=outlet, link=link)) or title


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold())).removeprefix("the")


def _domain(link: str) -> str:
    """Return the name in a link's host, such as "gazette" for www.gazette.example and gazette.co.example."""
    match = _LINK_HOST.match(link)
    labels = match.group(1).split(".") if match else []
    if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2:
        labels.pop()
    return _letters(labels[-2]) if len(labels) > 1 else ""


#: Headlines of pages about several events.
_BLOG = re.compile(
    r"\b(?:live|rolling)(?:[ -]\w+){0,3}[ -](?:updates?|blog|coverage|ticker|feed|tracker)\b|\bliveblog\b|\blive news\b"
    r"|\b(?:updates?|news|coverage|blog|latest) live\b|\bnews updates?\b|\b(?:daily|morning|evening) update\b"
    r"|\b(?:world|global) (?:updates?|tracker)\b|\bas it happen(?:ed|s)\b|\bas the day unfolded\b"
    r"|\bminute[ -]by[ -]minute\b|\bminuto a minuto\b|\bminute par minute\b|\b(?:live|news)-?ticker\b",
    re.IGNORECASE,
)
#: Headlines of pages that are updated all day, but that may report a single event, such as "LIVE: …".
_HEADLINE = re.compile(
    r"\b\w+ updates?\s*:|^\W*live\s*[:|–—-]|[:|–—-]\s*live\W*$"
    r"|\ben (?:direct|vivo|directo)\b|\bao vivo\b|\bin diretta\b"
    r"|онлайн-трансляция|прямая трансляция|تغطية مباشرة|\bcanlı (?:yayın|anlatım)\b",
    re.IGNORECASE,
)
#: The word LIVE, which counts in a headline that is not all in capitals (“Virus updates LIVE: …”).
_CAPITALS = re.compile(r"\bLIVE\b")
_LIVE_PATH = re.compile(r"/live/|live-?blog|live-updates?\b|-as-it-happen(?:ed|s)\b|/liveticker\b", re.IGNORECASE)


def is_live_blog(article: Article) -> bool:
    """Return whether the page reports several events, one after another."""
    return bool(_BLOG.search(article.title) or _LIVE_PATH.search(urlsplit(article.link).path))


def is_live_page(article: Article) -> bool:
    """Return whether the outlet updates this page as events unfold."""
    title = article.title
    if is_live_blog(article) or _HEADLINE.search(title):
        return True
    return not title.isupper() and _CAPITALS.search(title) is not None
