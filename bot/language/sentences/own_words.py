"""A text without the invitations and the footer that an outlet puts under each of its items.

For reading what a text is about; which sentences are fit to be shown is judged in worth.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from bot.language.sentences import boilerplate
from bot.language.sentences.splitting import SentenceSpan, split

#: A text with none of these invites to nothing: looking at each of its sentences would halve the speed of grouping.
#: "The post … appeared first on …" says the headline again, and ties nothing together.
_SIGNS = (
    "subscribe",
    "follow us",
    "follow @",
    "find us",
    "sign up",
    "newsletter",
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
#: Words of a last paragraph that is a footer as a whole where one of its sentences is the outlet's.
_FOOTER_WORDS = 25
#: An address, or a line of hashtags: no words of the news.
_ADDRESS = re.compile(r"https?://\S+|^[^\w\n#]*+(?:#++\w++[^\S\n]*+)++$", re.MULTILINE)


def own_words(text: str, language: str | None = None) -> str:
    """The text as it is, but for the sentences that invite, addresses and lines of hashtags.

    >>> own_words("The tanker left.\\n\\nSubscribe to our channel: https://go.example/tube")
    'The tanker left.'
    """
    low = text.lower()
    if not any(sign in low for sign in _SIGNS):
        return text
    kept, at = [], 0
    for span in split(text, language):
        if boilerplate.is_boilerplate(span.text):
            kept.append(text[at : span.start])
            at = span.end
    return _ADDRESS.sub(" ", "".join((*kept, text[at:]))).strip()


def without_footer(spans: Sequence[SentenceSpan]) -> Sequence[SentenceSpan]:
    """The sentences of a text without its last paragraph where that is the outlet's: "Donate. We rely on you."."""
    last = [*takewhile(lambda span: span.paragraph == spans[-1].paragraph, reversed(spans))]
    if len(last) == len(spans) or sum(len(span.text.split()) for span in last) > _FOOTER_WORDS:
        return spans
    return spans[: -len(last)] if any(boilerplate.is_boilerplate(span.text) for span in last) else spans
