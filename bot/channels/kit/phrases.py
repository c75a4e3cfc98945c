"""The words that every channel shares: what is safe to show, how long it is, how a time, a reason and a fact are put.

Knows no channel's markup.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from urllib.parse import quote, urlsplit

from bot import model
from bot.model import visible

_ELLIPSIS = "…"
#: An address longer than this is not linked: browsers and channels cut it.
_LONGEST_LINK = 2000
_LINK = re.compile(r"((?<!\S)https?://\S+)")
_ADDRESS = re.compile(r"://|\w-{0,9}\.[^\W\d_]{2,}\b")
_BETWEEN_HOSTS = re.compile(r"[^\w.-]+")
#: Signs that look like a dot and that NFKC leaves.
_DOTS = str.maketrans(dict.fromkeys("。۔·܁܂", "."))
LONGEST_NAME = 60
#: Words shown of one line of a rule.
_WORDS_A_LINE = 4

HEADS = {
    model.Reason.CORROBORATION: "Corroborated",
    model.Reason.NEW_FACT: "New in this story",
    model.Reason.CORRECTION: "Changed since posted",
    model.Reason.ADDED_OUTLET: "Joined this story",
    model.Reason.SECOND_RULE: "Another rule matches",
    model.Reason.REMINDER: "Reminder",
    model.Reason.MERGED: "Merged into an earlier story:",
}


# Rendered for each length that is tried, for each channel and at each edit, a message has the same few texts.
@functools.lru_cache(maxsize=256)
def clean(text: str) -> str:
    """One line without control characters, direction tricks and what is invisible.

    >>> clean("a\\u202e b\\n\\tc\\x00")
    'a b c'
    """
    return visible.dropped(text)


def _clean_span(text: str) -> str:
    """As ``clean``, but a space at either end stays: the span is inside a sentence."""
    inner = clean(text)
    if not inner:
        return " " if text and text.isspace() else ""
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() else ""
    return f"{before}{inner}{after}"


def size(text: str) -> int:
    """Length in UTF-16 units: what a JavaScript server counts, never less than what any other does.

    >>> size("día"), size("📰")
    (3, 2)
    """
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """At most ``limit`` long, ended between words and with an ellipsis where it was cut.

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
    # Not inside a letter with its accents, nor inside a joined emoji.
    while end and (unicodedata.combining(text[end]) or text[end] == "\u200d" or text[end - 1] == "\u200d"):
        end -= 1
    kept = text[:end]
    if not text[end].isspace():
        head, space, _ = kept.rpartition(" ")
        # A run without spaces (Chinese, an address) is cut where it must be.
        kept = head if space and len(head) > end // 2 else kept
    return kept.rstrip(" ,;:–—-") + _ELLIPSIS


def safe_link(url: str) -> str | None:
    """The address if it may be linked: http or https, whole, without characters that a markup would read."""
    address = url.strip()
    # The first two are true of whatever the third, which takes long, looks for.
    if (not address.isprintable() or " " in address) and any(
        char.isspace() or unicodedata.category(char) in ("Cc", "Cs", "Cf") for char in address
    ):
        return None
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host or len(address) > _LONGEST_LINK:
        return None
    # A user part hides the host: https://bank.example@evil.example/
    if "@" in parts.netloc:
        return None
    try:
        # Letters that look like others show as what they are: xn--…
        netloc = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return quote(parts._replace(netloc=netloc).geturl(), safe="!#$%&'()*+,/:;=?@[]~-._")


def by_links(text: str, words: Callable[[str], str], link: Callable[[str], str] = str) -> str:
    """``words`` for all but the addresses, which must lead where they led; ``link`` for those.

    >>> by_links("a_b https://x.example/a_b", str.upper)
    'A_B https://x.example/a_b'
    """
    parts = _LINK.split(text)
    return "".join(link(part) if place % 2 else words(part) for place, part in enumerate(parts))


def label_for(text: str, url: str) -> str:
    """Return a link's label: one that shows another host is followed by the true host.

    >>> label_for("bank.example", "https://evil.example/x"), label_for("Dawn", "https://www.dawn.com/x")
    ('bank.example (evil.example)', 'Dawn')
    >>> label_for("www.dawn.com/news", "https://awn.co/x"), label_for("epaper.dawn.com", "https://www.dawn.com/x")
    ('www.dawn.com/news (awn.co)', 'epaper.dawn.com')
    """
    label = clean(text)
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    if not label:
        return host
    return label if all(_are_one_site(shown, host) for shown in _hosts_in(label)) else f"{label} ({host})"


def _hosts_in(label: str) -> Iterator[str]:
    """Yield what readers take for a host, also where its letters or dots only look like those of one."""
    for word in _BETWEEN_HOSTS.split(unicodedata.normalize("NFKC", label).translate(_DOTS).casefold()):
        if _ADDRESS.search(word):
            shown = word.strip(".-").removeprefix("www.")
            try:
                yield shown if shown.isascii() else shown.encode("idna").decode("ascii")
            except UnicodeError:
                yield shown


def _are_one_site(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def marked(spans: Iterable[model.Span], limit: int) -> tuple[model.Span, ...]:
    """Clean spans, together at most ``limit`` long."""
    kept: list[model.Span] = []
    room = limit
    for span in spans:
        text = _clean_span(span.text)
        if kept and kept[-1].text.endswith(" "):
            text = text.lstrip()
        if not text:
            continue
        if size(text) > room:
            rest = cut(text, room)
            if rest:
                kept.append(model.Span(text=rest, is_marked=span.is_marked))
            break
        kept.append(model.Span(text=text, is_marked=span.is_marked))
        room -= size(text)
    return tuple(kept)


def name(text: str) -> str:
    """An outlet or a label, short enough for one line."""
    return cut(clean(text[: 8 * LONGEST_NAME]), LONGEST_NAME)


def headline(brief: model.StoryBrief, limit: int) -> str:
    """The story's headline in at most ``limit`` units; a placeholder where it has none."""
    return cut(clean(brief.title.text), limit) or "(no headline)"


def outlets(brief: model.StoryBrief) -> str:
    """How many independent outlets carry it, and how many copies there are."""
    own = model.counted(max(brief.owner_count, 1), "outlet")
    return f"{own} and {copies(brief)}" if brief.copy_count else own


def copies(brief: model.StoryBrief) -> str:
    """How many syndicated copies there are."""
    return model.counted(brief.copy_count, "copy")


def carriers(line: model.CoverageLine) -> str:
    """Who has this headline: “The Wire and 3 more with this headline”."""
    more = f" and {line.more:,} more with this headline" if line.more else ""
    return f"{name(line.outlet) or 'unnamed'}{more}"


#: Behind the headline of an article that joined its story with less than full certainty.
PROBABLY = "probably the same event"
#: Stands before the headline of the story that this one may be part of.
PERHAPS_PART_OF = "May be part of:"


def day_and_time(when: datetime, zone: tzinfo = UTC) -> str:
    """A time in ``zone`` with the zone's name.

    >>> from zoneinfo import ZoneInfo
    >>> noon = datetime(2015, 12, 2, 12, tzinfo=UTC)
    >>> day_and_time(noon), day_and_time(noon, ZoneInfo("Asia/Karachi")), day_and_time(noon, ZoneInfo("Asia/Dubai"))
    ('2 Dec 12:00 UTC', '2 Dec 17:00 PKT', '2 Dec 16:00 UTC+04')
    """
    local = when.astimezone(zone)
    name = local.tzname() or ""
    return f"{local.day} {local:%b %H:%M} {'UTC' if name[:1] in '+-' else ''}{name}"


def severity_and_rule(why: model.Why) -> str:
    """The severity and the rule's name, as in "High · BlackBerry"."""
    return f"{str(why.severity).capitalize()} · {cut(clean(why.rule), 150)}"


def evidence(why: model.Why, limit: int) -> str:
    """“product → BlackBerry (title) · regulator → PTA (body)”: each line of the rule, and the words it fired on."""
    lines: dict[str, dict[str, str]] = {}
    fields: dict[str, dict[str, None]] = {}
    # Each takes room: what is past the limit need not be read.
    for found in why.evidence[:limit]:
        label = name(found.label)
        words = lines.setdefault(label, {})
        words.setdefault(name(found.text).casefold(), name(found.text))
        fields.setdefault(label, {})[found.field] = None
    return cut(" · ".join(_line(label, list(words.values()), fields[label]) for label, words in lines.items()), limit)


def _line(label: str, words: Sequence[str], fields: Iterable[str]) -> str:
    shown = ", ".join(words[:_WORDS_A_LINE])
    more = f" +{len(words) - _WORDS_A_LINE}" if len(words) > _WORDS_A_LINE else ""
    where = ", ".join(sorted(fields, key=lambda field: (field != "title", field)))
    if len(words) == 1 and label.casefold() == words[0].casefold():
        return f"{shown} ({where})"
    return f"{label} → {shown}{more} ({where})"


def head_of_reply(message: model.Message) -> str:
    """Our own words over a reply."""
    if message.lead:
        return message.lead
    return HEADS.get(message.reason, "Update") if message.reason else "Update"


def fact(told: model.Fact, limit: int) -> str:
    """“deadline: 30 November → 30 December”."""
    before = f"{cut(clean(told.before), limit // 3)} → " if told.before else ""
    label = f"{name(told.heading)}: " if told.heading else ""
    return cut(f"{label}{before}{clean(told.after)}", limit)


def is_said_by_its_sentence(told: model.Fact) -> bool:
    """The sentence shown with it says little more: “NTC orders Acme to close” for “orders Acme to close”."""
    return told.kind == "decision" and 3 * len(told.after) >= 2 * len(told.sentence)


def sentences(facts: Iterable[model.Fact]) -> list[model.Fact]:
    """One fact for each sentence, so that none is quoted twice: of equals the first, not what another quotes too."""
    found: dict[str, model.Fact] = {}
    for each in facts:
        if said := clean(each.sentence):
            found.setdefault(said, each)
    return [each for said, each in found.items() if not any(said in other != said for other in found)]


def shows_outlets(message: model.Message) -> bool:
    """A reply that has no news of its own, except for a sentence, lists who carries the story."""
    is_told = any(not fact.is_sentence for fact in message.facts) or bool(message.edits)
    has_own_lines = {model.Reason.SECOND_RULE, model.Reason.NEW_FACT, model.Reason.ADDED_OUTLET}
    return not is_told and message.reason not in has_own_lines


def quoted(sentence: model.Sentence, limit: int) -> tuple[model.Span, ...]:
    """The sentence in at most ``limit`` units, its matched words marked."""
    return marked(sentence.spans, limit)
