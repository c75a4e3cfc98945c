"""Make untrusted text safe to show, without characters that control a terminal, reverse a line or are invisible.

The characters on the left are shown as described on the right:

    controls (C0, DEL, C1)             U+FFFD in a terminal, nothing in a message
    line and paragraph separators      a space
    marks that turn the direction      nothing: overrides, embeddings, isolates, LRM, RLM, ALM
    invisible characters               nothing: tags, soft hyphens, fillers, zero-width spaces, joiners next to ASCII
    halves of surrogate pairs          U+FFFD
    secrets in an address              ***: passwords, tokens and keys, recognised by their names; an address that
                                       the configuration keeps in a variable is shown as its reference

This follows Unicode TR 36, section 2.10, and the paper Trojan Source (CVE-2021-42574).
"""

from __future__ import annotations

import re

from bot.patterns import LazyPattern

#: Invisible characters that change how a text is read. Written as escapes, since they would be invisible here too.
_HIDDEN_CLASS = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    r"\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HIDDEN = LazyPattern(f"[{_HIDDEN_CLASS}]")
#: Repeated joiners and variation selectors. One of them chooses the form of a character; a run can carry hidden data.
_REPEATED = LazyPattern(r"(?<=[\u200c\u200d])[\u200c\u200d]|(?<=[\ufe00-\ufe0f])[\ufe00-\ufe0f]")
#: Joiners next to ASCII, where they only make two names look alike. Persian, Indic scripts and emoji need joiners
#: elsewhere.
_JOINERS = LazyPattern(r"(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
#: Any character outside the ranges that need no further check. This scan is the cheapest, and most text passes it.
_SUSPECT = LazyPattern(
    r"[^\x00-\x84\x86-\xac\xae-\u02ff\u0370-\u061b\u061d-\u10ff\u2010-\u2027\u2030-\u205f\u2070-\u3163\u3165-\ud7ff"
    r"\ue000-\ufdff]"
)
_SEPARATORS = LazyPattern(r"[\x85\u2028\u2029]")
_HALVES = LazyPattern(r"[\ud800-\udfff]")
_CONTROLS = LazyPattern(r"[\x00-\x1f\x7f-\x9f]")
_CONTROLS_IN_LINES = LazyPattern(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BLANKS = frozenset("\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85")
#: Characters that are escaped in JSON output. Line feeds stay.
_UNFIT_IN_JSON = LazyPattern(rf"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_HIDDEN_CLASS}]")


#: Parameters of a query or a fragment whose name suggests a secret and whose value has at least four characters.
_SECRET_IN_QUERY = LazyPattern(
    r"(?i)(?<=[?&;#])("
    r"[\w.-]*(?:token|secret|pass|passwd|password|pwd|key|signature|jwt|sess|session|sess(?:ion)?[_-]?id|credentials?"
    r"|ticket|otp|hmac|[_.-]sid)"
    r"|auth(?:[_-][\w-]+|orization)?|access|sid|pw|sig|code|hash)="
    r"([^&#\s\"'<>]{3,}[^&#\s\"'<>:;,.)\]}])"
)
#: The login of an address. A user name alone is not a secret in a database address, but in a web address it may be one.
_LOGIN = LazyPattern(r"(?<=://)[^\s/]*:[^\s/]*@|(?<=https://)[^\s/]+@|(?<=http://)[^\s/]+@")
#: Whole address that holds a secret -> text shown instead.
_concealed: dict[str, str] = {}


#: Minimum length of a path that is concealed on its own; shorter ones occur in other addresses too.
_LONG_PATH = 12


def conceal(address: str, shown: str) -> None:
    """Show ``shown`` instead of the address in all later output.

    Its path and query are concealed too, because a redirect may keep them on another host. The path is also concealed
    alone, unless ``shown`` contains it, because a redirect may drop the query.
    """
    _concealed[address] = shown
    query_path = "/" + address.partition("://")[2].partition("/")[2]
    path = query_path.partition("?")[0]
    # The longer text first: the shorter one is part of it.
    for secret in dict.fromkeys((query_path, path)):
        if len(secret) >= _LONG_PATH and secret not in shown:
            _concealed[secret] = "/***"


def masked(text: str) -> str:
    """Return the text without the secrets of the addresses in it.

    >>> masked("GET https://me:pass@example.org/feed.atom?feed_token=glft-1234&page=2: 403")
    'GET https://***@example.org/feed.atom?feed_token=***&page=2: 403'
    """
    if "://" not in text:
        return text
    for address, shown in _concealed.items():
        if address in text:
            text = text.replace(address, shown)
    return _LOGIN.sub("***@", _SECRET_IN_QUERY.sub(r"\1=***", text))


def secrets_in(address: str) -> list[tuple[int, int]]:
    """Return the spans of the query values whose names suggest a secret."""
    return [match.span(2) for match in _SECRET_IN_QUERY.finditer(address)]


def has_secret(address: str) -> bool:
    """Return whether an address seems to hold a secret, or is concealed."""
    return masked(address) != address


def line(text: str, limit: int | None = None) -> str:
    """Return one line for a terminal or a log, at most ``limit`` characters long.

    >>> line("a\\x1b[31m b\\r\\nc \\u202ed")
    'a�[31m b c d'
    """
    shown = " ".join(lines(text.translate(_TO_SPACES)).split())
    if limit is None or len(shown) <= limit:
        return shown
    return shown[: limit - 1].rstrip() + "…"


def lines(text: str) -> str:
    """Return the text for a terminal or a log, with its line feeds and tabs.

    >>> lines("a\\n\\tb\\x9b2J")
    'a\\n\\tb\\ufffd2J'
    """
    text = masked(text)
    if text.isascii() and (text.isprintable() or not _CONTROLS.search(text)):
        return text
    shown = text if text.isascii() else _without_hidden(text)
    return shown if shown.isprintable() else _CONTROLS_IN_LINES.sub("\ufffd", shown)


def dropped(text: str) -> str:
    """Return one line for a message, without control characters and with single spaces.

    >>> dropped("a\\x1b[31m\\u202e b\\n\\tc\\x00")
    'a[31m b c'
    """
    text = masked(text)
    # Remove controls first, because a joiner between two controls may then be next to ASCII.
    if not text.isprintable():
        text = _CONTROLS.sub(lambda match: " " if match[0] in _BLANKS else "", text)
    if not text.isascii():
        text = _without_hidden(text)
    return " ".join(text.split())


def json_text(document: str) -> str:
    r"""Return the JSON document with escapes for characters that a terminal would obey or hide.

    >>> print(json_text('{"a": "\x7f\u202e"}'))
    {"a": "\u007f\u202e"}
    """
    for address, shown in _concealed.items():
        document = document.replace(address, shown)
    return _UNFIT_IN_JSON.sub(_escape, document)


def _without_hidden(text: str) -> str:
    if not _SUSPECT.search(text):
        return text
    whole = _HALVES.sub("\ufffd", _SEPARATORS.sub(" ", text))
    return _JOINERS.sub("", _REPEATED.sub("", _HIDDEN.sub("", whole)))


_TO_SPACES = dict.fromkeys(map(ord, "\t\n\r"), " ")


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return re.sub("(.{4})", r"\\u\1", units)
