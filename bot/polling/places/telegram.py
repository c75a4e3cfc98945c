"""Telegram: public channels, by the page on which each shows its last posts."""

from __future__ import annotations

import json
import re
from datetime import timedelta

from bot import model
from bot.polling.places import kit

#: What the preview page calls things.
_SELECTORS = {
    "item": "div.tgme_widget_message",
    "title": "div.tgme_widget_message_text",
    "link": "a.tgme_widget_message_date",
    "date": "a.tgme_widget_message_date > time",
    "text": "div.tgme_widget_message_text",
}


def _feed(rest: str, has_token: bool) -> model.Feed:
    found = kit.name(
        re.fullmatch(r"[A-Za-z]\w{3,31}", rest.removeprefix("@"), re.ASCII),
        form="telegram:channel, the name of a public channel",
    )
    return model.Feed(
        url=f"https://t.me/s/{found[0]}",
        owner=f"t.me/{found[0].lower()}",
        kind="page",
        options=json.dumps(_SELECTORS),
    )


PLACE = kit.Place(
    name="telegram",
    forms={"telegram:CHANNEL": "telegram:telegram"},
    feed=_feed,
    hosts={"t.me": kit.alike(every=timedelta(minutes=2), pace=timedelta(seconds=1))},
)
