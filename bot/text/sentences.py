"""Split text into sentences, and decide which are whole and the article's own rather than page furniture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from itertools import pairwise, takewhile, zip_longest

import sentencex

from bot.text import extensions

#: Thai, Lao, Burmese, Khmer, Kana and Han: letters of scripts that run without spaces.
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
#: A language that sentencex knows; it stops at the marks of every script whatever the language.
_DEFAULT_LANGUAGE = "en"

#: sentencex 1.0 panics at one between a capital letter and a full stop: "vitamin B ." with a space that does not break.
_WIDE_BLANK = re.compile(r"[^\S\x00-\x7f]")
#: Characters. sentencex pairs each opening quotation mark with all that follows, in quadratic time.
_MOST_AT_ONCE = 2_000

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
#: What may follow a sentence's last mark.
_CLOSERS = "\"'”’»›)]}」』）】"
_ENDS = re.compile(rf"[.!?…。．！？｡।॥۔؟։။፧።៕՞][{re.escape(_CLOSERS)}\s]*$")
#: Lengths of lines that a program wrapped: all of a paragraph's but the last are about as long.
_WRAPPED = (50, 100)

# Where sentencex stops too early in some language: "M. Dupont", "30 nov. 2015", "5 p.m. Tuesday".
_TITLE_END = re.compile(
    r"(?:^|[\s(“\"«])(?:[^\W\d_]|Mr|Mrs|Ms|Dr|St|Sr|Sra|Hr|Fr|Mme|Mlle|vs|Gen|Sen|Rep|Gov|Lt|Col|Capt|Prof)\.\s*$"
)
_BEFORE_NUMBER_END = re.compile(
    r"\b(?:No|Nr|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Okt|Nov|Dec|Dez|janv|févr|avr|juil|déc|ene|abr|ago|dic)\.\s*$",
    re.IGNORECASE,
)
_HOUR_END = re.compile(r"\b[ap]\.\s?m\.\s*$")
_BEHIND_HOUR = re.compile(
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?:January|February|March|April|May|June|July|August|September|October"
    r"|November|December)\b|(?:[A-Z]{1,4}[DS]T|[ACEMPW]E?T|GMT|UTC)\b"
)
# And where it takes a word for an abbreviation that is none as it is written: "on 13 May. Farmers", "by the SEC. “He".
_WHOLE_WORD_END = re.compile(r"(?:(?<=\bMay\.)|(?<=\b[A-Z]{3}\.))\s++(?=[\"“‘'(]?[A-Z][a-z\s'’])")
_QUOTED_END = re.compile(r"[」』][\s]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceSpan:
    """One sentence's place in a text; ``text[start:end]`` has no blanks around it."""

    start: int
    end: int
    text: str
    #: Counted from 0.
    paragraph: int


def split(text: str, language: str | None = None) -> tuple[SentenceSpan, ...]:
    """The sentences of a text in order; none runs over a blank line.

    >>> [span.text for span in split("Mr. Khan left at 5 p.m. Tuesday. Why?")]
    ['Mr. Khan left at 5 p.m. Tuesday.', 'Why?']
    """
    found = []
    for number, (start, end) in enumerate(_paragraphs(text)):
        for first, last in _cut(text[start:end], language):
            piece = text[start + first : start + last]
            lead = len(piece) - len(piece.lstrip())
            piece = piece.strip()
            if piece:
                begin = start + first + lead
                found.append(SentenceSpan(start=begin, end=begin + len(piece), text=piece, paragraph=number))
    return tuple(found)


def ends_a_sentence(text: str) -> bool:
    """Its last mark is one that ends a sentence in some script."""
    return bool(_ENDS.search(text))


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Places of paragraphs: parted by blank lines, or by a line end."""
    start = 0
    for gap in [*_BLANK_LINE.finditer(text), None]:
        end = gap.start() if gap else len(text)
        yield from _lines(text, start, end)
        start = gap.end() if gap else end


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A line is a separate paragraph, except for wrapped lines and one that goes on in small letters."""
    lines = text[start:end].split("\n")
    is_wrapped = len(lines) > 2 and all(_WRAPPED[0] <= len(line.strip()) <= _WRAPPED[1] for line in lines[:-1])
    at = first = start
    for line, following in zip_longest(lines, lines[1:], fillvalue=""):
        at += len(line) + 1
        goes_on = following.lstrip()[:1].islower() or (is_wrapped and bool(following) and not ends_a_sentence(line))
        if not goes_on or not line.strip():
            if text[first : at - 1].strip():
                yield first, at - 1
            first = at
    if first < end and text[first:end].strip():
        yield first, end


def _cut(paragraph: str, language: str | None) -> list[tuple[int, int]]:
    """Places of sentences in one paragraph, too early stops repaired."""
    primary = re.split(r"[-_]", language or "", maxsplit=1)[0].lower() or _DEFAULT_LANGUAGE
    ends = {0, len(paragraph)}
    for start, end in _windows(paragraph):
        window = paragraph[start:end]
        boundaries: Sequence[Mapping[str, int]] = extensions.call(
            sentencex.get_sentence_boundaries, [], primary, _WIDE_BLANK.sub(" ", window)
        )
        ends.update(start + int(boundary["end_index"]) for boundary in boundaries)
        missed = (stop.end() for stop in _WHOLE_WORD_END.finditer(window))
        ends.update(start + at for at in missed if not _is_in_quote(window[:at]))
    cuts = sorted(ends)
    places: list[tuple[int, int]] = []
    for first, last in pairwise(cuts):
        # The last words before the stop tell; reading more would be slow where every stop is a false one.
        if places and _runs_on(paragraph[max(places[-1][0], first - 40) : first], paragraph[first : first + 40]):
            places[-1] = (places[-1][0], last)
        else:
            places.append((first, last))
    return places


def _is_in_quote(before: str) -> bool:
    return before.count('"') % 2 == 1 or before.count("“") > before.count("”")


def _windows(paragraph: str) -> Iterator[tuple[int, int]]:
    """The paragraph, as it nearly always is; a very long one in parts, each ended behind a sentence or a word."""
    start = 0
    while len(paragraph) - start > _MOST_AT_ONCE:
        middle, last = start + _MOST_AT_ONCE // 2, start + _MOST_AT_ONCE
        stop = max(paragraph.rfind(mark, middle, last) for mark in (". ", "? ", "! "))
        end = stop + 2 if stop >= 0 else paragraph.rfind(" ", middle, last) + 1 or last
        yield start, end
        start = end
    yield start, len(paragraph)


def _runs_on(before: str, after: str) -> bool:
    """The stop between the two ends no sentence."""
    after = after.lstrip()
    if not after or not before.strip():
        return True
    if after[0].islower() or after[0] in "”’»›)]}」』）】" or _QUOTED_END.search(before):
        return True
    if after[0].isdigit() and _BEFORE_NUMBER_END.search(before):
        return True
    if _BEHIND_HOUR.match(after) and _HOUR_END.search(before):
        return True
    return bool(_TITLE_END.search(before))


def _load() -> tuple[tuple[str, ...], re.Pattern[str], re.Pattern[str]]:
    """Return the words that tell of forms inside a sentence, the forms that open one, and those inside."""
    text = resources.files(__package__).joinpath("boilerplate.txt").read_text("utf-8")
    signs, *forms = [line for line in text.splitlines() if line and not line.startswith("#")]
    opening = [form for form in forms if form.startswith("^")]
    inside = [form for form in forms if not form.startswith("^")]
    return tuple(signs.removeprefix("signs: ").split("|")), re.compile("|".join(opening)), re.compile("|".join(inside))


_SIGNS, _OPENING, _INSIDE = _load()
#: "By Ayesha Khan, Staff Reporter": capitals tell a byline from "By Monday the deadline had passed".
_BYLINE = re.compile(r"^\W*(?:By|Von|Par|Por|Di|Door) (?:[A-Z][\w.'-]+ ?){2,4}(?:,|\||$|and [A-Z])")
_BYLINE_ROLE = re.compile(
    r"(?i:\b(?:reporter|correspondent|editor|desk|staff|writer|bureau|news)\b)|\d{4}|^\W*+\S++(?: \S++){1,4}+$"
)

_PLACE, _CAPITALS = r"[A-Z][\w .,/’'-]{1,60}?", r"(?:[A-Z]{3}|(?:ST|FT|EL|LA)[. ] ?[A-Z])[A-Z .,/’'-]{0,60}"
_DAY = r"(?:[A-Z][a-z]{2,8}\.?\s{1,4}\d{1,2}|\d{1,2}\s{1,4}[A-Z][a-z]{2,8}\.?)(?:,?\s{1,4}\d{4})?"
#: "London, Dec 2 (Reuters) -", "WATERLOO, Ontario —": where and whence, before the first sentence.
_DATELINE = re.compile(
    r"(?:"
    # Any agency behind a day, or behind a place in capitals: "LIMA, Jan 12 (Globe Agency) -", "LIMA--(GLOBE WIRE)--".
    rf"(?:{_PLACE}[,:]? )?{_DAY} ?(?:\([^()]{{2,40}}\)|/[^/()]{{2,30}}/)"
    rf"|{_CAPITALS}(?:,\s{{0,4}}[A-Z][\w. ]{{1,20}})? ?\([^()]{{2,40}}\)"
    # Behind a place in small letters, one that is known or named as one.
    rf"|(?:{_PLACE})?\((?:AP|AFP|Reuters|REUTERS|ANI|IANS|PTI|UPI|dpa|EFE|ANSA|Xinhua|CNN|TASS|Bloomberg|Kyodo|Yonhap"
    r"|[A-Z]{2,8}|[A-Z][^()]{0,25}\b(?:Wire|Newswire|News|Agency|Press|Presse|Agence|Service))\)(?: [A-Z]{3,20})?"
    rf"|{_CAPITALS}(?:,\s{{0,4}}[A-Z][\w. ]{{1,20}})?(?:,\s{{0,4}}{_DAY})?"
    r")\s{0,4}(?:(?:[-–—]{1,2}|:)\s+|--(?=[A-Z]))(?![a-z])"
)
#: "NRW — Natural Resources Wales — says": the second of a pair of dashes, which no place and date has behind it.
_SECOND_DASH = re.compile(r"[^.!?;:–—]{1,80}\s[-–—]{1,2}\s[a-z]")


def is_boilerplate(sentence: str) -> bool:
    """Whether the sentence is the page's, not the article's."""
    plain = " ".join(sentence.replace("’", "'").split())
    low = plain.lower()
    if _OPENING.match(low) or (any(map(low.__contains__, _SIGNS)) and _INSIDE.search(low)):
        return True
    return bool(_BYLINE.match(plain)) and bool(_BYLINE_ROLE.search(plain)) and len(plain) < 160


def dateline_length(sentence: str) -> int:
    """Return the length of what is before the sentence proper: "LAHORE, Dec 2 (Reuters) - "; 0 if nothing is."""
    found = _DATELINE.match(sentence)
    if found is None or ("(" not in found[0] and _SECOND_DASH.match(sentence, found.end())):
        return 0
    return found.end()


class Fault(StrEnum):
    """Why a sentence is not shown."""

    CUT = "cut off"
    HEADLESS = "its beginning is missing"
    TORN_QUOTE = "a quote or bracket of it opens or closes elsewhere"
    TOO_SHORT = "too short to say anything"
    TOO_LONG = "no sentence but a block of text"
    BOILERPLATE = "not the article's own words"


#: Characters. Nobody reads a longer one, and patterns are not run over it: text of strangers may be made to slow them.
LONGEST = 1200
#: Words; shorter is a label, a caption or a reply. A headline of a teaser is not a sentence either.
_FEWEST_WORDS = 5
#: Letters, for scripts that part no words.
_FEWEST_LETTERS_UNSPACED = 8

_DANGLING = re.compile(
    r"^[\"“‘'«]?(?:he|she|it|they|this|that|these|those|his|her|its|their|but|and|however|also|meanwhile|so|yet|or|then|"
    r"earlier|later|here|there|such|another|both|while\s+this|er|sie|es|il|elle|ils|aber|und|mais|et|pero|y|ma)\b",
    re.IGNORECASE,
)
_CUT_END = re.compile(
    r"(?:…|(?<!\.)\.\.++|\[[^\]]{0,12}\]|\((?:more|continued|cont)\.?\)|[:;,–—-])[\s\"'”’»)\]]*+$", re.IGNORECASE
)
#: A list, a table, a footnote, a running head: "* Click", "Pos. | Name", "[2] Smith", "… 10 p.m.".
_NOT_PROSE = re.compile(r"^[*•·|>#►▶–—-]\s|\s\|\s|^\[\d+\]|:\s*\d{1,2}(?::\d\d)?\s*[ap]\.?m\.$|https?://\S+$")
_CUT_START = re.compile(r"^[\"'“‘«(\[]*(?:…|\.\.+|\[(?:…|\.\.+)\]|[,;:.!?)\]}–—-])")
_PAIRS = (("“", "”"), ("«", "»"), ("„", "“"), ("(", ")"), ("[", "]"), ("「", "」"), ("『", "』"))
_WORD = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*")


def fault(sentence: str) -> Fault | None:
    """The first reason against showing it; None: fit.

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
    """A feed's headline that ends in the middle: "BlackBerry to leave Pakistan after…"."""
    return title.rstrip().endswith(("…", "...", "[…]"))


def is_question(sentence: str) -> bool:
    """It ends in a question mark, in a quotation or not."""
    return sentence.rstrip("\"'”’»").endswith(("?", "？", "؟"))


def is_dangling(sentence: str) -> bool:
    """It opens with a word that points to the sentence before it: "He", "These", "However"."""
    return _DANGLING.match(sentence) is not None


def is_balanced(sentence: str) -> bool:
    """Every quote and bracket that opens in it also closes in it."""
    if sentence.count('"') % 2:
        return False
    for opening, closing in _PAIRS:
        if opening == "„":
            continue
        opened = sentence.count(opening) - (sentence.count("„") if opening == "“" else 0)
        closed = sentence.count(closing)
        if opening == "“" and "„" in sentence:
            # German: „…“ closes with the mark that opens in English.
            return sentence.count("„") == sentence.count("“") + closed
        if opened != closed:
            return False
    return True


def _is_cut(sentence: str) -> bool:
    if _CUT_END.search(sentence):
        return True
    # Thai, Lao and Khmer end sentences with a space: nothing to see at the end.
    return not ends_a_sentence(sentence) and not re.search(r"[\u0e00-\u0eff\u1780-\u17ff]", sentence[-1:])


def _starts_small(sentence: str) -> bool:
    """A lower-case first word; names like iPhone, eBay and 5G are none."""
    first = _WORD.search(sentence)
    return first is not None and first.group().islower() and first.start() <= 2


def _is_short(sentence: str) -> bool:
    if len(UNSPACED.findall(sentence)) >= _FEWEST_LETTERS_UNSPACED:
        return False
    return len(_WORD.findall(sentence)) < _FEWEST_WORDS


#: A text with none of these invites to nothing: looking at each of its sentences would halve the speed of grouping.
#: "The post … appeared first on …" says the headline again, and ties nothing together.
_SIGNS_OWN_WORDS = (
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
#: Words of a last paragraph that is a footer as a whole where one of its sentences is the outlet's.
_FOOTER_WORDS = 25
#: An address, or a line of hashtags: no words of the news.
_ADDRESS = re.compile(r"https?://\S+|^[^\w\n#]*+(?:#++\w++[^\S\n]*+)++$", re.MULTILINE)


def own_words(text: str, language: str | None = None) -> str:
    """The text as it is, but for the sentences that invite, addresses and lines of hashtags.

    >>> own_words("The tanker left.\\n\\nSubscribe to our channel: https://go.example/tube")
    'The tanker left.'
    """
    low = text.lower()
    if not any(sign in low for sign in _SIGNS_OWN_WORDS):
        return text
    kept, at = [], 0
    for span in split(text, language):
        if is_boilerplate(span.text):
            kept.append(text[at : span.start])
            at = span.end
    return _ADDRESS.sub(" ", "".join((*kept, text[at:]))).strip()


def without_footer(spans: Sequence[SentenceSpan]) -> Sequence[SentenceSpan]:
    """The sentences of a text without its last paragraph where that is the outlet's: "Donate. We rely on you."."""
    last = [*takewhile(lambda span: span.paragraph == spans[-1].paragraph, reversed(spans))]
    if len(last) == len(spans) or sum(len(span.text.split()) for span in last) > _FOOTER_WORDS:
        return spans
    return spans[: -len(last)] if any(is_boilerplate(span.text) for span in last) else spans
