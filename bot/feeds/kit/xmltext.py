"""Prepare an XML document for a parser: decode it, and keep only its root and valid characters.

The parser gets nothing before the root, so no entity that the document declares is expanded, and none can grow.
Independent of the kinds of feed; the caller passes the names of the root elements.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from bot.feeds.kit import charset
from bot.model.durations import format_count
from bot.model.errors import ReadError
from bot.model.fetching import Body

#: Characters that XML 1.0 does not allow, even as references (section 2.2).
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROL_BYTES = bytes(code for code in range(0x20) if chr(code) not in "\t\n\r")
#: References to characters that XML does not allow, which strict parsers reject. If a program wrote UTF-16, two
#: references are one letter: "&#55357;&#56832;".
_BAD_REFERENCES = re.compile(
    r"&(?:amp;)?#(?:0*(?:[0-8]|1[124-9]|2\d|3[01]|55(?:29[6-9]|[3-9]\d\d)|56\d{3}|57(?:[0-2]\d\d|3[0-3]\d|34[0-3])"
    r"|6553[45]|[1-9]\d{6,})|[xX]0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]|[dD][89a-fA-F][0-9a-fA-F]{2}|[1-9a-fA-F][0-9a-fA-F]{6,}));"
    r"(?:&(?:amp;)?#(?:5[67]\d{3}|[xX]0*[dD][c-fC-F][0-9a-fA-F]{2});)?"
)
_NUMBER = re.compile(r"#(?:[xX]([0-9a-fA-F]+)|(\d+))")
_ROOT = re.compile(r"<(?:([A-Za-z_][\w.-]*):)?(rss|feed|rdf|channel|urlset|sitemapindex)(?=[\s/>])", re.IGNORECASE)
_BEFORE_ROOT = re.compile(r"<(?=[A-Za-z_!])")


@dataclass(frozen=True, slots=True)
class XmlText:
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
    decoded = charset.decode(body.content, body.content_type)
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


def _without_controls(content: bytes, decoded: charset.Decoded) -> tuple[str, int]:
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
        elif root := _ROOT.match(text, tag.start()):
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
_IN_DOCTYPE = re.compile(r"""["'\[\]>]|<!--|<\?""")
DOCTYPE = "<!DOCTYPE"


def find_asides(text: str, at: int = 0) -> Iterator[tuple[int, int]]:
    """Yield start and end of each comment and processing instruction that has an end.

    Takes linear time, even for text with a thousand beginnings and no end.
    """
    ahead = {opening: text.find(opening, at) for opening in _CLOSED_BY}
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
