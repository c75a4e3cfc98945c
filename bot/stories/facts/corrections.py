"""Find corrections in an article's new version: a headline that states something else, or another figure in a sentence.

A headline states something else if a few words replace others, and a value, name, negation or decision is among them.
Typos, other forms of a word, additions and removals are not material. A sentence is corrected if its numbers or days
change and its words stay. A headline or sentence that is written again is an update, not a correction.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from bot.model.stories import EDITED, Article, Fact
from bot.patterns import LazyPattern
from bot.stories.facts.reading import OPENING, READ, Statement, statement
from bot.text import headlines, lexicon, sentences
from bot.text.forms import is_live_page
from bot.text.words import fold_word, stem, words_of

#: Maximum sentences compared per version, because an alert is rarely about later text.
_SENTENCES = 60
#: Two headlines with this share and this number of words in common, and two sentences with this number of words, are
#: versions of one.
_SAME_HEADLINE, _FEWEST_SHARED = 0.5, 3
#: Maximum words that replace others in a correction; with more, the headline is written again.
_MOST_REPLACED = 4
#: Two words that are this similar, from 0 to 1, are misspellings or forms of one word.
_ONE_WORD = 0.7
#: Meanings of decisions and outcomes. A headline has another meaning if one of them replaces another.
_OUTCOMES = frozenset(
    "=die =hurt =arrest =charge =convict =acquit =sentence =free =sue =appeal =fine =settle =ban =lift =resume =suspend"
    " =delay =advance =extend =cancel =approve =reject =resign =dismiss =appoint =win =lose =strike =end =begin =close"
    " =recall =propose =rise =fall =reverse =deny =admit =order =missing =investigate".split()
)
#: An ending of a headline that outlets add and remove.
_TAIL = LazyPattern(r" [|–—-] [^|–—-]{2,40}$")
#: "… - reports" is a hedge like "reportedly".
_REPORTS = LazyPattern(r" ?(?:--?|[–—:,]) ?reports?$", re.IGNORECASE)
#: Markets whose level a report of the day updates with each hour. That is not a correction.
_MARKET = LazyPattern(
    r"\b(?:S&P|FTSE|Dow Jones|Nasdaq|Russell 2000|Nikkei|Topix|Hang Seng|DAX|CAC|STOXX|ASX|NZX|KOSPI|Sensex"
    r"|Nifty 50|KSE|Wall Street|Brent crude|West Texas|WTI)\b"
)
#: Prefixes of opposites: "likely" and "unlikely", "legal" and "illegal".
_OPPOSITE = ("un", "in", "im", "il", "ir", "dis", "non")


def corrections(old_article: Article, new_article: Article) -> tuple[Fact, ...]:
    """Return the material changes in the headline and in sentences, in order.

    If only one version has the full text, only headlines are compared. A live page has updates, not corrections.
    """
    if is_live_page(old_article) or is_live_page(new_article):
        return ()
    changes = []
    old_title, new_title = (_plain(article.title) for article in (old_article, new_article))
    if old_title != new_title and _states_otherwise(old_title, new_title, new_article):
        changes.append(_edit(new_article, "headline", old_article.title, new_article.title))
    if old_article.is_full_text == new_article.is_full_text and old_article.text != new_article.text:
        for old, new in _find_changed_values(old_article, new_article):
            changes.append(_edit(new_article, "text", old, new))
    return tuple(changes)


def _edit(article: Article, label: str, old_text: str, new_text: str) -> Fact:
    return Fact(
        kind=EDITED,
        label=label,
        before=old_text,
        after=new_text,
        sentence=new_text,
        article=article.id,
        outlet=article.outlet,
        link=article.link,
    )


def _find_changed_values(old_article: Article, new_article: Article) -> Iterator[tuple[str, str]]:
    """Yield each sentence whose words stay while a number or day changes, as it was and as it is."""
    old_sentences, new_sentences = _split(old_article), _split(new_article)
    gone = [_parse(text, 1, new_article) for text in old_sentences if text not in new_sentences]
    by_words = {old.words: old for old in gone}
    for text in new_sentences:
        if text in old_sentences or sentences.is_question(text) or _MARKET.search(text):
            continue
        new = _parse(text, 1, new_article)
        old = by_words.pop(new.words, None) if len(new.folded) >= _FEWEST_SHARED else None
        if old is not None and _letters([old.text]) != _letters([text]) and _have_other_values(old, new):
            yield old.text, new.text


def _split(article: Article) -> dict[str, None]:
    """Return the first sentences of an article, without the dateline."""
    text = article.text[: READ * sentences.LONGEST]
    text = text[sentences.dateline_length(text[:OPENING]) :]
    return dict.fromkeys(span.text for span in sentences.split(text, article.language)[:_SENTENCES])


def _parse(text: str, order: int, article: Article) -> Statement:
    return statement(text[: sentences.LONGEST], order, lexicon.base(article.language), article.when.date())


def _have_other_values(old: Statement, new: Statement) -> bool:
    """Return whether a number replaces another number of the same thing, or days replace other days."""
    return (
        not _counted_only_in(old, new).isdisjoint(_counted_only_in(new, old))
        or _count_days_only_in(old, new) == _count_days_only_in(new, old) > 0
    )


def _count_days_only_in(version: Statement, other: Statement) -> int:
    """Return the number of days that no day of the other version can be; "next Sunday" may be any day."""
    days = [day for day in version.days if not (day.moves or day.is_relative)]
    return sum(not any(day.agrees_with(known) for known in other.days) for day in days)


def _counted_only_in(version: Statement, other: Statement) -> set[str]:
    """Return what the numbers count that the other version does not have: "$", or the stem of the following noun."""
    values = {figure.number.value for figure in other.figures}
    return {
        figure.number.unit or stem(figure.noun or "-")
        for figure in version.figures
        if figure.number.value not in values
    }


def _plain(title: str) -> str:
    hedged = _REPORTS.sub(" reportedly", " ".join(title.split()))
    return _TAIL.sub("", headlines.without_topic(headlines.bare_title(hedged)))


def _states_otherwise(old_title: str, new_title: str, article: Article) -> bool:
    """Return whether both are versions of one headline but state different things."""
    if sentences.is_question(old_title) or sentences.is_question(new_title):
        return False
    old, new = _parse(old_title, 0, article), _parse(new_title, 0, article)
    gone, come = _replaced_words(old, new)
    if not (gone or come) or max(len(gone), len(come)) > _MOST_REPLACED or not _are_versions(old_title, new_title):
        return False
    return (
        _have_other_values(old, new)
        or _marks(gone, old.language) != _marks(come, old.language)
        or _is_other_outcome(_content(gone, old), _content(come, new), old.language)
        or _are_names(gone, old) == _are_names(come, new) > 0
        or _are_opposites(gone, come)
    )


def _are_versions(title: str, other_title: str) -> bool:
    words, other_words = (Counter(fold_word(token.text) for token in words_of(text)) for text in (title, other_title))
    shared = (words & other_words).total()
    return shared >= max(_FEWEST_SHARED, _SAME_HEADLINE * min(words.total(), other_words.total()))


def _is_other_outcome(gone: Sequence[str], come: Sequence[str], language: str) -> bool:
    """Return whether one word is replaced by another that means a different decision or outcome."""
    old, new = set(_outcomes(gone, language)), set(_outcomes(come, language))
    return len(gone) == len(come) == 1 and bool(old and new and old != new)


def _replaced_words(old: Statement, new: Statement) -> tuple[list[str], list[str]]:
    """Return the words that only one version has, without misspellings, other forms and abbreviations."""
    old_words, new_words = (Counter(token.text for token in words_of(version.plain)) for version in (old, new))
    gone, come = list((old_words - new_words).elements()), list((new_words - old_words).elements())
    if _letters(gone) == _letters(come):
        # "back door" and "backdoor", "208, 900" and "208,900"
        return [], []
    forms = [(word, other) for word in gone for other in come if _is_form(word, other, old.language)]
    return (
        [word for word in gone if word not in {word for word, _ in forms}],
        [word for word in come if word not in {word for _, word in forms}],
    )


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


def _content(words: Iterable[str], version: Statement) -> list[str]:
    """Return the words that are not function words."""
    return [word for word in words if not lexicon.is_small(version.language, fold_word(word))]


def _are_names(words: Iterable[str], version: Statement) -> int:
    """Return the number of the words, apart from function words, if all of them are names, else 0."""
    content = _content(words, version)
    are_names = all(word[0].isupper() and len(word) > 2 and stem(word) in version.names for word in content)
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
