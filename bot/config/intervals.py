"""Check ``at_least`` against ``every``: the longest time between two polls cannot be shorter than the shortest."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import pydantic

from bot import model
from bot.config import values


def _no_less_than_every(value: timedelta, info: pydantic.ValidationInfo) -> timedelta:
    every = info.data.get("every")
    if isinstance(every, timedelta) and value < every:
        shown = model.show_duration(every)
        raise values.Wrong("duration", f"at_least is shorter than every, which is {shown}", f"write {shown} or longer")
    return value


#: For a model with the field ``every`` before this one.
AtLeast = Annotated[values.Duration, pydantic.AfterValidator(_no_less_than_every)]
