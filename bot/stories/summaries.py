"""Summarise a story: a headline, two or three whole sentences from its articles, why it matched, and its outlets.

Summaries are extractive: every word shown is in an article, and each sentence names that article.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from bot.model.messages import CoverageLine, Echo, Sentence, Span, StoryView, Why
from bot.model.rules import Evidence, Match, Rule
from bot.model.stories import Article, ArticleId, JoinReason, Member, Origin, Story
from bot.text import headlines, lexicon, sentences, tokens
from bot.text.forms import name_form
from bot.text.sentences import UNSPACED

#: At most _SHOWN_OF_LINE wordings are shown for one line of a rule and _SHOWN_OF_RULE for a rule: enough to show why it
#: matched, and few enough for a phone.
_SHOWN_OF_LINE = 2
_SHOWN_OF_RULE = 6
#: The headline, the summary and the evidence come from at most this many first articles, because later articles only
#: repeat the story.
_SHOWN_OUTLETS = 40
#: Maximum headlines in a message; channels show fewer.
_LINES = 20
#: Words that are ignored when headlines are compared.
_ARTICLES = frozenset({"a", "an", "the"})
#: A truncated headline with fewer words is not recognised as the start of another headline.
_CUT_WORDS = 5
#: With fewer words after the topic, a headline is compared as a whole.
_WORDS_AFTER_TOPIC = 3


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """The outlets that carry a story, by headline, for messages, pages, the API and feeds."""

    #: The outlets with the headline that is shown.
    byline: CoverageLine
    #: The other headlines: those of primary sources, then the last to join first.
    lines: tuple[CoverageLine, ...]
    #: Number of other headlines; ``lines`` may have only the first of them.
    count: int
    #: Number of syndicated copies, which have no line.
    copy_count: int
    #: In a thread: the headlines of its other events, newest event first, each event in order of arrival.
    other_reports: tuple[CoverageLine, ...] = ()
    #: Number of headlines of other events.
    other_report_count: int = 0


def make_view(
    story: Story,
    rules: Mapping[str, Rule],
    *,
    headline: ArticleId | None = None,
) -> StoryView:
    """Return the summary of a story. Only matches of ``rules`` count.

    ``headline`` is the article whose headline the message already shows.
    """
    teller = _headline_member(story, rules, headline)
    # Use articles that may be about another event last.
    # The summary is about the event of the headline.
    event = [member for member in story.members if member.event == teller.event]
    by_certainty = sorted(event[:_SHOWN_OUTLETS], key=lambda member: member.is_probable)
    members = [teller, *(member for member in by_certainty if member is not teller)]
    summary: tuple[Sentence, ...] = ()
    for member in members:
        summary = pick_sentences(member.article, _of_rules(member.matches, rules))
        if summary:
            break
    listed = list_coverage(story, headline=teller.article.id, most=_LINES, rules=rules)
    reports = [member for member in event if member.join.copy_of is None]
    listed_owners = {member.article.owner for member in reports}
    supporting = {member.article.owner for member in reports if member.join.reason is not JoinReason.REVERSAL}
    official = [member.article.when for member in event if member.article.is_official]
    why = _why(members, rules)
    return StoryView(
        id=story.id,
        title=_title(teller, story, rules),
        summary=summary,
        why=why,
        byline=listed.byline,
        coverage=listed.lines,
        coverage_count=listed.count,
        owner_count=len(listed_owners),
        opposing_count=len(listed_owners - supporting),
        echoes=_find_echoes(reports),
        official_since=min(official, default=None),
        lacks_official=not official and any(rules[shown.rule].official for shown in why),
        copy_count=listed.copy_count,
        other_reports=listed.other_reports,
        other_report_count=listed.other_report_count,
        first_seen=story.first_seen,
        last_seen=story.last_seen,
        picture=teller.article.picture if teller.join.copy_of is None else "",
    )


def _find_echoes(reports: Sequence[Member]) -> tuple[Echo, ...]:
    """Return the outlets whose report several owners carry, with the number of owners that repeat it."""
    voices: dict[str, set[str]] = {}
    repeating: dict[str, dict[str, Origin]] = {}
    for article in (member.article for member in reports):
        voices.setdefault(article.voice, set()).add(article.owner)
        if article.echoes:
            repeating.setdefault(article.voice, {})[article.owner] = article.echoes
    return tuple(
        Echo(origin=next(iter(origins.values())).name, owner_count=len(origins))
        for voice, origins in repeating.items()
        if len(voices[voice]) > 1
    )


def message_headline(story: Story, rules: Mapping[str, Rule], *, article: ArticleId | None = None) -> Sentence:
    """Return the headline that a message shows, with the matched words marked.

    ``article`` is the article whose headline the message already shows. If it is None, return the story's own headline,
    or the first matching article's if the rules do not match the story's own.
    """
    return _title(_headline_member(story, rules, article), story, rules)


def story_headline(story: Story) -> str:
    """Return the headline under which every page, list and answer shows the story.

    It is the present headline of one article, with the outlet's corrections.
    """
    own = _own(story)
    if own is None or not own.article.title.strip():
        return story.title or (_opening(own.article) if own else "")
    return own.article.title[: _title_end(own.article.title, own.article.outlet)].strip()


def list_coverage(
    story: Story,
    *,
    headline: ArticleId | None = None,
    most: int | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> Coverage:
    """Return the headlines under which outlets carry the story; nearly equal headlines share a line.

    ``headline`` is the article whose headline is shown, or None for the story's own. ``most`` is the maximum number of
    other headlines, or None for all. The story must have at least one member. For a thread, the coverage is about
    the event with the headline, and ``rules`` restrict the other events; None means all.
    """
    shown = next((candidate for candidate in story.members if candidate.article.id == headline), None) or _own(story)
    assert shown is not None
    events = story.events
    own_event = events[shown.event]
    listed = list(events.values()) if rules is None else story.events_for(rules.values())
    other_events = [event for event in listed if event[0].event != shown.event]
    by_headline = [list(_group_by_headline(event, event[0])[0].values()) for event in reversed(other_events)]
    other_lines = [_line(group, is_doubtful=False) for event in by_headline for group in event]
    groups, copies = _group_by_headline(own_event, shown)
    own, *other_groups = groups.values()
    # Primary sources first, then the last to join.
    other_groups.reverse()
    other_groups.sort(key=lambda group: not any(member.article.is_official for member in group))
    return Coverage(
        byline=_line(own, is_doubtful=shown.is_probable),
        lines=tuple(_line(members, is_doubtful=shown.is_probable) for members in other_groups[:most]),
        count=len(other_groups),
        copy_count=copies,
        other_reports=tuple(other_lines[:most]),
        other_report_count=len(other_lines),
    )


def _group_by_headline(members: Iterable[Member], shown: Member) -> tuple[Mapping[tuple[str, ...], list[Member]], int]:
    """Return the articles of one event by headline, ``shown``'s first, and the number of copies."""
    words, topicless = _words_of(shown.article)
    groups: dict[tuple[str, ...], list[Member]] = {words: [shown]}
    # The words of a headline without its topic -> its words.
    with_topic = {topicless: words}
    copies = 0
    for member in members:
        if member is shown:
            continue
        if member.join.copy_of is not None and not member.article.is_official:
            copies += 1
            continue
        words, topicless = _words_of(member.article)
        # Two headlines with different topics are different: the words before the colon may name the speaker.
        words = next((key for key in (words, with_topic.get(words), topicless) if key in groups), words)
        with_topic.setdefault(topicless, words)
        if words not in groups and sentences.is_cut_title(member.article.title) and len(words) >= _CUT_WORDS:
            words = next((key for key in groups if _is_start(words, of=key)), words)
        groups.setdefault(words, []).append(member)
    return groups, copies


def _line(members: list[Member], *, is_doubtful: bool) -> CoverageLine:
    """Return the line for members with one headline.

    If ``is_doubtful``, the article whose headline the story shows may be about another event.
    """
    certain = [member for member in members if not member.is_probable] or members
    shown = next((member for member in certain if member.article.is_official), certain[0])
    article = shown.article
    return CoverageLine(
        outlet=article.outlet,
        title=headlines.quoted_title(article.title, outlet=article.outlet, link=article.link) or _opening(article),
        link=article.link,
        at=article.when,
        article=article.id,
        more=len({member.article.outlet for member in members} - {article.outlet}),
        is_probable=is_doubtful or shown.is_probable,
        form=name_form(article),
        is_official=article.is_official,
    )


def _words_of(article: Article) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words by which headlines are compared, and the same without a topic before a colon.

    An article without a headline has a unique key in place of both.
    """
    words, topicless = _headline_words(article.title, article.outlet, article.link)
    return words or (article.id,), topicless or (article.id,)


@lru_cache(maxsize=8_192)
def _headline_words(title: str, outlet: str, link: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    bare = headlines.bare_title(headlines.without_outlet(title, outlet=outlet, link=link))
    words, topicless = (
        tuple(
            folded
            for word in tokens.words(text)
            if (folded := tokens.drop_accents(tokens.fold_case(word.text))) not in _ARTICLES
        )
        for text in (bare, headlines.without_topic(bare))
    )
    return words, topicless if len(topicless) >= _WORDS_AFTER_TOPIC else words


def _is_start(words: tuple[str, ...], *, of: tuple[str, ...]) -> bool:
    """Return whether ``of`` begins with ``words``; the last word may be truncated."""
    last = len(words) - 1
    return len(of) > last and of[:last] == words[:last] and of[last].startswith(words[last])


def _own(story: Story) -> Member | None:
    """Return the member whose headline the story shows, or None if the story has no members."""
    first = story.members[0] if story.members else None
    return next((member for member in story.members if member.article.id == story.headline), first)


def _headline_member(story: Story, rules: Mapping[str, Rule], article: ArticleId | None) -> Member:
    """Return the member for which the message is or was posted."""
    posted = next((member for member in story.members if member.article.id == article), None)
    own = _own(story)
    if posted is not None or own is None:
        return posted or story.members[0]
    event = story.events_for(rules.values())[0]
    own = own if own in event else event[0]
    inside = [own, *(member for member in event[:_SHOWN_OUTLETS] if member is not own)]
    of_rules = [member for member in inside if any(match.rule in rules for match in member.matches)] or inside
    titled = [member for member in of_rules if member.article.title.strip()]
    whole = (member for member in titled if not sentences.is_cut_title(member.article.title))
    return next(whole, (titled or of_rules)[0])


def _title(teller: Member, story: Story, rules: Mapping[str, Rule]) -> Sentence:
    article = teller.article
    is_titled = bool(article.title.strip())
    text = article.title if is_titled else story.title or _opening(article) or article.link or article.outlet
    marked = find_places(_of_rules(teller.matches, rules), field="title" if is_titled else "", text=text)
    start = len(text) - len(text.lstrip())
    spans = find_spans(text, start, _title_end(text, article.outlet), marked)
    return Sentence(spans=spans, outlet=article.outlet, link=article.link, article=article.id)


def _opening(article: Article) -> str:
    """Return the first sentence of an article, to show in place of a missing headline."""
    return next((span.text for span in sentences.split(article.text, article.language)), "")


def _title_end(title: str, outlet: str) -> int:
    """Return the end of the headline, without the outlet's name after a bar or dash."""
    signed = re.search(rf"(?<!\s)\s++[|–—-]\s++{re.escape(outlet)}\s*+$", title, re.IGNORECASE) if outlet else None
    return signed.start() if signed and signed.start() else len(title.rstrip())


def _of_rules(matches: Iterable[Match], rules: Mapping[str, Rule]) -> tuple[Match, ...]:
    return tuple(match for match in matches if match.rule in rules)


def _why(members: Iterable[Member], rules: Mapping[str, Rule]) -> tuple[Why, ...]:
    shown: dict[str, list[Evidence]] = {}
    for member in members:
        for match in _of_rules(member.matches, rules):
            kept = shown.setdefault(match.rule, [])
            for evidence in (_as_of_now(evidence, member.article) for evidence in match.evidence):
                of_line = [place for place in kept if place.label == evidence.label]
                is_known = any(place.text.casefold() == evidence.text.casefold() for place in of_line)
                if not is_known and len(of_line) < _SHOWN_OF_LINE and len(kept) < _SHOWN_OF_RULE:
                    kept.append(evidence)
    return tuple(
        Why(rule=name, severity=rules[name].severity, evidence=tuple(shown[name])) for name in rules if name in shown
    )


def _as_of_now(evidence: Evidence, article: Article) -> Evidence:
    """Return the evidence, marked as from an earlier version if the outlet has removed the words since."""
    text = {"title": article.title, "body": article.text}.get(evidence.field)
    if text is None or evidence.text in text:
        return evidence
    return replace(evidence, field="earlier version")


#: A summary is chosen from at most this many sentences, counted from the beginning of the article.
_LOOKED_AT = 60
#: Maximum words of a summary: as many as a phone shows without scrolling.
_MOST_WORDS = 70
#: A sentence repeats another if they share this part of the shorter one's words.
_REPEATS_FROM = 0.6

# The weights are round figures. Halving or doubling any of them changes the result of bench/quality/summaries.py by
# less than a point.
#: Bonus for a word of the headline, which summarises the article.
_TITLE_WEIGHT = 6.0
#: A word that a chosen sentence already contains keeps this share of its weight.
_KNOWN_SHARE = 0.5
#: With 0, the weights of the words are summed; with 1, averaged. A value between does not favour long or short
#: sentences.
_LENGTH_POWER = 0.4
#: Bonus for each matched wording in a sentence, up to three, because the reader wants to see why the rule matched.
_MATCH_BONUS = 1.0
#: Factors for a sentence like “He said …” without its context, and for a question.
_DANGLING_SHARE, _QUESTION_SHARE = 0.8, 0.5


class _Candidate(msgspec.Struct, frozen=True):
    start: int
    end: int
    #: Index among the article's usable sentences, from 0.
    order: int
    words: frozenset[str]
    length: int
    is_dangling: bool
    is_question: bool
    #: Number of distinct matched wordings in the sentence.
    matched: int = 0


def pick_sentences(
    article: Article,
    matches: Sequence[Match] = (),
    count: int = 3,
) -> tuple[Sentence, ...]:
    """Return at most ``count`` whole sentences in the article's order, or none if none is fit to be shown."""
    body = article.text
    marked = find_places(matches, field="body", text=body)
    candidates = _candidates(article, marked)
    in_title = frozenset(content_words(article.title, lexicon.base(article.language)))
    chosen = sorted(_choose(candidates, in_title, count), key=lambda sentence: sentence.start)
    return tuple(
        Sentence(
            spans=find_spans(body, sentence.start, sentence.end, marked),
            outlet=article.outlet,
            link=article.link,
            article=article.id,
        )
        for sentence in chosen
    )


@lru_cache(maxsize=512)
def _fit(article: Article) -> tuple[_Candidate, ...]:
    """Return the usable sentences of an article. They are cached, because each message of the story needs them."""
    title = " ".join(article.title.split()).casefold().rstrip(".")
    language = lexicon.base(article.language)
    usable: list[_Candidate] = []
    for span in sentences.without_footer(sentences.split(article.text, article.language))[:_LOOKED_AT]:
        start = span.start + sentences.dateline_length(span.text)
        text = article.text[start : span.end]
        if sentences.fault(text) or " ".join(text.split()).casefold().rstrip(".") == title:
            continue
        usable.append(
            _Candidate(
                start=start,
                end=span.end,
                order=len(usable),
                words=frozenset(content_words(text, language)),
                length=len(text.split()),
                is_dangling=sentences.is_dangling(text),
                is_question=sentences.is_question(text),
            )
        )
    return tuple(usable)


def _candidates(article: Article, marked: Sequence[tuple[int, int]]) -> list[_Candidate]:
    text = article.text
    return [
        replace(
            candidate,
            matched=len({text[a:b].casefold() for a, b in marked if a >= candidate.start and b <= candidate.end}),
        )
        for candidate in _fit(article)
    ]


def _choose(candidates: Sequence[_Candidate], in_title: frozenset[str], count: int) -> list[_Candidate]:
    weights = _weights(candidates, in_title)
    chosen: list[_Candidate] = []
    room = _MOST_WORDS
    while len(chosen) < count:
        best, best_score = None, 0.0
        for candidate in candidates:
            if candidate in chosen or (chosen and candidate.length > room) or _repeats(candidate, chosen):
                continue
            score = _score(candidate, chosen, weights)
            if score > best_score:
                best, best_score = candidate, score
        if best is None:
            break
        chosen.append(best)
        room -= best.length
    return chosen


def _weights(candidates: Sequence[_Candidate], in_title: frozenset[str]) -> dict[str, float]:
    """Return the weight of each word: higher if several sentences or the title contain it."""
    spread = Counter(word for sentence in candidates for word in sentence.words)
    return {word: math.log1p(times) + (_TITLE_WEIGHT if word in in_title else 0.0) for word, times in spread.items()}


def _score(candidate: _Candidate, chosen: Sequence[_Candidate], weights: dict[str, float]) -> float:
    known_words = {word for sentence in chosen for word in sentence.words}
    gain = sum(weights[word] * (_KNOWN_SHARE if word in known_words else 1.0) for word in candidate.words)
    score: float = gain / max(candidate.length, 8) ** _LENGTH_POWER
    score *= 0.5 + 1.0 / (1.0 + 0.5 * candidate.order)
    score *= 1.0 + _MATCH_BONUS * min(candidate.matched, 3)
    if candidate.is_dangling and not any(sentence.order == candidate.order - 1 for sentence in chosen):
        score *= _DANGLING_SHARE
    if candidate.is_question:
        score *= _QUESTION_SHARE
    return score


def _repeats(candidate: _Candidate, chosen: Sequence[_Candidate]) -> bool:
    own_words = candidate.words
    if not own_words:
        return bool(chosen)
    return any(
        len(own_words & sentence.words) >= _REPEATS_FROM * min(len(own_words), len(sentence.words) or 1)
        for sentence in chosen
    )


#: Maximum occurrences of one wording, because a hostile text can repeat it without end. Pages show only the first few.
MOST_OCCURRENCES = 2_000


def find_places(matches: Iterable[Match], *, field: str, text: str) -> tuple[tuple[int, int], ...]:
    """Return the positions of the matched words in a field, in order, without overlaps.

    The evidence has one position of a word; the result includes all identical occurrences.
    """
    places: set[tuple[int, int]] = set()
    wordings: set[str] = set()
    for match in matches:
        for evidence in match.evidence:
            if evidence.field not in {"title", "body"}:
                continue
            wording = evidence.text.strip()
            if wording:
                wordings.add(wording)
            # The words may be elsewhere if the article was edited after its first version matched.
            if evidence.field == field and text[evidence.start : evidence.end] == evidence.text != "":
                places.add((evidence.start, evidence.end))
    for wording in wordings:
        places.update(_occurrences(wording, text))
    return _merged(places)


def find_spans(text: str, start: int, end: int, marked: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    """Return ``text[start:end]`` as spans, marked at ``marked``; line ends and runs of blanks become one blank."""
    runs: list[tuple[int, int, bool]] = []
    at = start
    for place in marked:
        first, last = max(place[0], start), min(place[1], end)
        if first < last:
            runs += [(at, first, False), (first, last, True)]
            at = last
    runs.append((at, end, False))
    return tuple(
        Span(text=re.sub(r"\s+", " ", text[first:last]), is_marked=is_marked)
        for first, last, is_marked in runs
        if first < last
    )


def _occurrences(wording: str, text: str) -> Iterable[tuple[int, int]]:
    """Yield the positions of the wording as a whole word or, in scripts without spaces, all its positions."""
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


def _merged(places: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(places):
        if merged and first < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


#: An excerpt has at most MOST_PIECES pieces, each of at most LONGEST characters. A longer sentence is cut between
#: words, with ellipses.
MOST_PIECES, LONGEST = 3, 320
#: To save time, only this many characters on each side of a matched word are split into sentences.
_NEAR = 1_200


def make_excerpts(article: Article, matches: Sequence[Match], *, most: int = MOST_PIECES) -> list[tuple[Span, ...]]:
    """Return at most ``most`` pieces of the text with matched words marked, or the first sentence if none matched."""
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


def marked_title(article: Article, matches: Sequence[Match]) -> tuple[Span, ...]:
    """Return the article's title as spans, with matched words marked."""
    places = find_places(matches, field="title", text=article.title)
    return find_spans(article.title, 0, len(article.title), places)


def _sentence_at(text: str, start: int, end: int, language: str | None) -> tuple[int, int] | None:
    """Return the start and end of the sentence that contains a position, or None if there is no text."""
    first, last = max(0, start - _NEAR), min(len(text), end + _NEAR)
    spans = sentences.split(text[first:last], language)
    holding = [span for span in spans if span.end + first > start]
    if not holding:
        return None
    return holding[0].start + first, max(holding[0].end + first, min(end, last))


def _make_excerpt(text: str, piece: tuple[int, int], marked: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    start, end = piece
    if end - start <= LONGEST:
        return find_spans(text, start, end, marked)
    # The sentence is too long to show, so show the part around its first matched word.
    at = next((place[0] for place in marked if start <= place[0] < end), start)
    first = max(start, min(at - LONGEST // 3, end - LONGEST))
    last = min(end, first + LONGEST)
    first, last = _at_words(text, first, last, start=start, end=end)
    prefix = (Span(text="… "),) if first > start else ()
    suffix = (Span(text=" …"),) if last < end else ()
    return (*prefix, *find_spans(text, first, last, marked), *suffix)


def _at_words(text: str, first: int, last: int, *, start: int, end: int) -> tuple[int, int]:
    """Return the piece without incomplete words at its ends, unless they are too long to be words."""
    if first > start and (blank := text.find(" ", first, first + 25)) >= 0:
        first = blank + 1
    if last < end and (blank := text.rfind(" ", last - 25, last)) > first:
        last = blank
    return first, last


def content_words(text: str, language: str) -> Iterator[str]:
    """Yield the content words without case and accents, in order and with repeats.

    In scripts without spaces, yield pairs of adjacent letters as words.

    >>> list(content_words("The order of the PTA covers 5,000 companies", "en"))
    ['order', 'pta', 'covers', '5,000', 'companies']
    """
    small = lexicon.of(language).tables.get("small", lexicon.Table())
    previous = None
    for word in tokens.words(text):
        if UNSPACED.match(word.text):
            if previous is not None and previous.end == word.start:
                yield previous.text + word.text
            previous = word
            continue
        previous = None
        folded = tokens.drop_accents(tokens.fold_case(word.text))
        if not small.get(folded) and (len(folded) > 2 or folded[0].isdigit() or word.text.isupper()):
            yield folded
