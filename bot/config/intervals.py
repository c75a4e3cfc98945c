"""``at_least`` beside ``every``: the longest time between two polls is no shorter than the shortest."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import pydantic

from bot import model
from bot.config import values


def _no_less_than_every(value: timedelta, info: pydantic.ValidationInfo) -> timedelta:
    every = info.data.get("every")
    if isinstance(every, timedelta) and value < every:
        said = model.show_duration(every)
        raise values.Wrong("duration", f"at_least is shorter than every, which is {said}", f"write {said} or longer")
    return value


#: Of a shape that has ``every`` before it.
AtLeast = Annotated[values.Duration, pydantic.AfterValidator(_no_less_than_every)]
