"""Each reader of untrusted bytes keeps its promises over made-up inputs; ``make fuzz`` continues for ten minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import fuzz
from tests.hostile.readers import READERS


@pytest.mark.parametrize("name", READERS)
def test_a_reader_of_untrusted_bytes_keeps_its_promises(name: str, tmp_path: Path) -> None:
    result = fuzz.run(name, READERS[name], seconds=10, seed=1, folder=tmp_path, limit=25)
    assert not result.broken
    assert not list(tmp_path.glob("*.current"))
