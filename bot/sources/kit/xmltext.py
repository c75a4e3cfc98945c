"""An XML document made fit for a parser: decoded, mended where it is cut or soiled, bombs refused.

Knows no feed vocabulary beyond the names of the root and of its items.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from bot.ports import Body, ReadError
from bot.sources.kit import charset

#: Not allowed in XML 1.0, in any form (section 2.2).
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROL_BYTES = bytes(code for code in range(0x20) if chr(code) not in "\t\n\r")
_DECLARATION = re.compile(r"^\s*<\?xml\b.*?\?>", re.DOTALL)
_ROOT = re.compile(r"<(?:([A-Za-z_][\w.-]*):)?(rss|feed|rdf|channel|urlset|sitemapindex)(?=[\s/>])", re.IGNORECASE)
_PROLOGUE = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ENTITY = re.compile(r"<!ENTITY\s+(%\s+)?([^\s>]+)\s+([^>]*)>", re.DOTALL)
#: To another entity than the five that XML itself knows.
_REFERENCE = re.compile(r"&(?!(?:#\d+|#x[0-9a-fA-F]+|amp|lt|gt|quot|apos);)")
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
    #: It declares entities, on which the meaning of all that follows depends.
    has_entities: bool
    #: The end of the root is missing.
    is_cut: bool
    remarks: tuple[str, ...] = ()


def prepare(body: Body) -> XmlText:
    """Raises ReadError for an entity bomb and for text without a known root."""
    decoded = charset.decode(body.content, body.content_type)
    remarks = [decoded.remark] if decoded.remark else []
    text, controls = _without_controls(body.content, decoded)
    if controls:
        remarks.append(f"{controls} control {'character' if controls == 1 else 'characters'} left out")
    root = _root_of(text)
    if root is None:
        raise ReadError("not a feed: no rss, feed, RDF or urlset element")
    text, is_soiled = _without_leading_junk(text, root.start())
    if is_soiled:
        remarks.append("text before the document left out")
    text = _DECLARATION.sub("", text, count=1)
    text, has_entities = _with_safe_doctype(text)
    prefix = f"{root.group(1)}:" if root.group(1) else ""
    tag = prefix + root.group(2)
    text, is_cut, has_tail = _end(text, tag)
    if has_tail:
        remarks.append("text after the document left out")
    return XmlText(text, root.group(2).lower(), prefix, tag, has_entities, is_cut, tuple(remarks))


def _without_controls(content: bytes, decoded: charset.Decoded) -> tuple[str, int]:
    # In UTF-8 such a character is a byte of its own, and bytes are looked through ten times as fast.
    has_controls = decoded.encoding != "utf-8" or len(content.translate(None, _CONTROL_BYTES)) != len(content)
    if not has_controls and "\ufffe" not in decoded.text and "\uffff" not in decoded.text:
        return decoded.text, 0
    return _CONTROLS.subn("", decoded.text)


def _root_of(text: str) -> re.Match[str] | None:
    at = 0
    while found := _ROOT.search(text, at):
        # A root name inside a comment of the prologue is not the root.
        opened = text.rfind("<!--", at, found.start())
        closed = text.find("-->", opened) if opened >= 0 else -1
        if opened < 0 or closed < 0 or closed < found.start():
            return found
        at = closed
    return None


def _without_leading_junk(text: str, root_at: int) -> tuple[str, bool]:
    declaration = text.rfind("<?xml ", 0, root_at)
    if declaration >= 0:
        return text[declaration:], bool(_PROLOGUE.sub("", text[:declaration]).strip())
    before = _DOCTYPE.sub("", _PROLOGUE.sub("", text[:root_at]))
    return (text, False) if not before.strip() else (text[root_at:], True)


def _with_safe_doctype(text: str) -> tuple[str, bool]:
    """The document with harmless entities only, and whether it has any. Raises ReadError for a bomb.

    A document type that declares none is left out, as feedparser does it: its DTD is never loaded.
    """
    root = _ROOT.search(text)
    head = text[: root.start()] if root else text
    if "<!DOCTYPE" not in head.upper():
        return text, False
    entities = _ENTITY.findall(head)
    if len(entities) > _MAX_ENTITIES:
        raise ReadError(f"refused: declares {len(entities)} XML entities, as an entity bomb does")
    # External ones are never loaded: their declarations are dropped.
    internal = [found for found in entities if not found[2].lstrip().upper().startswith(("SYSTEM", "PUBLIC"))]
    size = 0
    for parameter, name, value in internal:
        if parameter or "%" in value or _REFERENCE.search(value):
            raise ReadError("refused: its XML entities are made of other entities, as in an entity bomb")
        if len(value) > _MAX_ENTITY_LENGTH:
            raise ReadError(f"refused: an XML entity of {len(value)} characters, as in an entity bomb")
        size += len(value) * text.count(f"&{name};")
    if size > max(len(text), 100_000):
        raise ReadError("refused: its XML entities would make it many times larger, as an entity bomb does")
    if not entities:
        return _DOCTYPE.sub("", head, count=1) + text[len(head) :], False
    return _DOCTYPE.sub(_doctype_of(internal), head, count=1) + text[len(head) :], True


def _doctype_of(entities: list[tuple[str, str, str]]) -> str:
    """Written as feedparser reads it: one declaration a line, in double quotes."""
    values = [(name, html.unescape(value.strip()[1:-1])) for _, name, value in entities]
    safe = [(name, value) for name, value in values if name.isidentifier() and not set(value) & set('&"<')]
    lines = [f'<!ENTITY {name} "{value}">' for name, value in safe]
    return "<!DOCTYPE feed [\n" + "\n".join(lines) + "\n]>"


def _end(text: str, root: str) -> tuple[str, bool, bool]:
    """The text up to the end of its root; whether that end is missing; whether more than comments came after it."""
    ends = list(re.finditer(rf"</{re.escape(root)}\s*>", text))
    if not ends:
        # <rss/> is whole: an empty feed.
        is_empty = re.search(rf"<{re.escape(root)}\b[^<>]*/>\s*$", text) is not None
        return text, not is_empty, False
    end = ends[-1].end()
    return text[:end], False, bool(_PROLOGUE.sub("", text[end:]).strip())
