"""Which words differ between two wordings of a sentence, but for typos, forms, moved words and ways to write a number.

Says what differs; whether it matters is judged in headlines.py and edits.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import takewhile

from bot.articles import meanings
from bot.articles.meanings import outcome
from bot.language import alignment, tokens

_NUMBER = re.compile(r"(?<=\d)[,\u00a0\u202f ](?=\d{3}(?!\d))")
#: The hyphen of Covid-19 and F-16: the number is part of a name.
_NAME_WITH_NUMBER = re.compile(r"(?<=[^\W\d_])-(?=\d+\b)")
#: What follows a number, in its several wordings.
_SCALE = re.compile(r"(?<=\d)\s?(thousand|k|millions?|mn?|billions?|bn|per ?cent|pc|%|¢)(?!\w)", re.IGNORECASE)
_SCALES = {"m": "m", "b": "bn", "t": "000", "k": "000"}
_CLOCK = re.compile(r"\b\d{1,2}[:.]\d{2}(?=\s*(?:[ap]\.?m\b|GMT|BST|UTC|[A-Z]{2,4}T\b))", re.IGNORECASE)
#: An age describes somebody: «a boy, 11, is», «58-year-old», «aged 72», «1yo».
_AGE = re.compile(
    r"(?<=[^\W\d]), \d{1,2}(?=[,.;]|$)|\b\d{1,3}[- ]?(?:years?[- ]olds?|yo|yrs?[- ]old)\b"
    r"|\b(?:aged?|at) \d{2}(?=[,.;]|$)",
    re.IGNORECASE,
)
#: Of a longer sentence or headline the beginning is compared: nobody writes a longer one.
_LONGEST, _MOST_WORDS = 4_000, 400
#: Two words with this many first letters in common, and this share of the longer one, are forms of one.
_ROOT, _ROOT_SHARE = 5, 0.6
#: Words with the same first letters that are looked at for one that has moved.
_MOST_ALIKE = 20


def words_of(string: str) -> list[str]:
    """Words with their case; numbers in one form (5,000 is 5 000)."""
    string = _CLOCK.sub(" ", _AGE.sub(" ", meanings.joined(string[:_LONGEST])))
    string = _SCALE.sub(_scaled, _NUMBER.sub("", _NAME_WITH_NUMBER.sub("", string)))
    return [word.text for word in tokens.words(string)][:_MOST_WORDS]


def _scaled(found: re.Match[str]) -> str:
    """10 million → 10m, 20 per cent → 20, 20¢ → 20 cents."""
    unit = found.group(1).casefold()
    return " cents" if unit == "¢" else _SCALES.get(unit[0], " ")


def changed(one: list[str], other: list[str]) -> tuple[list[str], list[str]]:
    """Words that only one side has, typos and word forms taken out."""
    removed: list[str] = []
    added: list[str] = []
    for old, new in replaced(one, other):
        removed += old
        added += new
    return _without_moved(removed, added)


def replaced(one: list[str], other: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Words of one side with those that stand in their place on the other, typos left out; either may be none."""
    folded, others = [word.casefold() for word in one], [word.casefold() for word in other]
    for each in alignment.align(folded, others):
        old, new = one[each.start : each.end], other[each.other_start : each.other_end]
        if each.kind == "equal" or "".join(old).casefold() == "".join(new).casefold():
            continue  # back door → backdoor
        if _is_contracted(old, new) or _is_contracted(new, old):
            continue
        if len(old) != len(new) or not all(_is_slip(a, b) for a, b in zip(old, new, strict=True)):
            yield old, new


def _is_contracted(short: list[str], long: list[str]) -> bool:
    """«S'pore» for «Singapore», where the mark parts the words; «NZ» for «New Zealand»."""
    if len(short) == 1 and len(long) > 1:
        return short[0].isupper() and short[0] == "".join(word[0] for word in long)
    if len(short) != 2 or len(long) != 1:
        return False
    (begins, ends), whole = (word.casefold() for word in short), long[0].casefold()
    return len(begins + ends) < len(whole) and whole.startswith(begins) and whole.endswith(ends)


def _without_moved(removed: list[str], added: list[str]) -> tuple[list[str], list[str]]:
    """Without the words that both lists have: moved to another place, or in another form."""
    left: list[str] = []
    free: dict[str, list[int]] = {}
    for place, word in enumerate(added):
        free.setdefault(_bare(word)[:_ROOT], []).append(place)
    moved: set[int] = set()
    for word in removed:
        # Whatever is the same word has the same first letters.
        alike = free.get(_bare(word)[:_ROOT], [])
        again = next((place for place in alike[:_MOST_ALIKE] if _is_same_word(word, added[place])), None)
        if again is None:
            left.append(word)
        else:
            alike.remove(again)
            moved.add(again)
    return left, [word for place, word in enumerate(added) if place not in moved]


def _is_same_word(before: str, after: str) -> bool:
    """«administrators» and «administration», «naïve» and «naive»; a name or a number is the same only as it is."""
    one, other = _bare(before), _bare(after)
    if one == other:
        return True
    if not (before.islower() and after.islower()) or outcome(before) != outcome(after):
        return False
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    return alike >= _ROOT and alike >= _ROOT_SHARE * max(len(one), len(other))


def _bare(word: str) -> str:
    """Folded, without accents."""
    folded = word.casefold()
    if folded.isascii():
        return folded
    return "".join(letter for letter in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(letter))


def _is_slip(before: str, after: str) -> bool:
    """The same word misspelt, or in another form: «goverment», «orders» for «order»; never a number, never a turn."""
    one, other = before.casefold(), after.casefold()
    if one == other:
        return True
    if any(letter.isdigit() for letter in one + other) or outcome(one) != outcome(other):
        return False
    shorter, longer = sorted((one, other), key=len)
    if longer in (f"{shorter}s", f"{shorter}es", f"{shorter}'s"):
        return True
    if len(shorter) < 4 or shorter[0] != longer[0] or shorter[-1] != longer[-1]:
        return False
    if len(longer) - len(shorter) == 1:
        return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))
    if len(longer) > len(shorter):
        return False
    wrong = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
        return one[wrong[0]] == other[wrong[1]] and one[wrong[1]] == other[wrong[0]]
    return len(wrong) == 1 and len(one) >= 8 and before.islower()
