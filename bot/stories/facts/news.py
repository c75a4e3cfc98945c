"""Find what an article states to be new in its story: changed values, or a headline that says so itself.

A headline says so itself if it denies, reverses, repeats or resumes what the story reports ("withdraws", "retook",
"second", "no longer"), is labelled as a correction, or has another count of the same thing than the story.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.model.stories import CORRECTION, Article, Fact
from bot.stories.facts.changes import Change, StoryValues, find_changes, is_another_count
from bot.stories.facts.reading import Reading, Statement, bare_headline, read
from bot.stories.facts.turns import LABELS, REPEATS, is_known, turns_in, undone
from bot.text import headlines, lexicon, sentences, tokens
from bot.text.forms import is_live_page

#: Number of articles to read at the beginning and at the end of a story.
_FIRST, _LAST = 8, 60
#: Number of first statements of an article that report its story's acts, and that show what is known already.
_PROMINENT, _SHOWN = 6, 2
#: Maximum changes per article.
_MOST_CHANGES = 3
#: Number of sentences of an article from which a language model chooses.
_OFFERED = 8
#: Maximum characters of sentences that are quoted together.
_TOGETHER = 400


def find_news(earlier: Sequence[Article], article: Article) -> tuple[Fact, ...]:
    """Return what the article states to be new in the story of the ``earlier`` articles, in order of joining.

    A live page states nothing, because it is about several events. Neither does a copy.
    """
    if not earlier or is_live_page(article) or any(other.fingerprint == article.fingerprint for other in earlier):
        return ()
    reading, story = read(article), _read_story(earlier)
    if not reading.statements:
        return ()
    values = StoryValues(story)
    changes = find_changes(values, reading)[:_MOST_CHANGES]
    facts = [_change_fact(reading, change) for change in changes]
    mark = _headline_mark(story, values, reading)
    if mark is None or (changes and reading.is_correction) or any(change.statement.order == 0 for change in changes):
        return tuple(facts)
    text = _correction_text(reading) if mark == CORRECTION else _quoted_headline(reading)
    return (*facts, reading.fact("sentence", "new", None, text, text, mark))


def newest_news(members: Sequence[Article]) -> Fact | None:
    """Return the newest statement that was new in its story when its article joined, or None.

    ``members`` are the story's articles in order of joining, without copies.
    """
    for place in range(len(members) - 1, 0, -1):
        if facts := find_news(members[:place], members[place]):
            return facts[0]
    return None


def opposes(earlier: Sequence[Article], article: Article) -> bool:
    """Return whether the article's headline denies, withdraws or reverses the story's report.

    Further reports of a denial do not oppose a story that began with the denial.
    """
    # Most headlines do not, so the stories are read only if needed.
    language = lexicon.base(article.language)
    title = lexicon.joined(language, tokens.normalise(bare_headline(article)))
    turns = [turn for turn in turns_in(title, language) if turn in LABELS]
    return bool(turns and earlier) and _find_undone(_read_story(earlier), turns) is not None


def list_sentences(article: Article) -> tuple[Fact, ...]:
    """Return the first whole sentences of an article, from which a language model chooses.

    If there are none, return the headline.
    """
    reading = read(article)
    whole = [
        statement
        for statement in reading.statements[: 1 + _OFFERED]
        if statement.order and _is_whole(statement) and not sentences.is_question(statement.text)
    ]
    return tuple(
        reading.fact("sentence", "new", None, statement.text, statement.text)
        for statement in whole or reading.statements[:1]
    )


def _read_story(articles: Sequence[Article]) -> list[Reading]:
    shown = articles if len(articles) <= _FIRST + _LAST else (*articles[:_FIRST], *articles[-_LAST:])
    return list(map(read, shown))


def _headline_mark(story: Sequence[Reading], values: StoryValues, reading: Reading) -> str | None:
    """Return the mark of a headline that announces something new, or None. Most marks are empty."""
    headline = reading.statements[0]
    if headline.order or headline.has("recap") or sentences.is_question(headline.text):
        return None
    if reading.is_correction:
        return CORRECTION
    shown = [statement for other in story for statement in other.statements[:_SHOWN]]
    reported = {kind for statement in shown for kind in (*statement.turns, *statement.words)}
    new_turns = [turn for turn in headline.turns if not is_known(turn, reported)]
    if turn := _find_undone(story, new_turns):
        return LABELS[turn]
    acts = _acts(headline).intersection(*(map(_acts, story[0].statements[:1])))
    is_repeated = any(turn in REPEATS and (turn != "again" or acts) for turn in new_turns)
    return "" if is_repeated or any(is_another_count(values, figure) for figure in headline.figures) else None


def _acts(statement: Statement) -> set[str]:
    """Return the meanings of the statement's verbs, such as "=fine"."""
    return {word for word in statement.words if word.startswith("=")}


def _find_undone(story: Sequence[Reading], turns: Sequence[str]) -> str | None:
    """Return the first of the turns by which a headline undoes what the story reports, or None."""
    opening = _headline_turns(story[0])
    statements = [statement for reading in story for statement in reading.statements]
    reported = {turn for statement in statements if statement.order < _PROMINENT for turn in statement.turns}
    words = {word for statement in statements for word in statement.words}
    return undone((turn for turn in turns if turn not in opening), reported | words)


def _headline_turns(reading: Reading) -> tuple[str, ...]:
    return reading.statements[0].turns if reading.statements and not reading.statements[0].order else ()


def _quoted_headline(reading: Reading) -> str:
    return headlines.quoted_title(reading.statements[0].text, outlet=reading.outlet, link=reading.link)


def _correction_text(reading: Reading) -> str:
    """Return the first two sentences of a correction, or its headline if that has the right words itself."""
    headline, *body = reading.statements
    first = list(filter(_is_whole, body))[:2]
    if headline.figures or headline.days or headline.has("not") or not first or len(_joined(first)) > _TOGETHER:
        return _quoted_headline(reading)
    return _joined(first)


def _change_fact(reading: Reading, change: Change) -> Fact:
    mark = CORRECTION if reading.is_correction else ""
    run = list(_with_context(reading, change))
    text = _joined(run) if run[0].order else _quoted_headline(reading)
    return reading.fact(change.kind, change.label, change.before, change.after, text, mark)


def _with_context(reading: Reading, change: Change) -> Iterator[Statement]:
    """Yield the sentence of a change, after the preceding one if that names the subject."""
    statement = change.statement
    preceding = next((s for s in reading.statements if s.order and s.order == statement.order - 1), None)
    needs_context = sentences.is_dangling(statement.text) and not statement.names
    if preceding and needs_context and _is_whole(preceding) and len(_joined([preceding, statement])) <= _TOGETHER:
        yield preceding
    yield statement


def _is_whole(statement: Statement) -> bool:
    return sentences.fault(statement.text) in {None, sentences.Fault.TOO_SHORT}


def _joined(run: Sequence[Statement]) -> str:
    return "".join(f"{statement.text}{'' if statement.text[-1] in '。！？' else ' '}" for statement in run).strip()
