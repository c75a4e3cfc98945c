"""Encoders: models that turn texts of several languages into vectors. Each library is imported on first use."""

from __future__ import annotations

from functools import cache

from bot import model


@cache
def of(languages: model.Languages) -> model.Encoder | None:
    """Return the encoder that bot.yaml names, or None; one per process, loaded at its first texts."""
    if languages is model.Languages.OFF:
        return None
    # Imported here: most configurations have no encoder.
    from bot.text.encoders import multilingual_e5, universal
    from bot.text.encoders.bounded import Bounded

    return Bounded(universal.Model if languages is model.Languages.UNIVERSAL else multilingual_e5.Model)
