"""Encoders: models that read meaning in several languages. Each library is imported on first use, in its own file."""

from __future__ import annotations

from functools import cache

from bot import model


@cache
def of(languages: model.Languages) -> model.Encoder | None:
    """The encoder that bot.yaml names, one a process, which loads on its first texts; None: off."""
    if languages is model.Languages.OFF:
        return None
    # Costs start-up: most configurations have none.
    from bot.text.encoders import multilingual_e5, universal
    from bot.text.encoders.bounded import Bounded

    return Bounded(universal.Model if languages is model.Languages.UNIVERSAL else multilingual_e5.Model)
