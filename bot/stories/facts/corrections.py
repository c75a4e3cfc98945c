"""Find corrections in an article's new version: another figure, day, name or meaning in its headline or a sentence.

A sentence is compared with the sentence of the other version that shares most of its words. It is corrected if a few
words replace others, and a value, name, negation or decision is among them. Typos, other forms of a word, additions
and removals are not material. Neither is a wholly rewritten sentence: that is an update, not a correction.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from bot.model.stories import Article, Correction
from bot.patterns import LazyPattern
from bot.stories.facts.reading import statement
from bot.text import headlines, lexicon, sentences
from bot.text.forms import is_live_page
from bot.text.words import fold_word, stem, words_of

#: Maximum sentences compared per version, and words per sentence, because an alert is rarely about later text.
_SENTENCES, _WORDS = 200, 80
#: Two sentences with this share and this number of words in common are versions of one sentence.
_SAME_SENTENCE, _FEWEST_SHARED = 0.5, 3
#: Maximum words that replace others in a correction; with more, the sentence is rewritten.
_MOST_REPLACED = 4
#: Two words that are this similar, from 0 to 1, are misspellings or forms of one word.
_ONE_WORD = 0.7
#: Meanings of decisions and outcomes. A sentence has another meaning if one of them replaces another.
_OUTCOMES = frozenset(
    "=die =hurt =arrest =charge =convict =acquit =sentence =free =sue =appeal =fine =settle =ban =lift =resume =suspend"
    " =delay =advance =extend =cancel =approve =reject =resign =dismiss =appoint =win =lose =strike =end =begin =close"
    " =recall =propose =rise =fall =reverse =deny =admit =order =missing =investigate".split()
)
#: An ending of a headline that outlets add and remove.
_TAIL = LazyPattern(r" [|–—-] [^|–—-]{2,40}$")
#: "… - reports" is a hedge like "reportedly".
_REPORTS = LazyPattern(r" ?(?:--?|[–—:,]) ?reports?$", re.IGNORECASE)
_QUESTION = LazyPattern(r"\?(?:['\"’”]{0,8}\s|\W{0,8}$)")
_CUT = LazyPattern(r"(?:\.\.|…)\W{0,8}$")
_BREAK = LazyPattern(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|\n+")
#: Markets whose level a report of the day updates with each hour. That is not a correction.
_MARKET = LazyPattern(
    r"\b(?:S&P|FTSE|Dow Jones|Nasdaq|Russell 2000|Nikkei|Topix|Hang Seng|DAX|CAC|STOXX|ASX|NZX|KOSPI|Sensex"
    r"|Nifty 50|KSE|Wall Street|Brent crude|West Texas|WTI)\b"
)
#: Prefixes of opposites: "likely" and "unlikely", "legal" and "illegal".
_OPPOSITE = ("un", "in", "im", "il", "ir", "dis", "non")


def corrections(old_article: Article, new_article: Article) -> tuple[Correction, ...]:
    """Return the material changes in the headline and in sentences, in order.

    If only one version has the full text, only headlines are compared. A live page has updates, not corrections. The
    time is linear in the length of the texts, which is limited.
    """
    if is_live_page(old_article) or is_live_page(new_article):
        return ()
    changes = []
    old_title, new_title = (_plain(article.title) for article in (old_article, new_article))
    if old_title != new_title and _states_otherwise(old_title, new_title, new_article):
        changes.append(_correction(new_article, "title", old_article.title, new_article.title))
    if old_article.is_full_text == new_article.is_full_text and old_article.text != new_article.text:
        for old, new in _rewritten(_split(old_article.text), _split(new_article.text)):
            are_of_a_market = _MARKET.search(old) and _MARKET.search(new)
            if not are_of_a_market and _states_otherwise(*_as_long(old, new), new_article):
                texts = (text[sentences.dateline_length(text) :] for text in (old, new))
                changes.append(_correction(new_article, "text", *texts))
    return tuple(changes)


def _correction(article: Article, field: str, old_text: str, new_text: str) -> Correction:
    return Correction(
        article=article.id, outlet=article.outlet, field=field, before=old_text, after=new_text, link=article.link
    )


def _plain(title: str) -> str:
    hedged = _REPORTS.sub(" reportedly", " ".join(title.split()))
    return _TAIL.sub("", headlines.without_topic(headlines.bare_title(hedged)))


def _split(text: str) -> list[str]:
    parts = _BREAK.split(text[: _SENTENCES * sentences.LONGEST], maxsplit=_SENTENCES)
    return [part.strip() for part in parts[:_SENTENCES] if part.strip() and len(part) <= sentences.LONGEST]


def _rewritten(old_sentences: Sequence[str], new_sentences: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of a sentence that only the old version has and a similar one that only the new version has."""
    old_by_key, new_by_key = (
        {" ".join(_bare(text)): text for text in version} for version in (old_sentences, new_sentences)
    )
    gone = [text for key, text in old_by_key.items() if key not in new_by_key]
    come = {text: Counter(_bare(text)) for key, text in new_by_key.items() if key not in old_by_key}
    # Word -> new sentences that contain it. Only sentences that share a rare word are compared.
    having: dict[str, list[str]] = {}
    for sentence, words in come.items():
        for word in words:
            having.setdefault(word, []).append(sentence)
    for old in gone:
        words = Counter(_bare(old))
        votes: Counter[str] = Counter()
        for word in words:
            if len(having.get(word, ())) <= _FEWEST_SHARED + len(come) // 4:
                votes.update(having.get(word, ()))
        for new, _ in votes.most_common(3):
            if new in come and _are_versions(words, come[new]):
                del come[new]
                yield old, new
                break


def _are_versions(words: Counter[str], other_words: Counter[str]) -> bool:
    shared = (words & other_words).total()
    return shared >= max(_FEWEST_SHARED, _SAME_SENTENCE * min(words.total(), other_words.total()))


def _bare(sentence: str) -> list[str]:
    return [fold_word(token.text) for token in words_of(sentence)][:_WORDS]


def _as_long(old: str, new: str) -> tuple[str, str]:
    """Return both sentences. If one is truncated, cut the other to its length, because truncation is not a removal."""
    if not (_CUT.search(old) or _CUT.search(new)):
        return old, new
    old_words, new_words = old.split(), new.split()
    most = min(len(old_words), len(new_words))
    return " ".join(old_words[:most]), " ".join(new_words[:most])


@dataclass(frozen=True, slots=True)
class _Wording:
    """The words and values of a sentence."""

    words: Sequence[str]
    #: Value of each number, and what it counts: "$", or the stem of the following noun.
    numbers: Counter[tuple[float, str]]
    days: Counter[tuple[int | None, int | None, int | None]]
    #: Stems of the names.
    names: frozenset[str]
    language: str


def _parse_wording(text: str, article: Article) -> _Wording:
    language = lexicon.base(article.language)
    parsed = statement(text[: sentences.LONGEST], 1, language, article.when.date())
    return _Wording(
        words=[token.text for token in words_of(parsed.plain)][:_WORDS],
        numbers=Counter(
            (figure.number.value, figure.number.unit or stem(figure.noun or "-")) for figure in parsed.figures
        ),
        days=Counter((day.year, day.month, day.day) for day in parsed.days if not day.moves),
        names=parsed.names,
        language=language,
    )


def _states_otherwise(old_text: str, new_text: str, article: Article) -> bool:
    """Return whether both are versions of one sentence or headline but state different things."""
    if _QUESTION.search(old_text) or _QUESTION.search(new_text):
        return False
    old, new = _parse_wording(old_text, article), _parse_wording(new_text, article)
    gone, come = _replaced_words(old, new)
    is_rewritten = max(len(gone), len(come)) > _MOST_REPLACED
    bare_words = (Counter(_bare(text)) for text in (old_text, new_text))
    if not (gone or come) or is_rewritten or not _are_versions(*bare_words):
        return False
    return (
        not _counted_only_in(old, new).isdisjoint(_counted_only_in(new, old))
        or (old.days - new.days).total() == (new.days - old.days).total() > 0
        or _marks(gone, old.language) != _marks(come, old.language)
        or _is_other_outcome(_content(gone, old), _content(come, new), old.language)
        or _are_names(gone, old) == _are_names(come, new) > 0
        or _are_opposites(gone, come)
    )


def _counted_only_in(wording: _Wording, other: _Wording) -> set[str]:
    """Return what the numbers count that the other wording does not have."""
    values = {value for value, _ in other.numbers}
    return {what for value, what in wording.numbers if value not in values}


def _is_other_outcome(gone: Sequence[str], come: Sequence[str], language: str) -> bool:
    """Return whether one word is replaced by another that means a different decision or outcome."""
    old, new = set(_outcomes(gone, language)), set(_outcomes(come, language))
    return len(gone) == len(come) == 1 and bool(old and new and old != new)


def _replaced_words(old: _Wording, new: _Wording) -> tuple[list[str], list[str]]:
    """Return the words that only one version has, without misspellings, other forms and abbreviations."""
    gone = list((Counter(old.words) - Counter(new.words)).elements())
    come = list((Counter(new.words) - Counter(old.words)).elements())
    # "back door" and "backdoor", "208, 900" and "208,900"
    are_joined = _letters(gone) == _letters(come)
    if are_joined or any(_are_initials(*pair) for pair in ((gone, come), (come, gone))):
        return [], []
    forms = [(word, other) for word in gone for other in come if _is_form(word, other, old.language)]
    return (
        [word for word in gone if word not in {word for word, _ in forms}],
        [word for word in come if word not in {word for _, word in forms}],
    )


def _are_initials(words: Sequence[str], name: Sequence[str]) -> bool:
    """Return whether the one word consists of the initials of the name: "NZ" for "New Zealand"."""
    return len(words) == 1 and len(name) > 1 and words[0] == "".join(part[0] for part in name).upper()


#: Longer words are not compared, because the comparison takes quadratic time.
_LONGEST_WORD = 60


def _is_form(word: str, other: str, language: str) -> bool:
    """Return whether two words are forms, misspellings or abbreviations of one; False for numbers and opposites."""
    first, second = (fold_word(form).replace("'", "") for form in (word, other))
    is_value = any(letter.isdigit() for letter in first + second)
    are_names = word[0].isupper() and other[0].isupper()
    has_other_meaning = set(_outcomes([word], language)) != set(_outcomes([other], language))
    if is_value or (has_other_meaning and not are_names):
        return False
    shorter, longer = sorted((first, second), key=len)
    if len(longer) > _LONGEST_WORD:
        return False
    if longer in {f"{prefix}{shorter}" for prefix in _OPPOSITE}:
        return False
    is_start = len(shorter) > 2 and longer.startswith(shorter)
    return is_start or SequenceMatcher(None, first, second, autojunk=False).ratio() >= _ONE_WORD


def _marks(words: Iterable[str], language: str) -> set[str]:
    """Return whether the words contain a negation or a hedge."""
    tables = lexicon.of(language)
    return {
        table
        for word in words
        for table in ("not", "hedge")
        if tables.has(table, fold_word(word)) or (table == "not" and word.lower().endswith("n't"))
    }


def _outcomes(words: Iterable[str], language: str) -> Iterator[str]:
    """Yield the decisions and outcomes among the words; ambiguous words such as "back" do not count."""
    for word in words:
        meanings = _OUTCOMES.intersection(lexicon.meanings(language, fold_word(word)))
        if len(meanings) == 1:
            yield from meanings


def _content(words: Iterable[str], wording: _Wording) -> list[str]:
    """Return the words that are not function words."""
    return [word for word in words if not lexicon.is_small(wording.language, fold_word(word))]


def _are_names(words: Iterable[str], wording: _Wording) -> int:
    """Return the number of the words, apart from function words, if all of them are names, else 0."""
    content = _content(words, wording)
    are_names = all(word[0].isupper() and len(word) > 2 and stem(word) in wording.names for word in content)
    return len(content) if are_names else 0


def _letters(words: Iterable[str]) -> str:
    return "".join(filter(str.isalnum, fold_word("".join(words))))


def _are_opposites(gone: Iterable[str], come: Iterable[str]) -> bool:
    """Return whether a word and its opposite are exchanged: "likely" and "unlikely"."""
    old_words, new_words = ({fold_word(word) for word in words if len(word) > 3} for words in (gone, come))
    return any(
        f"{prefix}{word}" in opposites
        for opposites, words in ((old_words, new_words), (new_words, old_words))
        for word in words
        for prefix in _OPPOSITE
    )
