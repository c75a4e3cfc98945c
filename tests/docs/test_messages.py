"""docs/troubleshooting.md quotes only messages that the program still has."""

from __future__ import annotations

import re

from scripts.pages import messages

PAGE = (messages.ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
#: A line of a list that is nothing but a text of the program's.
_LISTED = re.compile(r"^- (?P<mark>`+) ?(?P<text>.+?) ?(?P=mark)$", re.MULTILINE)


def test_the_page_quotes_no_message_that_the_program_does_not_have_and_none_twice() -> None:
    texts = messages.messages()
    quoted = [match["text"] for match in _LISTED.finditer(PAGE)]
    assert len(quoted) > 20
    assert [text for text in quoted if text not in texts] == []
    assert len(set(quoted)) == len(quoted)
