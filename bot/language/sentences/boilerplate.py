"""Tell what is in an article's text and is not the article: cookie banners, bylines, captions, calls to share.

The forms are data: boilerplate.txt.
"""

from __future__ import annotations

import re
from importlib import resources


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
