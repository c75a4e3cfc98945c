"""Near-duplicate texts: a sketch of an article's shingles, and whether two sketches are of one text.

A syndicated copy is the same text in another outlet, often under a new headline or with a cut end.
"""

from __future__ import annotations

import zlib
from collections.abc import Container, Sequence
from dataclasses import dataclass

#: Bottom-k sketch (Broder 1997): of the hashes of all runs of this many words, the smallest are kept.
SHINGLE_WORDS = 4
SKETCH_SIZE = 64
#: Copies share this part of the shorter text; independent reports that quote one agency note stay below a half.
COPIED = 0.7
#: Below this many words a text is a teaser, and only an equal headline beside it makes a copy.
TEASER_WORDS = 25
HEADLINE_WORDS = 6
#: Titles or leads agree that share this part of the shorter one's words; a lead is so many words.
AGREED = 0.6
LEAD_WORDS = 20
#: Nearly equal headlines share this part of their words: over leads that agree, and without a text.
SAME, BARE_SAME = 0.7, 0.85
#: The filled places of a form stand within so many words; leads that share less than this are not one lead.
FORM_WORDS, ONE_LEAD = 60, 0.9


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is kept of a text to know its copies."""

    title: str
    #: Words with which the text begins.
    lead: frozenset[str]
    hashes: frozenset[int]
    #: Words of the text.
    length: int
    #: Names of the title, and figures of the title and the text's beginning.
    names: frozenset[str] = frozenset()
    figures: frozenset[str] = frozenset()

    @property
    def is_teaser(self) -> bool:
        """Whether the text is too short to be compared as a whole."""
        return self.length < TEASER_WORDS


def sketch(
    title: Sequence[str], text: Sequence[str], names: Container[str] = (), figures: Container[str] = ()
) -> Sketch:
    """Return the sketch of a text by its stems; ``names`` and ``figures`` say which of them are such."""
    written = [word.encode() for word in text]
    shingles = zip(*[written[at:] for at in range(SHINGLE_WORDS)], strict=False)
    hashes = set(map(zlib.crc32, map(b" ".join, shingles)))
    lead = frozenset(text[:LEAD_WORDS])
    return Sketch(
        title=" ".join(title),
        lead=lead,
        hashes=frozenset(sorted(hashes)[:SKETCH_SIZE]),
        length=len(text),
        names=frozenset(word for word in title if word in names),
        figures=frozenset(word for word in (*title, *text[:FORM_WORDS]) if word in figures),
    )


def is_copy(one: Sketch, other: Sketch) -> bool:
    """Whether two texts are one text, published twice: nearly all of it, and the title or the lead too.

    What an outlet puts under each of its items outweighs a short text; it never begins one.
    """
    if one.is_teaser or other.is_teaser:
        return one.title == other.title and one.title.count(" ") + 1 >= HEADLINE_WORDS and _are_equal(one, other)
    return shared(one, other) >= COPIED and agree(one, other) and not _are_of_one_form(one, other)


def is_same_headline(one: Sketch, other: Sketch) -> bool:
    """Whether two headlines are nearly equal, and the leads where both have one; other names or figures tell apart."""
    mine, theirs = set(one.title.split()), set(other.title.split())
    has_leads = bool(one.lead and other.lead)
    if len(mine | theirs) < HEADLINE_WORDS or len(mine & theirs) < (SAME if has_leads else BARE_SAME) * len(
        mine | theirs
    ):
        return False
    if has_leads and len(one.lead & other.lead) < AGREED * min(len(one.lead), len(other.lead)):
        return False
    return not _each_has_more(one.figures, other.figures) and not _each_has_more(one.names, other.names)


def _are_of_one_form(one: Sketch, other: Sketch) -> bool:
    """A notice filled in twice ("Notice of penalty: A", "… B"): each has its own figure, or name in its title."""
    if _each_has_more(one.figures, other.figures):
        return True
    is_one_lead = len(one.lead & other.lead) >= ONE_LEAD * min(len(one.lead), len(other.lead))
    return not is_one_lead and _each_has_more(one.names, other.names)


def _each_has_more(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    return bool(mine - theirs and theirs - mine)


def agree(one: Sketch, other: Sketch) -> bool:
    """The titles, or the first words of the texts, are about the same."""
    titles = set(one.title.split()), set(other.title.split())
    return any(
        len(mine & theirs) >= AGREED * max(1, min(len(mine), len(theirs)))
        for mine, theirs in (titles, (one.lead, other.lead))
    )


def _are_equal(one: Sketch, other: Sketch) -> bool:
    """Teasers under one headline: equal, or one of them absent."""
    return not one.hashes or not other.hashes or shared(one, other) >= COPIED


def shared(one_sketch: Sketch, other_sketch: Sketch) -> float:
    """Estimated part of the shorter text's shingles that the other has.

    Both sketches are complete samples below the smaller of their greatest hashes, so what lies there is compared.
    """
    one, other = one_sketch.hashes, other_sketch.hashes
    both = one & other
    if len(both) < COPIED * min(len(one), len(other)) / 4:
        return 0.0
    limit = min(_reach(one), _reach(other))
    smaller = min(sum(value <= limit for value in one), sum(value <= limit for value in other))
    return sum(value <= limit for value in both) / smaller if smaller else 0.0


def _reach(hashes: frozenset[int]) -> int:
    """Up to where a sketch holds every hash of its text."""
    return max(hashes) if len(hashes) == SKETCH_SIZE else 2**32
