"""What numbers count, in words: fates of people, sums of money, measures that are never news."""

from __future__ import annotations

import re

from bot.language.words import stem

#: What happened to people, by the words that say it.
_FATES = (
    ("deaths", r"kill(?:s|ed|ing)?|dead|dies|died|die|deaths?|toll|fatalit(?:y|ies)|lost their lives|bodies"),
    ("injured", r"injur\w+|wound\w+|hurt|hospitali[sz]ed"),
    ("missing", r"missing|unaccounted"),
    ("arrested", r"arrest\w*|detain\w*|in(?:to)?(?: police)? custody|rounded up"),
    (
        "infected",
        (
            r"infect\w+|tested positive|sickened|fell ill|(?<!mentally )(?<!terminally )(?<!critically )ill"
            r"|(?<!court )(?<!criminal )(?<!murder )(?<!homicide )(?<!shooting )(?<!abuse )(?<!fraud )(?<!civil )cases"
        ),
    ),
    ("evacuated", r"evacuat\w+|displac\w+|homeless|fled"),
    ("rescued", r"rescu\w+|saved|survivors?"),
    ("jobs cut", r"lay(?:s|ing)? off|laid off|lay-?offs?|redundan\w+|job (?:cuts|losses)|sack\w*"),
    ("charged", r"charged|indicted"),
)
FATES = tuple((label, re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)) for label, pattern in _FATES)
PEOPLE = frozenset(
    stem(word)
    for word in "people persons men women children boys girls workers soldiers civilians passengers "
    "students miners police "
    "officers residents villagers villages migrants protesters others employees staff "
    "positions roles suspects patients "
    "pilgrims tourists crew members victims bodies cases deaths militants troops sailors "
    "firefighters pupils families".split()
)
#: What money or a share is of.
_SUMS = (
    ("fine", r"fin(?:e|es|ed|ing)|penalt(?:y|ies)"),
    ("settlement", r"settl\w+"),
    ("damages", r"damages|compensation|payout"),
    ("offer", r"bid|offer\w*|takeover|acqui\w+|buy\w*|bought|deal|purchase"),
    ("price", r"pric\w+|costs?|fee|fares?"),
    ("loss", r"loss(?:es)?|lost"),
    ("profit", r"profits?|earnings"),
    ("revenue", r"revenues?|sales|turnover"),
    ("funding", r"fund\w*|grants?|aid|loans?|invest\w+|budget|bail-?out|pledg\w+|raised"),
    ("ransom", r"ransom"),
    ("reward", r"reward|bounty"),
    ("bail", r"bail"),
    ("rate", r"rates?|inflation|unemployment|growth|interest"),
    ("turnout", r"turnout"),
    ("votes", r"votes?|majority"),
    ("stake", r"stake|shareholding"),
    ("tariff", r"tariffs?|dut(?:y|ies)|tax\w*|lev(?:y|ies)"),
    ("shares", r"shares?|stock"),
)
SUMS = tuple((label, re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)) for label, pattern in _SUMS)
#: Of those, what comes over people: a story that counts its people has told how many.
CASUALTIES = frozenset({"deaths", "injured", "missing", "infected", "evacuated", "rescued"})
#: A first figure of these is news by itself.
WEIGHTY = frozenset(
    {
        "deaths",
        "injured",
        "missing",
        "arrested",
        "evacuated",
        "jobs cut",
        "fine",
        "settlement",
        "damages",
        "sentence",
        "ransom",
        "reward",
        "bail",
        "charged",
        "magnitude",
        "infected",
    }
)
#: They end as «climbers» do and are nobody.
NO_DOERS = frozenset(
    "murders orders numbers letters papers computers servers quarters meters metres rivers floors doors errors borders "
    "offers powers answers matters chapters papers centers centres covers towers trailers tankers helicopters "
    "carriers containers freighters disasters barriers corners sensors reactors factors sectors tractors motors".split()
)
TERMS = re.compile(
    r"\b(?:sentenced|jailed|imprisoned)\b(?!.*\b(?:up to|maximum|recommend\w*|could|may|faces?)\b)", re.IGNORECASE
)
TIMES = frozenset({"year", "month", "week", "day", "hour", "minute", "second"})
MEASURES = frozenset(
    {
        "km",
        "mile",
        "metre",
        "meter",
        "degree",
        "time",
        "page",
        "point",
        "kg",
        "tonne",
        "acre",
        "foot",
        "feet",
        "inch",
        "hectare",
        "pm",
        "am",
        "gb",
        "mb",
    }
)
ENDERS = frozenset(
    "and or but in on at to from for with by as that which who were was are is have has had "
    "will would could may a an the this "
    "said after before when while into since over under than their his her its it he she they "
    "we not also if then where".split()
)
