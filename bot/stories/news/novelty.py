"""A whole sentence that says what no earlier article of the story says, in whatever words.

Reads any language that is written with spaces: the measure is the words that are new, names and numbers first. A copy,
another order and another wording of the known share most of their words with the story, and give none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import chain

from bot.language import background, sentences
from bot.stories.news.claims import Found
from bot.stories.news.past import is_background
from bot.stories.news.statements import Statement

#: Further down an article stands its background.
_READ = 8
#: The least that is said: words of content in the sentence, and of them new in the story.
_FEWEST, _FEWEST_NEW = 6, 4
#: Share of the sentence's weight that is new: against all of the story, and against its nearest sentence.
_NEW_SHARE, _NEW_BESIDE = 0.5, 0.6
#: Up to here a sentence is of the story since its article is; further down a word of the story's subject must tie it.
_SURELY_OF_IT = 4
#: As many documents as the background table speaks for.
_DOCUMENTS = 2000
_COMMON = 0.15
_LONGEST_WORDS = 45

_UNFIT = re.compile(
    r"^[\"“‘'«]?(?:he|she|it|they|this|that|these|those|his|her|its|their|but|and|or|so|yet|also|however|meanwhile|then|"
    r"earlier|previously|here|there|such|another|both|asked|if|when|while|in (?:19|20)\d\d)\b",
    re.IGNORECASE,
)
#: What may be, advice, and what somebody thinks of it.
_NO_REPORT = re.compile(
    r"\b(?:could|may|might|would|should|can|if|you|your|we|our|I|feels?|felt|thinks?|believes?|worr(?:y|ies|ied)|hopes?)\b"
    r"|\b1[0-8]\d\d\b|\b(?:since|back) (?:19|20)\d\d\b|\bdecades\b|\bannual(?:ly)?\b|\bfor (?:months|years)\b"
    r"|\bdeclined to\b|\bdid not (?:immediately )?(?:respond|comment|reply|return|answer)\b|\bnot immediately\b"
)
#: Of English: something happened or will; a sentence whose verb is «is», «has» or «are needed» describes.
_VERB = re.compile(
    r"\b(?:(?P<state>is|are|has|have|had|contains?|remains?|costs?|weighs?)\b(?!\s+(?:now\s+|also\s+|since\s+|already\s+)?been\b)"
    r"|will\b|(?:was|were|been)\b|began\b|became\b|broke\b|brought\b|built\b|bought\b|came\b|chose\b|cut\b|drew\b|drove\b"
    r"|fell\b|fled\b|flew\b|found\b|fought\b|gave\b|got\b|went\b|grew\b|held\b|hit\b|kept\b|led\b|left\b|lost\b|made\b|met\b"
    r"|paid\b|put\b|quit\b|ran\b|rode\b|rose\b|sank\b|sent\b|set\b|shot\b|shut\b|sold\b|spent\b|spread\b|stole\b|struck\b"
    r"|sued\b|swept\b|took\b|threw\b|won\b|wrote\b|sat\b|stood\b|shows?\b|showed\b"
    r"|(?P<past>[a-z]{2,}ed)\b)"
)
_PARTICIPLE = re.compile(
    r"\s+(?:\w+ly\s+)?(?:\w{2,}ed|begun|broken|brought|built|bought|come|chosen|cut|drawn|driven|fallen|fled|found|fought|given|gone"
    r"|grown|held|hit|kept|led|left|lost|made|met|paid|put|quit|run|risen|sunk|sent|set|shot|shut|sold|spent|spread|stolen"
    r"|struck|sued|swept|taken|thrown|told|won|written|seen)\b"
)
#: «the tufted ears», «with rusted cables»: no verb.
_AS_ADJECTIVE = re.compile(
    r"\b(?:the|an?|its|their|his|her|of|with|by|in|for|on|and|or|from|to|some|two|three|four|many|several|most|all)\s+$"
    r"|^\W*$",
    re.IGNORECASE,
)
_NO_EVENT = frozenset("need feed indeed speed based called named located situated asked believed wanted used".split())
_QUOTE = re.compile(r"[“\"«„]")


def news(said: Sequence[Sequence[Statement]], fresh: Sequence[Statement], *, is_english: bool = True) -> Found | None:
    """The sentence that says most that is new; None: none says enough."""
    earlier = [statement.stems for statement in chain.from_iterable(said)]
    known = frozenset(chain.from_iterable(earlier))
    subject = frozenset(stem for one in said for statement in one[:3] for stem in statement.stems)
    best, most = None, 0.0
    for statement in _candidates(fresh, is_english=is_english):
        new = statement.stems - known
        if len(statement.stems) < _FEWEST or len(new) < _FEWEST_NEW:
            continue
        if statement.order > _SURELY_OF_IT and not statement.stems & subject:
            continue
        whole = _weight(statement.stems)
        gain = _weight(new)
        nearest = max((_weight(statement.stems & one) for one in earlier), default=0.0)
        if gain < _NEW_SHARE * whole or whole - nearest < _NEW_BESIDE * whole:
            continue
        worth = gain / (1 + 0.15 * statement.order)
        if worth > most:
            best, most = statement, worth
    if best is None:
        return None
    return Found(kind="sentence", label="new", before=None, after=best.text, statement=best)


def _candidates(fresh: Sequence[Statement], *, is_english: bool) -> Iterator[Statement]:
    for statement in fresh[: _READ + 1]:
        text = statement.text
        if not statement.is_fit or is_background(statement) or len(text.split()) > _LONGEST_WORDS:
            continue
        # A quote is shown with its speaker or not at all; a question says nothing.
        if _UNFIT.match(text) or text.rstrip("\"'”’»").endswith(("?", "？", "؟")) or not sentences.is_balanced(text):
            continue
        if is_english and (_NO_REPORT.search(text) or not _happened(text)):
            continue
        if not _is_mostly_quote(text):
            yield statement


def _happened(text: str) -> bool:
    """By its first verb."""
    for verb in _VERB.finditer(text):
        past = verb["past"]
        if past and (past in _NO_EVENT or _AS_ADJECTIVE.search(text[: verb.start()])):
            continue
        # «has fallen» happened; «is needed» and «has curved edges» describe.
        return verb["state"] is None or (verb["state"] in ("has", "have", "had") and _is_perfect(text, verb.end()))
    return False


def _is_perfect(text: str, at: int) -> bool:
    return _PARTICIPLE.match(text, at) is not None


def _is_mostly_quote(text: str) -> bool:
    """Opens with a quote: what somebody feels about it, more often than what happened."""
    found = _QUOTE.search(text)
    return found is not None and found.start() == 0


def _weight(stems: frozenset[str]) -> float:
    """Rare words and numbers say more."""
    rates = background.table().rates
    total = 0.0
    for stem in stems:
        rate = rates.get(stem, 0.0)
        if rate < _COMMON:
            total += math.log((_DOCUMENTS + 1) / (rate * _DOCUMENTS + 0.5))
    return total
