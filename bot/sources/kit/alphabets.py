"""The encoding of Latin letters that nobody says: the one in which they are all of one language's alphabet."""

from __future__ import annotations

import re
from collections import Counter

#: Letters beyond ASCII of the languages that are written in each encoding. The first is the rule, the others need
#: evidence; where two of them read the same letters, the earlier one is meant.
_ALPHABETS = {
    "cp1252": (
        "äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúüªº", "àçéèíïóòúü·", "àáâãçéêíóôõúüªº", "àèéìíòóùúªº", "áéëïíóöüèê",
        "åäöéàü", "æøåéóòôêäöü", "áæéíðóöþúý", "äõöüšž", "çëéè",
    ),
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž"),
    "iso8859-2": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž"),
    "cp1254": ("çğıiöşüâîû",),
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž"),
}  # fmt: skip
#: A symbol in a word, but for those that are written there, and what is no character at all.
_MISPLACED = re.compile(r"(?<=[^\W\d_])[^\w\s!-~’‘·•–—…\u00ad]+(?=[^\W\d_])|(?<=[^\W\d_])[¹³¼½¾]|[\x80-\x9f\ufffd]")
#: So many letters must be right that the rule has wrong, and so many in a hundred of all may be wrong nevertheless.
_LEAST, _WRONG_PERCENT = 3, 10


def encoding(sample: bytes) -> str:
    """The encoding of a text that is not UTF-8: windows-1252 where nothing speaks against it."""
    wrong = {name: _wrong(sample.decode(name, "replace"), name) for name in _ALPHABETS}
    best = min(wrong, key=lambda name: wrong[name])
    size = sum(byte > 0x7F for byte in sample)
    is_certain = wrong["cp1252"] - wrong[best] >= _LEAST and 100 * wrong[best] <= _WRONG_PERCENT * size
    return best if is_certain else "cp1252"


def _wrong(text: str, name: str) -> int:
    """The letters and symbols that no text of the language has which fits best."""
    letters = Counter(letter.lower()[0] for letter in text if letter > "\x7f" and letter.isalpha())
    most = max(sum(letters[letter] for letter in alphabet) for alphabet in _ALPHABETS[name])
    return letters.total() - most + len(_MISPLACED.findall(text))
