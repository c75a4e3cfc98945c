"""Split text into sentences, and find those that are incomplete or belong to the page, not to the article."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib import resources
from itertools import pairwise, takewhile, zip_longest

import msgspec
import sentencex

from bot.patterns import LazyPattern
from bot.text import extensions

#: Letters of scripts without spaces between words: Thai, Lao, Burmese, Khmer, Kana and Han.
UNSPACED = LazyPattern(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
#: Default language for sentencex, which in any language ends sentences at the punctuation of every script.
_DEFAULT_LANGUAGE = "en"

#: Spaces to replace, because sentencex 1.0 panics at a non-breaking space between a capital letter and a full stop.
_WIDE_BLANK = LazyPattern(r"[^\S\x00-\x7f]")
#: Maximum characters per call, because sentencex pairs quotation marks in quadratic time.
_MOST_AT_ONCE = 2_000

_BLANK_LINE = LazyPattern(r"\n[^\S\n]*\n\s*")
#: Characters that may follow the final punctuation of a sentence.
_CLOSERS = "\"'”’»›)]}」』）】"
_ENDS = LazyPattern(rf"[.!?…。．！？｡।॥۔؟։။፧።៕՞][{re.escape(_CLOSERS)}\s]*$")

# Positions where sentencex ends a sentence too early: "M. Dupont", "30 nov. 2015", "5 p.m. Tuesday".
_TITLE_END = LazyPattern(
    r"(?:^|[\s(“\"«])(?:[^\W\d_]|Mr|Mrs|Ms|Dr|St|Sr|Sra|Hr|Fr|Mme|Mlle|vs|Gen|Sen|Rep|Gov|Lt|Col|Capt|Prof)\.\s*$"
)
_BEFORE_NUMBER_END = LazyPattern(
    r"\b(?:No|Nr|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Okt|Nov|Dec|Dez|janv|févr|avr|juil|déc|ene|abr|ago|dic)\.\s*$",
    re.IGNORECASE,
)
_HOUR_END = LazyPattern(r"\b[ap]\.\s?m\.\s*$")
_BEHIND_HOUR = LazyPattern(
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?:January|February|March|April|May|June|July|August|September|October"
    r"|November|December)\b|(?:[A-Z]{1,4}[DS]T|[ACEMPW]E?T|GMT|UTC)\b"
)
_QUOTED_END = LazyPattern(r"[」』][\s]*$")


class SentenceSpan(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence and its position in a text, without white space around it."""

    start: int
    end: int
    text: str
    #: Number of the paragraph, from 0.
    paragraph: int


def split(text: str, language: str | None = None) -> tuple[SentenceSpan, ...]:
    """Return the sentences of a text in order. A blank line always ends a sentence.

    >>> [span.text for span in split("Mr. Khan left at 5 p.m. Tuesday. Why?")]
    ['Mr. Khan left at 5 p.m. Tuesday.', 'Why?']
    """
    spans = []
    for number, (start, end) in enumerate(_paragraphs(text)):
        for first, last in _cut(text[start:end], language):
            piece = text[start + first : start + last]
            lead = len(piece) - len(piece.lstrip())
            piece = piece.strip()
            if piece:
                begin = start + first + lead
                spans.append(SentenceSpan(start=begin, end=begin + len(piece), text=piece, paragraph=number))
    return tuple(spans)


#: Maximum characters of a text in which its lead is searched.
_LEAD_CHARACTERS = 2_000


def lead_length(text: str, language: str | None = None) -> int:
    """Return the length of the text up to the end of its second sentence. Short sentences and bylines do not count.

    A text whose first 2,000 characters have fewer than two sentences is cut there, between two words.

    >>> text = "By Ayesha Khan\\n\\nBlackBerry will leave Pakistan over a law. It says why in this letter. Others stay."
    >>> text[: lead_length(text)][-27:]
    'It says why in this letter.'
    """
    opening = text
    if len(text) > _LEAD_CHARACTERS:
        space = text.rfind(" ", 0, _LEAD_CHARACTERS + 1)
        opening = text[: space if space > 0 else _LEAD_CHARACTERS]
    counted = [span for span in split(opening, language) if not _is_short(span.text) and not is_boilerplate(span.text)]
    return counted[1].end if len(counted) > 1 else len(opening)


def ends_a_sentence(text: str) -> bool:
    """Return whether the text ends with punctuation that ends a sentence in some script."""
    return bool(_ENDS.search(text))


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each paragraph. Blank lines or line ends separate paragraphs."""
    start = 0
    for gap in [*_BLANK_LINE.finditer(text), None]:
        end = gap.start() if gap else len(text)
        yield from _lines(text, start, end)
        start = gap.end() if gap else end


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield each line as a paragraph. Join a line that begins in lower case to the previous."""
    lines = text[start:end].split("\n")
    at = first = start
    for line, following in zip_longest(lines, lines[1:], fillvalue=""):
        at += len(line) + 1
        if not following.lstrip()[:1].islower() or not line.strip():
            if text[first : at - 1].strip():
                yield first, at - 1
            first = at
    if first < end and text[first:end].strip():
        yield first, end


def _cut(paragraph: str, language: str | None) -> list[tuple[int, int]]:
    """Return start and end of each sentence in a paragraph. Correct the errors of sentencex."""
    primary = re.split(r"[-_]", language or "", maxsplit=1)[0].lower() or _DEFAULT_LANGUAGE
    ends = {0, len(paragraph)}
    for start, end in _windows(paragraph):
        window = paragraph[start:end]
        boundaries: Sequence[Mapping[str, int]] = extensions.call(
            sentencex.get_sentence_boundaries, [], primary, _WIDE_BLANK.sub(" ", window)
        )
        ends.update(start + int(boundary["end_index"]) for boundary in boundaries)
    cuts = sorted(ends)
    places: list[tuple[int, int]] = []
    for first, last in pairwise(cuts):
        # 40 characters are enough to decide. More would be slow if every end is wrong.
        if places and _runs_on(paragraph[max(places[-1][0], first - 40) : first], paragraph[first : first + 40]):
            places[-1] = (places[-1][0], last)
        else:
            places.append((first, last))
    return places


def _windows(paragraph: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of parts of the paragraph, which is split after a sentence or word if it is very long."""
    start = 0
    while len(paragraph) - start > _MOST_AT_ONCE:
        middle, last = start + _MOST_AT_ONCE // 2, start + _MOST_AT_ONCE
        stop = max(paragraph.rfind(mark, middle, last) for mark in (". ", "? ", "! "))
        end = stop + 2 if stop >= 0 else paragraph.rfind(" ", middle, last) + 1 or last
        yield start, end
        start = end
    yield start, len(paragraph)


def _runs_on(left: str, right: str) -> bool:
    """Return whether the sentence continues after ``left``, so that sentencex has ended it too early."""
    right = right.lstrip()
    if not right or not left.strip():
        return True
    if right[0].islower() or right[0] in "”’»›)]}」』）】" or _QUOTED_END.search(left):
        return True
    if right[0].isdigit() and _BEFORE_NUMBER_END.search(left):
        return True
    if _BEHIND_HOUR.match(right) and _HOUR_END.search(left):
        return True
    return bool(_TITLE_END.search(left))


@cache
def _boilerplate() -> tuple[tuple[str, ...], re.Pattern[str], re.Pattern[str]]:
    """Return the words that hint at boilerplate, and the patterns for the start and for the inside of a sentence."""
    text = resources.files(__package__).joinpath("boilerplate.txt").read_text("utf-8")
    signs, *forms = [line for line in text.splitlines() if line and not line.startswith("#")]
    opening = [form for form in forms if form.startswith("^")]
    inside = [form for form in forms if not form.startswith("^")]
    return tuple(signs.removeprefix("signs: ").split("|")), re.compile("|".join(opening)), re.compile("|".join(inside))


#: Bylines: "By Ayesha Khan, Staff Reporter". Requires capitals, which exclude "By Monday the deadline had passed".
_BYLINE = LazyPattern(r"^\W*(?:By|Von|Par|Por|Di|Door) (?:[A-Z][\w.'-]+ ?){2,4}(?:,|\||$|and [A-Z])")
_BYLINE_ROLE = LazyPattern(
    r"(?i:\b(?:reporter|correspondent|editor|desk|staff|writer|bureau|news)\b)|\d{4}|^\W*+\S++(?: \S++){1,4}+$"
)

_PLACE, _CAPITALS = r"[A-Z][\w .,/’'-]{1,60}?", r"(?:[A-Z]{3}|(?:ST|FT|EL|LA)[. ] ?[A-Z])[A-Z .,/’'-]{0,60}"
_DAY = r"(?:[A-Z][a-z]{2,8}\.?\s{1,4}\d{1,2}|\d{1,2}\s{1,4}[A-Z][a-z]{2,8}\.?)(?:,?\s{1,4}\d{4})?"
#: Datelines: "London, Dec 2 (Reuters) -", "WATERLOO, Ontario —".
_DATELINE = LazyPattern(
    r"(?:"
    # After a day or a place in capitals, any agency: "LIMA, Jan 12 (Globe Agency) -", "LIMA--(GLOBE WIRE)--".
    rf"(?:{_PLACE}[,:]? )?{_DAY} ?(?:\([^()]{{2,40}}\)|/[^/()]{{2,30}}/)"
    rf"|{_CAPITALS}(?:,\s{{0,4}}[A-Z][\w. ]{{1,20}})? ?\([^()]{{2,40}}\)"
    # After another place, a well-known agency, or a name that looks like an agency.
    rf"|(?:{_PLACE})?\((?:AP|AFP|Reuters|REUTERS|ANI|IANS|PTI|UPI|dpa|EFE|ANSA|Xinhua|CNN|TASS|Bloomberg|Kyodo|Yonhap"
    r"|[A-Z]{2,8}|[A-Z][^()]{0,25}\b(?:Wire|Newswire|News|Agency|Press|Presse|Agence|Service))\)(?: [A-Z]{3,20})?"
    rf"|{_CAPITALS}(?:,\s{{0,4}}[A-Z][\w. ]{{1,20}})?(?:,\s{{0,4}}{_DAY})?"
    r")\s{0,4}(?:(?:[-–—]{1,2}|:)\s+|--(?=[A-Z]))(?![a-z])"
)


def is_boilerplate(sentence: str) -> bool:
    """Return whether the sentence belongs to the page, not to the article."""
    plain = " ".join(sentence.replace("’", "'").split())
    low = plain.lower()
    signs, opening, inside = _boilerplate()
    if opening.match(low) or (any(map(low.__contains__, signs)) and inside.search(low)):
        return True
    return bool(_BYLINE.match(plain)) and bool(_BYLINE_ROLE.search(plain)) and len(plain) < 160


def dateline_length(sentence: str) -> int:
    """Return the length of the dateline ("LAHORE, Dec 2 (Reuters) - "), or 0."""
    match = _DATELINE.match(sentence)
    return match.end() if match else 0


class Fault(StrEnum):
    """Reason not to show a sentence."""

    CUT = "cut off"
    HEADLESS = "its beginning is missing"
    TORN_QUOTE = "a quote or bracket opens or closes outside it"
    TOO_SHORT = "too short to say anything"
    TOO_LONG = "a block of text, not a sentence"
    BOILERPLATE = "not the article's own words"


#: Maximum characters of a sentence. Patterns are not tried on more, because an attack could make them slow.
LONGEST = 1200
#: Minimum words of a sentence. Fewer words are a label, a caption or a reply.
_FEWEST_WORDS = 5
#: Minimum letters of a sentence in a script without spaces.
_FEWEST_LETTERS_UNSPACED = 8

_DANGLING = LazyPattern(
    r"^[\"“‘'«]?(?:he|she|it|they|this|that|these|those|his|her|its|their|but|and|however|also|meanwhile|so|yet|or|then|"
    r"earlier|later|here|there|such|another|both|while\s+this|er|sie|es|il|elle|ils|aber|und|mais|et|pero|y|ma)\b",
    re.IGNORECASE,
)
_CUT_END = LazyPattern(
    r"(?:…|(?<!\.)\.\.++|\[[^\]]{0,12}\]|\((?:more|continued|cont)\.?\)|[:;,–—-])[\s\"'”’»)\]]*+$", re.IGNORECASE
)
#: Parts of a list, table, footnote or running head: "* Click", "Pos. | Name", "[2] Smith", "… 10 p.m.".
_NOT_PROSE = LazyPattern(r"^[*•·|>#►▶–—-]\s|\s\|\s|^\[\d+\]|:\s*\d{1,2}(?::\d\d)?\s*[ap]\.?m\.$|https?://\S+$")
_CUT_START = LazyPattern(r"^[\"'“‘«(\[]*(?:…|\.\.+|\[(?:…|\.\.+)\]|[,;:.!?)\]}–—-])")
_PAIRS = (("“", "”"), ("«", "»"), ("„", "“"), ("(", ")"), ("[", "]"), ("「", "」"), ("『", "』"))
_WORD = LazyPattern(r"[^\W_]+(?:['’.,-][^\W_]+)*")


def fault(sentence: str) -> Fault | None:
    """Return the first reason not to show a sentence, or None.

    >>> fault("The regulator moved the deadline to 30 December.")
    >>> fault("The regulator moved the deadline to…")
    <Fault.CUT: 'cut off'>
    """
    if len(sentence) > LONGEST:
        return Fault.TOO_LONG
    if _is_cut(sentence):
        return Fault.CUT
    if _CUT_START.search(sentence) or _starts_small(sentence):
        return Fault.HEADLESS
    if not is_balanced(sentence):
        return Fault.TORN_QUOTE
    if _is_short(sentence):
        return Fault.TOO_SHORT
    if _NOT_PROSE.search(sentence) or is_boilerplate(sentence):
        return Fault.BOILERPLATE
    return None


def is_cut_title(title: str) -> bool:
    """Return whether a headline is cut off ("BlackBerry to leave Pakistan after…")."""
    return title.rstrip().endswith(("…", "...", "[…]"))


def is_question(sentence: str) -> bool:
    """Return whether the sentence ends in a question mark, inside or outside a quotation."""
    return sentence.rstrip("\"'”’»").endswith(("?", "？", "؟"))


def is_dangling(sentence: str) -> bool:
    """Return whether the sentence opens with a reference to the previous one ("He", "These", "However")."""
    return _DANGLING.match(sentence) is not None


def is_balanced(sentence: str) -> bool:
    """Return whether every quote and bracket that opens in the sentence also closes in it."""
    if sentence.count('"') % 2:
        return False
    for opening, closing in _PAIRS:
        if opening == "„":
            continue
        opened = sentence.count(opening) - (sentence.count("„") if opening == "“" else 0)
        closed = sentence.count(closing)
        if opening == "“" and "„" in sentence:
            # German quotes („…“) close with the character that opens English quotes.
            return sentence.count("„") == sentence.count("“") + closed
        if opened != closed:
            return False
    return True


def _is_cut(sentence: str) -> bool:
    if _CUT_END.search(sentence):
        return True
    # Thai, Lao and Khmer end sentences with a space, so a missing full stop means nothing.
    return not ends_a_sentence(sentence) and not re.search(r"[\u0e00-\u0eff\u1780-\u17ff]", sentence[-1:])


def _starts_small(sentence: str) -> bool:
    """Return whether the first word is in lower case. iPhone, eBay and 5G are not."""
    first = _WORD.search(sentence)
    return first is not None and first.group().islower() and first.start() <= 2


def _is_short(sentence: str) -> bool:
    if len(UNSPACED.findall(sentence)) >= _FEWEST_LETTERS_UNSPACED:
        return False
    return len(_WORD.findall(sentence)) < _FEWEST_WORDS


#: Every invitation to subscribe contains one of these words. Texts without them are skipped, because checking the
#: sentences of all texts would halve the speed of grouping.
_INVITATION_SIGNS = (
    "subscribe",
    "follow us",
    "follow @",
    "find us",
    "sign up",
    "newsletter",
    "http",
    "abon",
    "suscr",
    "suivez",
    "inscr",
    "iscriviti",
    "подпи",
    "اشترك",
    "تابعون",
    "订阅",
    "訂閱",
    "チャンネル",
    "구독",
    "करें",
    "کریں",
)
#: Maximum words of a footer: a last paragraph with at least one sentence of boilerplate.
_FOOTER_WORDS = 25
#: A web address or a line of hashtags.
_ADDRESS = LazyPattern(r"https?://\S+|^[^\w\n#]*+(?:#++\w++[^\S\n]*+)++$", re.MULTILINE)


def own_words(text: str, language: str | None = None) -> str:
    """Return the text without invitations to subscribe, addresses and lines of hashtags.

    >>> own_words("The tanker left.\\n\\nSubscribe to our channel: https://go.example/tube")
    'The tanker left.'
    """
    low = text.lower()
    if not any(sign in low for sign in _INVITATION_SIGNS):
        return text
    kept, at = [], 0
    for span in split(text, language):
        if is_boilerplate(span.text):
            kept.append(text[at : span.start])
            at = span.end
    return _ADDRESS.sub(" ", "".join((*kept, text[at:]))).strip()


def without_footer(spans: Sequence[SentenceSpan]) -> Sequence[SentenceSpan]:
    """Drop the last paragraph if it is the outlet's footer ("Donate. We rely on you.")."""
    last = [*takewhile(lambda span: span.paragraph == spans[-1].paragraph, reversed(spans))]
    if len(last) == len(spans) or sum(len(span.text.split()) for span in last) > _FOOTER_WORDS:
        return spans
    return spans[: -len(last)] if any(is_boilerplate(span.text) for span in last) else spans
