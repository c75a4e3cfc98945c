"""What a new version of an article says otherwise: material changes only.

Knows no rule and no channel. Typos, punctuation, word forms, order of paragraphs, what is only added or only left out,
and all that live pages rewrite are silent.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from bot import model
from bot.articles.fingerprints import fold_title
from bot.articles.livepages import is_live_page
from bot.articles.meanings import DETAILS, outcome, turn
from bot.articles.rewording import changed, replaced, words_of

#: Days and months, also as they are shortened.
_DAYS = {
    name: day[:3]
    for day in (
        "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
        "september october november december"
    ).split()
    for name in (day, day[:3], day[:4])
    if name not in {"sun", "sat", "mar", "wed", "mond", "frid", "sund", "satu"}
}
#: Before a name, with it or without.
_TITLES = frozenset("mr mrs ms dr sir prime president minister prof professor general director".split())
#: Small words of which one more or less changes no headline.
_SMALL = frozenset(
    """
    a an the of to in on at by for from with as and or but that this is are was were be been being has have had will
    would it its his her their he she they who which after before over into out up amid about says said say new just
    how why what when where
    """.split()
)
_DRESS = re.compile(
    r"^\s*(?:(?:live|update[ds]?|watch|video|breaking(?: news)?|exclusive|opinion|analysis|just in|correct(?:ed|ion))"
    r"(?:\s+\d+)?\s*[:|–—-]\s*)+|\s+[|–—-]\s+[^|–—-]{2,40}$",
    re.IGNORECASE,
)
_REPORTS = re.compile(r"\s*(?:--?|[–—:,])\s*reports?\s*$", re.IGNORECASE)
_CUT = re.compile(r"(?:\.\.+|…)\W*$")
#: «likely» and «unlikely», «legal» and «illegal».
_OPPOSITE = ("un", "in", "im", "il", "ir", "dis", "non")
#: «Coronavirus: …», put before a headline and taken away again.
_KICKER = re.compile(r"^\s*[^\s:]+(?:\s+[^\s:]+){0,2}:\s+")
_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|\n+")
#: Two sentences with this share of words in common are versions of one.
_SAME_SENTENCE = 0.5
#: A headline that keeps no more than this share of its words is another headline.
_SAME_HEADLINE = 0.34
#: Words in which one party gives way to another; more is a sentence turned round.
_LONGEST_NAME = 4
#: A longer text is compared up to here: past it, a change is not what was alerted on.
_SENTENCES = 200


def edits(before: model.Article, after: model.Article) -> tuple[model.Edit, ...]:
    """Material changes in the headline and in sentences, in order.

    A teaser against the page's full text is compared by headline only. A live page has no versions but news.
    """
    if is_live_page(before) or is_live_page(after):
        return ()
    found: list[model.Edit] = []
    if _headline_differs(before, after):
        found.append(_edit(after, "title", before.title, after.title))
    if before.is_full_text == after.is_full_text and fold_title(before.text) != fold_title(after.text):
        names = _names(before.text) | _names(after.text)
        for old, new in _rewritten(before.text, after.text):
            if _sentence_differs(old, new, names):
                found.append(_edit(after, "text", old, new))
    return tuple(found)


def _edit(article: model.Article, field: str, before: str, after: str) -> model.Edit:
    return model.Edit(article=article.id, outlet=article.outlet, field=field, before=before, after=after)


def _headline_differs(before: model.Article, after: model.Article) -> bool:
    if fold_title(_KICKER.sub("", before.title)) == fold_title(_KICKER.sub("", after.title)):
        return False
    if _asks(after.title):
        return False
    one, other = words_of(_undressed(before.title)), words_of(_undressed(after.title))
    removed, added = changed(one, other)
    if _says_otherwise(removed, added) or _are_swapped(one, other, before.title + after.title):
        return True
    removed, added = _telling(removed), _telling(added)
    if not (removed and added):
        # What only comes or goes makes a headline fuller or shorter, seldom another.
        return False
    if not (after.language or "en").lower().startswith("en"):
        return True
    if len(_telling(one)) - len(removed) <= _SAME_HEADLINE * len(_telling(one)):
        # Other words over the same text say the same; over another text, or over none, they say something else.
        return not after.text.strip() or fold_title(before.text) != fold_title(after.text)
    return _has_other_name_in_titles(before, after)


def _says_otherwise(removed: list[str], added: list[str]) -> bool:
    """Another number or day, a decision or an outcome more, a decision, negation or hedge less, or the opposite.

    An outcome or a number that only goes makes a headline shorter; a detail that only comes, fuller.
    """
    if _are_opposites(removed, added):
        return True
    gone, come = _meant(removed), _meant(added)
    if come - gone - DETAILS or _is_turned(removed, added):
        return True
    return (gone != come and bool(gone and come)) or bool(_figures(added, outcome) - _figures(removed, outcome))


def _has_other_name_in_titles(before: model.Article, after: model.Article) -> bool:
    """One name for another, where capitals tell names."""
    one, other = (words_of(_KICKER.sub("", _undressed(each.title))) for each in (before, after))
    if _is_headline_case(one) or _is_headline_case(other):
        return False
    titles = (_KICKER.sub("", _undressed(each.title)) for each in (before, after))
    names = frozenset().union(*(_names(each) for each in (*titles, before.text, after.text)))
    return _has_other_name(_plain_first(one, names), _plain_first(other, names))


def _asks(title: str) -> bool:
    """A question states nothing."""
    return re.search(r"\?(?:\W*$|['\"’”]*\s)", title) is not None


def _are_swapped(one: list[str], other: list[str], titles: str) -> bool:
    """«Acme sues Borel», «Borel sues Acme»: the same words in another order, or the two sides of one verb.

    A colon only moves the subject, a «by» turns the verb round.
    """
    folded, others = ([word.casefold() for word in words if turn(word) != "alleged"] for words in (one, other))
    if ":" in titles or folded.count("by") != others.count("by"):
        return False
    if folded != others and sorted(folded) == sorted(others):
        return True
    sides = _sides(others)
    return any(
        (after, before) in sides.get(verb, ()) for verb, pairs in _sides(folded).items() for before, after in pairs
    )


def _sides(words: list[str]) -> dict[str, list[tuple[str, str]]]:
    """By a verb's meaning, the telling words before and after it."""
    told = _telling(words)
    found: dict[str, list[tuple[str, str]]] = {}
    for before, verb, after in zip(told, told[1:], told[2:], strict=False):
        meaning = outcome(verb)
        if meaning is not None and not meaning.isdigit():
            found.setdefault(meaning, []).append((before, after))
    return found


def _undressed(title: str) -> str:
    """Without «LIVE:» and «| BBC News»; «… - reports» hedges as «reportedly» does."""
    hedged = _REPORTS.sub(" reportedly", title)
    return _DRESS.sub("", hedged) or hedged


def _telling(words: list[str]) -> list[str]:
    return [word for word in words if word.casefold() not in _SMALL]


def _is_headline_case(words: list[str]) -> bool:
    """Nearly every longer word wears a capital, so that a capital tells no name."""
    long = [word for word in words if len(word) > 3]
    return sum(word[0].isupper() for word in long) * 10 >= 7 * len(long)


def _sentence_differs(before: str, after: str, names: frozenset[str]) -> bool:
    if _asks(after):
        return False
    one, other = _plain_first(words_of(before), names), _plain_first(words_of(after), names)
    if _CUT.search(before) or _CUT.search(after):
        # What a teaser leaves out at its end has not gone.
        shorter = min(len(one), len(other))
        one, other = one[:shorter], other[:shorter]
    removed, added = changed(one, other)
    if _is_turned(removed, added) or _is_turned(added, removed) or _are_opposites(removed, added):
        return True
    if (gone := _figures(removed, turn)) and (come := _figures(added, turn)) and gone != come:
        return True
    return _has_other_name(one, other)


def _is_turned(removed: list[str], added: list[str]) -> bool:
    """A negation, a decision or a hedge went, and nothing of its meaning came."""
    come = _meant(added)
    return any((found := turn(word)) and not found.isdigit() and outcome(word) not in come for word in removed)


def _meant(words: list[str]) -> set[str]:
    """The negations, decisions and outcomes that the words state by themselves."""
    return {found for word in words if (found := outcome(word)) is not None and not found.isdigit()}


def _figures(words: list[str], meaning: Callable[[str], str | None]) -> set[str]:
    """Numbers and days; «5G» and «39A» are names."""
    small = {found for word in words if (found := meaning(word)) is not None and found.isdigit()}
    days = {_DAYS[word.casefold()] for word in words if word.casefold() in _DAYS}
    return small | days | {word.casefold() for word in words if re.fullmatch(r"\d[\d.]*(?:m|bn)?", word, re.IGNORECASE)}


def _are_opposites(removed: list[str], added: list[str]) -> bool:
    """«likely» for «unlikely», or the other way round."""
    one, other = ({word.casefold() for word in words if len(word) > 3} for words in (removed, added))
    return any(f"{prefix}{word}" in one for word in other for prefix in _OPPOSITE) or any(
        f"{prefix}{word}" in other for word in one for prefix in _OPPOSITE
    )


def _has_other_name(one: list[str], other: list[str]) -> bool:
    """One name in the place of another. A name that only comes or goes makes a sentence fuller or shorter."""
    gone, come = (set(filter(_is_name, words)) for words in changed(one, other))
    return any(
        gone & set(before) and come & set(after)
        for before, after in replaced(one, other)
        if max(len(before), len(after)) <= _LONGEST_NAME
    )


def _is_name(word: str) -> bool:
    folded = word.casefold()
    if not word[0].isupper() or folded in _TITLES or folded in _SMALL or folded in _DAYS:
        return False
    return not (outcome(word) or "").isdigit()


def _plain_first(words: list[str], names: frozenset[str]) -> list[str]:
    """A sentence's first capital makes no name, unless the word has it elsewhere too or is all capitals."""
    if not words or words[0] in names or (len(words[0]) > 1 and words[0].isupper()):
        return words
    return [words[0].lower(), *words[1:]]


def _names(string: str) -> frozenset[str]:
    """Words that have a capital inside a sentence."""
    return frozenset(word for part in _sentences(string) for word in words_of(part)[1:] if word[0].isupper())


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
