"""What a new version of an article says otherwise: material changes only.

Knows no rule and no channel. Typos, punctuation, word forms, order of paragraphs and added paragraphs are silent.
"""

from __future__ import annotations

import difflib
import re

from bot import model, text
from bot.articles.fingerprints import fold_title

#: Words that turn a sentence round, besides names and numbers. English only: elsewhere such a change stays silent.
_TURNS = frozenset(
    """
    no not never none nobody nothing neither nor without cannot unable fails failed denies denied deny denying rejects
    rejected reject refuses refused refuse delays delayed delay postpones postponed postpone cancels cancelled canceled
    cancel suspends suspended suspend withdraws withdrew withdrawn withdraw retracts retracted retract lifts lifted
    extends extended extend reverses reversed reverse halts halted drops dropped dismisses dismissed overturns
    overturned acquitted guilty alleged allegedly
    """.split()
)
#: Small words of which one more or less changes no headline.
_SMALL = frozenset(
    """
    a an the of to in on at by for from with as and or but that this is are was were be been being has have had will
    would it its his her their he she they who which after before over into out up amid about says said say new just
    """.split()
)
_DRESS = re.compile(
    r"^\s*(?:(?:live|update[ds]?|watch|video|breaking(?: news)?|exclusive|opinion|analysis|just in|correct(?:ed|ion))"
    r"(?:\s+\d+)?\s*[:|–—-]\s*)+|\s+[|–—-]\s+[^|–—-]{2,40}$",
    re.IGNORECASE,
)
#: «Coronavirus: …», put before a headline and taken away again.
_KICKER = re.compile(r"^\s*[^\s:]+(?:\s+[^\s:]+){0,2}:\s+")
_NUMBER = re.compile(r"(?<=\d)[,\u00a0\u202f ](?=\d{3}(?!\d))")
_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|\n+")
#: Two sentences with this share of words in common are versions of one.
_SAME_SENTENCE = 0.5
#: A longer text is compared up to here: past it, a change is not what was alerted on.
_SENTENCES = 200


def edits(before: model.Article, after: model.Article) -> tuple[model.Edit, ...]:
    """Material changes in the headline and in sentences, in order.

    A teaser against the page's full text is compared by headline only.
    """
    found: list[model.Edit] = []
    if _headline_differs(before.title, after.title):
        found.append(_edit(after, "title", before.title, after.title))
    if before.is_full_text == after.is_full_text and fold_title(before.text) != fold_title(after.text):
        names = _names(before.text) | _names(after.text)
        for old, new in _rewritten(before.text, after.text):
            if _sentence_differs(old, new, names):
                found.append(_edit(after, "text", old, new))
    return tuple(found)


def _edit(article: model.Article, field: str, before: str, after: str) -> model.Edit:
    return model.Edit(article=article.id, outlet=article.outlet, field=field, before=before, after=after)


def _headline_differs(before: str, after: str) -> bool:
    if fold_title(_KICKER.sub("", before)) == fold_title(_KICKER.sub("", after)):
        return False
    one, other = _words(_undressed(before)), _words(_undressed(after))
    removed, added = _changed(one, other)
    return any(_is_telling(word) for word in (*removed, *added))


def _undressed(title: str) -> str:
    """Without «LIVE:» and «| BBC News»."""
    return _DRESS.sub("", title) or title


def _is_telling(word: str) -> bool:
    return word.casefold() not in _SMALL or word.casefold() in _TURNS


def _sentence_differs(before: str, after: str, names: frozenset[str]) -> bool:
    removed, added = _changed(_plain_first(_words(before), names), _plain_first(_words(after), names))
    return any(_is_fact(word) for word in (*removed, *added))


def _is_fact(word: str) -> bool:
    return (
        any(letter.isdigit() for letter in word)
        or word.casefold() in _TURNS
        or word.endswith("n't")
        or word[0].isupper()
    )


def _words(string: str) -> list[str]:
    """Words with their case; numbers in one form (5,000 is 5 000)."""
    string = _NUMBER.sub("", string)
    return [word.text for word in text.words(string)]


def _changed(one: list[str], other: list[str]) -> tuple[list[str], list[str]]:
    """Words that only one side has, typos and word forms taken out."""
    folded, others = [word.casefold() for word in one], [word.casefold() for word in other]
    removed: list[str] = []
    added: list[str] = []
    for kind, start, end, other_start, other_end in difflib.SequenceMatcher(
        None, folded, others, autojunk=False
    ).get_opcodes():
        if kind == "equal":
            continue
        old, new = one[start:end], other[other_start:other_end]
        if len(old) == len(new) and all(_is_slip(a, b) for a, b in zip(old, new, strict=True)):
            continue
        if "".join(old).casefold() == "".join(new).casefold():
            continue  # back door → backdoor
        removed += old
        added += new
    return removed, added


def _plain_first(words: list[str], names: frozenset[str]) -> list[str]:
    """A sentence's first capital makes no name, unless the word has it elsewhere too or is all capitals."""
    if not words or words[0] in names or (len(words[0]) > 1 and words[0].isupper()):
        return words
    return [words[0].lower(), *words[1:]]


def _names(string: str) -> frozenset[str]:
    """Words that have a capital inside a sentence."""
    return frozenset(word for part in _sentences(string) for word in _words(part)[1:] if word[0].isupper())


def _is_slip(before: str, after: str) -> bool:
    """The same word misspelt, or in another form: «goverment», «orders» for «order»; never a number, never a turn."""
    one, other = before.casefold(), after.casefold()
    if one == other:
        return True
    if any(letter.isdigit() for letter in one + other) or (one in _TURNS) != (other in _TURNS):
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


def _rewritten(before: str, after: str) -> list[tuple[str, str]]:
    """Sentences that stand in both versions in different words, paired."""
    one, other = _sentences(before), _sentences(after)
    pairs: list[tuple[str, str]] = []
    matcher = difflib.SequenceMatcher(
        None, [fold_title(s) for s in one], [fold_title(s) for s in other], autojunk=False
    )
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind != "replace":
            continue
        free = list(other[other_start:other_end])
        for old in one[start:end]:
            new = max(free, key=lambda sentence, old=old: _overlap(old, sentence), default=None)  # type: ignore[misc]
            if new is not None and _overlap(old, new) >= _SAME_SENTENCE:
                pairs.append((old, new))
                free.remove(new)
    return pairs


def _sentences(string: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(string, maxsplit=_SENTENCES)[:_SENTENCES] if part.strip()]


def _overlap(one: str, other: str) -> float:
    words, others = set(fold_title(one).split()), set(fold_title(other).split())
    return len(words & others) / max(1, min(len(words), len(others)))
