"""``kind: lines``: a text with one announcement per line: day, title and address."""

from __future__ import annotations

from datetime import UTC, datetime

import pydantic

from bot.feeds.kit import fields, markup
from bot.model.errors import ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body

KIND = "lines"


class Options(pydantic.BaseModel):
    """A text with one announcement per line: day, title and address."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    separator: str = pydantic.Field(
        "|", min_length=1, max_length=5, description="The characters between day, title and address."
    )


class Source:
    def __init__(self, options: Options) -> None:
        self._separator = options.separator

    def recognises(self, body: Body) -> bool:
        """Return False: any text could be such a list, so a feed must set ``kind: lines``."""
        return False

    def read(self, body: Body) -> ParsedFeed:
        """Return the entries of the document. Blocking. Raises ReadError."""
        decoded = markup.decode(body.content, body.content_type)
        parsed_lines = (self._entry(line, body.url) for line in decoded.text.split("\n"))
        # The address identifies an entry: if two lines have the same address, the last one counts.
        entries = {entry.link: entry for entry in parsed_lines if entry}
        if not entries:
            raise ReadError(f'no line with a day, a title and an address between "{self._separator}"')
        return ParsedFeed(entries=tuple(entries.values()), remarks=(decoded.remark,) if decoded.remark else ())

    def _entry(self, line: str, base: str) -> Entry | None:
        day, _, remaining = line.partition(self._separator)
        title, _, address = remaining.rpartition(self._separator)
        link = fields.web_address(address.strip(), base)
        if not link or not title.strip():
            return None
        return Entry(link=link, title=fields.escape_text(title.strip()), published=_day(day.strip()))


def _day(text: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
