"""Articles, feeds and rules for the tests of this folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from bot import rules
from bot.model.feeds import Feed
from bot.model.rules import ArticleForm, Example, Line, Match, Rule, Where
from bot.model.stories import Article, ArticleId

NOW = datetime(2015, 12, 2, 9, 0, tzinfo=UTC)
FEED = Feed(url="https://news.example/feed.xml", name="Example News", tags=("pakistan",))


def article(title: str = "", text: str = "", **fields: Any) -> Article:
    plain = Article(
        id=ArticleId("a"),
        feed=FEED.url,
        outlet="Example News",
        owner="news.example",
        link="https://www.news.example/2015/12/story.html",
        title=title,
        text=text,
        first_seen=NOW,
        fingerprint="",
    )
    return replace(plain, **fields)


def lines(given: dict[str, list[str]] | list[str]) -> tuple[Line, ...]:
    if isinstance(given, list):
        return tuple(Line(label=term, terms=(term,)) for term in given)
    return tuple(Line(label=label, terms=tuple(terms)) for label, terms in given.items())


def rule(**keys: Any) -> Rule:
    """A rule as YAML has it: lists and dicts."""
    for key in ("all", "any", "none"):
        if key in keys:
            keys[key] = lines(keys[key])
    for key in ("must_match", "must_not_match"):
        if key in keys:
            keys[key] = tuple(Example(title=item) if isinstance(item, str) else Example(**item) for item in keys[key])
    if "skip" in keys:
        keys["skip"] = tuple(map(ArticleForm, keys["skip"]))
    if "sets" in keys:
        keys["sets"] = tuple((name, tuple(terms)) for name, terms in keys["sets"].items())
    return Rule(**{"name": "a rule", "notify": ("alerts",)} | keys)


def rule_set(*given: Rule) -> rules.RuleSet:
    return rules.RuleSet([rules.compile_rule(item) for item in given])


def matched(given: Rule, found: Article) -> tuple[Match, ...]:
    return rule_set(given).match(found, FEED, now=NOW)


def has(query: str, title: str = "", text: str = "", **fields: Any) -> bool:
    """Whether a query matches."""
    return bool(matched(rule(query=query), article(title, text, **fields)))


# -- random texts and rules in eight scripts, made so that they meet often


#: Words of each script that are near to one another: cases, accents, endings, forms that fold.
SCRIPTS = {
    "Latin": (
        "BES bes Bes BES12 back door backdoor backup doors résumé resume Straße STRASSE 5,000 5 PTA PTAs ﬁne fine İran"
        " iran O'Brien AT&T U.S. l'été x"
    ).split(),
    "Greek": ["Νέος", "ΝΕΟΣ", "νεος", "νόμος", "ΝΑΤΟ", "νέοι", "ΐ", "ᾳ"],
    "Cyrillic": ["закон", "законы", "Йод", "йод", "иод", "НАТО", "нато", "м’ята", "ёж"],
    "Arabic": ["قانون", "القانون", "باكستان", "بَاب", "باب", "ﷺ", "٥٠"],
    "Han and Kana": ["中国", "中", "国", "电信管理局", "管理", "バックドア", "ドア", "ﾊﾞｯｸ", "がか", "か", "五", "々"],
    "Thai": ["หลัง", "บ้าน", "บาน", "ประตู", "ที", "ที่", "กฎหมาย", "๕"],
    "Hangul": ["한국", "한국은", "한", "법", "법률", "국"],
    "Devanagari": ["कानून", "क़ानून", "हिन्दी", "हिन्", "पाकिस्तान", "५"],
}
SEPARATORS = [
    *[" "] * 8,
    *"-| – |, |’s |' |\n|\n\n|\r\n|\r\n \r\n|\u00a0|||\u00ad|\u200b|. |/|_|\u200d| (|&|'| NOT |5|,|*".split("|"),
    *"\u2029|\u2028\u00ad\u2028|\u0301".split("|"),
]


@st.composite
def texts(draw: st.DrawFn, vocabulary: list[str], *, size: int = 12) -> str:
    pieces: list[str] = []
    for _ in range(draw(st.integers(0, size))):
        pieces.append(draw(st.sampled_from(vocabulary)))
        pieces.append(draw(st.sampled_from(SEPARATORS)))
    return "".join(pieces)


@st.composite
def terms(draw: st.DrawFn, vocabulary: list[str]) -> str:
    words = draw(st.lists(st.sampled_from(vocabulary), min_size=1, max_size=3))
    shown = []
    for word in words:
        change = draw(st.sampled_from(["", "", "", "*", "cut*", "?", "hole"]))
        if change == "cut*":
            word = word[: draw(st.integers(min(3, len(word)), len(word)))] + "*"
        elif change == "hole" and len(word) > 2:
            word = word[:1] + "?" + word[2:]
        elif change in "*?":
            word += change
        shown.append(word)
    return draw(st.sampled_from([" ", " ", "-", ""])).join(shown)


def queries(vocabulary: list[str]) -> st.SearchStrategy[str]:
    """Queries of every form; some are refused."""
    term = terms(vocabulary)
    words = term.map('"{}"'.format) | term.map("{{{}}}".format)
    distance = st.integers(0, 4)
    window = st.builds('"{} {}"~{}'.format, term, term, distance)
    near = st.builds("NEAR/{}".format, distance) | st.builds("ONEAR/{}".format, distance) | st.just("OR")
    in_one_field = st.recursive(
        words | window, lambda inner: st.builds("({} {} {})".format, inner, near, inner), max_leaves=4
    )
    field = st.sampled_from(["", "title:", "body:", "lead:", "tag:"])
    value = st.sampled_from(["site:news.example", "site:bbc.co.uk", "lang:en", "/[A-Z]{3}/", "title:/(?i:door)/"])
    operator = st.sampled_from(["AND", "OR", "NOT"])
    return st.recursive(
        st.builds("{}{}".format, field, words) | in_one_field | value,
        lambda inner: st.builds("({} {} {})".format, inner, operator, inner),
        max_leaves=6,
    )


def items(vocabulary: list[str]) -> st.SearchStrategy[str]:
    return st.builds(str.format, st.sampled_from(["{}", "{{{}}}", "title:{}", "lead:{}"]), terms(vocabulary))


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Rule], Article]:
    """A few rules and an article of the same words."""
    scripts = draw(st.lists(st.sampled_from(sorted(SCRIPTS)), min_size=1, max_size=2))
    everything = [word for script in scripts for word in SCRIPTS[script]]
    # Few words, so that the terms that an operator joins are in the article together.
    vocabulary = draw(st.lists(st.sampled_from(everything), min_size=2, max_size=5))
    source = article(
        draw(texts(vocabulary, size=7)),
        draw(texts(vocabulary, size=15)),
        tags=tuple(draw(st.lists(texts(vocabulary, size=2), max_size=2))),
        language=draw(st.sampled_from([None, "en", "en_GB", "de"])),
    )
    parts = st.dictionaries(st.sampled_from("xy"), st.lists(items(vocabulary), min_size=1, max_size=3), max_size=2)
    keys = st.fixed_dictionaries({"query": queries(vocabulary)}) | st.fixed_dictionaries(
        {"all": parts, "any": parts, "none": parts}
    )
    created = [
        rule(name=f"rule {number}", where=draw(st.sampled_from(list(Where))), stem=draw(st.booleans()), **draw(keys))
        for number in range(draw(st.integers(1, 4)))
    ]
    return created, source
