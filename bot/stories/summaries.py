"""A story in short: a headline, two or three whole sentences of its articles, why it matched, and who carries it.

Extractive: every word shown is in an article, and each sentence names it. Decides nothing about posting.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bot import model
from bot.text import sentences, titles, tokens
from bot.text.sentences import UNSPACED

#: Evidence shown of one line of a rule, and of a whole rule: enough to see why, short enough for a phone.
_SHOWN_OF_LINE = 2
_SHOWN_OF_RULE = 6
#: Articles from which the headline, the summary and the evidence are taken: the story was told by then.
_SHOWN_OUTLETS = 40
#: Headlines that a message holds; its channels show fewer.
_LINES = 20
#: Words that change nothing in a headline.
_ARTICLES = frozenset({"a", "an", "the"})
#: A headline that its feed cut is known by so many words.
_CUT_WORDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Who carries a story, by headline: what a message, the page, the API and the feeds show."""

    #: The outlets with the story's own headline.
    byline: model.CoverageLine
    #: The other headlines. The one that joined last is first, so that what is new is at the top.
    lines: tuple[model.CoverageLine, ...]
    #: How many other headlines there are.
    count: int
    #: Syndicated copies, which have no line.
    copy_count: int


def make_brief(
    story: model.Story,
    rules: Mapping[str, model.Rule],
    *,
    headline: model.ArticleId | None = None,
    said: Collection[str] = (),
) -> model.StoryBrief:
    """Return the story in short for the rules that speak, by name.

    ``headline``: the article whose headline the message shows already. ``said``: sentences already told.
    """
    teller = _headline_member(story, rules, headline)
    # Articles that may tell another event speak last, and sign what they say.
    others = sorted(story.members[:_SHOWN_OUTLETS], key=lambda member: member.is_probable)
    members = [teller, *(member for member in others if member is not teller)]
    summary: tuple[model.Sentence, ...] = ()
    for member in members:
        summary = pick_sentences(member.article, _of_rules(member.matches, rules), said=said)
        if summary:
            break
    listed = list_coverage(story, headline=teller.article.id, most=_LINES)
    return model.StoryBrief(
        story=story.id,
        title=_title(teller, story, rules),
        summary=summary,
        why=_why(members, rules),
        byline=listed.byline,
        coverage=listed.lines,
        coverage_count=listed.count,
        owner_count=len(story.owners),
        copy_count=listed.copy_count,
        first_seen=story.first_seen,
        last_seen=story.last_seen,
    )


def message_headline(
    story: model.Story, rules: Mapping[str, model.Rule], *, article: model.ArticleId | None = None
) -> model.Sentence:
    """Return the headline that a message shows, with the words that these rules matched.

    ``article``: whose headline it shows already. Without it, the story's own, unless another article is the first that
    these rules match.
    """
    return _title(_headline_member(story, rules, article), story, rules)


def story_headline(story: model.Story) -> str:
    """Return the headline under which every page, list and answer shows the story.

    It is that of one article, with what its outlet corrected in it.
    """
    own = _own(story)
    if own is None or not own.article.title.strip():
        return story.title or (_opening(own.article) if own else "")
    return own.article.title[: _title_end(own.article.title, own.article.outlet)].strip()


def list_coverage(story: model.Story, *, headline: model.ArticleId | None = None, most: int | None = None) -> Coverage:
    """Return the headlines under which outlets carry the story; nearly equal ones are one line.

    ``headline``: the article whose headline is shown; None: the story's own. ``most``: how many of the others are
    wanted; None: all. The story has at least one member.
    """
    shown = next((each for each in story.members if each.article.id == headline), None) or _own(story)
    assert shown is not None
    groups: dict[tuple[str, ...], list[model.Member]] = {_words_of(shown.article): [shown]}
    copies = 0
    for member in story.members:
        if member is shown:
            continue
        if member.join.copy_of is not None:
            copies += 1
            continue
        words = _words_of(member.article)
        if words not in groups and sentences.is_cut_title(member.article.title) and len(words) >= _CUT_WORDS:
            words = next((each for each in groups if _is_start(words, of=each)), words)
        groups.setdefault(words, []).append(member)
    own, *others = groups.values()
    return Coverage(
        byline=_line(own, is_doubtful=shown.is_probable),
        lines=tuple(_line(members, is_doubtful=shown.is_probable) for members in others[::-1][:most]),
        count=len(others),
        copy_count=copies,
    )


def _line(members: list[model.Member], *, is_doubtful: bool) -> model.CoverageLine:
    """``is_doubtful``: the story's own headline may tell another event than the rest."""
    shown = next((each for each in members if not each.is_probable), members[0])
    article = shown.article
    return model.CoverageLine(
        outlet=article.outlet,
        title=titles.quoted_title(article.title, outlet=article.outlet, link=article.link) or _opening(article),
        link=article.link,
        at=article.when,
        article=article.id,
        more=len({each.article.outlet for each in members} - {article.outlet}),
        is_probable=is_doubtful or shown.is_probable,
    )


def _words_of(article: model.Article) -> tuple[str, ...]:
    """What two headlines have in common that differ in their dress only; an article without any is like no other."""
    return _headline_words(article.title, article.outlet, article.link) or (article.id,)


@lru_cache(maxsize=8_192)
def _headline_words(title: str, outlet: str, link: str) -> tuple[str, ...]:
    bare = titles.bare_title(titles.without_outlet(title, outlet=outlet, link=link))
    words = (tokens.drop_accents(tokens.fold_case(word.text)) for word in tokens.words(bare))
    return tuple(word for word in words if word not in _ARTICLES)


def _is_start(words: tuple[str, ...], *, of: tuple[str, ...]) -> bool:
    """A feed cuts a headline between words or inside one."""
    last = len(words) - 1
    return len(of) > last and of[:last] == words[:last] and of[last].startswith(words[last])


def _own(story: model.Story) -> model.Member | None:
    """The member whose headline the story shows; None: the story has no members."""
    first = story.members[0] if story.members else None
    return next((each for each in story.members if each.article.id == story.headline), first)


def _headline_member(
    story: model.Story, rules: Mapping[str, model.Rule], article: model.ArticleId | None
) -> model.Member:
    """The member for which a message is posted, or was."""
    posted = next((each for each in story.members if each.article.id == article), None)
    own = _own(story)
    if posted is not None or own is None:
        return posted or story.members[0]
    inside = [own, *(each for each in story.members[:_SHOWN_OUTLETS] if each is not own)]
    of_rules = [each for each in inside if any(match.rule in rules for match in each.matches)] or inside
    titled = [each for each in of_rules if each.article.title.strip()]
    whole = (each for each in titled if not sentences.is_cut_title(each.article.title))
    return next(whole, (titled or of_rules)[0])


def _title(teller: model.Member, story: model.Story, rules: Mapping[str, model.Rule]) -> model.Sentence:
    article = teller.article
    is_titled = bool(article.title.strip())
    text = article.title if is_titled else story.title or _opening(article) or article.link or article.outlet
    marked = find_places(_of_rules(teller.matches, rules), field="title" if is_titled else "", text=text)
    start = len(text) - len(text.lstrip())
    spans = find_spans(text, start, _title_end(text, article.outlet), marked)
    return model.Sentence(spans=spans, outlet=article.outlet, link=article.link, article=article.id)


def _opening(article: model.Article) -> str:
    """The first sentence of an article that has no headline."""
    return next((span.text for span in sentences.split(article.text, article.language)), "")


def _title_end(title: str, outlet: str) -> int:
    """Where the headline ends: the outlet's own name behind a bar or dash is none of it."""
    signed = re.search(rf"(?<!\s)\s++[|–—-]\s++{re.escape(outlet)}\s*+$", title, re.IGNORECASE) if outlet else None
    return signed.start() if signed and signed.start() else len(title.rstrip())


def _of_rules(matches: Iterable[model.Match], rules: Mapping[str, model.Rule]) -> tuple[model.Match, ...]:
    return tuple(match for match in matches if match.rule in rules)


def _why(members: Iterable[model.Member], rules: Mapping[str, model.Rule]) -> tuple[model.Why, ...]:
    shown: dict[str, list[model.Evidence]] = {}
    for member in members:
        for match in _of_rules(member.matches, rules):
            kept = shown.setdefault(match.rule, [])
            for each in match.evidence:
                of_line = [one for one in kept if one.label == each.label]
                is_known = any(one.text.casefold() == each.text.casefold() for one in of_line)
                if not is_known and len(of_line) < _SHOWN_OF_LINE and len(kept) < _SHOWN_OF_RULE:
                    kept.append(each)
    return tuple(
        model.Why(rule=name, severity=rules[name].severity, evidence=tuple(shown[name]))
        for name in rules
        if name in shown
    )


#: Sentences looked at: what an article says first, it says in these.
_LOOKED_AT = 60
#: Words of a whole summary: what a phone shows without scrolling.
_MOST_WORDS = 70
#: A longer sentence is worth less; one beyond the second figure is told only where nothing shorter is.
_LONG_WORDS, _LONGEST_WORDS = 55, 80
#: Share of a sentence's words that another may hold before it only repeats it.
_REPEATS_FROM = 0.6

# Weights: round figures on a plateau; from half to double of each, bench/quality/summaries.py changes by under a point.
#: A word of the headline: its writer has said what the article is about.
_TITLE_WEIGHT = 6.0
#: A word that a chosen sentence has told already.
_KNOWN_SHARE = 0.5
#: Between summing the words (0) and averaging them (1): neither long nor short sentences win by their length.
_LENGTH_POWER = 0.4
#: What the first sentence of a news article is worth over its place.
_LEAD_BONUS = 0.5
#: Each matched wording in a sentence, up to three: the rule is what the reader asked about.
_MATCH_BONUS = 1.0
#: “He said …” without the sentence before it; a question.
_DANGLING_SHARE, _QUESTION_SHARE, _LONG_SHARE = 0.8, 0.5, 0.4

#: A quote without the name of who said it.
_ONLY_QUOTED = re.compile(r"^[“\"«„][^”\"»]*[”\"»]$")


@dataclass(frozen=True, slots=True)
class _Candidate:
    start: int
    end: int
    #: Among the article's fit sentences, from 0.
    order: int
    words: frozenset[str]
    length: int
    is_dangling: bool
    is_question: bool
    #: Distinct matched wordings in it.
    matched: int = 0


def pick_sentences(
    article: model.Article,
    matches: Sequence[model.Match] = (),
    count: int = 3,
    *,
    said: Collection[str] = (),
) -> tuple[model.Sentence, ...]:
    """At most ``count`` whole sentences in the article's order; none when it has no whole one.

    ``said``: sentences already told, which are not told again.
    """
    body = article.text
    marked = find_places(matches, field="body", text=body)
    candidates = _candidates(article, marked, said)
    chosen = sorted(_choose(candidates, article.title, count), key=lambda each: each.start)
    return tuple(
        model.Sentence(
            spans=find_spans(body, each.start, each.end, marked),
            outlet=article.outlet,
            link=article.link,
            article=article.id,
        )
        for each in chosen
    )


@lru_cache(maxsize=512)
def _fit(article: model.Article) -> tuple[_Candidate, ...]:
    """The fit sentences of an article; kept, since each message of its story asks again."""
    title = " ".join(article.title.split()).casefold().rstrip(".")
    found: list[_Candidate] = []
    for first, end in _units(sentences.without_footer(sentences.split(article.text, article.language))[:_LOOKED_AT]):
        start = first + sentences.dateline_length(article.text[first:end])
        text = article.text[start:end]
        if sentences.fault(text) or " ".join(text.split()).casefold().rstrip(".") == title:
            continue
        found.append(
            _Candidate(
                start=start,
                end=end,
                order=len(found),
                words=frozenset(content_words(text)),
                length=len(text.split()),
                is_dangling=sentences.is_dangling(text) or _ONLY_QUOTED.match(text) is not None,
                is_question=sentences.is_question(text),
            )
        )
    readable = tuple(each for each in found if each.length <= _LONGEST_WORDS)
    return readable or tuple(found)


def _candidates(article: model.Article, marked: Sequence[tuple[int, int]], said: Collection[str]) -> list[_Candidate]:
    text = article.text
    told = {" ".join(sentence.split()) for sentence in said}
    return [
        replace(each, matched=len({text[a:b].casefold() for a, b in marked if a >= each.start and b <= each.end}))
        for each in _fit(article)
        if not told or " ".join(text[each.start : each.end].split()) not in told
    ]


def _units(found: Sequence[sentences.SentenceSpan]) -> list[tuple[int, int]]:
    """Sentences, those of one quote together: a quote that opens in one and closes in a later one is one unit."""
    units: list[tuple[int, int]] = []
    at = 0
    while at < len(found):
        last = at
        if not sentences.is_balanced(found[at].text):
            for ahead in range(at + 1, min(at + 4, len(found))):
                if found[ahead].paragraph != found[at].paragraph:
                    break
                joined = " ".join(each.text for each in found[at : ahead + 1])
                if sentences.is_balanced(joined):
                    last = ahead
                    break
        units.append((found[at].start, found[last].end))
        at = last + 1
    return units


def _choose(candidates: Sequence[_Candidate], title: str, count: int) -> list[_Candidate]:
    weights = _weights(candidates, title)
    chosen: list[_Candidate] = []
    room = _MOST_WORDS
    while len(chosen) < count:
        best, best_score = None, 0.0
        for each in candidates:
            if each in chosen or (chosen and each.length > room) or _repeats(each, chosen):
                continue
            score = _score(each, chosen, weights)
            if score > best_score:
                best, best_score = each, score
        if best is None:
            break
        chosen.append(best)
        room -= best.length
    return chosen


def _weights(candidates: Sequence[_Candidate], title: str) -> dict[str, float]:
    """What each word is worth: more when the article comes back to it, and when its title has it."""
    spread = Counter(word for each in candidates for word in each.words)
    in_title = set(content_words(title))
    return {word: math.log1p(times) + (_TITLE_WEIGHT if word in in_title else 0.0) for word, times in spread.items()}


def _score(each: _Candidate, chosen: Sequence[_Candidate], weights: dict[str, float]) -> float:
    known = {word for one in chosen for word in one.words}
    gain = sum(weights[word] * (_KNOWN_SHARE if word in known else 1.0) for word in each.words)
    score: float = gain / max(each.length, 8) ** _LENGTH_POWER
    score *= 0.5 + 1.0 / (1.0 + 0.5 * each.order) + (_LEAD_BONUS if each.order == 0 else 0.0)
    score *= 1.0 + _MATCH_BONUS * min(each.matched, 3)
    if each.is_dangling and not any(one.order == each.order - 1 for one in chosen):
        score *= _DANGLING_SHARE
    if each.is_question:
        score *= _QUESTION_SHARE
    if each.length > _LONG_WORDS:
        score *= _LONG_SHARE
    return score


def _repeats(each: _Candidate, chosen: Sequence[_Candidate]) -> bool:
    mine = each.words
    if not mine:
        return bool(chosen)
    return any(len(mine & one.words) >= _REPEATS_FROM * min(len(mine), len(one.words) or 1) for one in chosen)


#: Occurrences of one wording that are looked at: pages show the first few, and a hostile text has it everywhere.
MOST_OCCURRENCES = 2_000


def find_places(matches: Iterable[model.Match], *, field: str, text: str) -> tuple[tuple[int, int], ...]:
    """Where the matched words stand in a field, in order, without overlaps.

    The evidence names one place of a word; its other places, letter by letter the same, are marked too.
    """
    found: set[tuple[int, int]] = set()
    wordings: set[str] = set()
    for match in matches:
        for evidence in match.evidence:
            if evidence.field not in {"title", "body"}:
                continue
            wording = evidence.text.strip()
            if wording:
                wordings.add(wording)
            # The words of an edited article may be elsewhere than where its first version matched.
            if evidence.field == field and text[evidence.start : evidence.end] == evidence.text != "":
                found.add((evidence.start, evidence.end))
    for wording in wordings:
        found.update(_occurrences(wording, text))
    return _merged(found)


def find_spans(text: str, start: int, end: int, marked: Sequence[tuple[int, int]]) -> tuple[model.Span, ...]:
    """``text[start:end]`` as spans; line ends and runs of blanks become one blank."""
    runs: list[model.Span] = []
    at = start
    for place in marked:
        first, last = max(place[0], start), min(place[1], end)
        if first >= last:
            continue
        runs.extend(_run(text[at:first], is_marked=False))
        runs.extend(_run(text[first:last], is_marked=True))
        at = last
    runs.extend(_run(text[at:end], is_marked=False))
    return tuple(runs)


def _run(text: str, *, is_marked: bool) -> Iterable[model.Span]:
    if text:
        yield model.Span(text=re.sub(r"\s+", " ", text), is_marked=is_marked)


def _occurrences(wording: str, text: str) -> Iterable[tuple[int, int]]:
    """Yield where no letter or digit touches the wording; in scripts without spaces, anywhere."""
    starts_word = wording[0].isalnum() and not UNSPACED.match(wording[0])
    ends_word = wording[-1].isalnum() and not UNSPACED.match(wording[-1])
    start = text.find(wording)
    for _ in range(MOST_OCCURRENCES):
        if start < 0:
            return
        end = start + len(wording)
        is_inside = (starts_word and text[start - 1 : start].isalnum()) or (ends_word and text[end : end + 1].isalnum())
        if not is_inside:
            yield start, end
        start = text.find(wording, start + 1 if is_inside else end)


def _merged(found: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if merged and first < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


#: Pieces of one text, and the characters of one; a longer sentence is cut at words, with an ellipsis.
MOST_PIECES, LONGEST = 3, 320
#: What is split into sentences on each side of a matched word; the ends of an article are far away.
_NEAR = 1_200


def make_excerpts(
    article: model.Article, matches: Sequence[model.Match], *, most: int = MOST_PIECES
) -> list[tuple[model.Span, ...]]:
    """Up to ``most`` pieces of the text with their matched words marked; without any, how the text begins."""
    text = article.text
    marked = find_places(matches, field="body", text=text)
    pieces: list[tuple[int, int]] = []
    for start, end in marked or [(0, 0)]:
        if pieces and start < pieces[-1][1]:
            continue
        if len(pieces) == most:
            break
        piece = _sentence_at(text, start, end, article.language)
        if piece is not None:
            pieces.append(piece)
    return [_make_excerpt(text, piece, marked) for piece in pieces]


def marked_title(article: model.Article, matches: Sequence[model.Match]) -> tuple[model.Span, ...]:
    """The article's title in spans, matched words marked."""
    places = find_places(matches, field="title", text=article.title)
    return find_spans(article.title, 0, len(article.title), places)


def _sentence_at(text: str, start: int, end: int, language: str | None) -> tuple[int, int] | None:
    """The sentence that holds a place; None: there is no text."""
    first, last = max(0, start - _NEAR), min(len(text), end + _NEAR)
    found = sentences.split(text[first:last], language)
    holding = [span for span in found if span.end + first > start]
    if not holding:
        return None
    return holding[0].start + first, max(holding[0].end + first, min(end, last))


def _make_excerpt(text: str, piece: tuple[int, int], marked: Sequence[tuple[int, int]]) -> tuple[model.Span, ...]:
    start, end = piece
    if end - start <= LONGEST:
        return find_spans(text, start, end, marked)
    # Around the first matched word of a sentence that is too long to show.
    at = next((place[0] for place in marked if start <= place[0] < end), start)
    first = max(start, min(at - LONGEST // 3, end - LONGEST))
    last = min(end, first + LONGEST)
    first, last = _at_words(text, first, last, start=start, end=end)
    before = (model.Span(text="… "),) if first > start else ()
    after = (model.Span(text=" …"),) if last < end else ()
    return (*before, *find_spans(text, first, last, marked), *after)


def _at_words(text: str, first: int, last: int, *, start: int, end: int) -> tuple[int, int]:
    """The same piece without words cut in two, as far as they are of human length."""
    if first > start and (blank := text.find(" ", first, first + 25)) >= 0:
        first = blank + 1
    if last < end and (blank := text.rfind(" ", last - 25, last)) > first:
        last = blank
    return first, last


#: Words that hold sentences together in English, German, French, Spanish, Italian, Portuguese and Dutch; of other
#: languages short words are left out.
_FUNCTION_WORDS = frozenset(
    tokens.fold(word)
    for word in """
    a aan aber about according added after again al all alla als also am among an anche and another any ao are
    as at au auch auf aus aux avec be because been before bei being between bij bin bis both but by can ce ces
    cette che chi com come comme como con could cuando da dal dalla dans das dass dat de dei del della dem den
    der des desde di did die dit do doch does donde door dos dr du durch during e each een ein eine einem einen
    einer either el ella elle else em en entre er era es est esta este et even ever few foi for from fue further
    für get gli got ha had han has hat hatte have having hay he her here hers het hij him his how however i ich
    if ihr ik il ils im in into is ist it its itself ja je just kann la las last le les leur like lo los lui ma
    maar made mais make many may me met might mit more most mr mrs ms much must muy my más na naar nach nas ne
    near nel nella new nicht niet no noch nog non nor nos not nous now nur não o oder of off om on once one only
    ook op or os other ou our out over own où par para pas pela pelo per pero più plus por pour put qu quando
    que questo qui sa said same say saying says se ses she should si sich sie sin since sind so sobre some son
    sono sont still su sua such suo sur sus são también te than that the their them then there these they this
    those though through time to told too tot uit um uma un una und under une uns until up upon us van very vom
    von voor vor vous war was way we well wenn werden were what when where whether which while who whom whose
    why wie will wir wird with within without wordt would y ya year years yet you your zijn zu zum zur à été
    être über
    """.split()
)


def content_words(text: str) -> Iterator[str]:
    """Folded words in order, repeats too; scripts without spaces give pairs of letters.

    >>> list(content_words("The order of the PTA covers 5,000 companies"))
    ['order', 'pta', 'covers', '5,000', 'companies']
    """
    before = None
    for word in tokens.words(text):
        if UNSPACED.match(word.text):
            if before is not None and before.end == word.start:
                yield before.text + word.text
            before = word
            continue
        before = None
        folded = tokens.drop_accents(tokens.fold_case(word.text))
        if folded not in _FUNCTION_WORDS and (len(folded) > 2 or folded[0].isdigit() or word.text.isupper()):
            yield folded
