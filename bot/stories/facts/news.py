"""Find the news that an article adds to its story, and the form in which a reply shows the news.

    changes.py: both values are stated about the same thing  →  a claim, "deaths: 12 → 31"
    the article probably brings news                         →  a quote of one or two sentences with the most news

The probability of news comes from seven weighted features (``WEIGHTS``, a logistic regression on labelled news:
`python -m bench.quality.news --fit`). Features describe form (a deed, a toll, a figure or a day that the story lacks,
an opinion, the time since the last article), never a subject.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from bot.model.stories import CORRECTION, Article, Fact
from bot.stories.facts.changes import Change, changes
from bot.stories.facts.claims import StoryClaims, weight
from bot.stories.facts.reading import FATES, Reading, Statement, bare_headline, plain_text, read
from bot.stories.facts.turns import LABELS, turns_in, undone
from bot.text import dates, headlines, lexicon, sentences

#: The first _LEAD sentences after the headline can be quoted; in a correction, or by a language model, the first
#: _FURTHER.
_LEAD, _FURTHER = 3, 8
#: Deeds in a headline that are news even soon after the last article.
_VERDICTS = frozenset({"=convict", "=acquit", "=sentence"})
#: A confirmed count of at least this is news, such as the number of customers of a breach.
_LARGE = 1_000
#: Meanings of words for things, comparisons and talk, which are not deeds.
_NOT_DEEDS = frozenset("=advance =cause =deadline =evidence =job =propose =suspect =warn".split())
#: The weight of each feature in the logit of the probability that an article brings news.
WEIGHTS: Mapping[str, float] = {
    "always": -4.57,
    "deed": 1.48,
    "toll": 2.15,
    "figures": 0.27,
    "days": 0.67,
    "opinion": -0.39,
    "pause": 0.86,
    "again": 0.43,
}
#: An article is quoted if the probability is at least this.
THRESHOLD = 0.4
#: A language model selects the news if the probability is at least this, or if a sentence has a new turn, number or
#: day.
_ASKED_FROM = 0.016
#: An article's values replace the story's only if it reports the story's event with at least this probability.
_SURE = 0.85
#: Maximum hours since the last article; a longer pause counts as this.
_LONGEST_PAUSE = 120
_MOST_CHANGES, _MOST_QUOTES = 3, 2
#: A sentence that a live page adds is new if the story's nearest statement lacks this share of the sentence.
_APART = 0.5
#: A sentence with fewer than _FEWEST content words needs its context. One with fewer than _SHORT words may need it.
_FEWEST, _SHORT = 3, 6
#: A sentence repeats a headline if it has this share of the headline's weight in words.
_SAME_WORDS = 0.6
#: Maximum characters of sentences that are quoted together.
_TOGETHER = 400


def news(
    claims: StoryClaims,
    reading: Reading,
    find_nearby: Callable[[], Sequence[StoryClaims]] = tuple,
    sure: float = 1.0,
) -> tuple[Fact, ...]:
    """Return the news that the article adds to the story; empty for a story's first article or a copy.

    ``find_nearby`` returns the claims of the nearest other stories, whose facts are not news in this story; it is
    called only if the article may bring news. ``sure`` is the probability that the article reports this story's event.
    """
    if is_copy(claims, reading):
        return ()
    turn = undoing(claims, reading)
    mark = CORRECTION if reading.is_correction else LABELS[turn] if turn and turn not in claims.turns else ""
    # An explicit change names a value of the story, so it counts even if the article may report another event.
    is_sure = sure >= _SURE and not reading.is_live
    changed = [change for change in changes(claims, reading) if change.is_explicit or is_sure]
    deeds = _deeds(claims, reading.statements[0])
    is_verdict = not _VERDICTS.isdisjoint(deeds) or ("=confirm" in deeds and _has_new_value(claims, reading))
    is_news = bool(mark or is_verdict) or probability(claims, reading) * sure >= THRESHOLD
    beside = find_nearby() if is_news or changed else ()
    changed = [change for change in changed if not _is_of_another(change, beside)][:_MOST_CHANGES]
    if not (is_news or changed) or _has_copy(beside, reading):
        return ()
    facts = [_claim(reading, change, CORRECTION if reading.is_correction else "") for change in changed]
    stated = [fact.sentence for fact in facts]
    quoted = [
        statement
        for statement in _newest(claims, reading, beside, most=0 if facts and reading.is_correction else _MOST_QUOTES)
        # Omit sentences that a change already quotes, or that contain its new value.
        if not any(statement.text in sentence for sentence in stated)
        and not any(change.after in _values(statement) for change in changed)
    ]
    return (*facts, *_quotes(reading, quoted, stated, mark))


def newest_change(members: Sequence[tuple[Article, float]]) -> Fact | None:
    """Return the newest changed value or denial among a story's articles, in order of joining, or None.

    Each article comes with the probability that it reports the story's event. Live pages are skipped.
    """
    claims, newest = StoryClaims(), None
    for reading, sure in ((read(article), sure) for article, sure in members):
        if not reading.is_live:
            changed = [fact for fact in news(claims, reading, sure=sure) if fact.is_claim or fact.mark]
            newest = changed[0] if changed else newest
            claims.add(reading)
    return newest


def news_and_more(
    claims: StoryClaims, reading: Reading, beside: Sequence[StoryClaims] = (), sure: float = 1.0
) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
    """Return the result of ``news``, and further sentences that the story lacks, from which a language model chooses.

    The second part is empty if the article very probably brings nothing new.
    """
    stated = news(claims, reading, lambda: beside, sure)
    if is_copy(claims, reading) or _has_copy(beside, reading):
        return stated, ()
    quoted = [fact.sentence for fact in stated]
    further = [
        statement
        for statement in _shown(reading, _FURTHER)
        if not claims.repeats(statement) and not any(_text(reading, statement) in sentence for sentence in quoted)
    ]
    is_asked = stated or probability(claims, reading) >= _ASKED_FROM
    if not is_asked and not any(_new_in(claims, candidate) for candidate in further):
        return stated, ()
    return stated, tuple(_quotes(reading, further, quoted))


def news_of_version(claims: StoryClaims, new_version: Article) -> tuple[Fact, ...]:
    """Return the news in a live page's next version, and add its claims to the story's.

    The facts are only quotes: a live page is about several events, so its values are rarely about the same thing.
    """
    reading = read(new_version)
    fresh = [
        statement
        for statement in _newest(claims, reading, (), most=_LEAD)
        if _new_in(claims, statement) or claims.apart(statement) >= _APART
    ]
    claims.add(reading, is_version=True)
    return tuple(_quotes(reading, fresh, ()))


def may_undo(article: Article) -> bool:
    """Return whether the article's headline alone may undo a report ("deny"). If not, ``undoing`` returns None."""
    language = lexicon.base(article.language)
    title = plain_text(bare_headline(article), language)
    return not title or any(turn in LABELS for turn in turns_in(title, language))


def undoing(claims: StoryClaims, reading: Reading) -> str | None:
    """Return the turn by which the article's headline undoes a report of its story ("deny"), or None.

    Further reports of a denial do not undo a story that began with the denial.
    """
    if not claims.count or not reading.statements:
        return None
    turns = (turn for turn in reading.statements[0].turns if turn not in claims.opening)
    return undone(turns, (*claims.turns, *claims.words))


def probability(claims: StoryClaims, reading: Reading) -> float:
    """Return the probability, 0 to 1, that the article says something new about the story's event."""
    logit = sum(WEIGHTS[name] * value for name, value in features(claims, reading).items())
    return 1 / (1 + math.exp(-logit))


def features(claims: StoryClaims, reading: Reading) -> dict[str, float]:
    """Return the features for the probability, by name."""
    hours = (reading.at - claims.last_at).total_seconds() / 3600 if claims.last_at else 0.0
    top, *lead = reading.statements[: 1 + _LEAD]
    pause = math.log1p(min(max(0.0, hours), _LONGEST_PAUSE))
    # A sentence such as "It was banned in 2010" is background.
    current = (top, *(statement for statement in lead if not statement.has("before")))
    # A toll of one is ignored below, because "one dead" may be a part of the toll.
    tolls = [figure for statement in (top, *lead[:2]) for figure in statement.figures if figure.what in FATES]
    new = [figure for figure in top.figures if not claims.has_number(figure)]
    return {
        "always": 1.0,
        "deed": float(bool(_deeds(claims, top))),
        "toll": float(not all(claims.has_number(toll) for toll in tolls if toll.number.value > 1)),
        # A number with a unit (a sum, a percentage) or of a toll counts twice.
        "figures": min(2, sum(2 if figure.number.unit or figure.what in FATES else 1 for figure in new)),
        "days": float(any(not claims.has_day(day) for statement in current for day in statement.days)),
        # Opinion comes later than news, so a pause means less before opinion, and least before labelled comment.
        "opinion": pause * (reading.is_comment + (reading.is_comment or _is_opinion(top))),
        "pause": pause,
        "again": pause * (reading.outlet in claims.outlets),
    }


def _has_new_value(claims: StoryClaims, reading: Reading) -> bool:
    """Return whether the headline or the first sentence has a sum, a large count or a coming day that is new."""
    for statement in reading.statements[:2]:
        sums = [
            figure
            for figure in statement.figures
            if figure.number.unit not in ("", "%") or (figure.noun and figure.number.value >= _LARGE)
        ]
        days = [day for day in statement.days if not day.is_relative and day.may_follow(statement.day)]
        if not all(map(claims.has_number, sums)) or not all(map(claims.has_day, days)):
            return True
    return False


def _deeds(claims: StoryClaims, statement: Statement) -> set[str]:
    """Return the turns of events and the meanings of verbs that no sentence of the story has."""
    deeds = {f"={turn}" for turn in statement.turns} | {word for word in statement.words if word.startswith("=")}
    return deeds - _NOT_DEEDS - claims.words.keys() - {f"={turn}" for turn in claims.turns}


def _new_in(claims: StoryClaims, statement: Statement) -> set[str]:
    """Return the turns of events, numbers and days of the statement that the story lacks."""
    numbers = {figure.number.shown for figure in statement.figures if not claims.has_number(figure)}
    days = {day.shown(statement.day) for day in statement.days if not claims.has_day(day)}
    return {turn for turn in statement.turns if turn not in claims.turns} | numbers | days


def _values(statement: Statement) -> set[str]:
    """Return the numbers and days of the statement, as readers see them: "five" is "5"."""
    numbers = {figure.number.shown for figure in statement.figures}
    return numbers | {day.shown(statement.day) for day in statement.days}


def _is_opinion(statement: Statement) -> bool:
    """Return whether a statement is a question, or a plan, comment, explanation or reaction with no turn of events."""
    is_open = any(map(statement.has, ("may", "colour", "recap"))) and not statement.turns
    return is_open or sentences.is_question(statement.text)


def is_copy(claims: StoryClaims, reading: Reading) -> bool:
    """Return whether the article cannot have news: the story or the article is empty, or the story has a copy of it."""
    return not claims.count or not reading.statements or _has_copy([claims], reading)


def _has_copy(stories: Sequence[StoryClaims], reading: Reading) -> bool:
    return any(reading.fingerprint in story.fingerprints for story in stories)


def _is_of_another(change: Change, beside: Sequence[StoryClaims]) -> bool:
    """Return whether another story has both the old and the new value, so that the change belongs to it."""
    for other in beside:
        numbers = {stated.number.shown for stated in other.stated if stated.number is not None}
        days = {stated.day.shown(change.statement.day) for stated in other.stated if stated.day is not None}
        if {change.before, change.after} <= numbers | days:
            return True
    return False


def _newest(claims: StoryClaims, reading: Reading, beside: Sequence[StoryClaims], *, most: int) -> Sequence[Statement]:
    """Return the sentences with the most news, in order. Skip sentences that this or a near story already has."""

    def worth(statement: Statement) -> float:
        own = len(_new_in(claims, statement)) + claims.apart(statement)
        is_marked = any(turn in LABELS for turn in statement.turns) or "=correct" in statement.words
        is_past = statement.order > 0 and statement.has("before")
        return own + 2 * (statement.order == 0) + 2 * bool(is_marked) - _is_opinion(statement) - is_past

    shown = _shown(reading, _FURTHER if reading.is_correction else _LEAD)
    fresh = [candidate for candidate in shown if not any(story.repeats(candidate) for story in (claims, *beside))]
    best: list[Statement] = []
    quoted: set[str] = set()
    for statement in sorted(fresh, key=worth, reverse=True):
        new = _new_in(claims, statement)
        if any(_has_words_of(other, statement) for other in best):
            # A sentence that repeats the headline usually adds only the day of the report.
            new -= {day.shown(statement.day) for day in statement.days if _is_of_report(day, statement)}
        # After the best sentence, a sentence without another new turn, number or day is background or a repetition,
        # except in a correction ("The vote was 5-1, not 4-2").
        if len(best) < most and not (best and new <= quoted and not reading.is_correction):
            best.append(statement)
            quoted |= new
    return [statement for statement in fresh if statement in best]


def _has_words_of(headline: Statement, sentence: Statement) -> bool:
    """Return whether the sentence has most words of the headline, by their weight."""
    return weight(headline.content & sentence.content) >= _SAME_WORDS * weight(headline.content)


def _is_of_report(day: dates.Day, statement: Statement) -> bool:
    """Return whether the day is relative ("on Tuesday") and not after the day of writing."""
    return day.is_relative and day.begins() <= statement.day


def _shown(reading: Reading, count: int) -> list[Statement]:
    """Return the headline and the first ``count`` sentences, without questions and broken sentences."""
    shown = []
    for statement in reading.statements[: 1 + count]:
        if statement.order == 0:
            # A bare "Correction" has no content.
            is_whole = len(statement.content) + len(statement.figures) + len(statement.days) > 1
        else:
            is_whole = sentences.fault(statement.text) in {None, sentences.Fault.TOO_SHORT}
        if is_whole and not sentences.is_question(statement.text):
            shown.append(statement)
    return shown


def _quotes(reading: Reading, chosen: Sequence[Statement], quoted: Sequence[str], mark: str = "") -> Iterator[Fact]:
    """Yield each statement as a quote, with the preceding sentence if needed as context and not in another quote.

    ``quoted`` has the existing quotes. In a correction, all quotes get the ``mark``; otherwise, only quotes with the
    turn that it labels.
    """
    runs: list[list[Statement]] = []
    for statement in chosen:
        context = _leant_on(reading, statement)
        if context is None or any(context.text in quote != context.text for quote in quoted):
            runs.append([statement])
        elif runs and runs[-1][-1] is context and len(_text(reading, *runs[-1], statement)) <= _TOGETHER:
            runs[-1].append(statement)
        else:
            # Add the context, unless the previous quote already ends with it.
            runs.append([statement] if runs and runs[-1][-1] is context else [context, statement])
    for run in runs:
        text = _text(reading, *run)
        labels = {LABELS.get(turn) for statement in run for turn in statement.turns}
        is_marked = mark == CORRECTION or mark in labels
        yield reading.fact("sentence", "new", None, text, text, mark if is_marked else "")


def _leant_on(reading: Reading, statement: Statement, *, is_sure: bool = False) -> Statement | None:
    """Return the preceding sentence if this one needs it as context ("It is 28 October."), or None.

    If ``is_sure``, the statement certainly needs context.
    """
    preceding = next((other for other in reading.body if other.order == statement.order - 1), None)
    count = len(statement.content)
    signs = (count < _SHORT, not statement.names, sentences.is_dangling(statement.text))
    if preceding is None or not (is_sure or count < _FEWEST or sum(signs) > 1):
        return None
    is_whole = sentences.fault(preceding.text) in {None, sentences.Fault.TOO_SHORT}
    return preceding if is_whole and len(_text(reading, preceding, statement)) <= _TOGETHER else None


def _claim(reading: Reading, change: Change, mark: str) -> Fact:
    context = _leant_on(reading, change.statement, is_sure=change.corrected is not None)
    sentence = _text(reading, *((context, change.statement) if context else (change.statement,)))
    return reading.fact(change.kind, change.label, change.before, change.after, sentence, mark)


def _text(reading: Reading, *run: Statement) -> str:
    """Return the text of the statements as a quote."""
    if run[0].order == 0:
        return headlines.quoted_title(run[0].text, outlet=reading.outlet, link=reading.link)
    return "".join(f"{statement.text}{'' if statement.text[-1] in '。！？' else ' '}" for statement in run).strip()
