"""What the configuration must know of channels and sources, which it may not import: which kinds there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot import plugins


@dataclass(frozen=True, slots=True)
class Kinds:
    channels: plugins.Kinds
    #: Asked only where a feed names its kind: to import every source takes a moment.
    sources: Callable[[], plugins.Kinds]
