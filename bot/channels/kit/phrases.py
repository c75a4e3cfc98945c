"""The words that all channels share, and the functions that make untrusted text safe to show.

Texts are cleaned, cut to a length and stripped of anything that a service would read as a mention, a command or
markup. No function here writes a service's own markup.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, urlsplit

from bot.durations import format_count
from bot.model import visible
from bot.model.alerts import Reason
from bot.model.messages import CoverageLine, Reply, Span, StoryView, Why
from bot.model.stories import Fact
from bot.patterns import LazyPattern

_ELLIPSIS = "…"
#: Maximum length of a linked address, because browsers and channels cut longer addresses.
_MAX_LINK_LENGTH = 2000
_LINK = LazyPattern(r"((?<!\S)https?://\S+)")
_ADDRESS = LazyPattern(r"://|\w-{0,9}\.[^\W\d_]{2,}\b")
_BETWEEN_HOSTS = LazyPattern(r"[^\w.-]+")
#: Characters that look like a dot and that NFKC does not replace.
_DOTS = str.maketrans(dict.fromkeys("。۔·܁܂", "."))
MAX_NAME_LENGTH = 60
#: Maximum matched words shown for a line of a rule.
_WORDS_A_LINE = 4

REPLY_HEADINGS = {
    Reason.CORROBORATION: "Corroborated",
    Reason.NEW_FACT: "New in this story",
    Reason.CORRECTION: "Changed since posted",
    Reason.ADDED_OUTLET: "Joined this story",
    Reason.SECOND_RULE: "Another rule matches",
    Reason.OTHER_EVENT: "Another report",
}


# Cache the results, because a message is rendered for each length, channel and edit with the same few texts.
@functools.lru_cache(maxsize=256)
def clean(text: str) -> str:
    """Return the text as one line, without control, direction and invisible characters.

    >>> clean("a\\u202e b\\n\\tc\\x00")
    'a b c'
    """
    return visible.dropped(text)


def _clean_span(text: str) -> str:
    """Clean a span of a sentence, but keep a space at either end."""
    inner = clean(text)
    if not inner:
        return " " if text and text.isspace() else ""
    return f"{' ' if text[0].isspace() else ''}{inner}{' ' if text[-1].isspace() else ''}"


def size(text: str) -> int:
    """Return the length in UTF-16 units, which JavaScript servers count. A count of characters is never higher.

    >>> size("día"), size("📰")
    (3, 2)
    """
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def json_size(value: object) -> int:
    """Return the number of bytes of a value as JSON."""
    return len(json.dumps(value, ensure_ascii=False).encode())


def cut(text: str, limit: int) -> str:
    """Cut a text to at most ``limit`` UTF-16 units, between words and with an ellipsis.

    >>> cut("BlackBerry leaves Pakistan", 20), cut("short", 20)
    ('BlackBerry leaves…', 'short')
    """
    if len(text) <= limit and size(text) <= limit:
        return text
    if limit <= 0:
        return ""
    room = end = limit - 1
    if size(text[:end]) > end:
        end = 0
        for char in text:
            room -= 1 + (char > "\uffff")
            if room < 0:
                break
            end += 1
    # Do not split a letter from its accents, or a joined emoji.
    while end and (unicodedata.combining(text[end]) or text[end] == "\u200d" or text[end - 1] == "\u200d"):
        end -= 1
    kept = text[:end]
    if not text[end].isspace():
        head, space, _ = kept.rpartition(" ")
        # Text without spaces (Chinese, an address) is cut at the limit.
        kept = head if space and len(head) > end // 2 else kept
    return kept.rstrip(" ,;:–—-") + _ELLIPSIS


def safe_link(url: str) -> str | None:
    """Return the address with special characters quoted, or None if it is unsafe or not a complete http(s) address."""
    address = url.strip()
    # The slow test of each character runs only for the few addresses that fail one of the fast tests.
    if (not address.isprintable() or " " in address) and any(
        char.isspace() or unicodedata.category(char) in ("Cc", "Cs", "Cf") for char in address
    ):
        return None
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host or len(address) > _MAX_LINK_LENGTH:
        return None
    # A user part hides the host: https://bank.example@evil.example/
    if "@" in parts.netloc:
        return None
    try:
        # Show a host name that is not ASCII as xn--…, because its letters may look like other letters.
        netloc = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return quote(parts._replace(netloc=netloc).geturl(), safe="!#$%&'()*+,/:;=?@[]~-._")


def map_around_links(text: str, words: Callable[[str], str], link: Callable[[str], str] = str) -> str:
    """Apply ``words`` to the text between addresses, and ``link`` to the addresses.

    >>> map_around_links("a_b https://x.example/a_b", str.upper)
    'A_B https://x.example/a_b'
    """
    parts = _LINK.split(text)
    return "".join(link(part) if place % 2 else words(part) for place, part in enumerate(parts))


def link_label(text: str, url: str) -> str:
    """Return the label of a link, followed by the true host if the label shows another host.

    >>> link_label("bank.example", "https://evil.example/x"), link_label("Dawn", "https://www.dawn.com/x")
    ('bank.example (evil.example)', 'Dawn')
    >>> link_label("www.dawn.com/news", "https://awn.co/x"), link_label("epaper.dawn.com", "https://www.dawn.com/x")
    ('www.dawn.com/news (awn.co)', 'epaper.dawn.com')
    """
    label = clean(text)
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    if not label:
        return host
    # A host and its subdomains are one site.
    is_honest = all(f".{shown}".endswith(f".{host}") or f".{host}".endswith(f".{shown}") for shown in _hosts_in(label))
    return label if is_honest else f"{label} ({host})"


def _hosts_in(label: str) -> Iterator[str]:
    """Yield the words that readers take for a host, including words with look-alike letters or dots."""
    for word in _BETWEEN_HOSTS.split(unicodedata.normalize("NFKC", label).translate(_DOTS).casefold()):
        if _ADDRESS.search(word):
            shown = word.strip(".-").removeprefix("www.")
            try:
                yield shown if shown.isascii() else shown.encode("idna").decode("ascii")
            except UnicodeError:
                yield shown


def clean_spans(spans: Iterable[Span], limit: int) -> tuple[Span, ...]:
    """Clean the spans of a sentence and cut them to ``limit`` units in total."""
    kept: list[Span] = []
    room = limit
    for span in spans:
        text = _clean_span(span.text)
        if kept and kept[-1].text.endswith(" "):
            text = text.lstrip()
        if not text:
            continue
        if size(text) > room:
            if start := cut(text, room):
                kept.append(Span(text=start, is_marked=span.is_marked))
            break
        kept.append(Span(text=text, is_marked=span.is_marked))
        room -= size(text)
    return tuple(kept)


def short_name(text: str) -> str:
    """Clean and cut the name of an outlet, a person or a label."""
    return cut(clean(text[: 8 * MAX_NAME_LENGTH]), MAX_NAME_LENGTH)


def person_name(name: object, *, service: str) -> str:
    """Return a person's name, clean and short, or "somebody on …" if there is no name. Never return an id."""
    return (short_name(name) if isinstance(name, str) else "") or f"somebody on {service}"


def headline(view: StoryView, limit: int) -> str:
    """Return the story's headline in at most ``limit`` units, or a placeholder."""
    return cut(clean(view.title.text), limit) or "(no headline)"


#: Maximum reports that a message names as repeated by several outlets.
_SHOWN_ECHOES = 2


def count_outlets(view: StoryView) -> str:
    """Return the numbers of listed outlets and of copies, as in "3 outlets, 2 citing AP, 1 contradicts, and 1 copy"."""
    own = format_count(max(view.owner_count, 1), "outlet")
    if view.echoes:
        own = f"{own}, {format_echoes(view)}"
    if view.opposing_count:
        verb = "contradicts" if view.opposing_count == 1 else "contradict"
        own = f"{own}, {view.opposing_count} {verb}"
    comma = "," if view.echoes or view.opposing_count else ""
    return f"{own}{comma} and {count_copies(view)}" if view.copy_count else own


def format_echoes(view: StoryView) -> str:
    """Return whose report the outlets repeat, as in "all citing Reuters", or empty if each speaks for itself."""
    counts = ((echo.owner_count, cut(short_name(echo.origin), 30)) for echo in view.echoes[:_SHOWN_ECHOES])
    return ", ".join(f"{'all' if count >= view.owner_count else count} citing {origin}" for count, origin in counts)


def count_copies(view: StoryView) -> str:
    """Return the number of syndicated copies, as in "2 copies"."""
    return format_count(view.copy_count, "copy")


def format_carriers(line: CoverageLine) -> str:
    """Return the outlets with this headline, as in “The Wire and 3 more with this headline”."""
    more = f" and {line.more:,} more with this headline" if line.more else ""
    return f"{short_name(line.outlet) or 'unnamed'}{more}"


#: Field of an article -> where a reader finds it.
_PLACES = {
    "title": "the headline",
    "body": "the text",
    "url": "the address",
    "site": "the site",
    "author": "the author",
    "tag": "the tags",
    "lang": "the language",
    "source": "the outlet",
    "earlier version": "an earlier version",
}


def format_evidence(why: Why, limit: int) -> str:
    """Return the matched words for each line of the rule; lines that matched the same words share an entry.

    An example is “BlackBerry in the headline · PTA in the text (regulator, agency)”. A line without a name has its term
    as its label, which is not shown, because the syntax of terms means little to readers.
    """
    words: dict[str, dict[str, str]] = {}
    fields: dict[str, set[str]] = {}
    # Each piece of evidence takes at least one unit, so at most ``limit`` of them are shown.
    shown_evidence = why.evidence[:limit]
    terms = {evidence.label for evidence in shown_evidence if evidence.label == evidence.term}
    for evidence in shown_evidence:
        words.setdefault(evidence.label, {}).setdefault(evidence.text.casefold(), short_name(evidence.text))
        fields.setdefault(evidence.label, set()).add(evidence.field)
    labels_of: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
    for label, texts in words.items():
        labels_of.setdefault((frozenset(texts), frozenset(fields[label])), []).append(label)
    entries = []
    for (folded, where), labels in labels_of.items():
        # A label that is the matched word adds nothing to it.
        named = ", ".join(short_name(label) for label in labels if label not in terms and folded != {label.casefold()})
        shown = list(words[labels[0]].values())
        more = f" +{len(shown) - _WORDS_A_LINE}" if len(shown) > _WORDS_A_LINE else ""
        places = " and ".join(
            _PLACES.get(field, "the article") for field in sorted(where, key=lambda field: (field != "title", field))
        )
        matched = f"{', '.join(shown[:_WORDS_A_LINE])}{more} in {places}"
        entries.append(f"{matched} ({named})" if named else matched)
    return cut(" · ".join(entries), limit)


def reply_heading(reply: Reply) -> str:
    """Return the heading of a reply, in our own words."""
    if reply.lead:
        return reply.lead
    return REPLY_HEADINGS.get(reply.reason, "Update") if reply.reason else "Update"


def quoted_facts(facts: Iterable[Fact]) -> list[Fact]:
    """Return one fact for each distinct sentence. Omit sentences that are part of another sentence."""
    by_sentence: dict[str, Fact] = {}
    for value in facts:
        if sentence := clean(value.sentence):
            by_sentence.setdefault(sentence, value)
    return [
        value
        for sentence, value in by_sentence.items()
        if not any(sentence in other != sentence for other in by_sentence)
    ]


def lists_outlets(reply: Reply) -> bool:
    """Return whether a reply lists its story's outlets, because it has no values, edits or other lines."""
    has_news = any(not value.is_sentence for value in reply.facts)
    has_own_lines = {Reason.SECOND_RULE, Reason.NEW_FACT, Reason.ADDED_OUTLET}
    return not has_news and reply.reason not in has_own_lines


#: An invisible character. No service recognizes a mention or a format that contains it.
_JOINER = "\u2060"
#: @ with its wide and its small form, which some servers treat as @.
_AT = "@\uff20\ufe6b"
_MENTIONS = str.maketrans({char: f"{char}{_JOINER}" for char in _AT})
_MARKS = _MENTIONS | str.maketrans(
    {
        # Slack, Discord, Teams and Google Chat write mentions in angle brackets, and each escapes them differently.
        "<": "\u2039",
        ">": "\u203a",
        # Add no joiner to code, because code is often a command to copy, and the joiner would be copied too.
        "`": "'",
        # Characters of bold, italic and struck-through text, of the label of a link, and of [CQ:at,qq=all].
        **{char: f"{char}{_JOINER}" for char in "*_~|[]"},
    }
)
#: The slash of a word that Telegram turns into a command (td/telegram/MessageEntity.cpp, "match_bot_commands").
#: The rest of the word may follow in the next piece of a line.
_COMMAND = LazyPattern(r"(?<![\w/])/(?=[A-Za-z0-9_]|\Z)")
#: The start of a line that would become a heading or a list.
_LINE_STARTS = LazyPattern(r"^(?=[#-])", re.MULTILINE)
#: The start of an entity that a service may decode a second time, such as &lt;!channel&gt;.
_ENTITY = LazyPattern(r"&(?=[#\w]{1,32};)")
_HOST = LazyPattern(r"https?://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?(?=[/?#]|\Z)")
_IN_ADDRESS = str.maketrans({char: "".join(f"%{byte:02X}" for byte in char.encode()) for char in f"{_AT}<>|`*[]\\^"})


def break_markup(words: str, *, reads_marks: bool = True) -> str:
    """Return plain text that no chat service reads as a mention, a format, a command or a disguised link.

    Use it for services whose markup we do not escape. A mention in an article is never intended, so mentions are broken
    everywhere, even inside addresses. If ``reads_marks`` is False, because the text is escaped later (HTML), only
    mentions and commands are broken.

    >>> break_markup("<@U1> *now* https://x.example/@everyone/a_b").replace("\u2060", "^")
    '‹@^U1› *^now*^ https://x.example/%40everyone/a_b'
    """
    return map_around_links(words, _break_marks if reads_marks else _break_mentions, _escape_address)


def break_commands(words: str) -> str:
    """Break words that start with a slash, because one tap on a command such as /ban would send it."""
    return _COMMAND.sub(f"/{_JOINER}", words)


def _break_marks(words: str) -> str:
    return break_commands(_LINE_STARTS.sub(_JOINER, _ENTITY.sub(f"&{_JOINER}", words.translate(_MARKS))))


def _break_mentions(words: str) -> str:
    return break_commands(words.translate(_MENTIONS))


def _escape_address(link: str) -> str:
    """Percent-encode an address without changing its target. If ``link`` has no valid host, break it as text."""
    host = _HOST.match(link)
    if host is None:
        return _break_marks(link)
    return host[0] + _ENTITY.sub("%26", link[host.end() :].translate(_IN_ADDRESS))
