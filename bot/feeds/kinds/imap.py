"""``kind: imap``: parse mails into entries. A newsletter that lists articles is split into them.

A mail that cannot be parsed is skipped, counted and not read again. Limits protect against hostile mails.
"""

from __future__ import annotations

import email
import email.header
import email.message
import email.policy
import email.utils
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Literal

import pydantic
from lxml import etree
from lxml.html import HtmlElement

from bot.feeds.kinds.page import selectors
from bot.feeds.kit import fields, markup, packing
from bot.model.errors import ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body

KIND = "imap"


class Options(pydantic.BaseModel):
    """Newsletters in a mailbox."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    sender: str | None = pydantic.Field(
        None,
        min_length=1,
        max_length=200,
        description="Read only mails whose sender has this text in the name or address.",
    )
    split: Literal["auto", "never"] = pydantic.Field(
        "auto",
        description="auto: split a mail that lists articles with links into articles; never: a mail is one article.",
    )
    mark_seen: bool = pydantic.Field(
        False, description="Mark mails as seen after reading. By default, nothing in the mailbox is changed."
    )


class Source:
    """Parses mails."""

    def __init__(self, options: Options) -> None:
        self._splits = options.split == "auto"

    def recognises(self, body: Body) -> bool:
        """Return False, because a feed that reads a mailbox must name the kind."""
        return False

    def read(self, body: Body) -> ParsedFeed:
        """Parse mails. Blocking. Raises ReadError."""
        if not body.content.startswith(packing.MAILS_HEAD):
            raise ReadError('not from a mailbox; with "kind: imap", write the address as imaps://host/folder')
        entries: dict[str, Entry] = {}
        skipped = 0
        for _, raw in packing.unpack_mails(body.content):
            mail = parse_mail(raw)
            skipped += mail is None
            for entry in self._entries(mail) if mail else ():
                entries.setdefault(entry.guid or "", entry)
        return ParsedFeed(entries=tuple(entries.values()), is_increment=True, skipped=skipped)

    def _entries(self, mail: Mail) -> Iterator[Entry]:
        listed = find_listed_articles(mail.html) if self._splits and mail.html else ()
        for item in listed:
            yield Entry(
                guid=f"{mail.id}#{hashlib.sha256(item.link.encode('utf-8', 'replace')).hexdigest()[:16]}",
                link=item.link,
                title=fields.escape_text(item.title),
                body=fields.escape_text(item.text) or None,
                author=mail.sender,
                published=mail.date,
            )
        if not listed:
            yield Entry(
                guid=mail.id,
                title=fields.escape_text(mail.subject),
                body=mail.html or fields.escape_text(mail.text),
                author=mail.sender,
                published=mail.date,
            )


#: Maximum boundaries and parts of a mail. The library parses nested parts by recursion, and compares each line with the
#: boundaries of all enclosing parts.
_MOST_BOUNDARIES = 60
_MOST_PARTS = 300
#: Maximum product of lines and boundaries, which takes a second; seven times that of the largest honest mail.
_MOST_COMPARISONS = 10_000_000
#: Maximum bytes of a header, because the library takes quadratic time: 40 kB of semicolons take a second.
_MOST_OF_HEADER = 2_000
_MOST_OF_TEXT = 1_500_000
#: The prefixes of forwarded mails, in several languages.
_FORWARDED = re.compile(r"^(?:(?:fwd?|wg|tr|rv|enc|i|doorst|vs)\s?:\s*)+", re.IGNORECASE)
_PART = re.compile(rb"^content-type[ \t]*:", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(rb"boundary[ \t]*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """The parts of a mail that make an article."""

    id: str
    subject: str
    sender: str | None
    date: datetime | None
    #: The HTML text, or an empty string if the mail has none.
    html: str
    text: str


class _BoundedHeaders(email.policy.Compat32):
    """The library's default policy, except that long headers are cut before they are parsed."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Return the name and the value of one header."""
        name, value = super().header_source_parse(sourcelines)
        return name[:_MOST_OF_HEADER], value[:_MOST_OF_HEADER]


_POLICY = _BoundedHeaders()


def parse_mail(raw: bytes) -> Mail | None:
    """Return the mail, or None if it cannot be parsed or exceeds the limits."""
    boundaries = len(_BOUNDARY.findall(raw))
    if len(_PART.findall(raw)) > _MOST_PARTS or boundaries > _MOST_BOUNDARIES:
        return None
    if (raw.count(b"\n") + raw.count(b"\r")) * boundaries > _MOST_COMPARISONS:
        return None
    try:
        message = email.message_from_bytes(raw, policy=_POLICY)
        html, text = _body(message, "text/html"), _body(message, "text/plain")
        name, address = email.utils.parseaddr(_header(message, "from"))
        if not html.strip() and not text.strip() and not message["subject"]:
            return None
        return Mail(
            # A mail without a Message-ID is identified by its bytes.
            id=_header(message, "message-id").strip("<> ") or hashlib.sha256(raw).hexdigest(),
            subject=_FORWARDED.sub("", " ".join(_header(message, "subject").split())) or "(no subject)",
            sender=(name or address).strip() or None,
            date=_date(_header(message, "date")),
            html=html if html.strip() else "",
            text=text,
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        # The library raises these exceptions on unexpected input.
        return None


def _header(message: email.message.Message, name: str) -> str:
    written = next((str(value) for key, value in message.raw_items() if key.lower() == name), "")
    # The library represents bytes that are not ASCII as surrogates.
    plain = markup.decode(written.encode("ascii", "surrogateescape"), "").text
    try:
        parts = email.header.decode_header(plain)
    except (ValueError, LookupError):
        parts = [(plain, None)]
    decoded = "".join(_part(*part) for part in parts)
    return decoded.encode("utf-8", "replace").decode().replace("\x00", "")


def _part(content: str | bytes, name: str | None) -> str:
    if isinstance(content, str):
        return content
    # The library returns text outside of encoded words in this encoding.
    return content.decode("raw-unicode-escape") if name is None else markup.decode(content, f"charset={name}").text


def _date(written: str) -> datetime | None:
    try:
        when = email.utils.parsedate_to_datetime(written)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _body(message: email.message.Message, kind: str) -> str:
    """Return the first text/``kind`` part that is not an attachment."""
    for part in message.walk():
        if part.get_content_type() != kind or part.is_multipart() or part.get_content_disposition() == "attachment":
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and content.strip():
            name = part.get_content_charset()
            content_type = f"{kind}; charset={name}" if name else kind
            return markup.decode(content[:_MOST_OF_TEXT], content_type).text.replace("\x00", "")
    return ""


#: Minimum items of a list. Fewer links belong to one text.
_LEAST_ITEMS = 3
_MOST_ITEMS = 300
_MOST_TEXT = 5_000
#: Minimum words of a headline.
_LEAST_WORDS = 4
#: Minimum letters of a headline in a script that does not separate words.
_LEAST_LETTERS = 10
_LONGEST = 300
#: Maximum characters that are used of the text of a link or heading.
_MOST_OF_LINK = 1_000
#: Minimum share of a line that a headline fills; a link inside a sentence fills less.
_SHARE = 0.6
_BLOCKS = frozenset(
    "td th p div li dt dd h1 h2 h3 h4 h5 h6 table tr ul ol body section article blockquote br hr".split()
)
_HEADINGS = ("h1", "h2", "h3", "h4")
_TEXTLESS = frozenset(("script", "style", "noscript"))
#: Maximum articles with the same link text. If more links have the same text, they are topics or buttons.
_MOST_OF_ONE = 2
#: Words in texts and addresses of unsubscribe links. Such a link ends the list.
_FAREWELL = re.compile(
    r"unsub|opt[ -]?out (?:of (?:th|our|all|future|e?-?mail)|here)|\boptout\b"
    r"|(?:e-?mail|your) (?:preferences|subscription)|manage (?:your|my|the)? ?.{0,12}subscription"
    r"|no longer wish|abmelden|abbestell|abonnement verwalten|d[eé]sinscri"
    r"|se d[eé]sabonner|cancelar (?:a )?(?:su|in)|darse de baja|disiscri|tua iscrizione|wypisz|zrezygnuj|odhl[aá]sit"
    r"|afmelden|отпис|відпис|aboneli[gğ]in|配信停止|購読解除|退订|退訂|取消订阅|수신 ?거부|구독 ?취소|سبسکرپشن ختم"
    r"|إلغاء الاشتراك|لغو اشتراک",
    re.IGNORECASE,
)
#: Texts of links about the mail itself, worded so that they do not match headlines about browsers or privacy policies.
_NO_ARTICLE = re.compile(
    r"^(?:read |view |see |our )*(?:privacy (?:policy|notice|statement)|terms (?:of (?:service|use)|and conditions))"
    r"|^(?:please )?subscribe (?:to|now|here|today)|^forward (?:this|to)|^advertise with|^view (?:this|online)"
    r"|in your (?:web )?browser|(?:read|view|open) (?:this|it) .{0,30}(?:online|on the web)"
    r"|(?:view|read|open|voir|lire|afficher|ver|abrir|leer|visualizza|apri|zobacz|otw[oó]rz|anzeigen|посмотреть|открыть)"
    r".{0,40}(?:browser|nav[ie]ga(?:dor|teur)|przegl[aą]dar|браузер)"
    r"|im browser (?:anzeigen|ansehen|[oö]ffnen|lesen)|ブラウザで|taray[ıi]c[ıi].{0,12}(?:g[oö]r|a[cç])"
    r"|浏览器(?:中|里)?(?:查看|打开|阅读)|web ?version(?: dieser| of this| anzeigen| ansehen|\Z)|to your address ?book"
    r"|why (?:did|am) (?:i|you) (?:get|receiv)"
    r"|(?:report|mark) (?:this|it|as).{0,20}spam|(?:follow|like|join|contact) us ",
    re.IGNORECASE,
)


@dataclass(slots=True)
class ListedArticle:
    """An article that a newsletter lists."""

    link: str
    title: str
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the text below the headline."""
        return " ".join(" ".join(self.words).split())[:_MOST_TEXT]


def find_listed_articles(html: str) -> Sequence[ListedArticle]:
    """Return the articles that the mail lists, or an empty sequence if the mail is one text."""
    try:
        root, _ = selectors.parse_page(Body(content=html.encode(), content_type="text/html; charset=utf-8", url=""))
    except ReadError:
        return ()
    texts = {element: text for element in root.iter("a", *_HEADINGS) if (text := _beginning(element)) is not None}
    headlines = _headlines(root, texts)
    if len({item.link for item in headlines.values()}) < _LEAST_ITEMS:
        return ()
    _fill(root, headlines, texts)
    unique: dict[str, ListedArticle] = {}
    for item in headlines.values():
        unique.setdefault(item.link, item)
    return list(unique.values())


def _walk(root: HtmlElement) -> Iterator[tuple[str, HtmlElement, str]]:
    """Yield the start and end of each element of ``root``, each with the text that directly follows that tag."""
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        text = element.tail if event != "start" else None if element.tag in _TEXTLESS else element.text
        yield event, element, text or ""


def _beginning(element: HtmlElement) -> str | None:
    """Return the text of a link or heading, or None for a link without an address or a heading with a link.

    As in a browser, an unclosed link ends at the next link, so all texts together are never longer than the mail. A
    long text is cut.
    """
    if element.tag == "a" and not element.get("href"):
        return None
    parts, length = list[str](), 0
    for event, inside, text in _walk(element):
        if event == "end" and inside is element:
            break
        if event == "start" and inside is not element:
            if inside.tag == "a" and inside.get("href"):
                if element.tag != "a":
                    return None
                break
            if inside.tag in _HEADINGS and element.tag != "a":
                break
        parts.append(text)
        length += len(text)
        if length > _MOST_OF_LINK:
            break
    return " ".join(" ".join(parts).split())[:_MOST_OF_LINK]


def _headlines(root: HtmlElement, texts: Mapping[HtmlElement, str]) -> dict[HtmlElement, ListedArticle]:
    """Return each article by the element of its headline: a link, or a heading that a link ("Read more") follows."""
    articles: dict[HtmlElement, ListedArticle] = {}
    lengths = _line_lengths(root)
    heading: HtmlElement | None = None
    for element in root.iter("a", *_HEADINGS):
        title = texts.get(element)
        if element.tag != "a":
            heading = element if title is not None and _is_headline(title) else None
            continue
        link = fields.web_address(element.get("href"))
        if link is None or not link.startswith("http") or not title or len(articles) >= _MOST_ITEMS:
            continue
        if _ends(element, title) and len(articles) >= _LEAST_ITEMS:
            break
        if _FAREWELL.search(title) or _NO_ARTICLE.search(title):
            continue
        is_alone = len(title) >= _SHARE * min(lengths[element], _MOST_OF_LINK)
        if _is_headline(title):
            if is_alone or any(above.tag in _HEADINGS for above in islice(element.iterancestors(), 2)):
                articles[element] = ListedArticle(link, title)
                heading = None
        elif heading is not None and is_alone:
            articles[heading] = ListedArticle(link, texts[heading])
            heading = None
    counts = Counter(article.title for article in articles.values())
    return {place: article for place, article in articles.items() if counts[article.title] <= _MOST_OF_ONE}


def _line_lengths(root: HtmlElement) -> dict[HtmlElement, int]:
    """Return the length of each link's line, which is the text between two line breaks or block borders."""
    lines, line_of = [0], dict[HtmlElement, int]()
    for event, element, text in _walk(root):
        if element.tag in _BLOCKS:
            lines.append(0)
        if event == "start" and element.tag == "a":
            line_of[element] = len(lines) - 1
        lines[-1] += len(" ".join(text.split()))
    return {anchor: lines[line] for anchor, line in line_of.items()}


def _ends(anchor: HtmlElement, title: str) -> bool:
    return _FAREWELL.search(f"{anchor.get('href')} {title}") is not None


def _is_headline(title: str) -> bool:
    has_words = len(title.split()) >= _LEAST_WORDS
    return len(title) <= _LONGEST and (has_words or (len(title) >= _LEAST_LETTERS and not title.isascii()))


def _fill(root: HtmlElement, headlines: Mapping[HtmlElement, ListedArticle], texts: Mapping[HtmlElement, str]) -> None:
    """Add to each article the text up to the next headline or the end of the list."""
    current: ListedArticle | None = None
    inside: HtmlElement | None = None
    for event, element, text in _walk(root):
        if event == "start" and element in headlines:
            current, inside = headlines[element], element
        elif event == "start" and element.tag == "a":
            title = texts.get(element)
            if title is not None and (_ends(element, title) or _NO_ARTICLE.search(title)):
                current = None
            continue
        elif element is inside:
            inside = None
        if current is not None and inside is None:
            current.words.append(text)
