"""Is a sentence fit to be shown: whole, and the article's own words rather than its page's furniture?

Judges one sentence by itself; which of the fit ones are shown is for others to choose.
"""

from __future__ import annotations

import re
from enum import StrEnum

from bot.language.sentences import boilerplate
from bot.language.sentences.splitting import UNSPACED, ends_a_sentence


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
    if _NOT_PROSE.search(sentence) or boilerplate.is_boilerplate(sentence):
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
