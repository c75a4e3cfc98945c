"""Find whose report an article repeats: "Reuters reported", "told the BBC", "LAHORE (AP) —", a byline of an agency.

    words of the article ─▶ names of outlets ─▶ the words before and after a name ─▶ origins

A name alone is not an attribution: the words around it must credit the outlet with a report, or with a statement made
to it. Without such words nothing is found, so no origin is guessed. An outlet that no list has is recognised by the
form of its name or by its place ("told the Odessa American"). The words around a name are matched in a window of fixed
size, so the time is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from importlib import resources

import msgspec

from bot.model.stories import Article, Origin
from bot.patterns import LazyPattern
from bot.text import sentences

#: Only this many characters of a text are read, and only this many names in it are examined.
_MOST_CHARACTERS, _MOST_NAMES = 30_000, 200
#: The number of characters before and after a name that are examined.
_WINDOW = 100
#: Datelines and bylines are in the first _OPENING characters, an agency's signature in the last _CLOSING.
_OPENING, _CLOSING = 300, 60
#: Minimum letters with which a name is compared with the beginning of another name, and with any part of it.
_SHORT_NAME, _LONG_NAME = 3, 5


class Outlet(msgspec.Struct, frozen=True):
    """An outlet or a news agency that articles may name."""

    #: The name to show.
    name: str
    owner: str


class Mention(msgspec.Struct, frozen=True):
    """A name of an outlet in a text."""

    outlet: Outlet
    #: The name as written.
    text: str
    start: int
    end: int
    #: Whether the outlet is listed, or known by the form of its name alone.
    is_listed: bool = True


def _letters(name: str) -> str:
    return "".join(_WORD.findall(name.casefold())).removeprefix("the")


def _read_lines(name: str) -> list[str]:
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@cache
def _sections() -> Mapping[str, str]:
    """Return the sections of attribution.txt: each name, with its alternatives as one group."""
    lines: dict[str, list[str]] = {}
    name = ""
    for line in _read_lines("attribution.txt"):
        if heading := _SECTION.fullmatch(line):
            name = heading[1]
        else:
            lines.setdefault(name, []).append(line)

    def expand(name: str) -> str:
        return f"(?:{'|'.join(_REFERENCE.sub(lambda reference: expand(reference[1]), line) for line in lines[name])})"

    return {name: expand(name) for name in lines}


@cache
def _pattern(name: str, *, form: str = "{}", flags: int = 0) -> re.Pattern[str]:
    return re.compile(form.format(_sections()[name]), flags)


#: Patterns for the end of the words before a name.
_ends_with = partial(_pattern, form="{}$", flags=re.IGNORECASE)


@cache
def known_outlets() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the agencies and outlets of outlets.tsv: each domain, with its names. The domain is one of them."""
    pairs = (line.partition("\t") for line in _read_lines("outlets.tsv"))
    return tuple((domain, (*names.split("|"), domain)) for domain, _, names in pairs)


class OutletNames:
    """The names that are looked for in articles, by their first word."""

    def __init__(self, outlets: Iterable[tuple[Outlet, Iterable[str]]]) -> None:
        """``outlets`` has each outlet with its names. Of two outlets with one name, the first has it."""
        by_words: dict[tuple[str, ...], Outlet] = {}
        for outlet, names in outlets:
            for name in names:
                words = tuple(_WORD.findall(name))
                by_words.setdefault(words, outlet)
                # Headlines and datelines may be in capitals: "KARACHI (REUTERS)".
                by_words.setdefault(tuple(word.upper() for word in words), outlet)
        self._owners = {_letters(" ".join(words)): outlet.owner for words, outlet in by_words.items()}
        self._by_first: dict[str, list[tuple[tuple[str, ...], Outlet]]] = {}
        for words in sorted(filter(None, by_words), key=len, reverse=True):
            self._by_first.setdefault(words[0], []).append((words, by_words[words]))

    def owner_of(self, name: str) -> str | None:
        """Return the owner of the outlet whose name has these letters."""
        return self._owners.get(_letters(name))

    def find(self, text: str) -> Iterator[Mention]:
        """Yield the names in the text in order. Of two names that overlap, yield the first or longest."""
        words = list(_WORD.finditer(text))
        at = 0
        while at < len(words):
            step = 1
            for name, outlet in self._by_first.get(words[at][0], ()):
                last = at + len(name) - 1
                if last < len(words) and all(words[at + n][0] == word for n, word in enumerate(name)):
                    gaps = (text[words[n].end() : words[n + 1].start()] for n in range(at, last))
                    if all(_GAP.fullmatch(gap) for gap in gaps):
                        start, end = words[at].start(), words[last].end()
                        yield Mention(outlet, text[start:end], start, end)
                        step = len(name)
                        break
            at += step


def find_mentions(text: str, names: OutletNames) -> Iterator[Mention]:
    """Yield the names of listed outlets in the text, and names that have the form of an outlet's name."""
    listed = list(names.find(text))
    covered = {place for mention in listed for place in range(mention.start, mention.end)}
    yield from listed
    for match in _pattern("UNLISTED").finditer(text):
        start, end = match.span(match.lastgroup or 0)
        name = text[start:end]
        if covered.isdisjoint((start, end - 1)):
            yield Mention(Outlet(name, name.casefold()), name, start, end, is_listed=False)


def find_origins(article: Article, names: OutletNames) -> tuple[Origin, ...]:
    """Return the other outlets whose reports the article repeats, in order of mention, each with its sentence."""
    origins: dict[str, Origin] = {}

    def note(mention: Mention, sentence: str, *, is_lead: bool) -> None:
        outlet = mention.outlet
        # "The Bee" is short for the Fresno Bee that was named before.
        is_short = any(_letters(mention.text) in _letters(origin.name) for origin in origins.values())
        if (mention.is_listed or not is_short) and not _is_own(mention, article, names):
            origins[outlet.owner] = Origin(outlet.name, outlet.owner, sentence, is_lead)

    if author := (article.author or "")[:_OPENING]:
        for mention in names.find(author):
            if _is_whole_byline(author, mention):
                note(mention, author, is_lead=True)
    for mention in find_mentions(article.title[:_OPENING], names):
        is_at_end = _TITLE_END.search(article.title[: mention.start]) and not article.title[mention.end :].strip()
        if is_at_end or _is_credited(article.title, mention):
            note(mention, article.title, is_lead=True)
    text = article.text[:_MOST_CHARACTERS]
    lead = -1
    for number, mention in enumerate(find_mentions(text, names)):
        if number >= _MOST_NAMES:
            break
        if mention.outlet.owner in origins:
            continue
        # A station signs its own reports: "(KTVI) —".
        is_signed = mention.is_listed and _is_signed(text, mention)
        if is_signed or _is_credited(text, mention):
            lead = sentences.lead_length(text, article.language) if lead < 0 else lead
            note(mention, _sentence(text, mention), is_lead=is_signed or mention.start < lead)
    return tuple(origins.values())


def _is_own(mention: Mention, article: Article, names: OutletNames) -> bool:
    """Return whether the outlet is the article's own, by its owner, or by a name that resembles its name or site."""
    outlet, site = _letters(article.outlet), _letters(article.owner.partition(".")[0])
    owners = {article.owner, names.owner_of(outlet), names.owner_of(site)}
    name = _letters(mention.text)
    if not mention.is_listed and (brand := _BRAND.match(name)):
        # The stations of a network have similar names: "NBC10" on nbcphiladelphia.com.
        name = brand[0]
    return mention.outlet.owner in owners or any(
        own == name
        or (min(len(own), len(name)) >= _SHORT_NAME and (own.startswith(name) or name.startswith(own)))
        or ((len(name) >= _LONG_NAME or not mention.is_listed) and name in own)
        for own in (outlet, site)
    )


def _is_whole_byline(author: str, mention: Mention) -> bool:
    """Return whether a part of the byline is the outlet's name: "Reuters", "Ayesha Khan, AP", not "Dawn Khan"."""
    words_before, words_after = author[: mention.start], author[mention.end :]
    return bool(_BYLINE_START.search(words_before) and _BYLINE_END.match(words_after))


def _is_signed(text: str, mention: Mention) -> bool:
    """Return whether the name is in the dateline or byline above the text, or is the signature below a part of it."""
    words_before = text[max(0, mention.start - _WINDOW) : mention.start]
    words_after = text[mention.end : mention.end + _WINDOW]
    if mention.start < _OPENING and (
        (_DATELINE_START.search(words_before) and _DATELINE_END.match(words_after))
        or (_BYLINE_LINE.search(words_before) and _LINE_END.match(words_after))
    ):
        return True
    # A line with only the name, as below a quotation: "[ Reuters ]".
    if _BRACKET_START.search(words_before) and _BRACKET_END.match(words_after):
        return True
    is_last = mention.end > len(text) - _CLOSING and _SIGNATURE_END.match(text[mention.end :])
    return bool(is_last and _SIGNATURE_START.search(words_before) and not _ends_with("PICTURE").search(words_before))


def _is_credited(text: str, mention: Mention) -> bool:
    """Return whether the words around the name credit the outlet with a report, or with a statement made to it."""
    words_before = text[max(0, mention.start - _WINDOW) : mention.start].rpartition("\n")[2]
    words_after = text[mention.end : mention.end + _WINDOW].partition("\n")[0]
    if suffix := _pattern("SUFFIX", form=r"{}+(?![\w-])").match(words_after):
        words_after = words_after[suffix.end() :]
    words_after = _REMARK.sub("", words_after)
    if _ends_with("BEFORE").search(words_before):
        return not (_pattern("SUBJECT").match(words_after) or _ends_with("PICTURE").search(words_before))
    if _ends_with("KIND_BEFORE").search(words_before):
        return bool(_pattern("AFTER").match(words_after) or _SAID.match(words_after))
    return bool(_pattern("AFTER").match(words_after)) and not _LONGER_NAME.search(words_before)


def _sentence(text: str, mention: Mention) -> str:
    """Return the sentence with the name, or as much of it as fits a message."""
    start = text.rfind("\n", 0, mention.start) + 1
    start = max(start, mention.start - sentences.LONGEST)
    end = text.find("\n", mention.end)
    end = min(end if end >= 0 else len(text), mention.end + sentences.LONGEST)
    place = mention.start - start
    spans = sentences.split(text[start:end])
    return next((span.text for span in spans if span.start <= place < span.end), text[mention.start : mention.end])


_SECTION, _REFERENCE = LazyPattern(r"\[(\w+)\]"), LazyPattern(r"<([A-ZÀ-Þ_]+)>")
_WORD, _BRAND = LazyPattern(r"\w+"), LazyPattern(r"[a-z]{3,}")
_GAP = LazyPattern(r"[ \u00a0]|[.'’!&/-]{1,2} ?")

#: A remark in brackets after a name: "The Journal (registration required) was first to report".
_REMARK = LazyPattern(r"^ \([^()]{1,40}\)(?! ?[-–—])")
_SAID = LazyPattern(r",? (?:said|says)\b")
#: A word with a capital before the name, which is then part of a longer name: "Thomson Reuters reported".
_LONGER_NAME = LazyPattern(
    r"(?<![.!?:] )\b(?!The |A |An |But |And |While |Meanwhile |\w+day |\w+['’]s )[A-ZÀ-Þ][\w’'.&-]* $"
)
_TITLE_END = LazyPattern(r" ?: $")
_BYLINE_START = LazyPattern(r"(?i:(?:^|[,/;|&(–—-]|\b(?:by|and|with|von|mit|und|par|avec|et|por|con|y|from))\s*$)")
_BYLINE_END = LazyPattern(
    r"(?i: (?:news|staff|reporters?|newsroom|agency|agencies|wire|bureau|correspondents?|writers?|service)\b)*"
    r"\s*(?:$|[,/;|&)–—-]|(?i:and|with|und|mit|et|avec|y|con)\b)"
)
_BYLINE_LINE = LazyPattern(r"(?:^|\n)(?:(?:By|From|Von|Par|Por) (?:the )?)?$")
_LINE_END = LazyPattern(r"(?: (?:[Ss]taff|[Rr]eporters?|[Ww]riters?|News))*\s*(?:\n|$)")
_DATELINE_START = LazyPattern(r"(?:^|[\s.,])\((?:[\w .]+[/,&] ?)?$")
_DATELINE_END = LazyPattern(r"(?: ?[/,&] ?[\w .]+)?\)\s{0,3}(?:(?:[A-Z]{3,20} )?(?:\.?-|[-–—:]|۔)|(?<=\))[A-Z])")
_BRACKET_START, _BRACKET_END = LazyPattern(r"(?:\n|[.!?”\"] )\[ ?(?:The )?$"), LazyPattern(r" ?\](?:\n|$)")
_SIGNATURE_START = LazyPattern(r"(?:\n[(\[–—/-]? ?|[(\[/](?:(?:with|mit|avec|con) )?|[–—] ?| - |[.!?”\"]\s)$")
_SIGNATURE_END = LazyPattern(r"(?:/\w+)*[)\].]?\s*\Z")
