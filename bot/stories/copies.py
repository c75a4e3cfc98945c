"""Detect near-duplicate texts by comparing sketches of their shingles.

A syndicated copy is the same text in another outlet, often with a new headline or a shortened end.
"""

from __future__ import annotations

import zlib
from collections.abc import Container, Sequence

import msgspec

#: Bottom-k sketch (Broder 1997): hash every run of SHINGLE_WORDS words, and keep the SKETCH_SIZE smallest hashes.
SHINGLE_WORDS = 4
SKETCH_SIZE = 64
#: Copies share at least this part of the shorter text. Independent reports of one press release share less.
COPIED = 0.7
#: A text with fewer words is a teaser. It can be a copy only if the headlines are equal too.
TEASER_WORDS = 25
#: Headlines with fewer words are too short to show that two texts are one.
HEADLINE_WORDS = 6
#: Two titles or leads agree if they share this part of the shorter one's words.
AGREED = 0.6
#: A lead is this many first words of the text.
LEAD_WORDS = 20
#: Headlines are nearly equal if they share this part of their words: SAME if the leads agree, BARE_SAME without leads.
SAME, BARE_SAME = 0.7, 0.85
#: Figures are compared only in the first FORM_WORDS words, in which texts that fill in one form differ. Two leads are
#: different if they share less than ONE_LEAD of the shorter one's words.
FORM_WORDS, ONE_LEAD = 60, 0.9


class Sketch(msgspec.Struct, frozen=True):
    """The data by which copies of a text are recognised."""

    title: str
    #: The first LEAD_WORDS words of the text.
    lead: frozenset[str]
    hashes: frozenset[int]
    #: Number of words in the text.
    length: int
    #: Names in the title.
    names: frozenset[str] = frozenset()
    #: Figures in the title and in the first FORM_WORDS words of the text.
    figures: frozenset[str] = frozenset()

    @property
    def is_teaser(self) -> bool:
        """Return whether the text is too short to be compared as a whole."""
        return self.length < TEASER_WORDS


def sketch(
    title: Sequence[str], text: Sequence[str], names: Container[str] = (), figures: Container[str] = ()
) -> Sketch:
    """Return the sketch of a text. ``names`` and ``figures`` are the stems that count as names and figures."""
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


def is_copy(sketch: Sketch, other: Sketch) -> bool:
    """Return whether one text is a copy of the other: they share most words, and agree in the title or the lead.

    The title or lead must agree, because most of a short text may be the outlet's standard footer.
    """
    if sketch.is_teaser or other.is_teaser:
        return (
            sketch.title == other.title and sketch.title.count(" ") + 1 >= HEADLINE_WORDS and _are_equal(sketch, other)
        )
    return shared(sketch, other) >= COPIED and agree(sketch, other) and not _are_of_one_form(sketch, other)


def is_same_headline(sketch: Sketch, other: Sketch) -> bool:
    """Return whether the headlines are nearly equal, no names or figures differ, and the leads agree, if both exist."""
    mine, theirs = set(sketch.title.split()), set(other.title.split())
    has_leads = bool(sketch.lead and other.lead)
    if len(mine | theirs) < HEADLINE_WORDS or len(mine & theirs) < (SAME if has_leads else BARE_SAME) * len(
        mine | theirs
    ):
        return False
    if has_leads and len(sketch.lead & other.lead) < AGREED * min(len(sketch.lead), len(other.lead)):
        return False
    return not _each_has_more(sketch.figures, other.figures) and not _each_has_more(sketch.names, other.names)


def _are_of_one_form(sketch: Sketch, other: Sketch) -> bool:
    """Return whether the texts are one form filled in twice: each has its own figure, or its own name in the title.

    Example: "Notice of penalty: A" and "Notice of penalty: B".
    """
    if _each_has_more(sketch.figures, other.figures):
        return True
    is_one_lead = len(sketch.lead & other.lead) >= ONE_LEAD * min(len(sketch.lead), len(other.lead))
    return not is_one_lead and _each_has_more(sketch.names, other.names)


def _each_has_more(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    return bool(mine - theirs and theirs - mine)


def agree(sketch: Sketch, other: Sketch) -> bool:
    """Return whether the titles, or the leads, share most of their words."""
    titles = set(sketch.title.split()), set(other.title.split())
    return any(
        len(mine & theirs) >= AGREED * max(1, min(len(mine), len(theirs)))
        for mine, theirs in (titles, (sketch.lead, other.lead))
    )


def _are_equal(sketch: Sketch, other: Sketch) -> bool:
    """Return whether the texts share most of the shorter one, or at least one of them is too short for a shingle."""
    return not sketch.hashes or not other.hashes or shared(sketch, other) >= COPIED


def shared(sketch: Sketch, other: Sketch) -> float:
    """Estimate the part of the shorter text's shingles that the other text has.

    A sketch with SKETCH_SIZE hashes lacks the text's hashes above its greatest one; a smaller sketch lacks none. So
    only hashes up to the lower of the two limits are compared.
    """
    hashes, other_hashes = sketch.hashes, other.hashes
    both = hashes & other_hashes
    if len(both) < COPIED * min(len(hashes), len(other_hashes)) / 4:
        return 0.0
    limits = [max(sample) for sample in (hashes, other_hashes) if len(sample) == SKETCH_SIZE]
    if limits:
        hashes, other_hashes, both = (
            frozenset([value for value in sample if value <= min(limits)]) for sample in (hashes, other_hashes, both)
        )
    smaller = min(len(hashes), len(other_hashes))
    return len(both) / smaller if smaller else 0.0
