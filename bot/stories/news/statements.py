"""An article as statements: its headline and sentences, with numbers in digits and what tells old from new.

Kept by article, since each joining article is compared with all that came before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from text_to_num import alpha2digit

from bot import model
from bot.language import mastheads, sentences, tokens, words

#: Sentences read of one article; a longer one is a live page or a document.
_READ = 120
#: Languages in which text2num reads number words.
_NUMBER_LANGUAGES = frozenset({"en", "fr", "es", "pt", "de", "nl", "it"})

_SMALL_WORDS = frozenset(
    "a about after all also an and any are as at be been before but by can could did do for "
    "from had has have he her his "
    "how if in into is it its may more most no not now of on one or other our out over said "
    "says she should since so some "
    "than that the their them then there these they this those to two under until up was we were what when which while "
    "who will with would you".split()
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A headline (order 0) or a sentence."""

    text: str
    #: Normalised, as written.
    normal: str
    #: Normalised, number words in digits.
    plain: str
    order: int
    stems: frozenset[str]
    #: Whole and the article's own: fit to be shown.
    is_fit: bool
    #: The day of the article that makes it.
    day: date
    #: «en», «ur».
    language: str = "en"

    @property
    def is_prominent(self) -> bool:
        """The headline or one of the first sentences: what the article is about."""
        return self.order <= 4


@lru_cache(maxsize=256)
def statements(article: model.Article) -> tuple[Statement, ...]:
    """The headline, then the sentences, furniture left out."""
    language = (article.language or "en").split("-")[0].split("_")[0].lower()
    day = article.when.date()
    title = article.title[: sentences.LONGEST]
    # «Fire kills two - Channel 5 News» counts two.
    read = mastheads.without(title, outlet=article.outlet, link=article.link)
    found = [_statement(title, 0, language, day, read=read)] if title.strip() else []
    for span in sentences.split(article.text, article.language)[:_READ]:
        own = span.text[sentences.dateline_length(span.text) :]
        if len(own) <= sentences.LONGEST and not sentences.is_boilerplate(own):
            found.append(
                _statement(own, len(found) if found and found[0].order == 0 else len(found) + 1, language, day)
            )
    return tuple(found)


def _statement(raw: str, order: int, language: str, day: date, *, read: str | None = None) -> Statement:
    """``read``: what of it is read, where that is less than all."""
    shown = " ".join(raw.split())
    normal = tokens.normalise(shown if read is None else " ".join(read.split()))
    plain = in_digits(normal, language)
    return Statement(
        text=shown,
        normal=normal,
        plain=plain,
        order=order,
        stems=frozenset(token.stem for token in words.tokens(plain) if token.stem not in _SMALL_WORDS),
        is_fit=order > 0 and sentences.fault(raw) is None,
        day=day,
        language=language,
    )


def in_digits(plain: str, language: str) -> str:
    """Number words as digits: «five thousand» → «5000», «1.5 million» → «1500000», «over 2 200» → «over 2200»."""
    plain = _SPACED.sub(r"\1\2", plain)
    if language in _NUMBER_LANGUAGES and plain.strip():
        plain = _MANY.sub("many", _HALF.sub("500000 ", plain)) if language == "en" else plain
        plain = alpha2digit(plain, language, threshold=1.0)
    return _SCALED.sub(_product, _AND_A_HALF.sub(r"\1.5", plain))


#: Thousands parted by a space: told from two numbers by the word before, or by a space that does not break.
_SPACED = re.compile(
    r"(\b(?:over|than|least|about|around|nearly|almost|some) \d{1,3}) (\d{3})(?![\w.,])", re.IGNORECASE
)
_AND_A_HALF = re.compile(r"(\b\d+) and a half\b", re.IGNORECASE)
_HALF = re.compile(r"\bhalf a million\b ?", re.IGNORECASE)
#: «hundreds of thousands» is no number; text2num reads one.
_MANY = re.compile(
    r"\b(?:tens|dozens|scores|hundreds|thousands|millions|billions)(?: of (?:thousands|millions|billions))*\b",
    re.IGNORECASE,
)
_SCALES = {
    "1000": 3,
    "1000000": 6,
    "1000000000": 9,
    "thousand": 3,
    "million": 6,
    "mn": 6,
    "mln": 6,
    "m": 6,
    "billion": 9,
    "bn": 9,
    "trillion": 12,
    "tn": 12,
    "k": 3,
    "lakh": 5,
    "lakhs": 5,
    "lac": 5,
    "crore": 7,
    "crores": 7,
    "cr": 7,
    "millionen": 6,
    "mio": 6,
    "millions": 6,
    "milliard": 9,
    "milliards": 9,
    "milliarden": 9,
    "millones": 6,
    "milhões": 6,
    "milioni": 6,
    "miljoen": 6,
    "miljard": 9,
    "billions": 9,
}
_SCALED = re.compile(
    r"(?<![\w.,])((?:[$£€¥₹]|Rs\.?\s?)?)(\d+(?:[.,]\d+)*)(?:\s+|(?=[a-zA-Z])|-)("
    + "|".join(sorted(_SCALES, key=len, reverse=True))
    + r")\b(?!\.\w)"
)


def _product(found: re.Match[str]) -> str:
    number, scale = found.group(2), _SCALES[found.group(3)]
    # «3,5 Mio.» and «1.5 million»: one mark before a scale is a decimal mark, but for 1,500 million.
    whole = (
        number.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number) else number.replace(",", ".")
    )
    if whole.count(".") > 1 or len(whole) > 12:
        return found.group()
    return f"{found.group(1)}{round(float(whole) * 10**scale)}"
