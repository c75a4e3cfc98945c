"""Make an XML document fit for a parser: decode it, repair its ends and characters, refuse entity bombs.

Knows no feed vocabulary beyond the names of the root and of its items.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from bot import model
from bot.feeds.kit import charset
from bot.model import Body, ReadError

#: Not allowed in XML 1.0, in any form (section 2.2).
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROL_BYTES = bytes(code for code in range(0x20) if chr(code) not in "\t\n\r")
#: References to characters that XML has not, which break the document for every strict parser. Two of them are one
#: letter where a program wrote UTF-16: "&#55357;&#56832;".
_BAD_REFERENCES = re.compile(
    r"&(?:amp;)?#(?:0*(?:[0-8]|1[124-9]|2\d|3[01]|55(?:29[6-9]|[3-9]\d\d)|56\d{3}|57(?:[0-2]\d\d|3[0-3]\d|34[0-3])"
    r"|6553[45]|[1-9]\d{6,})|[xX]0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]|[dD][89a-fA-F][0-9a-fA-F]{2}|[1-9a-fA-F][0-9a-fA-F]{6,}));"
    r"(?:&(?:amp;)?#(?:5[67]\d{3}|[xX]0*[dD][c-fC-F][0-9a-fA-F]{2});)?"
)
_NUMBER = re.compile(r"#(?:[xX]([0-9a-fA-F]+)|(\d+))")
_ROOT = re.compile(r"<(?:([A-Za-z_][\w.-]*):)?(rss|feed|rdf|channel|urlset|sitemapindex)(?=[\s/>])", re.IGNORECASE)
_BEFORE_ROOT = re.compile(r"<(?=[A-Za-z_!])")
_ENTITY = re.compile(r"""<!ENTITY\s++(%\s++)?([^\s>"']++)\s++(?:"([^"]*+)"|'([^']*+)')""")
#: To another entity than the five that XML itself knows.
_REFERENCE = re.compile(r"&(?!(?:#\d+|#x[0-9a-fA-F]+|amp|lt|gt|quot|apos);)")
_NAMED = re.compile(r"&([^\s;&<]++);")
#: Entities of real feeds are single letters and short names.
_MAX_ENTITY_LENGTH = 200
_MAX_ENTITIES = 500


@dataclass(frozen=True, slots=True)
class XmlText:
    """Without an XML declaration: it is UTF-8 when encoded."""

    text: str
    #: Lower-case, without its prefix.
    root: str
    #: Prefix of the root with its colon, or nothing.
    prefix: str
    #: The root's name as written, with its prefix.
    tag: str
    #: The end of the root is missing.
    is_cut: bool
    remarks: tuple[str, ...] = ()


def prepare_xml(body: Body, *, roots: Collection[str]) -> XmlText:
    """Raises ReadError for an entity bomb and for a document whose root is none of ``roots``."""
    decoded = charset.decode(body.content, body.content_type)
    remarks = [decoded.remark] if decoded.remark else []
    text, controls = _without_controls(body.content, decoded)
    if controls:
        remarks.append(f"{model.format_count(controls, 'control character')} left out")
    root, doctype, is_soiled = _root_of(text)
    if root is None:
        raise ReadError("not a feed: no rss, feed, RDF or urlset element")
    if root.group(2).lower() not in roots:
        # Its beginning, or the configuration's ``kind``, said otherwise.
        raise ReadError(f'its root element is "{root.group(2)}", and one of {", ".join(roots)} was expected')
    if is_soiled:
        remarks.append("text before the document left out")
    prefix = f"{root.group(1)}:" if root.group(1) else ""
    tag = prefix + root.group(2)
    text, is_cut, has_tail = _end(text[root.start() :], tag)
    if has_tail:
        remarks.append("text after the document left out")
    text = _BAD_REFERENCES.sub(_letters, text)
    # Nothing that is before the root comes to a parser, so that none has a declaration to expand.
    text = _expanded(text, _entities(doctype, text))
    return XmlText(text, root.group(2).lower(), prefix, tag, is_cut, tuple(remarks))


def _without_controls(content: bytes, decoded: charset.Decoded) -> tuple[str, int]:
    # In UTF-8 such a character is a separate byte, and bytes are looked through ten times as fast.
    has_controls = decoded.encoding != "utf-8" or len(content.translate(None, _CONTROL_BYTES)) != len(content)
    if not has_controls and "\ufffe" not in decoded.text and "\uffff" not in decoded.text:
        return decoded.text, 0
    return _CONTROLS.subn("", decoded.text)


def _letters(references: re.Match[str]) -> str:
    """What halves of letters make together; nothing for what is no letter."""
    numbers = [int(number[1], 16) if number[1] else int(number[2]) for number in _NUMBER.finditer(references[0][:100])]
    halves = "".join(chr(number) for number in numbers if 0xD800 <= number < 0xE000)
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _root_of(text: str) -> tuple[re.Match[str] | None, str, bool]:
    """The root, the first document type before it, and whether there is other text than comments and the like.

    A root inside a comment, an instruction or a document type is none.
    """
    at, junk_at, doctype, is_soiled = 0, 0, "", False
    hidden = find_asides(text)
    start, end = next(hidden, (len(text), len(text)))
    while found := _BEFORE_ROOT.search(text, at):
        if found.start() >= start:
            is_soiled |= bool(text[junk_at : max(start, junk_at)].strip())
            at = junk_at = max(end, junk_at)
            start, end = next(hidden, (len(text), len(text)))
        elif root := _ROOT.match(text, found.start()):
            return root, doctype, is_soiled or bool(text[junk_at : root.start()].strip())
        elif text[found.start() : found.start() + 9].upper() == DOCTYPE:
            after = find_doctype_end(text, found.start())
            if not after:
                break
            is_soiled |= bool(text[junk_at : found.start()].strip())
            doctype = doctype or text[found.start() : after]
            at = junk_at = after
        else:
            at = found.end()
    return None, doctype, is_soiled


def _entities(doctype: str, text: str) -> dict[str, str]:
    """Values of the harmless entities by name, fit to stand in XML. Raises ReadError for a bomb."""
    found = _declared(doctype)
    if len(found) > _MAX_ENTITIES:
        raise ReadError(f"refused: declares {len(found)} XML entities, as an entity bomb does")
    used = Counter(_NAMED.findall(text)) if found else Counter[str]()
    size = 0
    for parameter, name, value in found:
        if parameter or "%" in value or _REFERENCE.search(value):
            raise ReadError("refused: its XML entities are made of other entities, as in an entity bomb")
        if len(value) > _MAX_ENTITY_LENGTH:
            raise ReadError(f"refused: an XML entity of {len(value)} characters, as in an entity bomb")
        size += len(value) * used[name]
    if size > max(len(text), 100_000):
        raise ReadError("refused: its XML entities would make it many times larger, as an entity bomb does")
    values = {name: html.unescape(value) for _, name, value in reversed(found)}
    return {
        name: html.escape(value)
        for name, value in values.items()
        if name.isidentifier() and not set(value) & set('&"<')
    }


def _declared(doctype: str) -> list[tuple[str, str, str]]:
    """Mark of a parameter entity, name and value of each; external ones are left out, since they are never loaded."""
    return [(each[1] or "", each[2], each[3] or each[4] or "") for each in _ENTITY.finditer(doctype)]


def _expanded(text: str, entities: Mapping[str, str]) -> str:
    """The text with the entities' values in their places; in a CDATA section there are none."""
    if not entities:
        return text

    def value_of(found: re.Match[str]) -> str:
        return entities.get(found[1], found[0])

    parts, at = list[str](), 0
    while (start := text.find("<![CDATA[", at)) >= 0 and (end := text.find("]]>", start)) >= 0:
        parts += (_NAMED.sub(value_of, text[at:start]), text[start:end])
        at = end
    return "".join((*parts, _NAMED.sub(value_of, text[at:])))


def _end(text: str, root: str) -> tuple[str, bool, bool]:
    """The text up to the end of its root; whether that end is missing; whether more than comments came after it."""
    end = 0
    for found in re.finditer(rf"</{re.escape(root)}\s*+>", text):
        end = found.end()
    if not end:
        # <rss/> is whole: an empty feed.
        is_empty = re.search(rf"<{re.escape(root)}\b[^<>]*/>\s*\Z", text) is not None
        return text, not is_empty, False
    return text[:end], False, bool(without_asides(text[end:]).strip())


#: Beginning and end of what holds no elements.
_CLOSED_BY = {"<!--": "-->", "<?": "?>"}
#: Of all that can be inside a document type, what decides where it ends.
_IN_DOCTYPE = re.compile(r"""["'\[\]>]|<!--|<\?""")
DOCTYPE = "<!DOCTYPE"


def find_asides(text: str, at: int = 0) -> Iterator[tuple[int, int]]:
    """Places of comments and processing instructions; one that never ends is none."""
    ahead = {opening: text.find(opening, at) for opening in _CLOSED_BY}
    while any(place >= 0 for place in ahead.values()):
        opening = min((each for each in ahead if ahead[each] >= 0), key=ahead.__getitem__)
        start = ahead[opening]
        closing = _CLOSED_BY[opening]
        end = text.find(closing, start + len(opening))
        if end < 0:
            # Nor does any other of its kind.
            ahead[opening] = -1
            continue
        end += len(closing)
        yield start, end
        for each, place in ahead.items():
            if 0 <= place < end:
                ahead[each] = text.find(each, end)


def without_asides(text: str) -> str:
    """The text without comments and processing instructions."""
    kept, at = [], 0
    for start, end in find_asides(text):
        kept.append(text[at:start])
        at = end
    return "".join((*kept, text[at:])) if kept else text


def find_doctype_end(text: str, start: int) -> int:
    """Where the document type that begins at ``start`` ends; of a broken one, its first ">"; 0: nowhere."""
    depth, at = 0, start + len(DOCTYPE)
    while found := _IN_DOCTYPE.search(text, at):
        at, mark = found.end(), found.group()
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
