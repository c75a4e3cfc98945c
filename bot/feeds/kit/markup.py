"""Read the bytes of a document: decode it, find its root element, prepare its XML for a parser, or say what it is.

Independent of the kinds of feed; fetches nothing.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Collection, Iterator
from itertools import islice

import msgspec
from lxml import etree, html

from bot.durations import format_count
from bot.feeds.kit import fields
from bot.model.errors import IsPage, ReadError
from bot.model.fetching import Body
from bot.patterns import LazyPattern

#: First bytes of a document, and the encoding that they identify (XML 1.0 appendix F). UTF-32 precedes UTF-16, because
#: a pattern of UTF-32 may begin with one of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"{\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
    (b"\0{", "utf-16-be"),
)
#: Declared encoding -> superset that publishers mean (https://encoding.spec.whatwg.org/#names-and-labels).
_WIDER = {
    "iso8859-1": "cp1252",
    "ascii": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "big5": "big5hkscs",
}
#: Names of the WHATWG Encoding Standard that Python does not know -> Python's names.
_ALIASES = {
    "x-sjis": "cp932", "windows-31j": "cp932", "ms_kanji": "cp932", "x-gbk": "gb18030", "windows-874": "cp874",
    "iso-8859-8-i": "iso8859-8", "logical": "iso8859-8", "x-mac-cyrillic": "mac-cyrillic", "x-euc-jp": "euc_jp",
    "windows-949": "cp949", "x-x-big5": "big5hkscs", "cn-big5": "big5hkscs", "x-cp1251": "cp1251", "dos-874": "cp874",
    "x-cp1252": "cp1252", "x-cp1250": "cp1250", "koi": "koi8-r", "x-mac-roman": "mac-roman",
}  # fmt: skip
#: Python codecs that are never the encoding of a document.
_NOT_CHARSETS = {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"}
_STATEFUL = LazyPattern(r"iso2022|utf-7|hz")
_DECLARED = LazyPattern(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_PARAMETER = LazyPattern(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_META = LazyPattern(rb"""<meta\s[^<>]{0,200}?charset\s*+=\s*+["']?\s*+([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_HEAD_BYTES = 4_096
_SEQUENCES = LazyPattern(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = LazyPattern(rb"[\x80-\xff]+")
#: A document labelled as UTF-8 is UTF-8 if it has fewer invalid bytes than this, or more valid sequences than invalid
#: bytes. Otherwise the label is wrong.
_FEW_BYTES = 4
#: Candidates for a guess, from the WHATWG Encoding Standard.
_OF_THE_WEB = [
    "cp1252", "cp1250", "cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5", "cp1253", "iso8859_7", "cp1255", "cp1256",
    "iso8859_6", "tis_620", "cp932", "euc_jp", "gb18030", "big5hkscs", "cp949",
]  # fmt: skip
_TAG = LazyPattern(rb"<!\[CDATA\[|<[^<>]*>")
#: The sample for a guess: maximum passages around bytes other than ASCII, bytes kept on each side of these bytes, and
#: maximum bytes in all. Last, the minimum letters other than Latin in a guess that is accepted.
_MOST_PASSAGES, _AROUND, _SAMPLE_BYTES, _FEW_LETTERS = 200, 100, 4_000, 8


class Decoded(msgspec.Struct, frozen=True):
    """The text of a document, and how it was decoded."""

    text: str
    encoding: str
    #: The fault that was found, for people, or None.
    remark: str | None = None


def decode(content: bytes, content_type: str) -> Decoded:
    """Decode a document. Never fails: undecodable bytes become U+FFFD."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _replacing(content, encoding)
    declared = _declared(content, content_type)
    if content.isascii():
        stateful = next((name for name in declared if _STATEFUL.match(name)), None)
        return _replacing(content, stateful) if stateful else Decoded(content.decode("ascii"), "utf-8")
    labels = [name for name in declared if name != "utf-8"]
    try:
        # Try UTF-8 first, because text in another encoding is hardly ever valid UTF-8.
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return _not_quite_utf8(content, labels, says_utf8="utf-8" in declared)
    if labels and "utf-8" not in declared:
        return Decoded(text, "utf-8", f"declared as {labels[0]}, but is UTF-8; read as UTF-8")
    return Decoded(text, "utf-8")


def decode_page(content: bytes, content_type: str) -> Decoded:
    """Decode an HTML page, which may declare its encoding in a meta element (HTML 5, section 4.2.5.4)."""
    named = _META.search(content[:_HEAD_BYTES])
    return decode(content, f"{content_type}; charset={named[1].decode()}" if named else content_type)


def _not_quite_utf8(content: bytes, labels: list[str], *, says_utf8: bool) -> Decoded:
    good = len(_SEQUENCES.findall(content))
    bad = len(b"".join(_HIGH.findall(_SEQUENCES.sub(b"", content))))
    # Require a valid sequence, because the label alone does not prove UTF-8.
    if says_utf8 and good and (good > bad or bad < _FEW_BYTES):
        return _replacing(content, "utf-8")
    for label in labels:
        # Guess, because many programs label other encodings as Latin-1.
        name = _guessed(content) if label == "cp1252" else label
        with contextlib.suppress(UnicodeDecodeError):
            return Decoded(content.decode(name), name, _label_remark(label, name))
    if good > bad:
        return _replacing(content, "utf-8")
    if labels:
        return _replacing(content, labels[0])
    name = _guessed(content)
    return Decoded(content.decode(name, "replace"), name, _label_remark("utf-8", name) if says_utf8 else None)


def _label_remark(label: str, name: str) -> str | None:
    """Return a remark if the label is wrong, else None."""
    if label == name:
        return None
    actual = _display_name(name)
    return f"declared as {_display_name(label)}, but is {actual}; read as {actual}"


def _display_name(name: str) -> str:
    return name.upper() if name == "utf-8" else name.replace("cp125", "windows-125").replace("iso8859", "iso-8859")


def _guessed(content: bytes) -> str:
    # Import here, because it takes 0.2 s and few feeds need it.
    import charset_normalizer

    passages, at = [], 0
    for match in islice(_HIGH.finditer(content), _MOST_PASSAGES):
        if match.end() > at:
            start, at = max(at, match.start() - _AROUND), match.end() + _AROUND
            passages.append(content[start:at])
    sample = _TAG.sub(b" ", b" ".join(passages))[:_SAMPLE_BYTES]
    best = charset_normalizer.from_bytes(sample, cp_isolation=_OF_THE_WEB).best()
    name = _codec(best.encoding) if best else None
    if name is not None and name != "utf-8":
        letters = [letter for letter in sample.decode(name, "replace") if letter.isalpha()]
        foreign = sum(letter > "\u036f" for letter in letters)
        if foreign >= _FEW_LETTERS and 4 * foreign > len(letters):
            return name
    # charset_normalizer cannot distinguish Latin encodings. Like browsers, assume windows-1252.
    return "cp1252"


def _replacing(content: bytes, encoding: str) -> Decoded:
    text = content.decode(encoding, "replace")
    count = text.count("\ufffd")
    if count and encoding.startswith("utf-8"):
        count -= content.count(b"\xef\xbf\xbd")
    label = encoding.removesuffix("-sig").upper()
    remark = f"{format_count(count, 'byte')} {'is' if count == 1 else 'are'} not {label}" if count else None
    # A page made of several files may begin with several byte order marks.
    return Decoded(text.lstrip("\ufeff"), encoding, remark)


def _declared(content: bytes, content_type: str) -> list[str]:
    """Return the declared encodings that Python knows; the header's comes first (RFC 7303 section 3)."""
    in_header = _PARAMETER.search(content_type)
    in_document = _DECLARED.search(content[:1024])
    names = [in_header.group(1) if in_header else "", in_document.group(1).decode("ascii") if in_document else ""]
    return list(dict.fromkeys(name for name in map(_codec, names) if name))


def _codec(label: str) -> str | None:
    try:
        name = label.strip().lower()
        name = codecs.lookup(_ALIASES.get(name, name)).name
        "".encode(name)  # raises LookupError if the codec does not encode text
    except (LookupError, UnicodeError, ValueError):
        return None
    # The declaration was readable byte by byte, so the document is not in an encoding of two or four bytes.
    if name in _NOT_CHARSETS or name.startswith(("utf-16", "utf-32")):
        return None
    return _WIDER.get(name, "utf-8" if name == "utf-8-sig" else name)


#: Characters that XML 1.0 does not allow, even as references (section 2.2).
_CONTROLS = LazyPattern("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROL_BYTES = bytes(code for code in range(0x20) if chr(code) not in "\t\n\r")
#: References to characters that XML does not allow, which strict parsers reject. If a program wrote UTF-16, two
#: references are one letter: "&#55357;&#56832;".
_BAD_REFERENCES = LazyPattern(
    r"&(?:amp;)?#(?:0*(?:[0-8]|1[124-9]|2\d|3[01]|55(?:29[6-9]|[3-9]\d\d)|56\d{3}|57(?:[0-2]\d\d|3[0-3]\d|34[0-3])"
    r"|6553[45]|[1-9]\d{6,})|[xX]0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]|[dD][89a-fA-F][0-9a-fA-F]{2}|[1-9a-fA-F][0-9a-fA-F]{6,}));"
    r"(?:&(?:amp;)?#(?:5[67]\d{3}|[xX]0*[dD][c-fC-F][0-9a-fA-F]{2});)?"
)
_NUMBER = LazyPattern(r"#(?:[xX]([0-9a-fA-F]+)|(\d+))")
_XML_ROOT = LazyPattern(r"<(?:([A-Za-z_][\w.-]*):)?(rss|feed|rdf|channel|urlset|sitemapindex)(?=[\s/>])", re.IGNORECASE)
_BEFORE_ROOT = LazyPattern(r"<(?=[A-Za-z_!])")


class XmlText(msgspec.Struct, frozen=True):
    """A document without an XML declaration, so that a parser takes it for UTF-8."""

    text: str
    #: Name of the root in lower case, without its prefix.
    root: str
    #: Prefix of the root with its colon, or empty.
    prefix: str
    #: Name of the root as written, with its prefix.
    tag: str
    #: Whether the end of the root is missing.
    is_cut: bool
    remarks: tuple[str, ...] = ()


def prepare_xml(body: Body, *, roots: Collection[str]) -> XmlText:
    """Prepare a document. Raises ReadError for a root element that is not in ``roots``."""
    decoded = decode(body.content, body.content_type)
    remarks = [decoded.remark] if decoded.remark else []
    text, controls = _without_controls(body.content, decoded)
    if controls:
        remarks.append(f"{format_count(controls, 'control character')} left out")
    root, is_soiled = _root_of(text)
    if root is None:
        raise ReadError("not a feed: no rss, feed, RDF or urlset element")
    if root.group(2).lower() not in roots:
        # The document's beginning or the configured ``kind`` chose the wrong parser.
        raise ReadError(f'its root element is "{root.group(2)}", but one of {", ".join(roots)} was expected')
    if is_soiled:
        remarks.append("text before the document left out")
    prefix = f"{root.group(1)}:" if root.group(1) else ""
    tag = prefix + root.group(2)
    text, is_cut, has_tail = _end(text[root.start() :], tag)
    if has_tail:
        remarks.append("text after the document left out")
    text = _BAD_REFERENCES.sub(_letters, text)
    return XmlText(text, root.group(2).lower(), prefix, tag, is_cut, tuple(remarks))


def _without_controls(content: bytes, decoded: Decoded) -> tuple[str, int]:
    # Search the bytes, which is ten times as fast: in UTF-8, a control character is a single byte.
    has_controls = decoded.encoding != "utf-8" or len(content.translate(None, _CONTROL_BYTES)) != len(content)
    if not has_controls and "\ufffe" not in decoded.text and "\uffff" not in decoded.text:
        return decoded.text, 0
    return _CONTROLS.subn("", decoded.text)


def _letters(references: re.Match[str]) -> str:
    """Return the letter whose halves are the two references, or an empty string for other bad references."""
    numbers = [int(number[1], 16) if number[1] else int(number[2]) for number in _NUMBER.finditer(references[0][:100])]
    halves = "".join(chr(number) for number in numbers if 0xD800 <= number < 0xE000)
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _root_of(text: str) -> tuple[re.Match[str] | None, bool]:
    """Return the root, and whether there is text other than comments and document types before it.

    A root inside a comment, an instruction or a document type does not count.
    """
    at, junk_at, is_soiled = 0, 0, False
    hidden = find_asides(text)
    start, end = next(hidden, (len(text), len(text)))
    while tag := _BEFORE_ROOT.search(text, at):
        if tag.start() >= start:
            is_soiled |= bool(text[junk_at : max(start, junk_at)].strip())
            at = junk_at = max(end, junk_at)
            start, end = next(hidden, (len(text), len(text)))
        elif root := _XML_ROOT.match(text, tag.start()):
            return root, is_soiled or bool(text[junk_at : root.start()].strip())
        elif text[tag.start() : tag.start() + 9].upper() == DOCTYPE:
            end_of_type = find_doctype_end(text, tag.start())
            if not end_of_type:
                break
            is_soiled |= bool(text[junk_at : tag.start()].strip())
            at = junk_at = end_of_type
        else:
            at = tag.end()
    return None, is_soiled


def _end(text: str, root: str) -> tuple[str, bool, bool]:
    """Return the text up to the root's end tag, whether the end tag is missing, and whether text follows it."""
    end = 0
    for tag in re.finditer(rf"</{re.escape(root)}\s*+>", text):
        end = tag.end()
    if not end:
        # <rss/> is a complete document: an empty feed.
        is_empty = re.search(rf"<{re.escape(root)}\b[^<>]*/>\s*\Z", text) is not None
        return text, not is_empty, False
    return text[:end], False, bool(without_asides(text[end:]).strip())


#: Beginning -> end of comments and processing instructions.
_CLOSED_BY = {"<!--": "-->", "<?": "?>"}
#: The parts of a document type that determine where it ends.
_IN_DOCTYPE = LazyPattern(r"""["'\[\]>]|<!--|<\?""")
DOCTYPE = "<!DOCTYPE"


def find_asides(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each comment and processing instruction that has an end.

    Takes linear time, even for text with a thousand beginnings and no end.
    """
    ahead = {opening: text.find(opening) for opening in _CLOSED_BY}
    while any(place >= 0 for place in ahead.values()):
        opening = min((name for name in ahead if ahead[name] >= 0), key=ahead.__getitem__)
        start = ahead[opening]
        closing = _CLOSED_BY[opening]
        end = text.find(closing, start + len(opening))
        if end < 0:
            # No later section of this kind has an end either.
            ahead[opening] = -1
            continue
        end += len(closing)
        yield start, end
        for name, place in ahead.items():
            if 0 <= place < end:
                ahead[name] = text.find(name, end)


def without_asides(text: str) -> str:
    """Return the text without comments and processing instructions."""
    kept, at = [], 0
    for start, end in find_asides(text):
        kept.append(text[at:start])
        at = end
    return "".join((*kept, text[at:])) if kept else text


def find_doctype_end(text: str, start: int) -> int:
    """Return the end of the document type at ``start``. A broken one ends after the next ">", or at 0 without one."""
    depth, at = 0, start + len(DOCTYPE)
    while match := _IN_DOCTYPE.search(text, at):
        at, mark = match.end(), match.group()
        if mark == ">" and depth <= 0:
            return at
        if mark in "[]":
            depth += 1 if mark == "[" else -1
        elif mark != ">":
            closing = _CLOSED_BY.get(mark, mark)
            at = text.find(closing, at) + len(closing)
            if at < len(closing):
                break
    return text.find(">", start) + 1


#: Number of bytes in which the root element is searched. A broken server may send warnings before the document.
_ROOT_BYTES = 16_384
_ROOT = LazyPattern(
    r"<(?:[A-Za-z_][\w.-]*:)?(rss|feed|RDF|channel|urlset|sitemapindex|opml|html|head|body|!doctype\s+html)(?=[\s/>])",
    re.IGNORECASE,
)
#: The root of a feed that a proxy or a template has wrapped in a page. HTML has no elements like these.
_WRAPPED = LazyPattern(r"<(rss(?=\s[^<>]*version=)|feed(?=\s[^<>]*xmlns=))", re.IGNORECASE)
_ANY_ELEMENT = LazyPattern(r"<([A-Za-z_][\w.:-]*)")


def root_element(content: bytes, content_type: str = "") -> str:
    """Return the root's name in lower case, or "json". If it is unknown, return the first element's name, or "".

    >>> root_element(b'<?xml version="1.0"?><!-- <html> --><rss version="2.0">')
    'rss'
    """
    text = decode(content[:_ROOT_BYTES], content_type).text.lstrip("\x00\t\n\r \ufeff")
    if text.startswith(("{", "[")):
        return "json"
    text = without_asides(text)
    if root := _ROOT.search(text):
        name = root.group(1).lower()
        if name not in ("html", "head", "body") and not name.startswith("!doctype"):
            return name
        wrapped = _WRAPPED.search(text)
        return wrapped.group(1).lower() if wrapped else "html"
    element = _ANY_ELEMENT.search(text)
    return element.group(1).lower() if element else ""


def first_words(content: bytes, content_type: str) -> str:
    """Return the document's first words, for an error message."""
    text = decode(content[:400], content_type).text
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:60]


#: Types of feeds that a page may offer, best first (https://html.spec.whatwg.org/#rel-alternate).
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
_LOOSE_TYPES = ("application/xml", "text/xml", "application/json")
_FEED_PATHS = (".rss", ".atom", "/rss", "/feed", "/atom", "rss.xml", "feed.xml", "atom.xml", "index.rdf", "feed.json")
_MAX_OFFERED = 20
_MAX_PAGE = 2_000_000


def explain_refusal(body: Body) -> ReadError:
    """Return an error that explains why ``body`` is not a feed, and what the user can do."""
    name = root_element(body.content, body.content_type)
    if name == "html" or (not name and "html" in body.content_type.lower()):
        return _explain_page(body)
    if name == "opml":
        return ReadError('an OPML list of feeds, not a feed; "wirewatch feeds import" reads it')
    start = first_words(body.content, body.content_type)
    if name:
        return ReadError(f'not a feed: XML with the root element "{name[:40]}"; starts with "{start}"')
    return ReadError(f'not a feed: starts with "{start}"')


def find_offered_feeds(content: bytes, content_type: str, url: str) -> tuple[str, ...]:
    """Return the absolute addresses of the feeds that an HTML page links to, best first."""
    document = _parse_page(content, content_type)
    if document is None:
        return ()
    base = (
        fields.web_address(next((_href(element) for element in document.iter("base") if _href(element)), ""), url)
        or url
    )
    ranked: list[tuple[int, str]] = []
    for element in document.iter("link", "a"):
        rank = _rank(element)
        address = fields.web_address(_href(element), base) if rank is not None else None
        if rank is not None and address:
            ranked.append((rank, address))
    ranked.sort(key=lambda pair: pair[0])
    return tuple(dict.fromkeys(address for _, address in ranked if address != url))[:_MAX_OFFERED]


def _explain_page(body: Body) -> IsPage:
    feeds = find_offered_feeds(body.content, body.content_type, body.url)
    if feeds:
        more = f" and {len(feeds) - 1} more" if len(feeds) > 1 else ""
        return IsPage(f"an HTML page, not a feed; the page names {feeds[0]}{more}", feeds)
    document = _parse_page(body.content, body.content_type)
    title = " ".join(((document.findtext(".//title") if document is not None else None) or "").split())[:80]
    titled = f' titled "{title}"' if title else ""
    return IsPage(f"an HTML page{titled}, not a feed, and it names no feed: the feed has moved, or needs a login")


def _parse_page(content: bytes, content_type: str) -> html.HtmlElement | None:
    text = decode(content[:_MAX_PAGE], content_type).text
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        document = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
    return document


def _href(element: html.HtmlElement) -> str:
    return (element.get("href") or "").strip()


def _rank(element: html.HtmlElement) -> int | None:
    """Return the rank of a link to a feed (0 is best), or None for other links."""
    kind = (element.get("type") or "").partition(";")[0].strip().lower()
    rel = (element.get("rel") or "").lower().split()
    if element.tag == "link":
        if "alternate" not in rel and "feed" not in rel:
            return None
        # Rank feeds of comments last.
        penalty = 50 if "comment" in (element.get("title") or "").lower() or "/comments/" in _href(element) else 0
        if kind in _FEED_TYPES:
            return _FEED_TYPES.index(kind) + penalty
        # WordPress uses the same types for its API and its embeds.
        is_other = "oembed" in _href(element) or "wp-json" in _href(element)
        return 10 + penalty if kind in _LOOSE_TYPES and not is_other else None
    path = _href(element).partition("#")[0].partition("?")[0].lower().rstrip("/")
    return 30 if path.endswith(_FEED_PATHS) else None
