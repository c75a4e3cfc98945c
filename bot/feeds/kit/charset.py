"""Decode a document, and find out which encoding its bytes really have.

The bytes count more than the declaration, and the declaration more than a default. A document that is declared as UTF-8
and has one bad byte stays UTF-8, because another encoding would spoil all its other letters. Independent of feeds.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from dataclasses import dataclass
from itertools import islice

from bot.model.durations import format_count

#: First bytes of a document, and the encoding that they identify (XML 1.0 appendix F). UTF-32 precedes UTF-16, because
#: a pattern of UTF-32 may begin with one of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"{\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
    (b"\0{", "utf-16-be"),
    (b"\x4c\x6f\xa7\x94", "cp037"),
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
_STATEFUL = re.compile(r"iso2022|utf-7|hz")
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
_PARAMETER = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_META = re.compile(rb"""<meta\s[^<>]{0,200}?charset\s*+=\s*+["']?\s*+([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_HEAD_BYTES = 4_096
_SEQUENCES = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]+")
#: A document labelled as UTF-8 is UTF-8 if it has fewer invalid bytes than this, or more valid sequences than invalid
#: bytes. Otherwise the label is wrong.
_FEW_BYTES = 4
#: Candidates for a guess, from the WHATWG Encoding Standard.
_OF_THE_WEB = [
    "cp1252", "cp1250", "cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5", "cp1253", "iso8859_7", "cp1255", "cp1256",
    "iso8859_6", "tis_620", "cp932", "euc_jp", "gb18030", "big5hkscs", "cp949",
]  # fmt: skip
_TAG = re.compile(rb"<!\[CDATA\[|<[^<>]*>")
#: The sample for a guess: maximum passages around bytes other than ASCII, bytes kept on each side of these bytes, and
#: maximum bytes in all. Last, the minimum letters other than Latin in a guess that is accepted.
_MOST_PASSAGES, _AROUND, _SAMPLE_BYTES, _FEW_LETTERS = 200, 100, 4_000, 8


@dataclass(frozen=True, slots=True)
class Decoded:
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
