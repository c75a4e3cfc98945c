"""The keys of ``kind: page``."""

from __future__ import annotations

from typing import Annotated

import pydantic

from bot.sources.page.selectors import Selector


def _checked(text: str) -> str:
    Selector(text.strip())
    return text.strip()


Path = Annotated[str, pydantic.Field(min_length=1), pydantic.AfterValidator(_checked)]


class Options(pydantic.BaseModel):
    """A web page whose list of articles is found by CSS selectors."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    item: Path = pydantic.Field(
        ..., description="What holds one article of the list: ul.news > li.", examples=["ul.news > li"]
    )
    title: Path | None = pydantic.Field(
        None,
        description="Its title, inside of the item; without it, the first heading, else the link's text.",
    )
    link: Path | None = pydantic.Field(
        None, description="Its link; without it, that of the heading, else the first of the item."
    )
    date: Path | None = pydantic.Field(
        None, description="Its date, in words or digits; without it, the first <time>, else the day over the item."
    )
    text: Path | None = pydantic.Field(None, description="Its text; without it, the title alone is matched.")
    language: str | None = pydantic.Field(
        None,
        min_length=2,
        max_length=35,
        description="The language of its dates (de, en-GB); without it, what the page says.",
    )
