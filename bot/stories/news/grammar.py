"""How an English sentence states a decision: as done or decided, as doubtful, in passing, or not at all.

Reads what stands before and after the verb in its clause; which verbs decide what is in turns.tsv.
"""

from __future__ import annotations

import re

_PASSIVE = re.compile(r"\b(?:was|were|is|are|been|be|has|have)(?:\s+\w+ly)?\s*$", re.IGNORECASE)
_UNSURE = re.compile(
    r"\b(?:not|never|no|nor|neither|yet to|could|may|might|would|should|if"
    r"|whether|unless|until|before|can|cannot|\w+n't|possible|possibly|likely|"
    r"asked|asking|asks|urged|urging|urges|wants?|wanted|hopes?|hoped"
    r"|plans? to|planned to|seeks?|sought|threaten\w*|consider\w*|proposed?|calls? (?:for|on)|"
    r"demand\w*|refus\w*|fail\w*|due to be|expected|reportedly|allegedly"
    r"|bid|move|effort|attempt|push|fight|plan|call|request|threat|try|tries|trying|tried|aims?|vote"
    r"|denie[sd]|rumou?red|ever)\b(?:\W+\w+){0,4}\W*$",
    re.IGNORECASE,
)
#: Done, but told in passing, before, or of others: known with it, and no news.
_IN_PASSING = re.compile(
    r"\b(?:had|previously|earlier|already|once|since|when|after|who|which|that was|that were|other|another|why|how)\b"
    r"(?:\W+\w+){0,4}\W*$",
    re.IGNORECASE,
)
#: What was once is known of another time or another case.
_HAD_BEFORE = re.compile(r"\b(?:had|previously|earlier|once|other|another)\b(?:\W+\w+){0,4}\W*$", re.IGNORECASE)
#: «the name she adopted»: a clause that belongs to a noun.
_OF_A_NOUN = re.compile(
    r"(?<![\w'’-])(?!(?:that|and|but|so|said|says|say|as|because|then|also|if|though)\b)"
    r"[\w'’-]++ (?:he|she|it|they|we|I)\s+$"
)
#: «The names of the victims were released»: what is told, not who was let go.
_TOLD = re.compile(
    r"\b(?:identit(?:y|ies)|names?|video|footage|photos?|pictures?|images?|details?|reports?|documents?|records?|statements?"
    r"|data|figures|results|films?|albums?|guidance|guidelines|findings|transcripts?|e?-?mails?|information)\b",
    re.IGNORECASE,
)
#: Doubt further ahead of the verb: «if the Food and Drug Administration (FDA) approved», «while we evacuated».
_ASIDE = re.compile(r"\b(?:if|whether|unless|until|while)\b(?:\W++\w[\w.'’-]*+){0,9}\W*+$|\b(?:we|I)\s+(?:\w+ly\s+)?$")
_DECIDED = re.compile(
    r"\b(?:decided|agreed|voted|vowed|opted|chose|moved)\s+to\s+(?:be\s+)?$|\b(?:said|says)\b[^.]{1,40}\bhad\s+(?:been\s+)?$",
    re.IGNORECASE,
)
#: «the banned drug», «30,000 recalled dolls»: a decision of before.
_AS_ADJECTIVE = re.compile(
    r"\b(?:the|an?|its|their|his|her|this|that|these|those|some|all|any|many|most|more|certain|and|or|of|by|with|for|in|as|than|newly|recently"
    r"|generally|often|usually|always|sometimes|routinely|(?<![\d,.])\d[\d,.]*+)\s*+$",
    re.IGNORECASE,
)
#: What an active verb decides about: «lifted its order», «fined Norvik», «agreed that …».
_OBJECT = re.compile(
    r"\s+(?:(?:the|an?|its|his|her|their|all|any|some|this|these|both|every|another|more|most|about|around|nearly|at|over|from|to|on|as"
    r"|in|with|against|leaving|one|two|three|four|five|six|seven|eight|nine|ten|dozens|hundreds|thousands)\b|[A-Z£$€\d])"
)
_INFINITIVE = re.compile(r"\bto(?:\s+be)?\s*$|\b(?:the|an?|its|by|this)\s+\w+ly\s*$", re.IGNORECASE)
_ON_CONDITION = re.compile(r"^[^.,;]*\b(?:if|unless|whether)\b", re.IGNORECASE)
#: «no arrest», «a tip that leads to an arrest», «calls for his resignation»: named, and not done.
_UNDONE = re.compile(
    r"\b(?:no|not|nor|without|any|nearly|almost|yet to|possible|pending|fears? of|risk of|\w+n't"
    r"|lead(?:s|ing)? to|call(?:s|ed|ing)? for|ask(?:s|ed|ing)? for|await\w*|seek\w*|sought|demand\w*|threat\w*|urg\w+)"
    r"(?:\W+\w+){0,2}\W*$",
    re.IGNORECASE,
)
#: Turns whose headline verbs are nouns as well: bans, delays, leaks.
_MAY_BE_NOUNS = frozenset(
    {"banned", "charged", "delayed", "exploited", "fined", "fixed", "ordered", "raided", "recalled", "suspended"}
)
#: Words after a headline's verb that are no object.
_NO_OBJECT = re.compile(
    r"\s*(?:$|[,.;:!?–—-]|(?:in|for|on|of|to|with|at|as|and|or|by|from|after|over|is|are|was|were|will|has|have)\b)",
    re.IGNORECASE,
)


def is_stated(label: str, before: str, verb: str, after: str, *, is_headline: bool) -> bool:
    """Someone did it or will: neither «may», «asked to», «the banned drug», nor a word by itself.

    ``before`` begins where the verb's clause does.
    """
    if not before.strip() or _AS_ADJECTIVE.search(before) or _ON_CONDITION.search(after[:120]):
        return False
    if is_doubtful(before) or _OF_A_NOUN.search(before) or _is_told_about(label, before):
        return False
    if (_IN_PASSING.search(before) or _INFINITIVE.search(before)) and not _DECIDED.search(before):
        return False
    # Headlines drop their articles and their «was».
    if is_headline:
        return not _is_noun(label, verb, after)
    # «declared a state of emergency» has its object in the wording.
    within = verb[len(verb.split(maxsplit=1)[0]) :] + after
    return bool(_PASSIVE.search(before) or _OBJECT.match(after) or _OBJECT.match(within))


def is_done(before: str) -> bool:
    """Told as done in any grammar, also in passing: «after it rejected …», «the banned drug»."""
    return not (is_doubtful(before) or _INFINITIVE.search(before) or _HAD_BEFORE.search(before))


def is_doubtful(before: str) -> bool:
    """«may have lifted», «has not lifted», «if it lifted»."""
    return bool(_UNSURE.search(before) or _ASIDE.search(before)) and not _DECIDED.search(before)


def is_undone(before: str) -> bool:
    """A noun that is denied, hoped for or feared."""
    return _UNDONE.search(before) is not None


def has_object(after: str) -> bool:
    """Something stands behind a headline's verb that it may be done to."""
    return _NO_OBJECT.match(after) is None


def _is_told_about(label: str, before: str) -> bool:
    return label == "released" and _TOLD.search(before[-60:]) is not None


def _is_noun(label: str, verb: str, after: str) -> bool:
    """«months of delays»: a headline's verb that has no object and may be a noun is one."""
    return label in _MAY_BE_NOUNS and verb.endswith("s") and not re.match(r"['\"]?\s+[\w'\"£$€]", after)
