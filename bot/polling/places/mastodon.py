"""Mastodon: the public posts of an account, or of a tag on one server."""

from __future__ import annotations

import re

from bot import model
from bot.polling.places import kit

_FORM = "mastodon:@name@server.example or mastodon:#tag@server.example"
_HOST = r"[a-zA-Z0-9-]{1,63}(?:\.[a-zA-Z0-9-]{1,63}){1,9}"


def _feed(rest: str, has_token: bool) -> model.Feed:
    found = kit.name(re.fullmatch(rf"(#?)([\w.-]{{1,60}})@({_HOST})", rest.removeprefix("@"), re.ASCII), form=_FORM)
    path = f"tags/{found[2]}" if found[1] else f"@{found[2]}"
    # A server is no publisher: each account is an owner. Under a tag anybody may post, from servers of his own.
    return model.Feed(url=f"https://{found[3].lower()}/{path}.rss", owner=f"{found[1]}{found[2]}@{found[3]}".lower())


PLACE = kit.Place(
    name="mastodon",
    forms={
        "mastodon:@NAME@SERVER": "mastodon:@Mozilla@mozilla.social",
        "mastodon:#TAG@SERVER": "mastodon:#infosec@mastodon.social",
    },
    feed=_feed,
)
