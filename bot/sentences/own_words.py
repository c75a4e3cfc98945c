"""A text without the invitations that an outlet puts under each of its items.

For reading what a text is about; which sentences are fit to be shown is judged in worth.py.
"""

from __future__ import annotations

import re

from bot.sentences import furniture
from bot.sentences.splitting import split

#: A text with none of these invites to nothing: looking at each of its sentences would halve the speed of grouping.
_SIGNS = (
    "subscribe",
    "follow us",
    "follow @",
    "find us",
    "sign up",
    "newsletter",
    "read more",
    "appeared first",
    "http",
    "abon",
    "suscr",
    "suivez",
    "inscr",
    "iscriviti",
    "подпи",
    "اشترك",
    "تابعون",
    "订阅",
    "訂閱",
    "チャンネル",
    "구독",
    "करें",
    "کریں",
)
#: An address, or a line of hashtags: no words of the news.
_ADDRESS = re.compile(r"https?://\S+|^\W*#\w+(?:\s+#\w+)*\s*$", re.MULTILINE)


def own_words(text: str, language: str | None = None) -> str:
    """The text's own sentences, each a paragraph; the text as it is where nothing in it looks like an invitation.

    >>> own_words("The tanker left.\\n\\nSubscribe to our channel: https://go.example/tube")
    'The tanker left.'
    """
    low = text.lower()
    if not any(sign in low for sign in _SIGNS):
        return text
    own = [span.text for span in split(text, language) if not furniture.is_boilerplate(span.text)]
    return _ADDRESS.sub(" ", "\n\n".join(own)).strip()
