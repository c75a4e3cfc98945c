"""What is told of an article that joins a story: its changes as "A → B", and its prominent new sentences, quoted whole.

Nothing is told unless the article surely brings something new (judge.py): a false statement costs more than a miss.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot import model
from bot.facts import judge
from bot.facts.changes import Change, changes
from bot.facts.claims import StoryClaims
from bot.facts.evidence import apart, evidence
from bot.facts.reading import Reading, Statement
from bot.language import mastheads, sentences

#: The headline and so many sentences are quoted.
QUOTED = 3
#: Of so many first sentences somebody else may choose what is told, from this sureness on: most articles repeat what
#: others have reported, and asking about each costs (decision record 0048).
OFFERED, OFFERED_FROM = 8, 0.05
#: The first sentences that are considered for it.
_PROMINENT = 4
_MOST_CHANGES = 3
#: A sentence of which the story has all but this share in one statement, and each of its values, is known.
_KNOWN = 0.15
#: A sentence with fewer words of content says nothing alone; with fewer than the second it is short.
_FEWEST, _SHORT = 3, 6
#: Characters of two sentences that are quoted as one.
_TOGETHER = 400


def news(
    claims: StoryClaims,
    reading: Reading,
    beside: Sequence[StoryClaims] = (),
    sure: float = 1.0,
    *,
    judged_by: judge.Model | None = None,
    quotes_only: bool = False,
) -> tuple[model.Fact, ...]:
    """What the article says that the story did not; none for a story's first article, a copy, or a doubtful one.

    Costs by the article and the claims' bounds. ``beside`` and ``sure`` as in ``evidence``. ``judged_by``: another
    model than the shipped one. ``quotes_only``: a change is quoted as its sentence, never put as "A → B".
    """
    return _weighed(claims, reading, beside, sure, judged_by or judge.shipped(), quotes_only=quotes_only)[0]


def news_and_more(
    claims: StoryClaims, reading: Reading, beside: Sequence[StoryClaims] = (), sure: float = 1.0
) -> tuple[tuple[model.Fact, ...], tuple[model.Fact, ...]]:
    """What ``news`` tells, and what beside it may be new: the first sentences that the story lacks.

    The latter is for somebody else to choose from; none of an article that surely brings nothing new.
    """
    told, sureness = _weighed(claims, reading, beside, sure, judge.shipped())
    if sureness < OFFERED_FROM:
        return told, ()
    known = [fact.sentence for fact in told]
    found = [
        each
        for each in _shown(reading, OFFERED)
        if apart(each, claims) >= _KNOWN and not any(_joined(reading, each) in other for other in known)
    ]
    return told, tuple(_quotes(reading, found, known))


def _weighed(
    claims: StoryClaims,
    reading: Reading,
    beside: Sequence[StoryClaims],
    sure: float,
    judged_by: judge.Model,
    *,
    quotes_only: bool = False,
) -> tuple[tuple[model.Fact, ...], float]:
    """The facts, and how surely the article brings something new, 0 to 1; weighing it is most of the cost."""
    if not claims.count or not reading.statements or reading.fingerprint in claims.fingerprints:
        return (), 0.0
    if any(reading.fingerprint in other.fingerprints for other in beside):
        return (), 0.0
    changed = [change for change in changes(claims, reading) if not _is_told_beside(change, beside)]
    # A sentence that itself replaces what the story said is news at any hour, as the same news an hour later is not.
    is_explicit = any(change.is_explicit for change in changed)
    sureness = 1.0 if is_explicit else judged_by.sureness(evidence(claims, reading, beside, sure))
    if sureness < judged_by.threshold:
        return (), sureness
    changed = [] if quotes_only else changed[:_MOST_CHANGES]
    told = [_change(reading, one) for one in changed]
    # A sentence that holds a change's new value, however it writes it, would say it a second time.
    said = [fact.sentence for fact, one in zip(told, changed, strict=True) if one.is_explicit]
    quoted = [each for each in _quoted(claims, reading) if not any(one.after in each.text for one in changed)]
    quoted = [each for each in quoted if not any(each.text in sentence for sentence in said)]
    return (*told, *_quotes(reading, quoted, [fact.sentence for fact in told])), sureness


def _is_told_beside(change: Change, beside: Sequence[StoryClaims]) -> bool:
    """Another story of the rule has the old value and the new one: the change is its, or was told there."""
    return any({change.before, change.after} <= set(_values(change, other)) for other in beside)


def _values(change: Change, claims: StoryClaims) -> Iterator[str]:
    for stated in claims.stated:
        if stated.number is not None:
            yield stated.number.shown
        if stated.day is not None:
            yield stated.day.shown(change.statement.day)


def _quoted(claims: StoryClaims, reading: Reading) -> list[Statement]:
    """The headline and the first sentences, in order; not a question, nor what the story has nearly word for word."""
    found = _shown(reading, _PROMINENT)
    # A correction first tells what was wrong.
    most = QUOTED + any("=correct" in statement.words for statement in reading.statements[:2])
    return [each for each in found if apart(each, claims) >= _KNOWN][:most] or found[:1]


def _shown(reading: Reading, count: int) -> list[Statement]:
    return [statement for statement in reading.statements[: 1 + count] if _is_shown(statement)]


def _is_shown(statement: Statement) -> bool:
    if sentences.is_question(statement.text):
        return False
    if statement.order == 0:
        # "Correction" says nothing.
        return len(statement.content) + len(statement.figures) + len(statement.days) > 1
    return sentences.fault(statement.text) in {None, sentences.Fault.TOO_SHORT}


def _quotes(reading: Reading, chosen: Sequence[Statement], known: Sequence[str]) -> Iterator[model.Fact]:
    """Each as a quote, with the sentence that it leans on but where another quote or one of ``known`` ends in that."""
    runs: list[list[Statement]] = []
    for statement in chosen:
        before = _leant_on(reading, statement)
        if before is None or any(before.text in other != before.text for other in known):
            runs.append([statement])
        elif runs and runs[-1][-1] is before and len(_joined(reading, *runs[-1], statement)) <= _TOGETHER:
            runs[-1].append(statement)
        else:
            # Beneath the quote that ends in the sentence before, it needs no other.
            runs.append([statement] if runs and runs[-1][-1] is before else [before, statement])
    for run in runs:
        text = _joined(reading, *run)
        yield _fact(reading, "sentence", "new", None, text, text)


def _leant_on(reading: Reading, statement: Statement, *, is_sure: bool = False) -> Statement | None:
    """The sentence before, where this one says nothing to who has not read it: "It is 28 October."; None: alone.

    ``is_sure``: it does lean, and whether is not asked.
    """
    before = next((each for each in reading.body if each.order == statement.order - 1), None)
    count = len(statement.content)
    signs = (count < _SHORT, not statement.names, sentences.is_dangling(statement.text))
    if before is None or not (is_sure or count < _FEWEST or sum(signs) > 1):
        return None
    is_whole = sentences.fault(before.text) in {None, sentences.Fault.TOO_SHORT}
    return before if is_whole and len(_joined(reading, before, statement)) <= _TOGETHER else None


def _change(reading: Reading, told: Change) -> model.Fact:
    before = _leant_on(reading, told.statement, is_sure=told.corrected is not None)
    sentence = _joined(reading, *((before, told.statement) if before else (told.statement,)))
    return _fact(reading, told.kind, told.label, told.before, told.after, sentence)


def _joined(reading: Reading, *run: Statement) -> str:
    """The words as they are quoted."""
    if run[0].order == 0:
        return mastheads.quoted(run[0].text, outlet=reading.outlet, link=reading.link)
    return "".join(f"{each.text}{'' if each.text[-1] in '。！？' else ' '}" for each in run).strip()


def _fact(reading: Reading, kind: str, label: str, before: str | None, after: str, sentence: str) -> model.Fact:
    return model.Fact(
        kind=kind,
        label=label,
        before=before,
        after=after,
        sentence=sentence,
        article=reading.article,
        outlet=reading.outlet,
        link=reading.link,
        said_at=reading.at,
    )
