"""Decide what an article that joins a story says that the story has not said, and how a reply states it.

    changes.py: both values are stated about the same thing  →  a claim, "deaths: 12 → 31"
    the article probably brings news                         →  a quote of its one or two newest sentences

How probable news is comes from a few features with a weight each (``WEIGHTS``, a logistic regression on labelled news:
`python -m bench.quality.news --fit`). Each feature is about form (a turn of events, a figure or a day that the story
lacks, an opinion, the time since the last article), never about a subject.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from bot import model
from bot.stories.facts.changes import Change, changes
from bot.stories.facts.claims import StoryClaims
from bot.stories.facts.reading import FATES, Reading, Statement, read
from bot.stories.facts.turns import LABELS, undone
from bot.text import sentences, titles

#: The headline and so many sentences are weighed and quoted; of a correction and for a language model, more.
_LEAD, _FURTHER = 3, 8
#: Turns that end or undo what was reported: news also right after the last article.
_DECISIVE = frozenset(
    "convict acquit sentence free deny withdraw reverse resign recall confirm extend cancel appeal".split()
)
#: Turns that are news even where the headline has none.
_GRAVE = frozenset("die hurt arrest charge convict acquit sentence free".split())
#: Of each feature, for the logit of the probability that an article brings news.
WEIGHTS: Mapping[str, float] = {
    "always": -4.95,
    "turns": 1.05,
    "decisive": 0.9,
    "figures": 0.75,
    "days": 1.05,
    "opinion": -1.25,
    "lead": 1.2,
    "pause": 1.24,
    "again": 0.67,
}
#: An article is quoted from this probability on.
THRESHOLD = 0.55
#: From this probability on, or where a sentence has a new turn, number or day, a language model is asked what is new.
_ASKED_FROM = 0.01
#: The certainty that an article reports the story's event from which on its values replace those of the story.
_SURE = 0.85
#: Hours since the last article: more say nothing more.
_LONGEST_PAUSE = 24
_MOST_CHANGES, _MOST_QUOTES = 3, 2
#: A sentence that a live page adds is new where the nearest statement lacks this share of it.
_APART = 0.5
#: A sentence with fewer words of content says nothing alone; with fewer than the second it is short.
_FEWEST, _SHORT = 3, 6
#: Characters of two sentences that are quoted as one.
_TOGETHER = 400


def news(
    claims: StoryClaims,
    reading: Reading,
    beside: Sequence[StoryClaims] = (),
    sure: float = 1.0,
) -> tuple[model.Fact, ...]:
    """Return what the article says that the story did not; nothing for a story's first article or a copy.

    ``beside``: the claims of the nearest other stories, whose news is not this story's. ``sure``: the probability that
    the article reports this story's event.
    """
    if is_copy(claims, reading, beside):
        return ()
    turn = undoing(claims, reading)
    mark = model.CORRECTION if reading.is_correction else LABELS[turn] if turn and turn not in claims.turns else ""
    # A sentence that itself replaces the story's value is about the same thing, whatever the article's event.
    is_sure = sure >= _SURE and not reading.is_live
    changed = [change for change in changes(claims, reading) if change.is_explicit or is_sure]
    changed = [change for change in changed if not _is_of_another(change, beside)][:_MOST_CHANGES]
    if not (mark or changed or _is_decisive(claims, reading)) and probability(claims, reading) * sure < THRESHOLD:
        return ()
    facts = [_claim(reading, change, model.CORRECTION if reading.is_correction else "") for change in changed]
    stated = [fact.sentence for fact in facts]
    quoted = [
        statement
        for statement in _newest(claims, reading, beside, most=_MOST_QUOTES)
        # A sentence with a change's new value, however it writes it, would say it a second time.
        if not any(statement.text in sentence for sentence in stated)
        and not any(change.after in statement.text for change in changed)
    ]
    if reading.is_correction and changed:
        quoted = []
    return (*facts, *_quotes(reading, quoted, stated, mark))


def news_and_more(
    claims: StoryClaims, reading: Reading, beside: Sequence[StoryClaims] = (), sure: float = 1.0
) -> tuple[tuple[model.Fact, ...], tuple[model.Fact, ...]]:
    """Return what ``news`` states, and further sentences that the story lacks, for a language model to choose from.

    There are no further ones where the article most probably brings nothing new.
    """
    stated = news(claims, reading, beside, sure)
    if is_copy(claims, reading, beside):
        return stated, ()
    known = [fact.sentence for fact in stated]
    further = [
        statement
        for statement in _shown(reading, _FURTHER)
        if not claims.repeats(statement) and not any(_text(reading, statement) in sentence for sentence in known)
    ]
    is_asked = stated or probability(claims, reading) >= _ASKED_FROM
    if not is_asked and not any(_turns(claims, each) or not claims.has_values(each) for each in further):
        return stated, ()
    return stated, tuple(_quotes(reading, further, known))


def news_of_version(claims: StoryClaims, after: model.Article) -> tuple[model.Fact, ...]:
    """Return what a live page's next version adds to itself and to the other articles; the claims take it in.

    These are quotes only: such a page is about several events, so a value mostly replaces one of another thing.
    """
    reading = read(after)
    fresh = [
        statement
        for statement in _newest(claims, reading, (), most=_LEAD)
        if _turns(claims, statement) or not claims.has_values(statement) or claims.apart(statement) >= _APART
    ]
    claims.add(reading, is_version=True)
    return tuple(_quotes(reading, fresh, ()))


def undoing(claims: StoryClaims, reading: Reading) -> str | None:
    """Return the turn by which the article's headline undoes what its story reports ("deny"), or None.

    A story that began with the denial is not undone by further reports of it.
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
    """Return what the probability is made of, each with its value."""
    top = reading.statements[0]
    # "It was banned in 2010" is background.
    lead = [each for each in reading.statements[1 : 1 + _LEAD] if not each.has("before")]
    hours = (reading.at - claims.last_at).total_seconds() / 3600 if claims.last_at else 0.0
    pause = math.log1p(min(max(0.0, hours), _LONGEST_PAUSE))
    return {
        "always": 1.0,
        "turns": min(2, _turns(claims, top)),
        "decisive": float(_is_decisive(claims, reading)),
        "figures": min(2, _figures(claims, top)),
        "days": float(any(not claims.has_day(day) for each in (top, *lead) for day in each.days)),
        "opinion": float(_is_opinion(top)),
        "lead": float(any(turn in _GRAVE and turn not in claims.turns for each in lead for turn in each.turns)),
        "pause": pause,
        "again": pause * (reading.outlet in claims.outlets),
    }


def _is_decisive(claims: StoryClaims, reading: Reading) -> bool:
    top = reading.statements[0]
    return not _is_opinion(top) and any(turn in _DECISIVE and turn not in claims.turns for turn in top.turns)


def _turns(claims: StoryClaims, statement: Statement) -> int:
    return sum(1 for turn in statement.turns if turn not in claims.turns)


def _figures(claims: StoryClaims, statement: Statement) -> int:
    """Count the numbers that the story lacks; a sum, a share or a toll counts twice."""
    new = [figure for figure in statement.figures if not claims.has_number(figure)]
    return sum(2 if figure.number.unit or figure.what in FATES else 1 for figure in new)


def _is_opinion(statement: Statement) -> bool:
    """It comments, explains, asks or tells how somebody feels."""
    # A turn is not looked for behind "may", so "denies plan" is none.
    is_open = statement.has("may") and not statement.turns
    return is_open or "?" in statement.text or statement.has("colour") or statement.has("recap")


def is_copy(claims: StoryClaims, reading: Reading, beside: Sequence[StoryClaims]) -> bool:
    """Whether nothing of the article can be new: the story is empty, or has a copy of it."""
    if not claims.count or not reading.statements:
        return True
    return any(reading.fingerprint in story.fingerprints for story in (claims, *beside))


def _is_of_another(change: Change, beside: Sequence[StoryClaims]) -> bool:
    """Another story of the rule has the old value and the new one: the change is that story's."""
    return any({change.before, change.after} <= set(_values(change, other)) for other in beside)


def _values(change: Change, claims: StoryClaims) -> Iterator[str]:
    for stated in claims.stated:
        if stated.number is not None:
            yield stated.number.shown
        if stated.day is not None:
            yield stated.day.shown(change.statement.day)


def _newest(claims: StoryClaims, reading: Reading, beside: Sequence[StoryClaims], *, most: int) -> Sequence[Statement]:
    """Return the sentences that say most of what the story lacks, in order; none that it, or one near it, repeats."""

    def worth(statement: Statement) -> float:
        own = _turns(claims, statement) + _figures(claims, statement) + claims.apart(statement)
        is_marked = any(turn in LABELS for turn in statement.turns) or "=correct" in statement.words
        is_past = statement.order > 0 and statement.has("before")
        return own + 2 * bool(is_marked) - _is_opinion(statement) - is_past

    shown = _shown(reading, _FURTHER if reading.is_correction else _LEAD)
    fresh = [each for each in shown if not any(story.repeats(each) for story in (claims, *beside))]
    best = sorted(fresh, key=worth, reverse=True)[:most]
    return [statement for statement in fresh if statement in best]


def _shown(reading: Reading, count: int) -> list[Statement]:
    return [statement for statement in reading.statements[: 1 + count] if _is_shown(statement)]


def _is_shown(statement: Statement) -> bool:
    if sentences.is_question(statement.text):
        return False
    if statement.order == 0:
        # "Correction" says nothing.
        return len(statement.content) + len(statement.figures) + len(statement.days) > 1
    return sentences.fault(statement.text) in {None, sentences.Fault.TOO_SHORT}


def _quotes(
    reading: Reading, chosen: Sequence[Statement], known: Sequence[str], mark: str = ""
) -> Iterator[model.Fact]:
    """Yield each statement as a quote, with the sentence that it leans on unless another quote ends in that.

    ``known``: the quotes that there are; ``mark``: of a correction all quotes have it, else those that reverse.
    """
    runs: list[list[Statement]] = []
    for statement in chosen:
        before = _leant_on(reading, statement)
        if before is None or any(before.text in other != before.text for other in known):
            runs.append([statement])
        elif runs and runs[-1][-1] is before and len(_text(reading, *runs[-1], statement)) <= _TOGETHER:
            runs[-1].append(statement)
        else:
            # Beneath the quote that ends in the sentence before, it needs no other.
            runs.append([statement] if runs and runs[-1][-1] is before else [before, statement])
    for run in runs:
        text = _text(reading, *run)
        labels = {LABELS.get(turn) for each in run for turn in each.turns}
        is_marked = mark == model.CORRECTION or mark in labels
        yield _fact(reading, "sentence", "new", None, text, text, mark if is_marked else "")


def _leant_on(reading: Reading, statement: Statement, *, is_sure: bool = False) -> Statement | None:
    """Return the sentence before, where this one says nothing without it ("It is 28 October."), or None.

    ``is_sure``: it surely leans on the sentence before.
    """
    before = next((each for each in reading.body if each.order == statement.order - 1), None)
    count = len(statement.content)
    signs = (count < _SHORT, not statement.names, sentences.is_dangling(statement.text))
    if before is None or not (is_sure or count < _FEWEST or sum(signs) > 1):
        return None
    is_whole = sentences.fault(before.text) in {None, sentences.Fault.TOO_SHORT}
    return before if is_whole and len(_text(reading, before, statement)) <= _TOGETHER else None


def _claim(reading: Reading, change: Change, mark: str) -> model.Fact:
    before = _leant_on(reading, change.statement, is_sure=change.corrected is not None)
    sentence = _text(reading, *((before, change.statement) if before else (change.statement,)))
    return _fact(reading, change.kind, change.label, change.before, change.after, sentence, mark)


def _text(reading: Reading, *run: Statement) -> str:
    """Return the words of statements as they are quoted."""
    if run[0].order == 0:
        return titles.quoted_title(run[0].text, outlet=reading.outlet, link=reading.link)
    return "".join(f"{each.text}{'' if each.text[-1] in '。！？' else ' '}" for each in run).strip()


def _fact(
    reading: Reading, kind: str, label: str, before: str | None, after: str, sentence: str, mark: str
) -> model.Fact:
    return model.Fact(
        kind=kind,
        label=label,
        before=before,
        after=after,
        sentence=sentence,
        mark=mark,
        article=reading.article,
        outlet=reading.outlet,
        link=reading.link,
        said_at=reading.at,
    )
