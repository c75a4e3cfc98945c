"""Numbers of an article in one form: 20 mln, £20m and 20 million are one figure, 14,000 and 14.000 too.

Coarse and fast, for grouping: a figure read wrongly costs a little weight. What a figure counts is read in facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bot.text.words import Word

_SCALES = {
    word: scale
    for scale, names in (
        (1e3, "k thousand tausend mille mil bin duizend हजार"),
        (1e5, "lakh लाख"),
        (1e6, "m mn mln mio million millionen millone millón milhõe milhão milioni miljoen milyon ملین مليون миллион"),
        (1e7, "crore करोड़"),
        (1e9, "b bn billion mrd milliard milliarde milliarden miljard milyar mld ارب مليار миллиард"),
    )
    for word in names.split()
}
_THOUSANDS = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*$")
#: Years say nothing of an event.
YEARS = range(1980, 2040)
#: Days of a month, hours and small counts are in every text.
SMALL = 31


def value(text: str) -> float:
    """The number as written: 14,000, 14.000, 3.5 or 3,5."""
    if _THOUSANDS.match(text):
        return float(re.sub("[.,]", "", text))
    whole, _, part = text.replace(",", ".").rpartition(".")
    try:
        return float(f"{whole.replace('.', '')}.{part}" if whole else part)
    except ValueError:  # digits of other kinds: ①
        return 0.0


def joined(tokens: Sequence[Word]) -> Iterator[Word]:
    """The tokens, each figure with its scale as one token whose stem is its value."""
    skip = False
    for at, token in enumerate(tokens):
        if skip:
            skip = False
            continue
        if not token.stem[0].isdigit():
            yield token
            continue
        scale = _SCALES.get(tokens[at + 1].stem.rstrip("."), 1.0) if at + 1 < len(tokens) else 1.0
        skip = scale > 1
        yield token._replace(stem=f"{value(token.text) * scale:.12g}")


def tells(stem: str) -> bool:
    """The figure is of an event, no year, day or small count."""
    number = float(stem) if stem[0].isdigit() else 0.0
    return number > SMALL and number not in YEARS
