"""Numbers that count nothing: ages, house numbers, phone numbers, channels, flights.

Reads what stands before and after a number; a number that is left over is of something.
"""

from __future__ import annotations

import re

#: Nobody is older.
_OLDEST = 120
#: «Khan, 25, …», «Khan, 25.», «Ross, 24 and Brandt, 23»; «a boy, 9, …».
_AFTER_NAME, _AFTER_PERSON = re.compile(r"[A-Z][\w.]{0,30},\s*+$"), re.compile(r"\w,\s*$")
_ENDS = re.compile(r"\s*(?:[,.;)–—]|-\s|$|(?:and|of|from|both)\b)")
_CLOSES = re.compile(r"\s*(?:,(?!\d)|[.;)–—]|-\s|$)")
#: «died at 91», «dead at the age of 84», «aged between 5 and 9», «ages 10, 8 and 4».
_DIED_AT = re.compile(r"\b(?:dies|died|die|dead|killed|death)\s+(?:at|aged?)\s+$", re.IGNORECASE)
_AGED = re.compile(
    r"\b(?:aged?|ages|age of|aged between|older than|younger than)\s+(?:\d+\s*(?:,|and|to|or)\s*)*$", re.IGNORECASE
)
#: «was 27 when …», «she was 36.», «both 22»; a toll is no person.
_WAS = re.compile(r"\b(?:was|turned|turns|both|were all|are all)\s+$", re.IGNORECASE)
_WAS_ENDS = re.compile(r"\s*(?:[.,;)–—]|-\s|$|(?:when|at the time|and (?:had|was|lived|worked))\b)")
_COUNTED = re.compile(r"\b(?:toll|number|total|count|tally|figure|score)\b", re.IGNORECASE)
#: «the 2500 block of Neva Avenue», «115 Turner Street», «305 E. Main St.»
_ADDRESS = re.compile(
    r"\s++block\b|\s++(?:[NSEW]\.?\s++)?(?:[A-Z][\w.'’]++\s++){1,3}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Place|Court|Circle|Way|Parkway|Square)\b"
)
#: «Channel 5», «FOX 8», «KTUL 8».
_STATION = re.compile(r"(?:\b(?:News|FOX|CBS|NBC|ABC|BBC|[WK][A-Z]{2,3})|Channel)\s*$")
#: «at (212) 555 0100», «call 555»; 911 is the number that everybody called.
_PHONE = re.compile(r"\(\d{3}\)\s*$|\b(?:call|phone|dial|tel\.?)\s+$", re.IGNORECASE)


def is_label(number: str, before: str, after: str) -> bool:
    """The number names or describes something and counts nothing.

    >>> is_label("18", "The gunman shot Tom Brandt, ", "."), is_label("18", "The gunman shot ", " guests.")
    (True, False)
    """
    if re.fullmatch(r"\d{1,3}", number) and int(number) <= _OLDEST and _is_age(before, after):
        return True
    return number == "911" or bool(_ADDRESS.match(after) or _PHONE.search(before) or _STATION.search(before))


def _is_age(before: str, after: str) -> bool:
    if _DIED_AT.search(before) or _AGED.search(before):
        return True
    if (_AFTER_NAME.search(before) and _ENDS.match(after)) or (_AFTER_PERSON.search(before) and _CLOSES.match(after)):
        return True
    return bool(_WAS.search(before) and _WAS_ENDS.match(after) and not _COUNTED.search(before[-60:]))
