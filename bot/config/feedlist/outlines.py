"""Scan <outline> tags in a file that is not well-formed XML.

40 of the 59 lists that one maintained project publishes are not: bare ampersands, quotation marks or tags inside values
(“Jen "From Head To Toe"”). Parsers that recover drop the attributes behind the first flaw, among them the address.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_NAME = r"[A-Za-z_][\w:.-]*"
#: A description may have several lines, but an unclosed quotation mark ends with its tag.
_VALUE = r"(?:(?!<outline)[\s\S]){0,20000}?"
#: A value ends at the quotation mark before the next attribute or the tag's end, not at the first one.
_ATTRIBUTE = re.compile(
    rf"""\s*({_NAME})\s*=\s*(?:"({_VALUE})"|'({_VALUE})')(?=\s+{_NAME}\s*=\s*["']|\s*/?>\s*(?:<|\Z))"""
)
_TAG = re.compile(r"<(/?)outline\b", re.IGNORECASE)
_TAG_END = re.compile(r"\s*(/?)>")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*\bencoding\s*=\s*["']([\w.:-]+)""")
#: The entities that XML defines: “&lang=en” in an address is not an entity.
_REFERENCE = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6}));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: Maximum depth of folders.
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One <outline> tag, with its place in the file and in the folders."""

    line: int
    #: The attributes by name in small letters.
    attributes: Mapping[str, str]
    #: Texts of the outlines around it, outermost first.
    folders: tuple[str, ...]


def scan(content: bytes) -> tuple[Outline, ...]:
    """Return every outline whose tag is recognisable, in order."""
    return tuple(_scanned(_decoded(content)))


def printable(text: str) -> str:
    """Remove the characters that XML does not allow."""
    return _NOT_XML.sub("", text)


def _scanned(text: str) -> Iterator[Outline]:
    folders: list[str] = []
    line, counted, position = 1, 0, 0
    while match := _TAG.search(text, position):
        line += text.count("\n", counted, match.start())
        counted, position = match.start(), match.end()
        if match[1]:
            if folders:
                folders.pop()
            continue
        attributes, position = _attributes(text, position)
        yield Outline(line=line, attributes=attributes, folders=tuple(folders))
        end = _TAG_END.match(text, position)
        if end is not None:
            position = end.end()
        # An incomplete tag, or the tag of a feed, opens no folder.
        if end is not None and not end[1] and len(folders) < _MAX_DEPTH:
            folders.append(attributes.get("text") or attributes.get("title") or "")


def _attributes(text: str, position: int) -> tuple[dict[str, str], int]:
    attributes: dict[str, str] = {}
    while match := _ATTRIBUTE.match(text, position):
        attributes.setdefault(match[1].casefold(), _REFERENCE.sub(_character, match[2] or match[3] or ""))
        position = match.end()
    return attributes, position


def _character(match: re.Match[str]) -> str:
    if match[1]:
        return _NAMED[match[1]]
    code = int(match[2]) if match[2] else int(match[3], 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else match[0]


def _decoded(content: bytes) -> str:
    for bom, codec in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(bom):
            return content[len(bom) :].decode(codec, "replace")
    declared = _DECLARED.match(content[:200])
    try:
        return content.decode(declared[1].decode() if declared else "utf-8", "replace")
    except (LookupError, UnicodeError):
        return content.decode("utf-8", "replace")
