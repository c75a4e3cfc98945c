"""All hostile documents and answers by name: the sort, a colon, and what it does."""

from __future__ import annotations

from tests.hostile import items, markup, servers, text
from tests.hostile.making import Documents

DOCUMENTS: Documents = {**markup.DOCUMENTS, **items.DOCUMENTS, **text.DOCUMENTS, **servers.DOCUMENTS}
