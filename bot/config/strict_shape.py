"""What every block of keys in a file of the configuration has in common."""

from __future__ import annotations

import pydantic


class StrictShape(pydantic.BaseModel):
    """A block of keys that takes no key but its own."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)
