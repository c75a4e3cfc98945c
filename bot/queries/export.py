"""Stories for other tools: one row per story, as CSV for spreadsheets or JSON for programs."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum

import pydantic

from bot import storage
from bot.model import visible
from bot.model.actions import RulingKind, SilenceKind
from bot.model.stories import Fact, StoryId
from bot.queries.registry import Archive, Document, Name, Omittable, Parameters, Time, When, parse_time
from bot.queries.stories import StoryRow, read_story
from bot.stories import summaries

#: Number of stories that are read at a time.
PAGE = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ExportFormat(StrEnum):
    """The format of an export."""

    CSV = "csv"
    JSON = "json"


CONTENT_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.JSON: "application/json",
}


class ExportParameters(Parameters):
    """A selection of stories."""

    since: Omittable[When] = pydantic.Field(
        default=None, description="Only stories that changed since this day or within this time."
    )
    rule: Omittable[Name] = pydantic.Field(default=None, description="Only stories that this rule matched.")


class ExportedStory(Document):
    """One story as a row. ``links`` has the link of each outlet, in the same order.

    ``voices`` is the number of independent outlets: those that only repeat ``origins`` count as these.
    ``official_since`` is the time of the first article of a primary source.
    """

    id: str
    title: str
    rules: list[str]
    first_report: Time
    last_report: Time
    articles: int
    outlets: list[str]
    links: list[str]
    voices: int
    origins: list[str]
    official_since: Time | None
    facts: list[str]
    decided: list[str]


def read_page(
    archive: Archive, parameters: ExportParameters, cursor: tuple[datetime, StoryId] | None = None
) -> tuple[list[ExportedStory], tuple[datetime, StoryId] | None]:
    """Return a page of stories, last changed first, and the ``cursor`` of the next page, or None if there is none."""
    stories = archive.tx.stories.newest(
        since=parse_time("since", parameters.since, archive.now) or _EPOCH,
        rule=parameters.rule,
        skip=0,
        most=PAGE,
        after=cursor,
    )
    if not stories:
        if cursor is None:
            archive.refuse_unknown(parameters.rule)
        return [], None
    decided = _find_decisions_of_people(archive.tx, since=min(story.first_seen for story in stories))
    rows = [_export(read_story(archive.tx, story), decided.get(story.id, ())) for story in stories]
    return rows, (stories[-1].last_seen, stories[-1].id) if len(stories) == PAGE else None


def _export(row: StoryRow, decided: Iterable[str]) -> ExportedStory:
    story = row.story
    articles = [member.article for member in story.members]
    links: dict[str, str] = {}
    for article in articles:
        links.setdefault(article.outlet, article.link)
    return ExportedStory(
        id=story.id,
        title=summaries.story_headline(story),
        rules=list(story.rules),
        first_report=story.first_seen,
        last_report=story.last_seen,
        articles=len(articles),
        outlets=list(links),
        links=list(links.values()),
        voices=len(story.owners),
        origins=list(dict.fromkeys(article.echoes.name for article in articles if article.echoes)),
        official_since=min((article.when for article in articles if article.is_official), default=None),
        facts=[_describe_fact(fact) for fact in row.facts],
        decided=list(decided),
    )


def _describe_fact(fact: Fact) -> str:
    label = f"{fact.label}: " if fact.label else ""
    old_value = f"{fact.before} → " if fact.before else ""
    mark = f"{fact.mark}: " if fact.mark else ""
    return f"{mark}{label}{old_value}{fact.after} ({fact.outlet})"


def _find_decisions_of_people(tx: storage.Transaction, *, since: datetime) -> Mapping[str, list[str]]:
    """Return story id -> what people decided about the story, in words."""
    decided: defaultdict[str, list[str]] = defaultdict(list)
    for judgement in tx.judgements.since(since):
        decided[judgement.story].append(f"{judgement.verdict.value} ({judgement.by})")
    for ruling in tx.rulings.since(since):
        kind = "merged" if ruling.kind is RulingKind.MERGE else "split"
        decided[ruling.story].append(f"{kind} ({ruling.by})")
    for silence in tx.silences.all():
        if silence.kind is SilenceKind.STORY:
            decided[silence.name].append(f"silenced: {silence.reason} ({silence.by})")
    return decided


# -- formats


def write_head(form: ExportFormat) -> str:
    """Return the text before the first story."""
    match form:
        case ExportFormat.CSV:
            # Without a byte order mark, Excel reads the file in the machine's old character set.
            return "\N{BYTE ORDER MARK}" + _csv_line(ExportedStory.model_fields)
        case ExportFormat.JSON:
            return "["


def write_stories(form: ExportFormat, stories: Iterable[ExportedStory], *, is_first: bool) -> Iterator[str]:
    """Yield the text of each story. ``is_first`` says whether no story was written before."""
    for story in stories:
        match form:
            case ExportFormat.CSV:
                yield _csv_line(_cell(value) for value in story.model_dump(mode="json").values())
            case ExportFormat.JSON:
                yield ("\n" if is_first else ",\n") + visible.json_text(story.model_dump_json())
        is_first = False


def write_end(form: ExportFormat) -> str:
    """Return the text after the last story."""
    return "\n]\n" if form is ExportFormat.JSON else ""


#: Spreadsheets read a cell that begins with any of these characters as a formula; some also read the wide forms.
_FORMULA = tuple("=+-@\t\r\n|%＝＋－＠")


def _cell(value: object) -> str:
    """Return a value as the text of a cell that no spreadsheet runs as a formula.

    >>> _cell('=HYPERLINK("https://evil.example")'), _cell(["Dawn", "BBC"]), _cell(3)
    ('\\'=HYPERLINK("https://evil.example")', 'Dawn; BBC', '3')
    """
    text = "; ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    text = visible.line(text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(cells)
    return line.getvalue()
