"""Recognise articles that are not plain reports, by the marks that the outlet gives them.

The marks are a section of the address (``/opinion/``), a label in the headline or at the start of the text (``Live:``,
``… – in pictures``, ``COMMENT:``), a tag of the feed, and words of the headline. The same tables decide what ``skip``
leaves out, what a message shows as a label, and what grouping keeps as a separate story. An article without a mark is
taken for a report.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.model.rules import ArticleForm
from bot.model.stories import Article
from bot.patterns import LazyPattern


class _Marks(NamedTuple):
    form: ArticleForm
    #: Folders of the address, separated by spaces.
    sections: str
    #: Labels before the headline, up to a colon or a bar, or in brackets: "Opinion: …", "Live updates | …", "[Video]".
    before: str
    #: Labels after the headline, after a dash or a bar, or in brackets: "… – as it happened", "… (video)".
    after: str
    #: Tags of the feed, or the last part of one, as in "fox-news/opinion".
    tags: str = ""
    #: Sites all of whose pages have this form.
    sites: str = ""
    #: Whether the labels before the headline also count before a dash, and at the start of the text.
    opens_text: bool = False


class _Words(NamedTuple):
    """Words of a headline that are not a label."""

    words: str
    #: None: a report's headline may have these words too, so the article is never skipped because of them.
    form: ArticleForm | None
    #: Whether the outlet rewrites the page as events unfold.
    is_live: bool = False
    #: Whether the article reports several events.
    is_roundup: bool = False


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
        # Addresses are in _LIVE_PATH.
        sections="",
        before=rf"{_TOPIC}(?:{_LIVE}|as it happened|as the day unfolded)|en (?:direct|vivo|directo)|ao vivo|in diretta",
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
        opens_text=True,
    ),
    _Marks(
        ArticleForm.EXPLAINER,
        sections="explainer explainers explained analysis fact-check factcheck fact-checks",
        before=r"explainer|explained|analysis|news analysis|fact[- ]?check|factbox|q ?& ?a|faq|quick guide|timeline",
        after=r"explainer|explained|analysis|fact[- ]?check|what we know(?: so far)?|everything you need to know",
        tags="explainer explainers analysis",
        opens_text=True,
    ),
    _Marks(
        ArticleForm.BRIEFING,
        sections="briefing briefings newsletter newsletters blogs-the-papers",
        before=rf"(?:{_DAY} )?(?:newsletter|headlines|round-?up)|{_DAY} briefing|the papers|newspaper headlines"
        r"|[1-9]\d?@\w+",
        after=rf"(?:your )?(?:{_DAY} )?(?:briefing|newsletter)",
    ),
)
_WORDS = (
    _Words(
        r"(?:\A|: )live (?:[\w.-]+ ){0,5}(?:updates?|blog|coverage|tracker)\Z|\blive ?blog\b"
        r"|\Alive (?:[\w.-]+ ){0,3}(?:updates?|tracker)\b|\blive (?:[\w.-]+ ){0,3}(?:updates?|coverage|tracker)\s?:",
        ArticleForm.LIVE,
        is_live=True,
        is_roundup=True,
    ),
    _Words(r"\A\W*live(?:\s*[:|–—]|\s-\s)|(?:[:|–—]|\s-)\s*live\W*\Z", ArticleForm.LIVE, is_live=True),
    _Words(
        r"\b(?:live|rolling)(?:[ -]\w+){0,3}[ -](?:updates?|blog|coverage|ticker|feed|tracker)\b|\blive news\b"
        r"|\b(?:updates?|news|coverage|blog|latest) live\b|\bnews updates?\b|\b(?:daily|morning|evening) update\b"
        r"|\b(?:world|global) (?:updates?|tracker)\b|\bas it happen(?:ed|s)\b|\bas the day unfolded\b"
        r"|\bminute[ -]by[ -]minute\b|\bminuto a minuto\b|\bminute par minute\b|\b(?:live|news)-?ticker\b",
        None,
        is_live=True,
        is_roundup=True,
    ),
    # LIVE counts in a headline that is not all in capitals: "Virus updates LIVE: …".
    _Words(
        r"\b\w+ updates?\s*:|(?-i:\bLIVE\b.*[a-z]|[a-z].*\bLIVE\b)"
        r"|\ben (?:direct|vivo|directo)\b|\bao vivo\b|\bin diretta\b"
        r"|онлайн-трансляция|прямая трансляция|تغطية مباشرة|\bcanlı (?:yayın|anlatım)\b",
        None,
        is_live=True,
    ),
    _Words(
        r"(?:\A|[:.] )(?:what (?:is|are) [^?:]{1,50} and (?:how|why|what) [^?]{1,50}"
        r"|how (?:does|do) [^?:]{1,40} work|what (?:does|do) (?:this|it|that) mean(?: for [^?]{1,30})?)\?\Z",
        ArticleForm.EXPLAINER,
    ),
    _Words(
        rf"(?:\A|[:.|] )(?:(?:your )?{_DAY}(?:'s|’s)? (?:briefing|update|wrap|headlines|newsletter|news briefs?)\b"
        r"|what happened (?:today|this week|(?:in|around) .{1,60} on (?:\d+(?: \w+)?|\w+ day\b|\w+day\b))"
        r"|quiz of the week\b|news in brief\b|(?:week|month|year) in review\b)"
        r"|\band other (?:news|stories|headlines) (?:you|that)\b",
        ArticleForm.BRIEFING,
        is_roundup=True,
    ),
    _Words(
        r"\b(?:round-?up|in brief|news ?briefs?|digest|bulletin|weekly wrap|top stories|quiz of the week"
        r"|(?:week|month|year) in review|what happened (?:in|around|today|this week)|things (?:you need )?to know"
        rf"|{_DAY}(?:'s|’s)? (?:briefing|wrap|report card|headlines|newsletter|tip sheet|update))\b"
        r"|;.*;|;\s*(?:and )?(?:other|more|plus)\b|\band other (?:news|stories|headlines)\b",
        None,
        is_roundup=True,
    ),
)
#: The address of a live page.
_LIVE_PATH = LazyPattern(
    r"/live(?:-news|-coverage|ticker)?/|live-?blogs?\b|live-updates?\b|-as-it-happen(?:ed|s)\b|/liveticker\b"
)
#: The end of a label before the headline. Only for comment may it be a dash: "Video - …" may name a site.
_END, _END_OF_COMMENT = r"\s?[:|]|\]", r"\s?[:|]|\]|\s[-–—]"
#: Several words, which are a label also after a colon.
_LONG_LABEL = r"live updates|in pictures|what we know|everything you need to know|your \w+ briefing"
#: Longest end of a headline in which a label is searched.
_LABEL_LENGTH = 70
_BEFORE = {
    marks.form: LazyPattern(
        rf"\W{{0,3}}(?:{marks.before})(?:{_END_OF_COMMENT if marks.opens_text else _END})\s", re.IGNORECASE
    )
    for marks in _MARKS
}
#: The label after the last dash or bar, or in brackets at the end.
_AFTER = {
    marks.form: LazyPattern(
        rf"(?:\s[-–—|]\s|:\s(?={_LONG_LABEL})|[(\[])(?:{marks.after})[)\]]?\W{{0,2}}\Z", re.IGNORECASE
    )
    for marks in _MARKS
}
_HEADLINES = [(words, LazyPattern(words.words, re.IGNORECASE)) for words in _WORDS]
_MONTHS = "january|february|march|april|june|july|august|september|october|november|december"
#: A title that names a period or a list.
_PERIOD = LazyPattern(
    r"\b(?:weeks?|fortnight|months?|quarter|half-?year|mid-year|\w+ days|log|list|table|tally|tracker|watch|map|recap"
    r"|diary|highlights|files?|calendar|ledger|(?:this|of the) (?:spring|summer|autumn|winter|year|season)"
    rf"|in (?:{_MONTHS})|(?:{_MONTHS})(?:’s|'s| in\b)|woche|wochenr[uü]ckblick|semaine|semana|week van|resumen"
    r"|tour d.horizon)\b",
    re.IGNORECASE,
)


#: Forms of articles that do not report an event themselves.
_BACKGROUND = {
    ArticleForm.OPINION,
    ArticleForm.EXPLAINER,
    ArticleForm.LIVE,
    ArticleForm.BRIEFING,
    ArticleForm.PODCAST,
}
#: A headline that asks something, or that promises an answer: "How …", "What we know …".
_QUESTION = LazyPattern(r"[?？؟]|\A\W*(?:[Hh]ow|[Ww]hat|[Ww]hy|Who|Where|Which)\b")


class FormFound(NamedTuple):
    """A recognised form and the mark that shows it, such as ``/opinion/`` or ``Live: ``."""

    form: ArticleForm
    mark: str
    #: Whether the mark is in the headline.
    is_in_title: bool = False


def find_form(article: Article) -> FormFound | None:
    """Return the form that the outlet's own marks show, or None for a plain report."""
    host, path = _split_address(article.link)
    sections = path.split("/")[:-1]
    tag_names = [tag.rpartition("/")[2].strip().lower() for tag in article.tags]
    title = article.title
    for marks in _MARKS:
        form = marks.form
        if host in marks.sites.split() or host.partition(".")[2] in marks.sites.split():
            return FormFound(form, host)
        if section := next((section for section in sections if section in marks.sections.split()), None):
            return FormFound(form, f"/{section}/")
        if form is ArticleForm.LIVE and (live := _LIVE_PATH.search(path)):
            return FormFound(form, live[0].strip("-"))
        if label := _BEFORE[form].match(title) or _AFTER[form].search(title[-_LABEL_LENGTH:]):
            return FormFound(form, label[0].strip(), is_in_title=True)
        for words, pattern in _HEADLINES:
            if words.form is form and (match := pattern.search(title)):
                return FormFound(form, match[0].strip(" :.|"), is_in_title=True)
        if tag := next((tag for tag in tag_names if tag in marks.tags.split()), None):
            return FormFound(form, f"tag {tag}")
        if marks.opens_text and (label := _BEFORE[form].match(article.text)):
            return FormFound(form, label[0].strip())
    return None


def name_form(article: Article) -> str:
    """Return the form of an article as a label; empty for a report, and if the headline has the label already."""
    found_form = find_form(article)
    return found_form.form.value if found_form and not found_form.is_in_title else ""


def is_live_page(article: Article) -> bool:
    """Return whether the outlet rewrites this page as events unfold."""
    found_form = find_form(article)
    if found_form and found_form.form is ArticleForm.LIVE:
        return True
    return any(words.is_live and pattern.search(article.title) for words, pattern in _HEADLINES)


def is_roundup(article: Article) -> bool:
    """Return whether the marks show that the article reports several events: a live blog, a briefing, a list."""
    found_form = find_form(article)
    if found_form and found_form.form is ArticleForm.BRIEFING:
        return True
    if any(words.is_roundup and pattern.search(article.title) for words, pattern in _HEADLINES):
        return True
    return _LIVE_PATH.search(_split_address(article.link)[1]) is not None


def is_background(article: Article) -> bool:
    """Return whether the headline announces no event: comment, a guide, a question, or a page that is rewritten."""
    found_form = find_form(article)
    if found_form and found_form.form in _BACKGROUND:
        return True
    return _QUESTION.search(article.title) is not None or is_live_page(article)


def names_period(title: str) -> bool:
    """Return whether a title names a period or a list."""
    return _PERIOD.search(title) is not None


def _split_address(link: str) -> tuple[str, str]:
    """Return the host without "www.", and the path in lower case; both are empty if the address is invalid."""
    try:
        address = urlsplit(link)
        return (address.hostname or "").removeprefix("www."), address.path.lower()
    except ValueError:
        return "", ""
