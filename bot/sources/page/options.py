"""The keys of ``kind: page``."""

from __future__ import annotations

from typing import Annotated

import pydantic

from bot.sources.page.selectors import Selector


def _checked(text: str) -> str:
    Selector(text.strip())
    return text.strip()


def _inside(text: str) -> str:
    """From the item, also where it is written as from the page."""
    return f".{text}" if text.startswith("/") else text


Path = Annotated[str, pydantic.Field(min_length=1), pydantic.AfterValidator(_checked)]
Inside = Annotated[Path, pydantic.AfterValidator(_inside)]


class Options(pydantic.BaseModel):
    """A web page whose list of articles is found by CSS selectors or XPath."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    item: Path = pydantic.Field(
        ..., description="What holds one article of the list: ul.news > li.", examples=["ul.news > li"]
    )
    title: Inside | None = pydantic.Field(
        None, description="Its title, inside of the item; without it, the first heading, else the link's text."
    )
    link: Inside | None = pydantic.Field(
        None, description="Its link; without it, that of the heading, else the first of the item."
    )
    date: Inside | None = pydantic.Field(
        None, description="Its date, in words or digits; without it, the first <time>, else the day over the item."
    )
    text: Inside | None = pydantic.Field(None, description="Its text; without it, the title alone is matched.")
    language: str | None = pydantic.Field(
        None,
        min_length=2,
        max_length=35,
        description="The language of its dates (de, en-GB); without it, what the page says.",
    )
